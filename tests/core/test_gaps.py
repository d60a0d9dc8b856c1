"""What the sources leave open, counted without anybody's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.gaps import gaps
from bot.core.records import Exchange, Member

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def asked(number: int, outcome: str, unit: str | None = "C4", *, who: str = "U1", **fields) -> Exchange:
    passages = [{"unit": unit, "passage_id": f"{unit}/x", "score": 1.0}] if unit else []
    result = {"outcome": outcome, "passages": passages}
    created = NOW + timedelta(minutes=number)
    return Exchange(f"x{number}", Member("T", who), "ask", f"question {number}", result, created, **fields)


def test_refused_and_disliked_questions_are_counted_by_the_nearest_unit() -> None:
    found = gaps(
        [
            asked(1, "not_in_sources", "C4", who="U1"),
            asked(2, "not_in_sources", "C4", who="U2"),
            asked(3, "answered", "C4", who="U3", helpful=False),
            asked(4, "out_of_scope", None),
            asked(5, "answered", "C9", helpful=True),
            asked(6, "answered", "C9"),
        ]
    )
    assert [(g.unit, g.counts, g.people) for g in found] == [
        ("C4", {"not_in_sources": 2, "disliked": 1}, 3),
        ("none", {"out_of_scope": 1}, 1),
    ]


def test_only_the_words_of_those_who_agreed_are_shown() -> None:
    (gap,) = gaps([asked(1, "not_in_sources"), asked(2, "not_in_sources", may_share=True)])
    assert gap.shared == ("question 2",)
    assert "question 1" not in str(gap.as_json())


def test_few_people_are_not_counted_out() -> None:
    (two,) = gaps([asked(n, "not_in_sources", who=f"U{n}") for n in range(2)])
    (three,) = gaps([asked(n, "not_in_sources", who=f"U{n}") for n in range(3)])
    assert (two.as_json()["people"], three.as_json()["people"]) == ("fewer than 3", 3)


def test_a_first_source_shown_goes_before_the_nearest_passage() -> None:
    one = asked(1, "answered", "C4", helpful=False)
    one.result["citations"] = [{"unit": "FB"}]
    assert gaps([one])[0].unit == "FB"


def test_triages_and_care_are_nobodys_gap() -> None:
    triage = Exchange("t", Member("T", "U"), "triage", "text", {"outcome": "none"}, NOW, helpful=False)
    assert gaps([triage, asked(1, "care"), asked(2, "declined")]) == []
