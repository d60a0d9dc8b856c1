"""A name and the ratings behind it, told apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.selfcheck import HELD
from bot.slack.selfcheck_page import SCALE
from bot.slack.typed_ratings import Typed, is_rating, read_typed


@pytest.mark.parametrize(
    ("text", "name", "ratings"),
    [
        ("C4", "C4", ""),
        ("C4 3 4 2 4", "C4", "3424"),
        ("c4: 3, 4, 2, 4", "c4:", "3424"),
        ("C 4 3 4", "C 4", "34"),
        ("c 10", "c 10", ""),
        ("4 3 4 2", "4", "342"),
        ("competency 10 3 3", "competency 10", "33"),
        ("# 4 3 3", "# 4", "33"),
        ("function 2 3 3", "function 2", "33"),
        ("competency four 3 3", "competency four", "33"),
        ("barriers and facilitators 12345012", "barriers and facilitators", "12345012"),
        ("FB - 3 \u2013 x n/a", "FB", "03000"),
        ("function b 5|4;3", "function b", "543"),
        ("spread and scale", "spread and scale", ""),
        ("   ", "", ""),
    ],
)
def test_the_name_and_the_ratings_are_told_apart(text: str, name: str, ratings: str) -> None:
    assert read_typed(text) == Typed(name, tuple(ratings))


@pytest.mark.parametrize(
    ("text", "name", "ratings"),
    [
        ("C4 3 4 two 4", "C4", ("3", "4", "two", "4")),
        ("c 4 3 4 two", "c 4", ("3", "4", "two")),
        ("barriers 3 4 foo 3", "barriers", ("3", "4", "foo", "3")),
        (f"C4 3 3 {'9' * 400}", "C4", ("3", "3", "9" * 400)),
        ("check me on the 3 barriers", "check me on the 3 barriers", ()),
    ],
)
def test_what_stands_among_the_ratings_is_asked_about_and_shifts_none(
    text: str, name: str, ratings: tuple[str, ...]
) -> None:
    assert read_typed(text) == Typed(name, ratings)


def test_the_scale_in_the_documentation_is_the_one_on_the_form() -> None:
    text = (Path(__file__).parents[3] / "docs" / "self-checks.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| ([0-5])(?: or -)? \| (.+?) \| (yes|no|left out) \|$", text)
    assert {value: label for value, label, _ in rows} == dict(SCALE)
    assert [value for value, _, counts in rows if counts == "yes"] == [v for v, _ in SCALE if int(v) >= HELD]


def test_a_number_that_is_no_rating_is_kept_to_be_asked_about() -> None:
    assert read_typed("C4 3 9 12").wrong == ("9", "12")


@given(st.text(max_size=200))
def test_any_text_is_read_and_nothing_is_made_up(text: str) -> None:
    typed = read_typed(text)
    assert all(is_rating(r) for r in typed.ratings if r not in typed.wrong)
    assert all(letter in text for letter in typed.name if letter != " ")
