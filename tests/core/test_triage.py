"""From calibrated probabilities to an outcome, its settling question and the next move."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.content import load_knowledge
from bot.core.evidence import Classification
from bot.core.framework import COMPETENCIES, FUNCTIONS
from bot.core.triage import Bars, compose, decide, settle

KNOWLEDGE = load_knowledge(Path(__file__).parents[2])
BARS = Bars(none=0.5, match=0.6, lead=0.2)


def view(first=0.9, second=0.05, p_none=0.01, unknown=0.0, p_advanced=0.2):
    rest = (1 - first - second) / 8
    shares = dict.fromkeys(COMPETENCIES, rest) | {"C4": first, "C5": second}
    return Classification(shares, p_none, dict.fromkeys(FUNCTIONS, 0.2), p_advanced, ("nod",), unknown)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (view(), "match"),
        (view(first=0.5, second=0.4), "close_call"),
        (view(first=0.61, second=0.38), "match"),
        (view(first=0.62, second=0.3, p_none=0.5), "none"),
        (view(unknown=0.8), "none"),
    ],
)
def test_an_outcome_is_earned(seen, outcome):
    assert decide(seen, BARS) == outcome


def test_a_match_brings_the_level_a_question_and_two_passages_to_read():
    found = compose(view(p_advanced=0.9), KNOWLEDGE, BARS, "they nod")
    assert (found.outcome, found.competency, found.level) == ("match", "C4", "advanced")
    assert found.next.read == ("C4/definition", "C4/levels-advanced")
    assert found.next.question in KNOWLEDGE.units["C4"].coach_questions
    assert found.ask_back is None


def test_a_close_call_asks_the_pairs_own_question():
    found = compose(view(first=0.5, second=0.45), KNOWLEDGE, BARS, "they nod")
    assert found.ask_back == found.settling.question
    assert {code for code, _ in found.settling.options} == {"C4", "C5"}


def test_none_names_nothing():
    found = compose(view(p_none=0.9), KNOWLEDGE, BARS, "the printer is broken")
    assert (found.competency, found.level, found.next, found.why) == (None, None, None, ())


@pytest.mark.parametrize(("first", "second"), list(combinations(COMPETENCIES, 2)))
def test_every_pair_has_a_settling_question_with_labels_that_fit_a_button(first, second):
    found = settle(KNOWLEDGE, first, second)
    assert {code for code, _ in found.options} == {first, second}
    assert all(0 < len(label) <= 75 for _, label in found.options)


@given(st.lists(st.floats(0.001, 1), min_size=10, max_size=10), st.floats(0, 1), st.floats(0, 1))
def test_the_ranking_holds_all_ten_and_sums_to_one(raw, p_none, p_advanced):
    shares = {c: r / sum(raw) for c, r in zip(COMPETENCIES, raw, strict=True)}
    seen = Classification(shares, p_none, dict.fromkeys(FUNCTIONS, 0.5), p_advanced, ())
    found = compose(seen, KNOWLEDGE, BARS, "x")
    assert sorted(c for c, _ in found.ranking) == sorted(COMPETENCIES)
    assert sum(p for _, p in found.ranking) == pytest.approx(1)
    assert [p for _, p in found.ranking] == sorted((p for _, p in found.ranking), reverse=True)
