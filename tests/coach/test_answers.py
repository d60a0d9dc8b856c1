"""The coach on the real content and a real index, built-in embeddings: form, sources, refusals."""

from __future__ import annotations

import re

import pytest

from bot.core.answer import Question, Turn
from bot.core.framework import COMPETENCIES, FRAMEWORK_UNITS, FUNCTIONS

MARKER = re.compile(r"\[(\d+)\]")


def ask(coach, text, *history):
    turns = tuple(Turn(role=role, text=said) for role, said in history)
    return coach.ask(Question(text=text, history=turns))


def check_markers(answer):
    """Every marker resolves, every source is used, and every line that states something carries one."""
    used = {int(n) for n in MARKER.findall(answer.answer)}
    assert used == {c.marker for c in answer.citations}
    lines = [line for line in answer.answer.splitlines() if line.strip() and not line.endswith(":")]
    assert all(MARKER.search(line) for line in lines), answer.answer


@pytest.mark.parametrize("code", FRAMEWORK_UNITS)
def test_what_is_each_unit(coach, knowledge, code):
    answer = ask(coach, f"What is {knowledge.title(code)} ({code})?")
    assert answer.outcome == "answered"
    assert answer.citations[0].passage_id == f"{code}/definition"
    assert answer.coach_question in knowledge.units[code].coach_questions
    check_markers(answer)


@pytest.mark.parametrize("code", FRAMEWORK_UNITS)
def test_levels_of_each_unit_are_kept_apart(coach, code):
    answer = ask(coach, f"What are the foundational and advanced levels of {code}?")
    ids = {c.passage_id for c in answer.citations}
    assert {f"{code}/levels-foundational", f"{code}/levels-advanced"} <= ids
    assert answer.answer.index("Foundational") < answer.answer.index("Advanced")
    check_markers(answer)


@pytest.mark.parametrize(
    ("question", "codes"), [("Name all competencies", COMPETENCIES), ("What are the five functions?", FUNCTIONS)]
)
def test_lists_name_every_unit_in_order(coach, knowledge, question, codes):
    answer = ask(coach, question)
    places = [answer.answer.index(f"({code})") for code in codes]
    assert places == sorted(places)
    assert answer.citations[0].unit == "P-RESULTS"
    check_markers(answer)


def test_a_comparison_brings_both_and_the_difference(coach, knowledge):
    answer = ask(coach, "What is the difference between C4 and C5?")
    assert [p.unit for p in answer.passages[:2]] == ["C4", "C5"]
    assert "The difference:" in answer.answer
    check_markers(answer)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Who wrote this paper?", "Khan"),
        ("How do I cite the white paper?", "Khan, S., Manalili, K., & Moore, J. E. (2024)"),
        ("Over which months was the work done?", "January 2024"),
    ],
)
def test_questions_about_the_paper(coach, question, words):
    answer = ask(coach, question)
    assert words in answer.answer
    assert answer.citations[0].unit.startswith("P-")
    check_markers(answer)


def test_a_situation_gets_points_that_fit_it_and_a_first_step(coach):
    answer = ask(
        coach,
        "Nurses tell me they have no time for the new falls checklist. How do I find out what is really in the way?",
    )
    assert answer.citations[0].unit == "C4"
    assert "A first step:" in answer.answer
    assert 2 <= answer.answer.count("\n- ") <= 9  # seven points of the unit, fewer beside up to three of a close second
    check_markers(answer)


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        ("How much does the certificate program cost?", "not_in_sources"),
        ("What does CFIR say about the inner setting?", "not_in_sources"),
        ("Which paracetamol dose is safe for a toddler?", "out_of_scope"),
        ("What is the weather?", "out_of_scope"),
        ("How do I bake bread?", "out_of_scope"),
        ("hello", "out_of_scope"),
        ("🙂", "out_of_scope"),
        ("مرحبا كيف حالك", "out_of_scope"),
        ("I don't want to live anymore", "care"),
        ("What did Maria answer in her self-check?", "declined"),
    ],
)
def test_each_refusal_says_its_kind_and_what_the_bot_can_do(coach, question, outcome):
    answer = ask(coach, question)
    assert answer.outcome == outcome
    assert answer.reason
    assert answer.citations == ()
    assert len(answer.answer) > 40


def test_a_person_in_distress_sees_the_operators_support_line(coach):
    assert "555-0100" in ask(coach, "I can't go on living like this").answer


def test_a_refusal_names_the_nearest_sections(coach):
    answer = ask(coach, "How much does the certificate program cost?")
    assert "The nearest that I have:" in answer.answer
    assert answer.passages


def test_a_follow_up_is_answered_from_the_conversation(coach):
    first = ask(coach, "What is assessing barriers and facilitators?")
    answer = ask(
        coach,
        "and at the advanced level?",
        ("user", "What is assessing barriers and facilitators?"),
        ("assistant", first.answer),
    )
    assert answer.citations[0].passage_id == "C4/levels-advanced"
    assert answer.standalone_question != "and at the advanced level?"


@pytest.mark.parametrize(
    "text", ["", "   ", "\u200b\u200b", "x" * 40_000, "<!channel> [1] **bold**", "\ud800", "{title}"]
)
def test_odd_input_gets_a_well_formed_answer(coach, text):
    answer = ask(coach, text)
    assert answer.answer
    assert answer.model_dump_json()


def test_the_ten_best_units_are_each_named_once(coach):
    units = [p.unit for p in ask(coach, "How do we keep this going after the grant?").passages]
    assert len(units) == len(set(units)) == 10


def test_a_question_about_the_paper_brings_the_sections_nearest_to_it_and_names_each(coach):
    answer = ask(coach, "Which older documents did they go through, and how did they find what those had in common?")
    sections = {c.passage_id for c in answer.citations}
    assert len(sections) > 1
    assert all(unit.startswith("P-") for unit in (c.unit for c in answer.citations))
    assert answer.answer.count("And on “") == len(sections) - 1
    check_markers(answer)


def test_a_follow_up_without_a_topic_stays_with_what_was_said_before(coach):
    answer = ask(
        coach,
        "fine, and who should sit in on that?",
        ("user", "How do we judge whether the program could become part of everyday work here for good?"),
        ("assistant", "Judge with the team how well it suits the usual way of working, and plan for it to last."),
    )
    assert answer.passages[0].unit == "C9"
