"""What people type for a competency or function: the right unit, or a question back; never a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.content import load_knowledge
from bot.core.framework import FRAMEWORK_UNITS, Knowledge
from bot.slack.unit_names import find_units

_UNITS = tuple(load_knowledge(Path(__file__).parents[3]).units.values())
CLEAR = {
    "C1": ["C1", "team", "teams", "tema", "build a team", "develop a team", "team building", "Building the Team"],
    "C2": ["c2", "problem", "the problem", "probelm", "needs assessment", "unearth", "Unearth the problem"],
    "C3": ["C 3", "thing", "the THING", "choosing the thing", "select the thing"],
    "C4": [
        "C4",
        "c-4",
        "4",
        "#4",
        "competency 4",
        "barriers",
        "bariers",
        "barrier",
        "barriers/facilitators",
        "facilitators",
        "fascilitators",
        "barriers and facilitators",
        "check me on barriers please",
        "check me on C4 please",
        "(C4)",
        "c4?",
        "competency four",
        "C4 barriers",
        "barrieres",
        "facilitator",
        "barrier assessment",
        "context assessment",
    ],
    "C5": [
        "strategies",
        "strategy",
        "change strategies",
        "implementation strategies",
        "stratgies",
        "strategys",
        "build strategies",
        "five",
    ],
    "C6": [
        "adapt",
        "adaptation",
        "adaptations",
        "adapting",
        "local context",
        "Adapt to the local context!",
        "adaption",
        "adpat",
        "addapt",
    ],
    "C7": [
        "C07",
        "implementation plan",
        "implementation planning",
        "planning for implementation",
        "plan implementation",
        "implementaion plan",
        "unit 7",
    ],
    "C8": [
        "learning",
        "continuous improvement",
        "improvement cycles",
        "continous learning",
        "learning system",
        "improvements",
        "lerning",
    ],
    "C9": [
        "sustainability",
        "sustainabilty",
        "sustain",
        "sustaining",
        "sustainability plan",
        "number 9",
        "how am I doing on sustainability?",
        "Make it last after the launch",
    ],
    "C10": [
        "10",
        "C10",
        "spread",
        "scale",
        "scaling",
        "scale-up",
        "spread and scale",
        "spread & scale",
        "sprd and scale",
        "scalling",
        "number ten",
        "C10 spread",
        "plan to scale",
    ],
    "FA": ["FA", "A", "function A", "connect", "connecting", "conect", "function 1", "connection"],
    "FB": ["fb", "understand", "understanding", "undestand", "function b", "function two"],
    "FC": ["inspire", "inspiration", "inspring"],
    "FD": ["enable", "enabling", "f-d"],
    "FE": ["transform", "transformation", "transfrom", "tranform", "FE", "function e"],
}
ASKED_BACK = {
    "plan": {"C7", "C9", "C10"},
    "implementation": {"C1", "C5", "C7"},
    "context": {"C4", "C6"},
    "barriers or sustainability": {"C4", "C9"},
    "select": {"C3", "C5"},
    "assessment": {"C2", "C4"},
    "C4 and C5": {"C4", "C5"},
    "c5 barriers": {"C4", "C5"},  # the code says one thing and the name another
    "FB connect": {"FA", "FB"},
}
UNKNOWN = [
    "",
    "   ",
    "bananas",
    "C0",
    "C11",
    "C99",
    "11",
    "F",
    "FF",
    "🙂",
    "سؤال",
    "\u200b",
    "---",
    "x" * 4000,
    "what is readiness",
    "function 6",
    "competency b",
    "help",
    "the people",
    "do it",
    "fit",
]


@pytest.mark.parametrize(("code", "words"), [(code, w) for code, words in CLEAR.items() for w in words])
def test_a_spelling_finds_its_unit(knowledge: Knowledge, code: str, words: str) -> None:
    assert find_units(words, knowledge.units.values()) == [code]


def test_none_of_the_table_resolves_wrongly(knowledge: Knowledge, figure: Callable[[str], None]) -> None:
    right = [(code, w) for code, words in CLEAR.items() for w in words]
    wrong = [w for code, w in right if find_units(w, knowledge.units.values()) != [code]]
    guessed = [w for w in (*ASKED_BACK, *UNKNOWN) if len(find_units(w, knowledge.units.values())) == 1]
    asked = len(ASKED_BACK) + len(UNKNOWN)
    figure(
        f"typed names: {len(right)} spellings find their unit, {asked} are asked back, {len(wrong) + len(guessed)} wrong"
    )
    assert len(right) >= 60
    assert wrong == guessed == []


@pytest.mark.parametrize(("words", "units"), ASKED_BACK.items())
def test_what_fits_several_is_asked_back(knowledge: Knowledge, words: str, units: set[str]) -> None:
    assert set(find_units(words, knowledge.units.values())) == units


@pytest.mark.parametrize("words", UNKNOWN)
def test_what_fits_nothing_finds_nothing(knowledge: Knowledge, words: str) -> None:
    assert find_units(words, knowledge.units.values()) == []


@pytest.mark.parametrize("code", FRAMEWORK_UNITS)
def test_every_title_short_form_and_plain_title_finds_its_own_unit(knowledge: Knowledge, code: str) -> None:
    unit = knowledge.units[code]
    for name in (unit.title, unit.title.upper(), unit.plain_title, *unit.also_called):
        assert find_units(name, knowledge.units.values()) == [code], name


@settings(max_examples=60, deadline=None)
@given(words=st.text(max_size=300))
def test_any_text_is_answered_in_the_frameworks_order(words: str) -> None:
    found = find_units(words, _UNITS)
    assert found == sorted(set(found), key=FRAMEWORK_UNITS.index)
