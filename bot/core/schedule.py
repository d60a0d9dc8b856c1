"""When a nudge is due: instants per ISO week from a person's own day, time and IANA zone. Pure.

Rules: an instant is computed once, from the local day and time with fold 0, and kept in UTC. In an hour that occurs
twice the first counts; in an hour that a clock change leaves out, the nudge comes as much later as the clock jumps.
A period is the ISO week of the local day, so there is one instant a period whatever the zone does.
"""

from __future__ import annotations

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


class UnknownZone(ValueError):
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


def in_rhythm(day: date, every_weeks: int, since: date | None = None) -> bool:
    """True where the week of a day is one of every so many, counted from the week of `since`."""
    return (week_number(day) - (week_number(since) if since else 0)) % every_weeks == 0


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
    while True:
        if in_rhythm(day, every_weeks, since) and day >= first:
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


def tomorrow(now: datetime, zone: str, minute: int) -> datetime:
    """The same minute of the person's day on the day after (UTC). Raises UnknownZone."""
    return due_at(now.astimezone(zone_of(zone)).date() + timedelta(days=1), minute, zone)


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


def allowed(minute: int) -> bool:
    """True for a minute after midnight at which a nudge may be wished, 8:00 to 19:59."""
    return EARLIEST <= minute < LATEST
