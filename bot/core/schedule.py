"""When a nudge is due: instants per ISO week from a person's own day, time and IANA zone. Pure.

Rules: an instant is computed once, from the local day and time with fold 0, and kept in UTC. In an hour that occurs
twice the first counts; in an hour that a clock change leaves out, the nudge comes as much later as the clock jumps.
A period is the ISO week of the local day, so there is one instant a period whatever the zone does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

EARLIEST = 8 * 60  # local minutes after midnight: nothing is sent before
LATEST = 20 * 60  # nothing is sent at or after
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEK = timedelta(weeks=1)
_EPOCH = date(2024, 1, 1)  # a Monday; weeks are counted from it


class UnknownZone(ValueError):  # noqa: N818 - what it is
    """No time zone of that name is known here; `str(error)` is the name."""


@dataclass(frozen=True, slots=True)
class Due:
    """One time at which a nudge is wanted."""

    period: str  # "2026-W48"
    at: datetime  # aware, UTC
    local: datetime  # aware, in the person's zone: what their clock shows then


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # tzdata raises each of these for some kind of bad name
        raise UnknownZone(name) from error


@cache
def _known_zones() -> tuple[str, ...]:
    return tuple(sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/", "US/"))))


def find_zones(words: str, limit: int = 5) -> list[str]:
    """IANA zones that a person may mean by a name or a city, an exact one alone."""
    wanted = "_".join(words.strip().split()).casefold()
    known = _known_zones()
    exact = [z for z in known if z.casefold() == wanted]
    if exact or not wanted:
        return exact
    cities = [z for z in known if z.casefold().rpartition("/")[2] == wanted]
    return (cities or [z for z in known if wanted in z.casefold()])[:limit]


# --- periods and instants -------------------------------------------------------------------------------------------


def period_of(day: date) -> str:
    """The ISO week of a day, "2026-W48"."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def due_at(day: date, minute: int, zone: str) -> datetime:
    """The instant (UTC) of a local day and minute after midnight. Raises UnknownZone."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone_of(zone))
    return wall.astimezone(UTC)


def due_on(day: date, minute: int, zone: str) -> Due:
    """What is due on a local day. Raises UnknownZone."""
    at = due_at(day, minute, zone)
    return Due(period_of(day), at, at.astimezone(zone_of(zone)))


def week_number(day: date) -> int:
    """Weeks since a fixed Monday: which weeks an every-other-week rhythm takes."""
    return (day - _EPOCH).days // 7


def due_dates(
    weekday: int,
    minute: int,
    zone: str,
    *,
    after: datetime,
    every_weeks: int = 1,
    since: date | None = None,
    not_before: date | None = None,
) -> Iterator[Due]:
    """What is due after an instant, without end: one a period, in every `every_weeks`-th week counted from `since`.

    `weekday` is 0 for Monday to 6; `not_before` is the first local day that counts. Raises UnknownZone.
    """
    today = after.astimezone(zone_of(zone)).date()
    first = max(today, not_before or today)
    day = first - timedelta(days=first.weekday()) + timedelta(days=weekday)
    anchor = week_number(since) if since else 0
    while True:
        in_rhythm = (week_number(day) - anchor) % every_weeks == 0
        if in_rhythm and day >= first:
            due = due_on(day, minute, zone)
            if due.at > after:
                yield due
        day += _WEEK


# --- hours in which a message may come --------------------------------------------------------------------------------


def in_hours(instant: datetime, zone: str) -> bool:
    """True between 8:00 and 20:00 of the person's day. Raises UnknownZone."""
    local = instant.astimezone(zone_of(zone))
    return EARLIEST <= local.hour * 60 + local.minute < LATEST


def opening(instant: datetime, zone: str) -> datetime:
    """The instant itself where a message may come then, else the next 8:00 (UTC). Raises UnknownZone."""
    if in_hours(instant, zone):
        return instant
    local = instant.astimezone(zone_of(zone))
    day = local.date() if local.hour * 60 + local.minute < EARLIEST else local.date() + timedelta(days=1)
    return due_at(day, EARLIEST, zone)


def snoozed(now: datetime, zone: str, hours: int = 2) -> datetime:
    """When a snoozed nudge comes again: some hours later, or the next morning where that is past the day's end."""
    return opening(now + timedelta(hours=hours), zone)


# --- words ------------------------------------------------------------------------------------------------------------


def clock_words(minute: int) -> str:
    """Minutes after midnight as people read them, "9:30"."""
    return f"{minute // 60}:{minute % 60:02d}"


def day_words(day: date) -> str:
    """A day in words, "Tuesday 24 November"."""
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def local_words(due: Due) -> str:
    """A due time in words, "Tuesday 24 November, 9:30"."""
    return f"{day_words(due.local.date())}, {clock_words(due.local.hour * 60 + due.local.minute)}"


def zone_words(zone: str) -> str:
    """A zone as people know it, "Toronto time (America/Toronto)"."""
    city = zone.rpartition("/")[2].replace("_", " ")
    return f"{city} time ({zone})" if "/" in zone else f"{zone} time"


def ago_words(then: datetime, now: datetime) -> str:
    """How long ago something was, in whole days, weeks or months."""
    days = max(0, (now.date() - then.date()).days)
    if days == 0:
        return "today"
    if days == 1:
        return "yesterday"
    for size, name in ((365, "year"), (30, "month"), (7, "week")):
        if days >= 2 * size or (size == 365 and days >= size):  # noqa: PLR2004 - "two of them" reads better than one
            count = days // size
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return f"{days} days ago"


# --- what people type -------------------------------------------------------------------------------------------------

_DAY_NAMES = {
    alias: number
    for number, name in enumerate(DAYS)
    for alias in {name.lower(), f"{name.lower()}s", name[:3].lower(), name[:4].lower(), name[:2].lower()}
} | {"thurs": 3, "weds": 2, "tues": 1}
_TIME = re.compile(
    r"(?ix)(?<![\d.:])(?:at\s+)?(\d{1,2})(?:\s*[:.h]\s*(\d{2})|(\d{2}))?\s*(a\.?m\.?|p\.?m\.?|o'?clock|h|uhr)?(?![\d:])"
)


@dataclass(frozen=True, slots=True)
class When:
    """A day and time as typed; a part that wasn't said, or can't be, is None."""

    weekday: int | None = None
    minute: int | None = None
    problem: str | None = None  # "no_day", "many_days", "no_time", "bad_time", "out_of_hours"; None: all is clear


def parse_when(words: str) -> When:
    """The weekday and time in words such as "on Tuesday 9:30" or "fri 2 pm"."""
    text = words.lower().replace("noon", "12:00")
    days = {_DAY_NAMES[w] for w in re.findall(r"[a-z]+", text) if w in _DAY_NAMES}
    weekday = next(iter(days)) if len(days) == 1 else None
    minute, problem = _minute_in(text)
    if len(days) != 1:
        problem = "many_days" if days else "no_day"
    return When(weekday, minute, problem)


def _minute_in(text: str) -> tuple[int | None, str | None]:
    found = _TIME.search(text)
    if not found:
        return None, "no_time"
    hour, minute = int(found[1]), int(found[2] or found[3] or 0)
    half = (found[4] or "").replace(".", "")
    if half in {"am", "pm"} and 1 <= hour <= 12:  # noqa: PLR2004 - a clock face
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:  # noqa: PLR2004 - a day's hours, an hour's minutes
        return None, "bad_time"
    total = hour * 60 + minute
    return (total, None) if allowed(total) else (total, "out_of_hours")


def allowed(minute: int) -> bool:
    """True for a minute after midnight at which a nudge may be wished, 8:00 to 19:59."""
    return EARLIEST <= minute < LATEST


def parse_until(words: str, today: date) -> date | None:
    """The day meant by "2026-12-24", "3 weeks" or "10 days"; None where that can't be told or lies in the past."""
    text = words.lower().strip()
    if iso := re.search(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b", text):
        try:
            day = date(int(iso[1]), int(iso[2]), int(iso[3]))
        except ValueError:
            return None
        return day if day > today else None
    if span := re.search(r"\b(\d{1,3}|a|one|two|three|four)\s*(day|week|month)s?\b", text):
        count = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4}.get(span[1]) or int(span[1])
        return today + timedelta(days=count * {"day": 1, "week": 7, "month": 30}[span[2]]) if count else None
    return None
