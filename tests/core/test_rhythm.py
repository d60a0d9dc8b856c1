"""Which week brings what: never two in one week, self-checks on their day, reflections by their rhythm."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.rhythm import CADENCES, CHECK_WEEKS, Rhythm, slots

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def rhythm(**changes: object) -> Rhythm:
    return Rhythm(**({"weekday": 1, "minute": 570, "zone": "America/Toronto", "since": TODAY} | changes))  # type: ignore[arg-type]


def kinds(one: Rhythm, count: int) -> list[tuple[int, str]]:
    """Weeks from now, and what they bring."""
    got = islice(slots(one, NOW), count)
    return [((slot.due.local.date() - TODAY).days // 7, slot.kind) for slot in got]


def test_a_check_takes_the_place_of_the_weeks_reflection() -> None:
    assert kinds(rhythm(check_weeks=4, checked=TODAY), 10) == [
        (week, "selfcheck" if week in {4, 8} else "reflection") for week in range(10)
    ]


def test_a_check_in_a_week_without_a_reflection_comes_in_that_week() -> None:
    got = kinds(rhythm(every_weeks=4, check_weeks=13, checked=TODAY), 6)
    assert got == [(0, "reflection"), (4, "reflection"), (8, "reflection"), (12, "reflection"), (13, "selfcheck"),
                   (16, "reflection")]  # fmt: skip


def test_checks_as_often_as_reflections_leave_room_for_both() -> None:
    assert kinds(rhythm(every_weeks=4, check_weeks=4, checked=TODAY), 6) == [
        (0, "reflection"), (4, "selfcheck"), (8, "reflection"), (9, "selfcheck"), (12, "reflection"), (13, "selfcheck"),
    ]  # fmt: skip


@pytest.mark.parametrize("checked", [None, TODAY])
def test_nobody_is_asked_to_check_who_did_not_choose_it(checked: date | None) -> None:
    assert all(kind == "reflection" for _, kind in kinds(rhythm(checked=checked), 60))
    assert not rhythm(checked=checked).check_due(date.max)


@settings(deadline=None, max_examples=150)
@given(
    weekday=st.integers(0, 6),
    zone=st.sampled_from(["America/Toronto", "Asia/Tokyo", "Pacific/Apia", "Europe/London"]),
    every=st.sampled_from(CADENCES),
    weeks=st.sampled_from(CHECK_WEEKS),
    checked=st.dates(date(2026, 6, 1), TODAY),
    since=st.dates(date(2026, 6, 1), TODAY),
    before=st.sampled_from([None, "reflection", "selfcheck"]),
)
def test_weeks_are_never_doubled_and_checks_keep_their_distance(
    *, weekday: int, zone: str, every: int, weeks: int, checked: date, since: date, before: str | None
) -> None:
    one = rhythm(
        weekday=weekday, zone=zone, every_weeks=every, check_weeks=weeks, checked=checked, since=since, before=before
    )
    got = list(islice(slots(one, NOW), 60))
    assert len({slot.due.period for slot in got}) == 60
    assert all(slot.due.local.weekday() == weekday for slot in got)
    checks = [slot.due.local.date() for slot in got if slot.kind == "selfcheck"]
    for first, second in pairwise([checked, *checks]):
        assert second - first >= timedelta(weeks=weeks)
    for first, second in pairwise(checks):
        assert second - first <= timedelta(weeks=weeks + 1)
    # Every reflection of the rhythm comes, save where a self-check stands in its week.
    reflecting = {slot.due.period for slot in got if one.has_reflection(slot.due.local.date())}
    assert {slot.due.period for slot in got if slot.kind == "reflection"} <= reflecting
    assert sum(slot.kind == "reflection" for slot in got) >= 8
