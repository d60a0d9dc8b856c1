"""Everything that a self-check shows, with the longest content there can be, held against Slack's limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import Check, Focus, Member
from bot.core.selfcheck import level_reached
from bot.sandbox.driver import words
from bot.sandbox.limits import check_home, check_message, check_view
from bot.sandbox.server import Sandbox
from bot.services.nudges import Entry, Nudges, Wishes
from bot.services.selfchecks import SelfChecks

pytestmark = pytest.mark.usefixtures("bot")
NAME = "Dana 🙂🏽\u200d⚕️ أمل الكردي \u202eسلام"  # noqa: RUF001 - letters of other scripts are the point
LONG = ("🙂 وقد قالت الممرضة <!here> & https://example.org " * 100)[:3000]
ACTION = LONG[:400]
VIEWS = ("views.open", "views.push", "views.update")


@pytest.fixture
def repositories(sandbox: Sandbox, tmp_path: Path) -> Iterator[SqlRepositories]:
    """A real database, as it is in use."""
    opened = SqlRepositories(sqlite_url(tmp_path / "bot.db"), clock=sandbox.clock)
    yield opened
    opened.close()


@pytest.fixture
def dana(sandbox: Sandbox, selfchecks: SelfChecks, nudges: Nudges, repositories: SqlRepositories) -> str:
    """Somebody with 35 checks of each unit, comments of 3,000 characters, and everything else at its longest."""
    person = sandbox.add_person(NAME, "America/Argentina/ComodRivadavia")
    member = Member("T0SANDBOX", person)
    for turn in range(35):
        for number, (code, descriptor) in enumerate(selfchecks.descriptors.items()):
            ratings = [1 + (turn + number + n) % 5 for n in range(len(descriptor.statements))]
            level = level_reached(descriptor, ratings)
            at = sandbox.clock.now()
            repositories.checks.add(
                Check(f"{code}-{turn}", member, code, tuple(ratings), level, LONG, descriptor.version, at)
            )
        sandbox.clock.advance(timedelta(days=9))
    nudges.subscribe(member, Wishes(6, 1199, "America/Argentina/ComodRivadavia"), channel=sandbox.dm(person))
    for n in range(5):
        nudges.reflect(member, Entry(LONG, LONG, "C10", ACTION, date(2028, 1, 1)), entry_id=f"e{n}")
    selfchecks.begin_focus(Focus("f", member, "C10", ACTION, date(2026, 12, 1), sandbox.clock.now()))
    selfchecks.keep_role(member, FRAMEWORK_UNITS[:14], "spreading")
    sandbox.clock.advance(timedelta(days=200))
    return person


def _walk(sandbox: Sandbox, dana: str) -> None:
    """Everything that a person can come to, by commands and buttons."""
    dm = sandbox.dm(dana)
    eight = {f"statement-{n}": "3" for n in range(8)} | {"example": LONG}
    sandbox.open_home(dana)
    sandbox.wait_for_home(dana, "15 of 15 looked at")
    sandbox.command(dana, dm, "/selfcheck")
    sandbox.wait_for_modal(dana, "is your focus")
    assert sandbox.submit(dana, {"unit": "C8"}) == {}
    sandbox.wait_for_modal(dana, "How true is each statement")
    assert sandbox.submit(dana, eight) == {}
    sandbox.wait_for_modal(dana, "is on its way")
    result = sandbox.wait_for_message(dm, "Two next steps")
    sandbox.close(dana, clear=True)
    assert "What you wrote then" in words(result)
    for action, shows in (
        ("selfcheck.trend", ""),
        ("selfcheck.rule", "What it is worth"),
        ("focus.open:C8", "It takes the place of your focus so far"),
        ("source.open:read1", "Source"),
        ("selfcheck.start", "What would you like to look at?"),
    ):
        sandbox.click(dana, result["ts"], action)
        if shows:
            sandbox.wait_for_modal(dana, shows)
            sandbox.close(dana, clear=True)
    trend = sandbox.wait_for_message(dm, "How you have moved")
    sandbox.click(dana, trend["ts"], "profile.picture")
    sandbox.wait_for_message(dm, "Your profile as a picture", timeout=60)  # the first loads the drawing library
    sandbox.command(dana, dm, "/selfcheck", f"C4 {' '.join('3' * 7)} {'9' * 400}")
    sandbox.wait_for_message(dm, "not all are", user=dana)
    sandbox.command(dana, dm, "/selfcheck", f"{LONG} bananas")
    sandbox.wait_for_message(dm, "I don't know which of the fifteen", user=dana)
    sandbox.command(dana, dm, "/selfcheck", "plan 3 3 3 3 2 2 2 2")
    sandbox.wait_for_message(dm, "could be any of these", user=dana)
    _whole(sandbox, dana, eight)


def _whole(sandbox: Sandbox, dana: str, eight: dict[str, Any]) -> None:
    dm = sandbox.dm(dana)
    sandbox.command(dana, dm, "/selfcheck", "full")
    sandbox.wait_for_modal(dana, "untick what isn't part of yours")
    everything = {"competencies": list(FRAMEWORK_UNITS[:10]), "functions": list(FRAMEWORK_UNITS[10:])}
    assert sandbox.submit(dana, everything) == {}
    for step in range(1, 16):
        sandbox.wait_for_modal(dana, f"Step {step} of 15.")
        if step == 8:
            sandbox.open_home(dana)
            sandbox.wait_for_home(dana, "7 of 15 steps done")
        assert sandbox.submit(dana, eight) == {}
    sandbox.wait_for_message(dm, "Rated: 15 competencies and functions.")
    sandbox.wait_idle()


def test_everything_that_is_shown_keeps_slacks_limits(
    sandbox: Sandbox, dana: str, repositories: SqlRepositories, figure: Callable[[str], None]
) -> None:
    kept = len(repositories.checks.history(Member("T0SANDBOX", dana), limit=2000))
    assert kept == 35 * 15
    _walk(sandbox, dana)
    seen: Counter[str] = Counter()
    for call in sandbox.recorder.calls:
        assert call.ok, (call.method, call.response)
        if call.method in VIEWS:
            assert check_view(call.args["view"]) == []
            seen["modals"] += 1
        elif call.method == "views.publish":
            assert check_home(call.args["view"]) == []
            seen["Homes"] += 1
        elif call.method in {"chat.postMessage", "response_url"}:
            assert check_message(call.args) == []
            assert "<!here>" not in words(call.args)
            seen["messages"] += 1
    figure(
        f"with 35 checks of each unit, comments of 3,000 characters and the name {NAME!r}: {dict(seen)} "
        "and the modals that took another's place, 0 over a limit"
    )
    assert min(seen.values()) >= 5
