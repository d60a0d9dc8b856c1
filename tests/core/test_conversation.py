"""The router's rules: what people say in set ways, with and without the trained view."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.conversation import INTENTS, about_others, route, small_talk, verdict
from bot.core.distress import outright


@pytest.mark.parametrize(
    "text",
    [
        "I am so tired I can't go on living",
        "i don't want to be here anymore",
        "I've been crying every morning before work",
        "sometimes I think they'd be better off without me",
        "my manager hits me and nobody believes it",
        "I feel completely worthless",
    ],
)
def test_a_person_in_distress_is_heard_first(text):
    assert outright(text)
    assert route(text, {"ask": 0.99}).intent == "distress"


@pytest.mark.parametrize(
    "text",
    [
        "this rollout is killing me",
        "the team is exhausted and nobody wants another training",
        "how do I help people manage distress during the change?",
        "we can't go on with this form, it takes an hour",
        "suicide prevention is the programme we are implementing",
        "dying patients' families were never asked",
    ],
)
def test_hard_work_is_not_taken_for_distress(text):
    assert not outright(text)


@pytest.mark.parametrize(
    "text",
    [
        "show me Maria's self-check",
        "what did Ben score on C4",
        "who has the lowest score on my team",
        "is Ben a good coach?",
        "should I fire Tom",
    ],
)
def test_verdicts_and_other_peoples_data_are_told_apart(text):
    assert about_others(text)


@pytest.mark.parametrize(
    "text",
    ["who wrote the paper?", "how do we assess readiness", "show me my self-check", "is this a good plan?"],
)
def test_ones_own_and_the_papers_matters_are_not_others_data(text):
    assert not about_others(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi", "greeting"),
        ("Good morning!", "greeting"),
        ("thanks, that helped", "thanks"),
        ("who are you?", "who_are_you"),
        ("ok", "chat"),
        ("👍", "chat"),
        ("bye for now", "bye"),
        ("hi, how do I get nurses to use the checklist?", None),
        ("thank you notes work wonders with our champions, but the new ones don't read them at all any more", None),
    ],
)
def test_small_talk_by_kind(text, kind):
    assert small_talk(text) == kind


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("what can you do", "help"),
        ("who can see what I write here?", "privacy"),
        ("delete my data", "privacy"),
        ("I'd like to check myself", "selfcheck"),
        ("stop my weekly prompts", "reflect"),
        ("What are the ten competencies?", "ask"),
        ("Which competency is this: people nod and then nothing changes", "triage"),
    ],
)
def test_set_words_are_enough_without_a_trained_view(text, intent):
    assert route(text, {}).intent == intent


def test_the_trained_view_decides_where_no_set_words_stand():
    assert route("half the ward left before lunch", {"triage": 0.8, "ask": 0.1}).intent == "triage"


def test_two_readings_about_as_likely_are_both_offered():
    found = route("half the ward left before lunch", {"triage": 0.5, "ask": 0.48})
    assert found.unsure
    assert {found.intent, found.other} == {"triage", "ask"}


@given(st.text(max_size=400))
def test_every_text_gets_a_route(text):
    found = route(text, {})
    assert found.intent in INTENTS
    assert 0 <= found.confidence <= 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Should I stop taking my antidepressants?", "medical"),
        ("what dose of insulin should the patient get", "medical"),
        ("is this rash serious?", "medical"),
        ("Can I sue the hospital?", "legal"),
        ("is this a HIPAA violation", "legal"),
        ("are we liable if a child gets hurt", "legal"),
        ("should we fire Tom", "personnel"),
        ("write a written warning for Dana", "personnel"),
        ("is Maria lazy", "personnel"),
    ],
)
def test_verdicts_of_other_professions_are_told_by_kind(text, kind):
    assert verdict(text) == kind
    found = route(text, {"ask": 0.99})
    assert (found.intent, found.subject) == ("other_person", kind)


@pytest.mark.parametrize(
    "text",
    [
        "how do we get doctors to stop prescribing opioids first",
        "staff forget to give the naloxone kits, which competency is that",
        "is it a good idea to start with one ward?",
        "who should we bring in from legal?",
        "how do I write a plan for our project",
        "is the team ready?",
    ],
)
def test_work_on_such_matters_is_no_verdict(text):
    assert verdict(text) is None
