"""The whole profile in steps: chosen, rated, left, taken up again after a restart, started over, discarded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import Member
from bot.sandbox.driver import words
from bot.sandbox.limits import check_message, check_view
from bot.sandbox.server import Sandbox
from bot.services.selfchecks import SelfChecks
from bot.slack import full_profile
from bot.slack.bolt import SlackApp
from tests.fakes.memory import MemoryRepositories

pytestmark = pytest.mark.usefixtures("bot")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")
ROLE = ["C1", "C4"]


def answers(value: str, example: str = "") -> dict[str, str]:
    return {f"statement-{n}": value for n in range(8)} | {"example": example}


def _begin(sandbox: Sandbox, competencies: list[str], functions: list[str], stage: str = "doing") -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "full")
    sandbox.wait_for_modal("U0ANA", "untick what isn't part of yours")
    chosen: dict[str, Any] = {"competencies": competencies, "functions": functions, "stage": stage}
    assert sandbox.submit("U0ANA", chosen) == {}


def test_the_role_is_chosen_and_each_step_saved_to_the_end(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    _begin(sandbox, ["C4", "C1"], ["FB"])
    view = sandbox.wait_for_modal("U0ANA", "Step 1 of 3")
    assert "Develop a team" in words(view.content)
    assert sandbox.submit("U0ANA", answers("4", "My own words.")) == {}
    view = sandbox.wait_for_modal("U0ANA", "Step 2 of 3")
    assert "Assess barriers and facilitators" in words(view.content)
    first, second = (selfchecks.descriptors[u].version for u in ("C1", "C4"))
    blocks = {b["block_id"] for b in view.content["blocks"] if b["type"] == "input"}
    assert f"{second}:0" in blocks  # of other names, or Slack would keep the choices of the step before
    assert f"{first}:0" not in blocks
    sandbox.wait_for(lambda: repositories.checks.latest(ANA).get("C1"), what="the first step's check")
    assert sandbox.submit("U0ANA", answers("2")) == {}
    sandbox.wait_for_modal("U0ANA", "Step 3 of 3")
    assert sandbox.submit("U0ANA", answers("3")) == {}
    sandbox.wait_for_modal("U0ANA", "That was the last step")
    message = sandbox.wait_for_message("D0ANA", "Your whole profile")
    for expected in (
        "Rated: 3 competencies and functions.",
        "advanced level: C1 Develop a team, FB Understand",
        "building the foundations: C4 Assess barriers and facilitators",
        "A next step for Assess barriers and facilitators",
        "Only you can see this.",
    ):
        assert expected in message["text"], expected
    chart = next(b["chart"] for b in message["blocks"] if b["type"] == "data_visualization")
    assert chart["axis_config"]["categories"] == ["C1", "C4", "FB"]
    assert repositories.checks.latest(ANA)["C1"].example == "My own words."
    assert selfchecks.under_way(ANA) is None
    profile = repositories.profiles.get(ANA)
    assert (profile.stage, profile.role_units) == ("doing", ("C1", "C4", "FB"))
    assert repositories.checks.latest(BEN) == {}
    assert len([m for m in sandbox.messages("D0ANA", "U0ANA") if "Two next steps" in words(m)]) == 0


def test_left_in_the_middle_it_goes_on_days_later_after_a_restart(
    sandbox: Sandbox, bot: SlackApp, build: Callable[[], SlackApp], repositories: MemoryRepositories
) -> None:
    _begin(sandbox, ["C1", "C4", "C9"], [])
    sandbox.wait_for_modal("U0ANA", "Step 1 of 3")
    sandbox.submit("U0ANA", answers("4"))
    sandbox.wait_for_modal("U0ANA", "Step 2 of 3")
    sandbox.close("U0ANA")
    sandbox.wait_for(lambda: "C1" in repositories.checks.latest(ANA), what="the saved step")
    bot.stop()
    sandbox.clock.advance(timedelta(days=5))
    again = build()
    again.start()
    sandbox.wait_connected()
    sandbox.open_home("U0ANA")
    view = sandbox.wait_for_home("U0ANA", "1 of 3 steps done")
    sandbox.click("U0ANA", view.id, "profile.resume")
    page = sandbox.wait_for_modal("U0ANA", "Step 2 of 3")
    assert "Assess barriers and facilitators" in words(page.content)
    sandbox.submit("U0ANA", answers("3"))
    sandbox.wait_for_modal("U0ANA", "Step 3 of 3")
    sandbox.close("U0ANA")
    sandbox.wait_for(lambda: "C4" in repositories.checks.latest(ANA), what="the second step")
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "resume")
    sandbox.wait_for_modal("U0ANA", "Step 3 of 3")
    sandbox.submit("U0ANA", answers("3"))
    sandbox.wait_for_message("D0ANA", "Your whole profile")
    assert [c.unit for c in repositories.checks.history(ANA)] == ["C9", "C4", "C1"]


def test_a_quick_check_in_between_counts_as_its_step(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    _begin(sandbox, ROLE, [])
    sandbox.wait_for_modal("U0ANA", "Step 1 of 2")
    sandbox.close("U0ANA")
    sandbox.wait_for(lambda: selfchecks.under_way(ANA), what="the begun profile")
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "C1 3 3 3 3 3 3 3 3")
    sandbox.wait_for_message("D0ANA", "Two next steps")
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "continue")
    view = sandbox.wait_for_modal("U0ANA", "Step 2 of 2")
    assert "Assess barriers" in words(view.content)


def test_a_step_left_open_is_asked_for_and_what_was_chosen_stays(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    _begin(sandbox, ROLE, [])
    sandbox.wait_for_modal("U0ANA", "Step 1 of 2")
    values = answers("3", "Kept words.")
    del values["statement-5"]
    assert list(sandbox.submit("U0ANA", values).values()) == ["Please complete this required field."]
    sandbox.wait_for_modal("U0ANA", "Step 1 of 2")
    assert repositories.checks.latest(ANA) == {}


def test_nothing_ticked_is_asked_back(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "full")
    sandbox.wait_for_modal("U0ANA", "untick what isn't part of yours")
    assert list(sandbox.submit("U0ANA", {"competencies": [], "functions": []})) == ["competencies"]
    assert selfchecks.under_way(ANA) is None


def test_discarding_keeps_the_checks_and_starting_over_begins_at_one(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    _begin(sandbox, ROLE, [])
    sandbox.wait_for_modal("U0ANA", "Step 1 of 2")
    sandbox.submit("U0ANA", answers("3"))
    sandbox.wait_for_modal("U0ANA", "Step 2 of 2")
    sandbox.close("U0ANA")
    sandbox.wait_for(lambda: "C1" in repositories.checks.latest(ANA), what="the first step, dated today")
    sandbox.clock.advance(timedelta(days=1))
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck")
    picker = sandbox.wait_for_modal("U0ANA", "1 of 2 steps done")
    sandbox.click("U0ANA", picker.id, "profile.new")
    sandbox.wait_for_modal("U0ANA", "untick what isn't part of yours")
    sandbox.submit("U0ANA", {"competencies": ROLE, "functions": []})
    sandbox.wait_for_modal("U0ANA", "Step 1 of 2")
    sandbox.close("U0ANA", clear=True)
    sandbox.open_home("U0ANA")
    view = sandbox.wait_for_home("U0ANA", "none of its 2 steps is done yet")
    sandbox.click("U0ANA", view.id, "profile.discard")
    sandbox.wait_for_message("D0ANA", "Discarded.")
    assert selfchecks.under_way(ANA) is None
    assert list(repositories.checks.latest(ANA)) == ["C1"]
    assert not selfchecks.end_profile(ANA, "of an old button")


def test_suggestions_keep_to_the_role(selfchecks: SelfChecks) -> None:
    selfchecks.keep_role(ANA, ["C4", "FE"], "planning")
    assert selfchecks.suggest(ANA).unit == "C4"
    selfchecks.finish(ANA, "C4", [3] * 8, "", check_id="1")
    assert selfchecks.suggest(ANA).unit == "FE"
    selfchecks.keep_role(ANA, FRAMEWORK_UNITS, "planning")
    assert selfchecks.suggest(ANA).unit == "C1"


def test_every_view_and_message_keeps_slacks_limits(bot: SlackApp, selfchecks: SelfChecks, sandbox: Sandbox) -> None:
    wording, knowledge = bot.deps.wording, selfchecks.knowledge
    selfchecks.begin_profile(BEN, FRAMEWORK_UNITS, run_id="r" * 24)
    for n, (code, descriptor) in enumerate(selfchecks.descriptors.items()):
        step = full_profile.Step("r" * 24, n + 1, 15, FRAMEWORK_UNITS[n + 1 :])
        view = full_profile.page_modal(selfchecks.unit(code), descriptor, wording, example="🙂" * 3000, step=step)
        assert check_view(view) == []
        selfchecks.finish(BEN, code, [1] * 8, "", check_id=code)
    text, blocks = full_profile.profile_message(selfchecks.overview(BEN), selfchecks, wording)
    assert check_message({"text": text, "blocks": blocks}) == []
    for begin in (True, False):
        view = full_profile.role_modal(selfchecks.profile(BEN), wording, knowledge, begin=begin)
        assert check_view(view) == []
