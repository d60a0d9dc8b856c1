"""The development plan, from a result to closed: chosen, shown on Home, picked up by reflections, moved, done."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.core.records import Focus, Member
from bot.ports import Repositories
from bot.sandbox.driver import words
from bot.sandbox.limits import check_home, check_message, check_view
from bot.sandbox.server import Sandbox
from bot.services.nudges import Nudges
from bot.services.selfchecks import SelfChecks
from bot.slack import focus, home, plans
from bot.slack.bolt import SlackApp

pytestmark = pytest.mark.usefixtures("bot")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")
ACTION = "Ask *three* nurses <!here> what gets in the way"


def _focused(sandbox: Sandbox, unit: str, action: str, due: str = "2026-12-21") -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", f"{unit} 4 4 4 4 2 2 2 2")
    message = sandbox.wait_for(
        lambda: next((m for m in sandbox.messages("D0ANA", "U0ANA") if f"focus.open:{unit}" in str(m)), None),
        what="the result",
    )
    sandbox.click("U0ANA", message["ts"], f"focus.open:{unit}")
    sandbox.wait_for_modal("U0ANA", "What will you do, in your own words?")
    assert sandbox.submit("U0ANA", {"action": action, "due": due}) == {}


def test_from_a_result_to_closed(
    sandbox: Sandbox, selfchecks: SelfChecks, nudges: Nudges, repositories: Repositories
) -> None:
    _focused(sandbox, "C4", ACTION)
    told = sandbox.wait_for_message("D0ANA", "stands on my Home tab")
    assert "Assess barriers and facilitators until Monday 21 December:" in told["text"]
    assert "<!here>" not in told["text"]
    view = sandbox.wait_for_home("U0ANA", "Your focus")
    assert "what gets in the way" in words(view.content)
    assert repositories.profiles.get(ANA).focus == "C4"
    assert nudges.prompt_now(ANA).unit == "C4"
    sandbox.click("U0ANA", view.id, "focus.move")
    sandbox.wait_for_modal("U0ANA", "By when?")
    assert list(sandbox.submit("U0ANA", {"due": "2026-10-01"})) == ["due"]
    assert sandbox.submit("U0ANA", {"due": "2027-01-11"}) == {}
    view = sandbox.wait_for_home("U0ANA", "until Monday 11 January")
    sandbox.clock.advance(timedelta(weeks=9))
    sandbox.open_home("U0ANA")
    view = sandbox.wait_for_home("U0ANA", "meant for Monday 11 January")
    sandbox.click("U0ANA", view.id, "focus.done")
    message = sandbox.wait_for_message("D0ANA", "Well done")
    assert any("selfcheck.start:C4" in str(b) for b in message["blocks"])
    closed = sandbox.wait_for(
        lambda: (v := sandbox.home("U0ANA")) and "Your focus" not in words(v.content) and v, what="a Home without it"
    )
    assert closed
    assert repositories.profiles.get(ANA).focus is None
    assert selfchecks.overview(ANA).focus is None


def test_a_new_focus_replaces_the_one_before_and_its_old_buttons_say_so(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: Repositories
) -> None:
    _focused(sandbox, "C4", "The first thing")
    first = sandbox.wait_for_message("D0ANA", "stands on my Home tab")
    sandbox.clock.advance(timedelta(seconds=5))
    _focused(sandbox, "C9", "The second thing")
    sandbox.wait_for_home("U0ANA", "The second thing")
    assert repositories.profiles.get(ANA).focus == "C9"
    sandbox.click("U0ANA", first["ts"], "focus.done")
    sandbox.wait_for_message("D0ANA", "That focus is no longer there")
    current = selfchecks.overview(ANA).focus
    assert current is not None
    assert (current.unit, current.action) == ("C9", "The second thing")


def test_letting_go_twice_is_said_calmly_and_done_once(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    _focused(sandbox, "C4", "Something")
    told = sandbox.wait_for_message("D0ANA", "stands on my Home tab")
    sandbox.click("U0ANA", told["ts"], "focus.drop")
    sandbox.wait_for_message("D0ANA", "Let go")
    sandbox.click("U0ANA", told["ts"], "focus.drop")
    sandbox.wait_for(
        lambda: sum("Let go: “Something”" in m["text"] for m in sandbox.messages("D0ANA", "U0ANA")) == 2,
        what="the second answer",
    )
    assert selfchecks.overview(ANA).focus is None


def test_an_action_without_words_is_asked_for(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    sandbox.command("U0ANA", "D0ANA", "/selfcheck", "C4 4 4 4 4 2 2 2 2")
    message = sandbox.wait_for_message("D0ANA", "Two next steps")
    sandbox.click("U0ANA", message["ts"], "focus.open:C4")
    sandbox.wait_for_modal("U0ANA", "in your own words?")
    assert list(sandbox.submit("U0ANA", {"action": "   ", "due": "2026-12-21"})) == ["action"]
    assert selfchecks.overview(ANA).focus is None


def test_somebody_elses_focus_cannot_be_seen_or_closed(selfchecks: SelfChecks, sandbox: Sandbox) -> None:
    kept = Focus("f1", ANA, "C4", "Mine", date(2026, 12, 21), sandbox.clock.now())
    selfchecks.begin_focus(kept)
    assert selfchecks.focus(BEN, "f1") is selfchecks.close_focus(BEN, "f1", done=True) is None
    assert selfchecks.move_focus(BEN, "f1", date(2027, 1, 1)) is None
    assert selfchecks.overview(BEN).focus is None
    assert selfchecks.overview(ANA).focus == kept


def test_the_longest_focus_keeps_slacks_limits(
    selfchecks: SelfChecks, nudges: Nudges, bot: SlackApp, sandbox: Sandbox
) -> None:
    wording, knowledge, now = bot.deps.wording, selfchecks.knowledge, sandbox.clock.now()
    action = ("🙂 وقد قال <!here> & " * 30)[:400]
    for unit in knowledge.units.values():
        kept = Focus(unit.code, ANA, unit.code, action, date(2026, 12, 21), now)
        selfchecks.begin_focus(kept)
        view = focus.focus_modal(unit, selfchecks.overview(ANA), date(2026, 11, 23), wording)
        assert check_view(view) == []
        lead, _ = plans.focus_words(kept, knowledge, wording, now)
        assert check_message({"text": lead}) == []
    page = home.Page(selfchecks.overview(ANA), plans.plan_of(ANA, nudges), (), now, 90)
    assert check_home(home.home_view(page, bot.deps)) == []
