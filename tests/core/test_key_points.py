"""Verdicts of independent readers on what answers state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from bot.core.evaluation import RetrievalLine, RetrievalResult
from bot.core.key_points import Stating, Verdict, judged, key_of, points_of, settled, shown, to_judge


def asked(answer="Bring in others. [1]", *, outcome="answered", points=("Bring in others", "Share roles"), **line):
    question = RetrievalLine(id="q1", question="Who else?", key_points=points, **line)
    return RetrievalResult(question, ("C1",), "C1", outcome, 1.0, answer)


def test_a_verdict_holds_for_exactly_the_answer_that_was_read():
    keys = {key_of("q1", "a", "p"), key_of("q2", "a", "p"), key_of("q1", "b", "p"), key_of("q1", "a", "o")}
    assert len(keys) == 4
    assert key_of("q1", "a", "p") == key_of("q1", "a", "p")


@pytest.mark.parametrize(
    ("said", "stated"),
    [
        ([("ann", True)], True),
        ([("ann", True), ("bob", False)], False),
        ([("ann", True), ("bob", False), ("cid", True)], True),
        ([("ann", True), ("ann", False)], False),
    ],
)
def test_most_readers_decide_each_with_the_latest_word_and_a_tie_is_not_stated(said, stated):
    key = "0" * 16
    assert settled([Verdict(key=key, stated=s, reader=r) for r, s in said]) == {key: stated}


def test_a_refusal_states_nothing_and_an_unread_answer_counts_as_not_covered():
    read, unread, refused = asked(), asked("Something else."), asked("No.", outcome="not_in_sources")
    first, second = (key for key, _ in points_of(read))
    assert judged([read, unread, refused], {first: True, second: False}) == ([True, False, False, False], 6)


def test_readers_get_the_open_points_of_answered_questions_only():
    first, second = (key for key, _ in points_of(asked()))
    lines = [asked(), asked("No.", outcome="out_of_scope"), asked("Yes.", answerable=False)]
    (line,) = to_judge(lines, {first: True})
    assert line["points"] == [{"key": second, "point": "Share roles"}]
    assert (line["id"], line["question"], line["answer"]) == ("q1", "Who else?", "Bring in others. [1]")


def test_a_line_without_a_key_is_no_verdict():
    with pytest.raises(ValidationError):
        Verdict.model_validate({"key": "nonsense", "stated": True})


def test_a_point_is_shown_where_all_passages_of_one_way_to_state_it_are_cited():
    marked = Stating(id="q1", points=((("C1/a", "C1/b"), ("C1/equity",)), (("C1/c",),)))
    cites = [replace(asked(), sources=sources) for sources in (("C1/a", "C1/c"), ("C1/b", "C1/a"), ("C1/equity",), ())]
    assert [shown([result], {"q1": marked}) for result in cites] == [
        [False, True],
        [True, False],
        [True, False],
        [False, False],
    ]
    assert shown(cites, {}) == []
