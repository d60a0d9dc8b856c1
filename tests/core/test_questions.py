"""Reading a question on its face, and making a follow-up whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.content import load_knowledge
from bot.core.answer import Turn
from bot.core.framework import FRAMEWORK_UNITS
from bot.core.questions import Names, before, read, standalone

KNOWLEDGE = load_knowledge(Path(__file__).parents[2])
NAMES = Names.of(KNOWLEDGE)
TITLES = {code: KNOWLEDGE.title(code) for code in FRAMEWORK_UNITS}


@pytest.mark.parametrize(
    ("question", "mentions", "form", "level"),
    [
        ("What is C4?", ("C4",), "definition", None),
        ("what are the ten competencies", (), "list", None),
        ("List all functions", (), "list", None),
        ("What's the difference between connect and enable?", ("FA", "FD"), "compare", None),
        ("C9 vs C10", ("C9", "C10"), "compare", None),
        ("levels of sustainability", ("C9",), "levels", None),
        ("advanced level of function B", ("FB",), "levels", "advanced"),
        ("What does foundational adaptation look like", ("C6",), "levels", "foundational"),
        ("what is spread and scale", ("C10",), "definition", None),
        ("examples of barriers", ("C4",), "example", None),
        ("Inspire", ("FC",), "definition", None),
        ("How does equity come into selecting the THING?", ("C3",), "equity", None),
        ("who wrote this paper", (), "who", None),
        ("how do I connect with families who don't trust us", (), "how_do_i", None),
        ("how can we scale this back a bit", (), "how_do_i", None),
        ("I don't understand the plan", (), None, None),
        ("nobody connects the dots here", (), None, None),
    ],
)
def test_what_a_question_says_on_its_face(question, mentions, form, level):
    found = read(question, NAMES)
    assert (found.mentions, found.form, found.level) == (mentions, form, level)


@pytest.mark.parametrize("code", FRAMEWORK_UNITS)
def test_every_unit_is_known_by_code_and_title(code):
    assert read(f"What is {code}?", NAMES).mentions == (code,)
    assert read(f"What is “{KNOWLEDGE.title(code)}”?", NAMES).mentions == (code,)


def test_a_letter_alone_is_no_function():
    assert read("plan b and vitamin c are ready", NAMES).mentions == ()


ASKED = (
    Turn(role="user", text="What is assessing barriers?"),
    Turn(role="assistant", text="**Assess barriers and facilitators** (C4): …"),
)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("and at the advanced level?", "and at the advanced level? (Assess barriers and facilitators)"),
        ("why does that matter?", "why does that matter? (Assess barriers and facilitators)"),
        ("can you give an example", "can you give an example (Assess barriers and facilitators)"),
        ("Fine, and who does that?", "Fine, and who does that? (Assess barriers and facilitators)"),
        ("Thanks! But why so?", "Thanks! But why so? (Assess barriers and facilitators)"),
        ("How do I cite the paper?", "How do I cite the paper?"),
        ("How far is the moon?", "How far is the moon?"),
        ("what about sustainability?", "what about sustainability?"),
    ],
)
def test_a_follow_up_takes_its_topic_from_the_conversation_and_a_whole_question_stays(text, whole):
    assert standalone(text, ASKED, NAMES, TITLES) == whole


def test_the_same_is_asked_of_another_unit():
    turns = (Turn(role="user", text="What are the levels of C9?"), Turn(role="assistant", text="…"))
    assert standalone("what about spread and scale?", turns, NAMES, TITLES).endswith(
        "(foundational and advanced levels)"
    )


def test_a_topic_that_only_the_answer_named_is_the_topic():
    said = (
        Turn(role="user", text="The wards ignore the new chart."),
        Turn(role="assistant", text="Begin by assessing barriers and facilitators with them."),
    )
    assert standalone("and at which level?", said, NAMES, TITLES).endswith("(Assess barriers and facilitators)")


def test_what_was_said_before_is_the_last_question_and_how_the_answer_began():
    assert before(ASKED) == "What is assessing barriers? **Assess barriers and facilitators** (C4): ..."
    assert before(()) == ""
    long = (Turn(role="user", text="Why?"), Turn(role="assistant", text="word " * 500))
    assert len(before(long).split()) < 60


def test_an_ordinal_points_into_the_list_that_was_given():
    listed = (
        Turn(role="user", text="list the competencies"),
        Turn(role="assistant", text="1. Develop a team 2. Unearth the problem …"),
    )
    assert "Select the THING" in standalone("tell me about the third one", listed, NAMES, TITLES)


def test_without_a_conversation_nothing_is_added():
    assert standalone("and the advanced level?", (), NAMES, TITLES) == "and the advanced level?"


@given(st.text(max_size=300), st.lists(st.text(max_size=200), max_size=4))
def test_any_text_can_be_read(text, said):
    turns = [Turn(role="user" if n % 2 == 0 else "assistant", text=t) for n, t in enumerate(said)]
    assert set(read(text, NAMES).mentions) <= set(FRAMEWORK_UNITS)
    standalone(text, turns, NAMES, TITLES)
