"""The form of a draft: read in pieces of any size, nothing raises, and it ends somewhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.drafts import (
    MAX_SENTENCES,
    DraftParser,
    Ending,
    ModelRequest,
    Sentence,
    Unreadable,
    read_line,
    read_triage,
)
from tests.fakes.model_server import line

DRAFT = (
    line(say="Ask the people who are to change.", **{"from": ["C4/definition"]})
    + line(point="Over coffee, say.", **{"from": "C4/ways-to-collect"})
    + line(end="answered", ask="Whom have you not asked?")
)
READ = [
    Sentence("Ask the people who are to change.", ("C4/definition",)),
    Sentence("Over coffee, say.", ("C4/ways-to-collect",), point=True),
    Ending("answered", "Whom have you not asked?"),
]


def read(text: str, size: int):
    parser = DraftParser()
    found = [x for i in range(0, len(text), size) for x in parser.feed(text[i : i + size])]
    return [*found, *parser.close()]


@pytest.mark.parametrize("size", [1, 2, 7, 40, 10_000])
def test_a_draft_reads_the_same_in_pieces_of_any_size(size: int) -> None:
    assert read(DRAFT, size) == READ


def test_a_sentence_is_there_as_soon_as_its_last_character_is() -> None:
    parser = DraftParser()
    assert list(parser.feed(DRAFT.splitlines()[0])) == READ[:1]


def test_what_models_put_around_json_is_passed_over() -> None:
    wrapped = "```json\n[\n" + DRAFT.replace("}\n", "},\n") + "]\n```"
    assert read(wrapped, 9) == READ


@pytest.mark.parametrize(
    "bad",
    [
        "I'm sorry, I can't help with that.",
        '{"say": 3, "from": []}',
        '{"say": "x", "from": {"a": 1}}',
        '{"say": "x", "point": "y", "from": []}',
        '{"say": "x", "from": ["1", "2", "3", "4", "5"]}',
        '{"say": "  ", "from": []}',
        '{"answer": "x"}',
        "[1, 2]",
        "null",
        '{"end": "hacked"}',
        '{"end": "answered", "ask": 4}',
        '{"say": "x", "from": [' + '"a"' + "]" * 3,
        "[" * 3000,
    ],
)
def test_what_is_not_of_the_form_is_said_to_be_so(bad: str) -> None:
    assert isinstance(read_line(bad), Unreadable)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read(text, 5)
    read_triage(text, frozenset({"C4"}))


def test_a_model_that_goes_on_is_not_heard_to_its_end() -> None:
    found = read(line(say="More.", **{"from": []}) * 200, 50)
    assert len([x for x in found if isinstance(x, Sentence)]) == MAX_SENTENCES
    endless = read("word " * 10_000, 100)
    assert endless == [Unreadable("too long")]


def test_nothing_is_read_after_the_end() -> None:
    assert read(DRAFT + line(say="P.S.", **{"from": []}), 30) == READ


def test_a_request_has_a_name_that_changes_with_every_word() -> None:
    one = ModelRequest("answer", "answer@1", "system", "user", 100)
    assert one.hash == ModelRequest("answer", "answer@1", "system", "user", 100).hash
    assert one.hash != ModelRequest("answer", "answer@1", "system", "user!", 100).hash
    assert json.loads(one.as_text())["messages"][1] == {"role": "user", "content": "user"}


def test_a_triage_is_read_from_whatever_stands_around_it() -> None:
    allowed = frozenset({"C4", "C5", "none"})
    text = 'Sure! {"competency": "C4", "second": "C5", "sure": true, "why": ["nod", 3]} Hope that helps.'
    draft = read_triage(text, allowed)
    assert draft is not None
    assert (draft.competency, draft.second, draft.sure, draft.why) == ("C4", "C5", True, ("nod",))
    assert read_triage('{"competency": "C99"}', allowed) is None
    assert read_triage('{"competency": "C4", "sure": "yes"}', allowed) is None
