"""Every signal's view fused into one ranking of units."""

from __future__ import annotations

from bot.core.evidence import QuestionView
from bot.core.framework import PAPER_UNITS
from bot.core.questions import Reading
from bot.core.ranking import Evidence, rank

ANCHORS = {unit: f"{unit}/definition" for unit in PAPER_UNITS}


def ranked(units, *, before=None, continued=False, mentions=()):
    view = QuestionView(units=units, evidence={}, intents={}, kinds={})
    reading = Reading("and who decides that?", mentions, None)
    evidence = Evidence(reading, view, [], [], continued=continued, before=before or {})
    return [r.unit for r in rank(evidence, ANCHORS)]


def test_what_was_said_before_settles_a_question_that_leans_on_it():
    unsure = {"C7": 0.35, "C1": 0.3, "FB": 0.2}
    assert ranked(unsure)[0] == "C7"
    assert ranked(unsure, before={"C1": 0.9}, continued=True)[0] == "C1"


def test_a_question_that_is_sure_of_itself_may_change_the_subject():
    assert ranked({"C10": 0.9, "C1": 0.02}, before={"C1": 0.6, "C10": 0.02})[0] == "C10"


def test_a_question_that_could_stand_alone_is_pulled_less_than_one_that_leans():
    view, before = {"C7": 0.6, "C1": 0.12}, {"C1": 0.9, "C7": 0.05}
    assert ranked(view, before=before)[0] == "C7"
    assert ranked(view, before=before, continued=True)[0] == "C1"


def test_every_unit_is_ranked_once():
    assert sorted(ranked({"C4": 0.9})) == sorted(PAPER_UNITS)
