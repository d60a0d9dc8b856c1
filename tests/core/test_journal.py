"""Looking back over a journal: searched whatever case and accents, counted without a broken streak, quoted by month."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.journal import Filter, fold, habit, kept, month_of, months
from bot.core.records import Reflection
from tests.storage.rows import reflection

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def entry(entry_id: str = "e", **changes: object) -> Reflection:
    return replace(reflection(entry_id, prompt="", commitment="", commitment_state=None), **changes)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", True),
        ("NIGHT", True),
        ("shift night", True),
        ("café", True),
        ("cafe", True),
        ("nights", False),
        ("night tomorrow", False),
        ("%", False),
    ],
)
def test_every_word_has_to_occur_in_any_order_without_case_or_accents(words: str, found: bool) -> None:
    one = entry(text="The Night   shift met in the CAFÉ.")
    assert bool(kept([one], Filter(words=words))) is found


def test_question_and_commitment_are_searched_too_and_filters_add_up() -> None:
    one = entry(text="a", prompt="Who was asked?", commitment="Call Ben", unit="C4", created_at=NOW)
    assert kept([one], Filter("ben asked", "C4", "2026-11"))
    assert not kept([one], Filter("ben", "C5"))
    assert not kept([one], Filter("ben", "", "2026-10"))


def test_a_month_is_that_of_the_persons_own_zone() -> None:
    late = entry(created_at=datetime(2026, 12, 1, 2, 0, tzinfo=UTC))  # still November in Toronto
    assert kept([late], Filter(month="2026-11", zone="America/Toronto"))
    assert months([late], "America/Toronto") == [date(2026, 11, 1)]
    assert months([late], None) == [date(2026, 12, 1)]


def test_a_gap_breaks_nothing() -> None:
    weeks = (0, 1, 5, 7, 7, 8, 40)
    written = [entry(str(n), created_at=NOW - timedelta(weeks=w)) for n, w in enumerate(weeks)]
    counted = habit(written, NOW.date(), None)
    assert (counted.total, counted.weeks, counted.of) == (7, 4, 8)
    assert habit([], NOW.date(), None).weeks == 0


def test_a_month_counts_what_was_meant_and_done_and_quotes_from_all_its_parts() -> None:
    days = [entry(f"e{n}", text=f"a thought on day number {n}", unit="C4" if n else "FB", went=1 + n % 5,
                  created_at=datetime(2026, 11, 1 + n, 12, tzinfo=UTC)) for n in range(9)]  # fmt: skip
    days[1] = replace(days[1], commitment="x", commitment_state="done")
    days[2] = replace(days[2], commitment="y", commitment_state="open")
    days[3] = replace(days[3], commitment="z", commitment_state="dropped")
    month = month_of([*reversed(days), entry("old", created_at=NOW - timedelta(days=90))], date(2026, 11, 1), None)
    assert (month.entries, month.weeks) == (9, 3)
    assert month.units == (("C4", 8), ("FB", 1))
    assert (month.done, month.open, month.dropped) == (("x",), ("y",), 1)
    assert [q.text[-1] for q in month.quotes] == ["0", "4", "8"]
    assert month.went == pytest.approx(25 / 9)
    assert month_of([], date(2026, 11, 1), "Mars/Olympus").quotes == ()


@given(st.text(max_size=60), st.text(max_size=60))
@example("\u2121", "")
def test_folding_never_fails_and_finds_a_text_in_itself(one: str, other: str) -> None:
    assert fold(fold(one)) == fold(one)
    assert fold(one) in fold(f"{one} {other}")
