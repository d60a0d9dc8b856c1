"""Due times: one instant a period in every zone, at the chosen local time or as the documented rules say."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core import schedule
from bot.core.when import When, parse_until, parse_when

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})
# Zones whose clocks change at odd hours, by odd steps, or on odd days.
ODD = (
    "America/Toronto",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Africa/Cairo",
)


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_has_one_instant_a_week_for_two_years_at_the_wall_clocks_time(zone: str) -> None:
    dues = list(islice(schedule.due_dates(1, 9 * 60 + 30, zone, after=START), 104))
    assert len({d.period for d in dues}) == 104
    assert all(b.at > a.at for a, b in pairwise(dues))
    assert {(d.local.weekday(), d.local.hour, d.local.minute) for d in dues} == {(1, 9, 30)}


@pytest.mark.parametrize("zone", ODD)
@pytest.mark.parametrize("weekday", range(7))
def test_every_weekday_and_half_hour_over_the_clock_changes(zone: str, weekday: int) -> None:
    for minute in range(schedule.EARLIEST, schedule.LATEST, 30):
        dues = list(islice(schedule.due_dates(weekday, minute, zone, after=START), 104))
        assert len({d.period for d in dues}) == 104
        assert all(schedule.in_hours(d.at, zone) for d in dues)


def test_a_missing_hour_shifts_by_the_jump_and_a_repeated_one_counts_once_first() -> None:
    missing = schedule.due_on(date(2026, 3, 8), 2 * 60 + 30, "America/Toronto")
    assert missing.local.strftime("%H:%M") == "03:30"
    repeated = schedule.due_on(date(2026, 11, 1), 60 + 30, "America/Toronto")
    assert repeated.at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # the first of the two, on summer time


@settings(deadline=None)
@given(
    weekday=st.integers(0, 6),
    minute=st.integers(schedule.EARLIEST, schedule.LATEST - 1),
    zone=st.sampled_from(ZONES),
    after=st.datetimes(datetime(2024, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given UTC
    every=st.sampled_from([1, 2, 4]),
)
def test_what_is_due_lies_ahead_once_a_period_in_its_rhythm(
    weekday: int, minute: int, zone: str, after: datetime, every: int
) -> None:
    since = after.date()
    dues = list(islice(schedule.due_dates(weekday, minute, zone, after=after, every_weeks=every, since=since), 6))
    assert all(d.at > after for d in dues)
    assert len({d.period for d in dues}) == 6
    weeks = [schedule.week_number(d.local.date()) for d in dues]
    assert all(b - a == every for a, b in pairwise(weeks))
    assert dues[0].at - after <= timedelta(weeks=every, days=2)


def test_the_week_around_new_year_is_one_period() -> None:
    assert schedule.period_of(date(2026, 12, 31)) == schedule.period_of(date(2027, 1, 3)) == "2026-W53"
    dues = list(islice(schedule.due_dates(4, 600, "Europe/London", after=datetime(2026, 12, 20, tzinfo=UTC)), 3))
    assert [d.period for d in dues] == ["2026-W52", "2026-W53", "2027-W01"]


def test_nothing_is_due_before_a_pause_ends() -> None:
    first = next(schedule.due_dates(1, 570, "Europe/London", after=START, not_before=date(2026, 2, 4)))
    assert first.local.date() == date(2026, 2, 10)


@settings(deadline=None)
@given(
    instant=st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given UTC
    zone=st.sampled_from(ZONES),
)
def test_an_opening_and_a_snooze_are_always_within_the_hours_and_soon(instant: datetime, zone: str) -> None:
    opening = schedule.opening(instant, zone)
    assert schedule.in_hours(opening, zone)
    assert instant <= opening <= instant + timedelta(hours=13)
    again = schedule.snoozed(instant, zone)
    assert schedule.in_hours(again, zone)
    assert again >= instant + timedelta(hours=2)


@pytest.mark.parametrize(("at", "inside"), [("07:59", False), ("08:00", True), ("19:59", True), ("20:00", False)])
def test_the_hours_are_from_eight_to_twenty(at: str, inside: bool) -> None:
    local = datetime.combine(date(2026, 11, 24), time.fromisoformat(at), ZoneInfo("Asia/Tokyo"))
    assert schedule.in_hours(local.astimezone(UTC), "Asia/Tokyo") is inside


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe/Berlin\x00", "a" * 5000])
def test_an_unknown_zone_is_told_not_guessed(name: str) -> None:
    with pytest.raises(schedule.UnknownZone):
        schedule.due_at(date(2026, 11, 24), 570, name)


@pytest.mark.parametrize(
    ("words", "zones"),
    [
        ("Europe/Berlin", ["Europe/Berlin"]),
        ("europe/berlin", ["Europe/Berlin"]),
        ("Berlin", ["Europe/Berlin"]),
        ("new york", ["America/New_York"]),
        ("  Sao  Paulo ", ["America/Sao_Paulo"]),
        ("Atlantis", []),
        ("", []),
        ("🙂", []),
    ],
)
def test_a_zone_is_found_by_name_or_city(words: str, zones: list[str]) -> None:
    assert schedule.find_zones(words) == zones


@pytest.mark.parametrize(
    ("words", "when"),
    [
        ("on Tuesday 9:30", When(1, 570)),
        ("on tuesdays at 9.30", When(1, 570)),
        ("Tue 0930", When(1, 570)),
        ("thurs 14h15", When(3, 855)),
        ("fri 2pm", When(4, 840)),
        ("Friday 2:15 p.m.", When(4, 855)),
        ("monday 12 pm", When(0, 720)),
        ("sunday noon", When(6, 720)),
        ("wed 8", When(2, 480)),
        ("19:59 saturday", When(5, 1199)),
        ("9:30", When(None, 570, "no_day")),
        ("tuesday", When(1, None, "no_time")),
        ("tuesday and friday 9:30", When(None, 570, "many_days")),
        ("tuesday 12 am", When(1, 0, "out_of_hours")),
        ("tuesday 20:00", When(1, 1200, "out_of_hours")),
        ("tuesday 99", When(1, None, "bad_time")),
        ("", When(None, None, "no_day")),
        ("teusday 9:30am", When(1, 570)),
        ("every wensday, half past nine", When(2, 570)),
        ("thirsday quarter to ten", When(3, 585)),
        ("on munday at two in the afternoon", When(0, 840)),
        ("Fryday 9-30", When(4, 570)),
        ("satuday ten o'clock", When(5, 600)),
        ("tues 9 30", When(1, 570)),
        ("nine thirty on Thursday", When(3, 570)),
        ("every two weeks on Tuesday 9:30", When(1, 570, None, 2)),
        ("fortnightly fri 2pm", When(4, 840, None, 2)),
        ("monthly, mon 8:15", When(0, 495, None, 4)),
        ("every week tue 10", When(1, 600, None, 1)),
        ("someday 9:30", When(None, 570, "no_day")),
        ("today or yesterday at 9", When(None, 540, "no_day")),
    ],
)
def test_day_and_time_are_read_as_people_type_them(words: str, when: When) -> None:
    assert parse_when(words) == when


@settings(deadline=None)
@given(st.text(max_size=200))
def test_reading_a_day_and_time_never_fails(words: str) -> None:
    when = parse_when(words)
    if when.problem is None:
        assert when.weekday in range(7)
        assert when.minute is not None
        assert schedule.allowed(when.minute)
    parse_until(words, date(2026, 11, 23))
    schedule.find_zones(words)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("2026-12-24", date(2026, 12, 24)),
        ("until 2026-12-24", date(2026, 12, 24)),
        ("3 weeks", date(2026, 12, 14)),
        ("for two weeks", date(2026, 12, 7)),
        ("a month", date(2026, 12, 23)),
        ("until 24 December", date(2026, 12, 24)),
        ("until Dec 24th", date(2026, 12, 24)),
        ("1 march", date(2027, 3, 1)),
        ("24.12.", date(2026, 12, 24)),
        ("7.1.2027", date(2027, 1, 7)),
        ("until Monday", date(2026, 11, 30)),
        ("tomorrow", date(2026, 11, 24)),
        ("until next month", date(2026, 12, 23)),
        ("30 february", None),
        ("24.12.2025", None),
        ("2026-11-23", None),
        ("2026-02-30", None),
        ("0 weeks", None),
        ("soon", None),
    ],
)
def test_the_end_of_a_pause_is_read_and_lies_ahead(words: str, day: date | None) -> None:
    assert parse_until(words, date(2026, 11, 23)) == day


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "today"),
        (1, "yesterday"),
        (13, "13 days ago"),
        (14, "2 weeks ago"),
        (59, "8 weeks ago"),
        (60, "2 months ago"),
        (364, "12 months ago"),
        (365, "1 year ago"),
        (800, "2 years ago"),
        (-3, "today"),
    ],
)
def test_how_long_ago_is_said_in_whole_units(days: int, words: str) -> None:
    assert schedule.ago_words(START, START + timedelta(days=days)) == words
