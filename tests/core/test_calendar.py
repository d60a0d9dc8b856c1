"""Row D11: every zone, weekday and half hour over the clock changes of 2026 and 2027, held against offsets alone.

The oracle asks a zone only which offset it has at an instant, never what a wall clock means; from that follow the
instants at which the wall clock shows a time: one, two (the first counts), or none (as much later as the clock jumps).
Zones with the same offsets and changes behave alike, so each such group is gone through once, for all its zones.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from bot.core import schedule

FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
DAY = timedelta(days=1)
HALF_HOURS = range(0, 24 * 60, 30)
ZONES = sorted(available_timezones() - {"localtime"})


@dataclass(frozen=True)
class Clock:
    """What a zone's clock does over these two years: spans of one offset each, as seconds since 1970."""

    spans: tuple[tuple[int, int, int], ...]  # from, until, offset

    @property
    def changes(self) -> list[int]:
        return [begin for begin, _, _ in self.spans[1:]]

    def instants(self, wall: int) -> list[int]:
        """When the clock shows this wall time, given as if it were UTC."""
        return [wall - offset for begin, end, offset in self.spans if begin <= wall - offset < end]

    def due(self, wall: int) -> int:
        """When a nudge for this wall time is due."""
        if shown := self.instants(wall):
            return shown[0]
        before = next(a for a, b in pairwise(self.spans) if wall - a[2] >= a[1] and wall - b[2] < b[0])
        return wall - before[2]


def clock_of(zone: ZoneInfo) -> Clock:
    """Its offsets day by day, and each change found to the second."""
    begin, end = _seconds(FIRST - 14 * DAY), _seconds(LAST + 14 * DAY)
    spans, start, offset = [], begin, _offset(zone, begin)
    for at in range(begin, end, 86_400):
        if _offset(zone, at + 86_400) != offset:
            change = _change(zone, at, at + 86_400, offset)
            spans.append((start, change, offset))
            start, offset = change, _offset(zone, change)
    return Clock((*spans, (start, end + 86_400, offset)))


def _change(zone: ZoneInfo, low: int, high: int, offset: int) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _seconds(day: date) -> int:
    return calendar.timegm(day.timetuple())


@pytest.fixture(scope="module")
def groups() -> dict[Clock, list[str]]:
    found: dict[Clock, list[str]] = defaultdict(list)
    for name in ZONES:
        found[clock_of(ZoneInfo(name))].append(name)
    return found


def days_around(clock: Clock, *, all_days: bool) -> Iterator[date]:
    """Every day of the weeks in which the clock changes, or of both years."""
    if all_days:
        yield from (FIRST + number * DAY for number in range((LAST - FIRST).days + 1))
        return
    changed = {datetime.fromtimestamp(at, UTC).date() for at in clock.changes}
    mondays = {day - day.weekday() * DAY + week * 7 * DAY for day in changed for week in (-1, 0, 1)}
    yield from (monday + number * DAY for monday in sorted(mondays) for number in range(7))


@pytest.mark.fault("D11")
@pytest.mark.timeout(900)
def test_d11_every_half_hour_of_every_day_around_the_clock_changes_has_its_one_instant(
    groups: dict[Clock, list[str]], full: bool, figure
) -> None:
    looked, missing, repeated = 0, 0, 0
    for clock, names in groups.items():
        for day in days_around(clock, all_days=full):
            midnight = _seconds(day)
            for minute in HALF_HOURS:
                wall = midnight + minute * 60
                at = schedule.due_at(day, minute, names[0])
                assert at.timestamp() == clock.due(wall), (names[0], day, minute)
                shown = len(clock.instants(wall))
                looked, missing, repeated = looked + 1, missing + (shown == 0), repeated + (shown == 2)
    figure(
        f"{len(ZONES)} zones in {len(groups)} groups that behave alike: {looked:,} wall times, each with 1 instant; "
        f"{missing} in a missing hour came as much later as the clock jumped, {repeated} in a repeated one came first"
    )
    assert missing
    assert repeated


@pytest.mark.fault("D11")
@pytest.mark.timeout(900)
def test_d11_there_is_one_nudge_a_period_across_every_clock_change(
    groups: dict[Clock, list[str]], full: bool, figure
) -> None:
    periods = 0
    for clock, names in groups.items():
        starts = [datetime(2026, 1, 1, tzinfo=UTC)] if full else _before_changes(clock)
        for start in starts:
            count = 104 if full else 4
            first = schedule.week_number(start.astimezone(ZoneInfo(names[0])).date())
            for weekday in range(7):
                for minute in HALF_HOURS:
                    dues = list(islice(schedule.due_dates(weekday, minute, names[0], after=start), count))
                    weeks = [schedule.week_number(_monday(due.period)) for due in dues]
                    assert weeks == list(range(weeks[0], weeks[0] + count)), (names[0], weekday, minute)
                    assert weeks[0] - first in {0, 1}
                    # Where the last hour before midnight is missing, the next day begins with it.
                    allowed = schedule.allowed(minute)
                    assert all(
                        due.local.weekday() in {weekday, weekday if allowed else (weekday + 1) % 7} for due in dues
                    )
                    periods += count
    figure(f"{len(ZONES)} zones: {periods:,} periods of every weekday and half hour, each with exactly 1 instant")


def _monday(period: str) -> date:
    year, week = period.split("-W")
    return date.fromisocalendar(int(year), int(week), 1)


def _before_changes(clock: Clock) -> list[datetime]:
    return [datetime.fromtimestamp(at, UTC) - timedelta(days=15) for at in clock.changes]
