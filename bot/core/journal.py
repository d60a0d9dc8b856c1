"""Looking back over a journal: which entries fit, how often one wrote, what a month holds. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from bot.core.records import Reflection
from bot.core.schedule import UnknownZone, zone_of

_WEEKS_BACK = 8
_QUOTES = 3
_SHORTEST_QUOTE = 5  # words


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; what is empty doesn't matter."""

    words: str = ""  # each has to occur, in any order, in what was written, asked or meant to be done
    unit: str = ""
    month: str = ""  # "2026-11", in the person's zone
    zone: str | None = None

    @property
    def is_open(self) -> bool:
        """True where every entry fits."""
        return not (self.words.strip() or self.unit or self.month)


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a journal."""

    first: date
    entries: int
    weeks: int  # different weeks in which something was written
    units: tuple[tuple[str, int], ...]  # touched how often, most often first; entries without a unit aren't counted
    done: tuple[str, ...]  # commitments of this month that were kept
    open: tuple[str, ...]
    dropped: int
    went: float | None  # mean of how it went, 1 to 5, where the person said so
    quotes: tuple[Reflection, ...]  # entries to read again, oldest first


@dataclass(frozen=True, slots=True)
class Habit:
    """How often somebody wrote lately. Counts only what is there: a gap breaks nothing."""

    total: int
    weeks: int  # of the last eight, those with an entry
    of: int = _WEEKS_BACK


def fold(text: str) -> str:
    """Words as they are compared: without case, accents and double spaces."""
    decomposed = unicodedata.normalize("NFKD", text)  # first, as "\u2121" (a sign for TEL) holds capitals
    plain = unicodedata.normalize("NFKD", decomposed.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def kept(entries: Iterable[Reflection], wanted: Filter) -> list[Reflection]:
    """The entries that fit, in the given order."""
    words, zone = fold(wanted.words).split(), _zone(wanted.zone)

    def fits(entry: Reflection) -> bool:
        if wanted.unit and (entry.unit or "") != wanted.unit:
            return False
        if wanted.month and local_day(entry.created_at, zone).strftime("%Y-%m") != wanted.month:
            return False
        text = fold(f"{entry.text} {entry.prompt} {entry.commitment}")
        return all(word in text for word in words)

    return [entry for entry in entries if fits(entry)]


def local_day(instant: datetime, zone: tzinfo) -> date:
    """The day of an instant where the person is."""
    return instant.astimezone(zone).date()


def months(entries: Iterable[Reflection], zone: str | None) -> list[date]:
    """The first days of the months in which something was written, latest first."""
    there = _zone(zone)
    return sorted({local_day(e.created_at, there).replace(day=1) for e in entries}, reverse=True)


def habit(entries: Sequence[Reflection], today: date, zone: str | None) -> Habit:
    """How often somebody wrote in the last eight weeks, this one included."""
    there, monday = _zone(zone), today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=_WEEKS_BACK - 1)
    days = (local_day(e.created_at, there) for e in entries)
    return Habit(len(entries), len({d.isocalendar()[:2] for d in days if d >= first}))


def month_of(entries: Iterable[Reflection], first: date, zone: str | None) -> Month:
    """What one month holds, in words of one's own and in counts."""
    wanted = Filter(month=first.strftime("%Y-%m"), zone=zone)
    inside = sorted(kept(entries, wanted), key=lambda e: e.created_at)
    rated = [e.went for e in inside if e.went is not None]
    return Month(
        first=first,
        entries=len(inside),
        weeks=len({local_day(e.created_at, _zone(zone)).isocalendar()[:2] for e in inside}),
        units=tuple(Counter(e.unit for e in inside if e.unit).most_common()),
        done=tuple(e.commitment for e in inside if e.commitment_state == "done"),
        open=tuple(e.commitment for e in inside if e.commitment_state == "open"),
        dropped=sum(e.commitment_state == "dropped" for e in inside),
        went=sum(rated) / len(rated) if rated else None,
        quotes=_worth_rereading(inside),
    )


def _worth_rereading(inside: Sequence[Reflection]) -> tuple[Reflection, ...]:
    """Up to three entries with something in them, from the beginning, the middle and the end of the month."""
    full = [e for e in inside if len(e.text.split()) >= _SHORTEST_QUOTE] or list(inside)
    if len(full) <= _QUOTES:
        return tuple(full)
    return (full[0], full[len(full) // 2], full[-1])


def _zone(name: str | None) -> tzinfo:
    try:
        return zone_of(name) if name else UTC
    except UnknownZone:
        return UTC
