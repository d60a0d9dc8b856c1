"""The scoring rule as written down, its properties, and what a result says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.content import load_knowledge, load_wording
from bot.adapters.prompt_files import load_descriptors
from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import Check, Member
from bot.core.selfcheck import (
    CameUp,
    Descriptor,
    Rating,
    level_reached,
    read_result,
    standing,
    suggest,
    sureness,
)

ROOT = Path(__file__).parents[2]
KNOWLEDGE = load_knowledge(ROOT)
DESCRIPTORS = load_descriptors(ROOT, KNOWLEDGE)
C4 = DESCRIPTORS["C4"]  # four statements a level
ANA = Member("T", "U")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
rating = st.one_of(st.none(), st.integers(1, 5))
all_ratings = st.lists(rating, min_size=8, max_size=8)


@pytest.mark.parametrize(
    ("ratings", "stands", "level"),
    [
        ("11111111", 0, "starting"),
        ("33331111", 1, "foundational"),
        ("33321111", 1, "foundational"),  # one gap is forgiven where it is done with help
        ("33311111", 0, "starting"),  # but not where it is not done yet
        ("33221111", 0, "starting"),  # nor two of them
        ("33333333", 2, "advanced"),
        ("33333332", 2, "advanced"),
        ("33333322", 1, "foundational"),
        ("55555551", 1, "foundational"),
        ("11115555", 0, "starting"),  # the advanced level stands on the foundational one
        ("--------", 2, None),
        ("3333----", 2, "foundational"),  # nothing of the advanced level is known
        ("----3333", 2, "advanced"),
        ("----1111", 1, "foundational"),
        ("3---2---", 2, "advanced"),
        ("2-------", 2, "foundational"),
        ("1-------", 0, "starting"),
    ],
)
def test_the_rule_in_examples(ratings: str, stands: int, level: str | None) -> None:
    read = _read(ratings)
    assert (standing(C4, read), level_reached(C4, read)) == (stands, level)


def _read(ratings: str) -> tuple[Rating, ...]:
    return tuple(None if r == "-" else int(r) for r in ratings)


@given(all_ratings, st.integers(0, 7))
def test_a_higher_rating_never_lowers_a_result(ratings: list[Rating], at: int) -> None:
    before = ratings[at]
    if before is None or before == 5:
        return
    raised = [*ratings[:at], before + 1, *ratings[at + 1 :]]
    assert standing(C4, raised) >= standing(C4, ratings)
    assert _rank(level_reached(C4, raised)) >= _rank(level_reached(C4, ratings))


@given(all_ratings, st.integers(0, 7))
def test_not_my_role_never_lowers_a_result(ratings: list[Rating], at: int) -> None:
    without = [*ratings[:at], None, *ratings[at + 1 :]]
    assert standing(C4, without) >= standing(C4, ratings)
    if any(r is not None for r in without[4:]):  # something of the advanced level is still known
        assert _rank(level_reached(C4, without)) >= _rank(level_reached(C4, ratings))


@given(all_ratings)
def test_a_result_is_bounded_and_always_the_same(ratings: list[Rating]) -> None:
    assert standing(C4, ratings) in {0, 1, 2}
    assert level_reached(C4, ratings) in {None, "starting", "foundational", "advanced"}
    assert standing(C4, ratings) == standing(C4, tuple(ratings))


_EXAMPLE = re.compile(r"`([-1-5 ]+)` and `([-1-5 ]+)`: (.+?) level|`([-1-5 ]+)` and `([-1-5 ]+)`: building")


def test_the_rule_written_for_people_gives_examples_that_hold() -> None:
    said = load_wording(ROOT)("selfcheck.rule.examples")
    found = [m.groups() for m in _EXAMPLE.finditer(said)]
    assert len(found) == said.count("•") == 4
    for first, second, level, first_low, second_low in found:
        ratings = _read(((first or first_low) + (second or second_low)).replace(" ", ""))
        assert level_reached(C4, ratings) == (level or "starting"), said


def test_the_rule_in_the_documentation_gives_examples_that_hold() -> None:
    rows = re.findall(
        r"(?m)^\| ([-1-5 ]{7}) \| ([-1-5 ]{7}) \| (\w+) \|$", (ROOT / "docs/self-checks.md").read_text("utf-8")
    )
    assert len(rows) == 7
    for first, second, level in rows:
        assert (level_reached(C4, _read((first + second).replace(" ", ""))) or "none") == level, (first, second)


def _rank(level: str | None) -> int:
    return {"starting": 0, "foundational": 1, "advanced": 2, None: 2}[level]


@pytest.mark.parametrize("ratings", [[3] * 7, [3] * 9, [3] * 7 + [6], [3] * 7 + [0]])
def test_ratings_that_do_not_fit_are_refused(ratings: list[int]) -> None:
    with pytest.raises(ValueError, match=r"statements|rating"):
        level_reached(C4, ratings)


def test_sureness_asks_for_an_example_and_most_statements() -> None:
    assert sureness(_read("33333333"), "The Tuesday round.") == "fair"
    assert sureness(_read("33333333"), "  ") == "first_impression"
    assert sureness(_read("33------"), "The Tuesday round.") == "first_impression"


# --- results --------------------------------------------------------------------------------------------------------


def _check(ratings: str, *, at: datetime = NOW, unit: str = "C4", descriptors: str = C4.version) -> Check:
    read = _read(ratings)
    level = level_reached(DESCRIPTORS[unit], read)
    return Check(f"{at:%s}", ANA, unit, read, level, "an example", descriptors, at)


def test_next_steps_aim_at_the_level_not_reached_and_meet_the_gaps_first() -> None:
    result = read_result(KNOWLEDGE.units["C4"], C4, _check("33331233"), None)
    assert (result.level, result.aim) == ("foundational", "advanced")
    assert [m.level for m in result.next_steps] == ["advanced", "advanced"]
    assert result.missing == (C4.advanced[0].text, C4.advanced[1].text)
    assert result.reading == "C4/context-assessment"
    starting = read_result(KNOWLEDGE.units["C4"], C4, _check("31331111"), None)
    assert starting.aim == "foundational"
    assert starting.next_steps[0].activity == C4.foundational[1].activity


def test_what_is_strong_is_the_best_held_never_what_is_not() -> None:
    result = read_result(KNOWLEDGE.units["C4"], C4, _check("35431111"), None)
    assert result.strong == (C4.statements[1].text, C4.statements[2].text)
    assert read_result(KNOWLEDGE.units["C4"], C4, _check("21111111"), None).strong == ()


@pytest.mark.parametrize("code", FRAMEWORK_UNITS)
@settings(deadline=None, max_examples=40)
@given(ratings=st.lists(rating, min_size=10, max_size=10), turn=st.integers(0, 60))
def test_every_unit_has_two_steps_a_reading_that_exists_and_a_question(
    code: str, ratings: list[Rating], turn: int
) -> None:
    descriptor, unit = DESCRIPTORS[code], KNOWLEDGE.units[code]
    read = tuple(ratings[: len(descriptor.statements)])
    check = Check("c", ANA, code, read, level_reached(descriptor, read), "", descriptor.version, NOW)
    result = read_result(unit, descriptor, check, None, turn=turn)
    assert len(result.next_steps) == 2
    assert result.next_steps[0] != result.next_steps[1]
    assert result.reading in _PASSAGES
    assert result.question in unit.coach_questions


_PASSAGES = {p.id for p in KNOWLEDGE.passages()}


def test_change_counts_what_moved_and_only_where_the_statements_are_the_same() -> None:
    before = _check("2233111-", at=NOW - timedelta(weeks=6))
    change = read_result(KNOWLEDGE.units["C4"], C4, _check("33321111"), before).change
    assert change is not None
    assert (change.before, change.up, change.down) == ("starting", 2, 1)
    other = _check("22331111", descriptors="C4-old")
    reworded = read_result(KNOWLEDGE.units["C4"], C4, _check("33321111"), other).change
    assert reworded is not None
    assert (reworded.up, reworded.down) == (None, None)


# --- which unit next ------------------------------------------------------------------------------------------------


def test_the_focus_comes_first_where_its_check_is_missing_or_old() -> None:
    assert suggest({}, now=NOW, focus="C7").unit == "C7"
    fresh = {"C7": _check("33331111", at=NOW - timedelta(days=3), unit="C7")}
    assert suggest(fresh, now=NOW, focus="C7").unit == "C1"
    old = {"C7": _check("33331111", at=NOW - timedelta(weeks=5), unit="C7")}
    assert suggest(old, now=NOW, focus="C7").because == "focus"


def test_then_what_was_never_checked_then_the_oldest() -> None:
    latest = {c: _check("33331111", at=NOW - timedelta(days=n)) for n, c in enumerate(FRAMEWORK_UNITS)}
    assert suggest(latest, now=NOW).unit == "FE"
    assert suggest(latest, now=NOW).because == "oldest"
    del latest["C6"]
    assert (suggest(latest, now=NOW).unit, suggest(latest, now=NOW).because) == ("C6", "unchecked")


@pytest.mark.parametrize(
    ("came_up", "unit", "because"),
    [
        ([CameUp("C4", "told")], "C4", "told"),
        ([CameUp("C4", "asked")], "C1", "unchecked"),  # one question may be about anything
        ([CameUp("C4", "asked"), CameUp("C9", "asked"), CameUp("C9", "asked")], "C9", "asked"),
        ([CameUp("C7", "told"), CameUp("C4", "told")], "C4", "told"),  # C7 was checked three days ago
        ([CameUp("FD", "told")], "C1", "unchecked"),  # not part of the role
    ],
)
def test_what_was_told_or_asked_lately_is_suggested_before_the_unchecked(
    came_up: list[CameUp], unit: str, because: str
) -> None:
    latest = {"C7": _check("33331111", at=NOW - timedelta(days=3), unit="C7")}
    role = [u for u in FRAMEWORK_UNITS if u != "FD"]
    found = suggest(latest, now=NOW, units=role, came_up=came_up)
    assert (found.unit, found.because) == (unit, because)
    assert suggest(latest, now=NOW, focus="C2", came_up=came_up).because == "focus"


def test_descriptors_state_both_levels_of_all_fifteen_units() -> None:
    assert tuple(DESCRIPTORS) == FRAMEWORK_UNITS
    texts = [s.text for d in DESCRIPTORS.values() for s in d.statements]
    assert len(texts) == len(set(texts))
    assert all(isinstance(d, Descriptor) and d.version.startswith(f"{d.unit}-") for d in DESCRIPTORS.values())
