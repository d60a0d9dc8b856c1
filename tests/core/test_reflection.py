"""Which prompt comes next: no repeat within half a year, weak spots more often, every unit within a bounded time."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_reflections
from bot.core.framework import FRAMEWORK_UNITS
from bot.core.reflection import NO_REPEAT_WEEKS, ROLE, STAGE, Asked, Choice, Topics, choose, coverage

ROOT = Path(__file__).parents[2]
PROMPTS = load_reflections(ROOT, load_knowledge(ROOT))
START = date(2026, 11, 24)
levels = st.dictionaries(
    st.sampled_from(FRAMEWORK_UNITS), st.sampled_from([None, "starting", "foundational", "advanced"])
)


def live(topics: Topics, weeks: int) -> list[tuple[date, Choice]]:
    """What a person gets, week by week."""
    history: list[Asked] = []
    out = []
    for week in range(weeks):
        day = START + timedelta(weeks=week)
        made = choose(PROMPTS, topics, history[-60:], day)
        history.append(Asked(made.prompt.id, day))
        out.append((day, made))
    return out


@settings(max_examples=40, deadline=None)
@given(levels=levels, focus=st.one_of(st.none(), st.sampled_from(FRAMEWORK_UNITS)), seed=st.text(max_size=8))
def test_a_year_repeats_nothing_within_26_weeks_and_touches_every_unit(
    levels: dict[str, str | None], focus: str | None, seed: str
) -> None:
    got = live(Topics(seed=seed, levels=levels, focus=focus), 52)
    last: dict[str, date] = {}
    for day, made in got:
        assert not made.repeated
        if made.prompt.id in last:
            assert (day - last[made.prompt.id]).days >= NO_REPEAT_WEEKS * 7
        last[made.prompt.id] = day
    assert {made.prompt.unit for _, made in got} == {*FRAMEWORK_UNITS, ROLE}


@settings(max_examples=25, deadline=None)
@given(
    levels=levels,
    focus=st.one_of(st.none(), st.sampled_from(FRAMEWORK_UNITS)),
    role=st.sets(st.sampled_from(FRAMEWORK_UNITS), min_size=3),
    stage=st.sampled_from([None, "doing", "spreading"]),
    seed=st.text(max_size=4),
)
def test_every_topic_of_ones_role_comes_within_the_promised_number_of_prompts(
    levels: dict[str, str | None], focus: str | None, role: set[str], stage: str | None, seed: str
) -> None:
    topics = Topics(seed, levels, focus, role=tuple(sorted(role)), stage=stage)
    within = coverage(PROMPTS, topics)
    got = [made.prompt for _, made in live(topics, 2 * within)]
    for start in range(within + 1):
        assert role <= {p.unit for p in got[start : start + within]}
    assert {p.unit for p in got} <= {*role, ROLE, STAGE}
    assert all(p.topic == stage for p in got if p.unit == STAGE)


def test_the_promise_is_one_round_where_nothing_weighs_more() -> None:
    assert coverage(PROMPTS, Topics("ana", mode="rotate")) == 16
    assert coverage(PROMPTS, Topics("ana", mode="rotate", stage="doing")) == 17
    assert coverage(PROMPTS, Topics("ana", mode="chosen", units=("C1", "FE"))) == 2
    assert coverage(PROMPTS, Topics("ana")) == 3 * 16 - 1


def test_the_stage_comes_only_once_it_was_told_and_says_so() -> None:
    assert all(made.prompt.unit != STAGE for _, made in live(Topics("ana"), 60))
    told = [made for _, made in live(Topics("ana", stage="planning"), 60) if made.prompt.unit == STAGE]
    assert told
    assert {(made.because, made.prompt.topic) for made in told} == {("stage", "planning")}


def test_a_channel_is_asked_nothing_that_is_for_one_person_alone() -> None:
    got = [made for _, made in live(Topics("C1", team=True, mode="rotate"), 60)]
    assert not any(made.prompt.alone or made.prompt.unit in {ROLE, STAGE} for made in got)
    assert {made.prompt.unit for made in got[:15]} == set(FRAMEWORK_UNITS)
    assert {made.because for made in got} == {"team"}


def test_the_focus_comes_much_more_often_and_says_so() -> None:
    counts = Counter(made.prompt.unit for _, made in live(Topics("ana", {"C1": "advanced"}, focus="C7"), 26))
    assert counts["C7"] >= 4
    assert counts["C7"] > max(n for unit, n in counts.items() if unit != "C7")
    reasons = {made.because for _, made in live(Topics("ana", focus="C7"), 26) if made.prompt.unit == "C7"}
    assert reasons == {"focus"}


def test_weak_spots_come_more_often_than_strong_ones() -> None:
    levels = dict.fromkeys(FRAMEWORK_UNITS, "advanced") | {"C2": "starting", "FB": "starting"}
    counts = Counter(made.prompt.unit for _, made in live(Topics("ana", levels), 26))
    strong = [counts[u] for u in FRAMEWORK_UNITS if u not in {"C2", "FB"}]
    assert min(counts["C2"], counts["FB"]) > max(strong)


def test_prompts_fit_the_level_as_long_as_there_are_any() -> None:
    first = choose(PROMPTS, Topics("ana", {"C5": "foundational"}, focus="C5"), [], START).prompt
    assert (first.unit, first.level) == ("C5", "advanced")
    beginner = choose(PROMPTS, Topics("ana", {"C5": "starting"}, focus="C5"), [], START).prompt
    assert (beginner.unit, beginner.level) == ("C5", "foundational")


def test_where_the_chosen_units_run_out_the_least_recent_comes_and_is_said_to_repeat() -> None:
    topics = Topics("ana", mode="chosen", units=("FE",))
    got = live(topics, 26)
    assert {made.prompt.unit for _, made in got} == {"FE"}
    count = sum(p.unit == "FE" for p in PROMPTS)
    assert [made.repeated for _, made in got] == [False] * count + [True] * (26 - count)
    ids = [made.prompt.id for _, made in got]
    assert ids[count:] == ids[: 26 - count]


def test_rotating_asks_each_unit_once_before_any_comes_again() -> None:
    got = live(Topics("ana", {"C1": "starting"}, focus="C1", mode="rotate"), 16)
    assert len({made.prompt.unit for _, made in got}) == 16


def test_people_get_different_prompts_and_each_always_the_same() -> None:
    first = {choose(PROMPTS, Topics(f"person {n}"), [], START).prompt.id for n in range(40)}
    assert len(first) > 8
    again = [choose(PROMPTS, Topics("ana"), [Asked("C1-r01", START)], START).prompt.id for _ in range(3)]
    assert len(set(again)) == 1


def test_without_prompts_there_is_nothing_to_choose() -> None:
    with pytest.raises(ValueError, match="no reflection prompts"):
        choose([], Topics("ana"), [], START)


def test_a_prompt_that_left_the_files_does_no_harm_in_the_history() -> None:
    made = choose(PROMPTS, Topics("ana"), [Asked("C1-r999", START - timedelta(weeks=1))], START)
    assert made.prompt in PROMPTS
