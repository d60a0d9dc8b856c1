"""Self-checks and the journal over storage in memory and SQLite: kept once, private, told what changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_descriptors, load_reflections
from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.records import Exchange, Member, Profile
from bot.ports import Repositories
from bot.services.nudges import Entry, Nudges, Wishes
from bot.services.selfchecks import SelfChecks
from tests.fakes.memory import MemoryRepositories, StandingClock

ROOT = Path(__file__).parents[2]
KNOWLEDGE = load_knowledge(ROOT)
DESCRIPTORS = load_descriptors(ROOT, KNOWLEDGE)
PROMPTS = load_reflections(ROOT, KNOWLEDGE)
ANA, BEN = Member("T1", "UANA"), Member("T1", "UBEN")
SAME_ID_ELSEWHERE = Member("T2", "UANA")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))


@pytest.fixture(params=["memory", "sqlite"])
def repositories(request: pytest.FixtureRequest, tmp_path: Path, clock: StandingClock) -> Iterator[Repositories]:
    opened: Repositories
    if request.param == "memory":
        opened = MemoryRepositories(clock)
    else:
        opened = SqlRepositories(sqlite_url(tmp_path / "bot.db"), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def checks(repositories: Repositories, clock: StandingClock) -> SelfChecks:
    return SelfChecks(knowledge=KNOWLEDGE, descriptors=DESCRIPTORS, repositories=repositories, clock=clock)


@pytest.fixture
def nudges(repositories: Repositories, clock: StandingClock) -> Nudges:
    return Nudges(repositories=repositories, prompts=PROMPTS, clock=clock, new_id=lambda: "n1")


def test_the_same_check_delivered_twice_is_kept_once_and_says_the_same(
    checks: SelfChecks, repositories: Repositories, clock: StandingClock
) -> None:
    before = checks.finish(ANA, "C4", [2] * 8, "then", check_id="one")
    clock.move(timedelta(days=40))
    first = checks.finish(ANA, "C4", [4] * 8, "now", check_id="two")
    again = checks.finish(ANA, "C4", [4] * 8, "now", check_id="two")
    assert before.change is None
    assert first == again
    assert first.change is not None
    assert (first.change.before, first.change.up, first.change.example_before) == ("starting", 8, "then")
    assert [c.id for c in repositories.checks.history(ANA)] == ["two", "one"]


def test_checks_are_the_persons_own(checks: SelfChecks) -> None:
    checks.finish(ANA, "C4", [4] * 8, "mine", check_id="one")
    assert checks.latest(BEN) == checks.latest(SAME_ID_ELSEWHERE) == {}
    assert checks.suggest(BEN).unit == "C1"
    assert checks.finish(BEN, "C4", [4] * 8, "", check_id="one").change is None


def test_the_focus_of_the_profile_is_suggested(checks: SelfChecks, repositories: Repositories) -> None:
    repositories.profiles.put(Profile(ANA, focus="FD"))
    assert checks.suggest(ANA).unit == "FD"


def test_what_came_up_in_a_situation_or_in_questions_is_suggested_and_says_why(
    checks: SelfChecks, repositories: Repositories, clock: StandingClock
) -> None:
    def kept(number: int, kind: Literal["ask", "triage"], result: dict[str, Any], member: Member = ANA) -> None:
        clock.move(timedelta(minutes=1))
        repositories.exchanges.save(Exchange(f"x{number}", member, kind, "words", result, clock.now()))

    kept(1, "triage", {"outcome": "close_call", "competency": "C7"})
    kept(2, "triage", {"outcome": "match", "competency": "C8"}, BEN)
    assert checks.suggest(ANA).because == "unchecked"
    answer = {"outcome": "answered", "citations": [{"unit": "C6"}, {"unit": "C4"}]}
    kept(3, "ask", answer)
    kept(4, "ask", {"outcome": "not_in_sources", "citations": []})
    assert checks.suggest(ANA).because == "unchecked"
    kept(5, "ask", answer)
    assert (checks.suggest(ANA).unit, checks.suggest(ANA).because) == ("C6", "asked")
    kept(6, "triage", {"outcome": "match", "competency": "C9"})
    assert (checks.suggest(ANA).unit, checks.suggest(ANA).because) == ("C9", "told")
    repositories.exchanges.correct("x6", ANA, correction="C10", may_share=False)
    assert checks.suggest(ANA).unit == "C10"
    checks.finish(ANA, "C10", [3] * 8, "", check_id="one")
    assert checks.suggest(ANA).unit == "C6"
    clock.move(timedelta(days=31))
    assert checks.suggest(ANA).because == "unchecked"


@pytest.mark.parametrize(("unit", "ratings"), [("C4", [3] * 7), ("C4", [9] * 8), ("P-INTRO", [3] * 8), ("C99", [])])
def test_what_does_not_fit_is_refused_and_nothing_is_kept(checks: SelfChecks, unit: str, ratings: list[int]) -> None:
    with pytest.raises((KeyError, ValueError)):
        checks.finish(ANA, unit, ratings, "", check_id="one")
    assert checks.latest(ANA) == {}


def test_a_repeat_after_a_later_check_still_tells_the_first_result(checks: SelfChecks, clock: StandingClock) -> None:
    first = checks.finish(ANA, "C4", [2] * 8, "", check_id="one")
    clock.move(timedelta(days=9))
    checks.finish(ANA, "C4", [4] * 8, "", check_id="two")
    assert checks.finish(ANA, "C4", [2] * 8, "", check_id="one") == first


def test_the_picture_of_a_result_has_the_profile_the_unit_over_time_and_a_reading(
    checks: SelfChecks, clock: StandingClock
) -> None:
    checks.finish(ANA, "C1", [3] * 8, "", check_id="one")
    checks.finish(ANA, "C4", [2] * 8, "", check_id="two")
    clock.move(timedelta(days=9))
    result = checks.finish(ANA, "C4", [4] * 8, "", check_id="three")
    picture = checks.picture(ANA, result)
    assert [(b.unit, b.foundational) for b in picture.bars] == [("C1", 100), ("C4", 100)]
    assert [p.rating for p in picture.track] == [2, 4]
    assert picture.reading is not None
    assert picture.reading.id == result.reading
    assert [m.unit for m in checks.movements(ANA)] == ["C4"]
    assert checks.movements(BEN) == ()


# --- the journal ----------------------------------------------------------------------------------------------------


def test_an_entry_delivered_twice_is_kept_once(nudges: Nudges) -> None:
    entry = Entry("  I spoke too soon. ", "What happened?", "FB", "Wait a breath", date(2026, 11, 30), 2)
    assert nudges.reflect(ANA, entry, entry_id="e1") == nudges.reflect(ANA, entry, entry_id="e1")
    (kept,) = nudges.journal.entries(ANA)
    assert (kept.text, kept.commitment_state, kept.went) == ("I spoke too soon.", "open", 2)
    assert nudges.journal.entries(BEN) == nudges.journal.entries(SAME_ID_ELSEWHERE) == []


def test_somebody_elses_commitment_cannot_be_touched(nudges: Nudges) -> None:
    nudges.reflect(ANA, Entry("text", "", "FB", "Wait a breath", date(2026, 11, 30)), entry_id="e1")
    assert nudges.journal.settle_commitment("e1", BEN, "done") is None
    assert nudges.journal.move_commitment("e1", BEN, date(2026, 12, 9)) is None
    assert nudges.journal.entries(ANA)[0].commitment_state == "open"


def test_an_entry_without_a_commitment_has_none_to_ask_about(nudges: Nudges) -> None:
    kept = nudges.reflect(ANA, Entry("text", "", "FB", "   ", date(2026, 11, 30)), entry_id="e1")
    assert (kept.commitment, kept.commitment_due, kept.commitment_state) == ("", None, None)
    assert nudges.journal.settle_commitment("e1", ANA, "done") is None


@pytest.mark.parametrize(("minute", "zone"), [(479, "Europe/London"), (1200, "Europe/London"), (600, "Mars/Olympus")])
def test_a_wish_that_cannot_be_kept_is_refused_and_enrols_nobody(nudges: Nudges, minute: int, zone: str) -> None:
    with pytest.raises(ValueError, match=r"hours|Mars"):
        nudges.subscribe(ANA, Wishes(1, minute, zone), channel="D1")
    assert nudges.subscription(ANA) is None
