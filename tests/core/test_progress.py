"""The profile's figures: bounded, never lowered by a higher rating or by "not my role"; what moved, most first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_descriptors
from bot.core.progress import Bar, bars, movements, track
from bot.core.records import Check, Member
from bot.core.selfcheck import Rating, level_reached

ROOT = Path(__file__).parents[2]
DESCRIPTORS = load_descriptors(ROOT, load_knowledge(ROOT))
ANA = Member("T", "U")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
rating = st.one_of(st.none(), st.integers(1, 5))
all_ratings = st.lists(rating, min_size=8, max_size=8)


def _check(ratings: list[Rating], unit: str = "C4", *, days_ago: int = 0, version: str = "") -> Check:
    descriptor = DESCRIPTORS[unit]
    level = level_reached(descriptor, ratings) if len(ratings) == len(descriptor.statements) else None
    at = NOW - timedelta(days=days_ago)
    return Check(f"{unit}{days_ago}", ANA, unit, tuple(ratings), level, "", version or descriptor.version, at)


def _bar(ratings: list[Rating]) -> Bar:
    return bars({"C4": _check(ratings)}, DESCRIPTORS)[0]


def test_a_bar_says_how_much_of_each_level_is_not_open() -> None:
    bar = _bar([3, 4, 2, None, 1, 1, 1, 5])
    assert (bar.foundational, bar.advanced) == (75, 25)
    assert (_bar([3, 3, 3, 3, None, None, None, None]).advanced) is None
    assert bars({"C4": _check([None] * 8)}, DESCRIPTORS) == ()


@given(all_ratings, st.integers(0, 7))
def test_neither_a_higher_rating_nor_not_my_role_shortens_a_bar(ratings: list[Rating], at: int) -> None:
    if all(r is None for r in ratings):
        return
    before = _bar(ratings)
    old = ratings[at]
    if old is not None and old < 5:
        assert _lengths(_bar([*ratings[:at], old + 1, *ratings[at + 1 :]])) >= _lengths(before)
    level = slice(0, 4) if at < 4 else slice(4, 8)
    without: list[Rating] = [*ratings[:at], None, *ratings[at + 1 :]]
    if any(r is not None for r in without[level]):  # a level of which nothing is left has no bar
        after = _bar(without)
        assert all(a >= b for a, b in zip(_lengths(after), _lengths(before), strict=True))
    assert all(0 <= length <= 100 for length in _lengths(before))


def _lengths(bar: Bar) -> tuple[int, int]:
    return bar.foundational or 0, bar.advanced or 0


def test_checks_of_earlier_statements_still_have_their_bars() -> None:
    bar = bars({"C4": _check([3, 3, 1, 1, 1, 1], version="C4-2020")}, DESCRIPTORS)[0]
    assert (bar.foundational, bar.advanced) == (67, 0)


def test_a_unit_over_time_is_told_oldest_first_without_checks_that_rated_nothing() -> None:
    points = track([_check([5] * 8), _check([None] * 8, days_ago=7), _check([1, 2, *[None] * 6], days_ago=14)])
    assert [p.rating for p in points] == [1.5, 5]


def test_what_moved_most_comes_first_in_either_direction_and_one_check_is_no_movement() -> None:
    history = [
        _check([3] * 8, "C1"),
        _check([2] * 8, "C2"),
        _check([1] * 8, "C3"),
        _check([2] * 8, "C1", days_ago=7),
        _check([1] * 8, "C1", days_ago=14),
        _check([4] * 8, "C3", days_ago=30),
    ]
    moved = movements(history)
    assert [(m.unit, m.change, m.count) for m in moved] == [("C3", -3, 2), ("C1", 2, 3)]
    assert moved[1].before.rating == 2


@pytest.mark.parametrize("checks", [[], [_check([None] * 8), _check([3] * 8, days_ago=3)]])
def test_nothing_to_compare_is_no_movement(checks: list[Check]) -> None:
    assert movements(checks) == ()
