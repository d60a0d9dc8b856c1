"""What a Home and a result cost: a number of queries that no history changes, and little time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_descriptors
from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.records import Focus, Member
from bot.services.selfchecks import SelfChecks
from tests.fakes.memory import StandingClock

ROOT = Path(__file__).parents[2]
KNOWLEDGE = load_knowledge(ROOT)
DESCRIPTORS = load_descriptors(ROOT, KNOWLEDGE)
ANA = Member("T1", "UANA")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))


@pytest.fixture
def repositories(tmp_path: Path, clock: StandingClock) -> Iterator[SqlRepositories]:
    opened = SqlRepositories(sqlite_url(tmp_path / "bot.db"), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def checks(repositories: SqlRepositories, clock: StandingClock) -> SelfChecks:
    return SelfChecks(knowledge=KNOWLEDGE, descriptors=DESCRIPTORS, repositories=repositories, clock=clock)


def _counted(repositories: SqlRepositories, work: Callable[[], object]) -> int:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.split(" ", 1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            statements.append(statement)

    event.listen(repositories.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(repositories.engine, "before_cursor_execute", note)
    return len(statements)


def _check(checks: SelfChecks, unit: str, number: int) -> None:
    checks.finish(ANA, unit, [1 + number % 5] * 8, "An example.", check_id=f"{unit}-{number}")


def test_queries_are_constant_in_the_length_of_the_history(
    checks: SelfChecks, repositories: SqlRepositories, clock: StandingClock, figure: Callable[[str], None]
) -> None:
    checks.begin_profile(ANA, ["C1", "C4"], run_id="r")
    checks.begin_focus(Focus("f", ANA, "C4", "Ask.", date(2027, 1, 1), clock.now()))
    _check(checks, "C4", 0)

    def views(number: int) -> dict[str, int]:
        clock.move(timedelta(days=1))
        counts = {
            "home": _counted(repositories, lambda: checks.overview(ANA)),
            "result": _counted(repositories, lambda: _check(checks, "C4", number)),
            "trend": _counted(repositories, lambda: checks.movements(ANA)),
        }
        result = checks.finish(ANA, "C4", [3] * 8, "", check_id=f"again-{number}")
        return counts | {"picture": _counted(repositories, lambda: checks.picture(ANA, result))}

    short = views(1000)
    for number in range(1, 41):
        clock.move(timedelta(days=7))
        for unit in DESCRIPTORS:
            _check(checks, unit, number)
    assert views(2000) == short
    assert short == {"home": 5, "result": 2, "trend": 1, "picture": 2}
    figure(f"queries a view, after 2 checks and after {40 * len(DESCRIPTORS)} more: {short}")
