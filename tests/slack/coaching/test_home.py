"""The App Home: a person's own picture, renewed after each change, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.core.records import Focus, Member
from bot.sandbox.driver import words
from bot.sandbox.limits import check_home
from bot.sandbox.server import Sandbox
from bot.services.nudges import Entry, Nudges, Wishes
from bot.services.selfchecks import SelfChecks
from bot.slack import home
from bot.slack.bolt import SlackApp
from tests.fakes.memory import MemoryRepositories

pytestmark = pytest.mark.usefixtures("bot")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")


def _fill(checks: SelfChecks, nudges: Nudges, member: Member, text: str, *, units: int = 15) -> None:
    for code, descriptor in list(checks.descriptors.items())[:units]:
        checks.finish(member, code, [3] * len(descriptor.statements), text, check_id=f"{member.user_id}-{code}")
    for n in range(5):
        entry = Entry(text=f"{text} {n}", prompt="What got in the way?", unit="C4", commitment=text[:300])
        nudges.reflect(member, replace(entry, commitment_due=None), entry_id=f"{member.user_id}-{n}")


def test_a_new_person_sees_what_to_begin_with(sandbox: Sandbox) -> None:
    sandbox.open_home("U0ANA")
    view = sandbox.wait_for_home("U0ANA", "Your self-checks")
    text = words(view.content)
    for expected in (
        "None yet. A quick check takes two minutes",
        "Next could be *Develop a team*",
        "You don't get weekly prompts at the moment",
        "Set up weekly prompts",
        "Nothing written yet.",
        "Nobody else can read them",
        "Delete my data",
    ):
        assert expected in text, expected


def test_a_check_from_home_shows_there_at_once(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    sandbox.open_home("U0ANA")
    view = sandbox.wait_for_home("U0ANA", "Your self-checks")
    sandbox.click("U0ANA", view.id, "selfcheck.start:C1")
    sandbox.wait_for_modal("U0ANA", "How true is each statement")
    sandbox.submit("U0ANA", {f"statement-{n}": "4" for n in range(len(selfchecks.descriptors["C1"].statements))})
    renewed = sandbox.wait_for_home("U0ANA", "1 of 15 looked at: 1 \u00d7 advanced level.")
    assert "C1 Develop a team\nraw_text\nadvanced\nraw_text\ntoday" in words(renewed.content)
    assert "Next could be *Unearth the problem*" in words(renewed.content)


def test_home_draws_the_profile_and_names_what_is_unchecked_or_old(
    sandbox: Sandbox, selfchecks: SelfChecks, bot: SlackApp
) -> None:
    for code in ("C1", "C4"):
        selfchecks.finish(ANA, code, [3] * 8, "", check_id=code)
    sandbox.clock.advance(timedelta(weeks=14))
    selfchecks.finish(ANA, "C4", [4] * 8, "", check_id="again")
    selfchecks.keep_role(ANA, ["C1", "C4", "C9", "FA"], "sustaining")
    home.publish(ANA, bot.deps)
    view = sandbox.wait_for_home("U0ANA", "Not looked at yet")
    text = words(view.content)
    for expected in (
        "*Not looked at yet:* C9 Plan for sustainability and sustain, FA Connect",
        "*Looked at more than three months ago:* C1 Develop a team",
        "4 of 15 belong to your role.",
        "Stage of your main piece of work: Sustaining: making it last",
        "C2 Unearth the problem\nraw_text\nnot in the role",
        "My whole profile",
        "How I have moved",
    ):
        assert expected in text, expected
    chart = next(b["chart"] for b in view.content["blocks"] if b["type"] == "data_visualization")
    assert chart["axis_config"]["categories"] == ["C1", "C4"]


def test_settings_on_home_follow_each_change(sandbox: Sandbox) -> None:
    sandbox.open_home("U0BEN")
    view = sandbox.wait_for_home("U0BEN", "Set up weekly prompts")
    sandbox.click("U0BEN", view.id, "nudge.settings")
    sandbox.wait_for_modal("U0BEN", "London time")
    sandbox.submit("U0BEN", {"nudge.day": "2", "nudge.time": "10:00"})
    view = sandbox.wait_for_home(
        "U0BEN", "Wednesdays at 10:00, London time (Europe/London). Next: Wednesday 25 November"
    )
    sandbox.click("U0BEN", view.id, "nudge.skip_next")
    view = sandbox.wait_for_home("U0BEN", "Next: Wednesday 2 December, 10:00")
    sandbox.click("U0BEN", view.id, "nudge.pause")
    view = sandbox.wait_for_home("U0BEN", "are paused")
    sandbox.click("U0BEN", view.id, "nudge.resume")
    view = sandbox.wait_for_home("U0BEN", "Next: Wednesday 2 December, 10:00")
    sandbox.click("U0BEN", view.id, "nudge.stop")
    sandbox.wait_for_home("U0BEN", "You don't get weekly prompts at the moment")


def test_a_reflection_shows_on_ones_own_home_and_opens_as_a_journal(sandbox: Sandbox) -> None:
    sandbox.open_home("U0ANA")
    view = sandbox.wait_for_home("U0ANA", "Reflect now")
    sandbox.click("U0ANA", view.id, "reflect.now")
    sandbox.wait_for_modal("U0ANA", "What comes to mind")
    sandbox.submit("U0ANA", {"text": "Nobody asked the porters.", "commitment": "Ask the porters"})
    view = sandbox.wait_for_home("U0ANA", "Nobody asked the porters.")
    assert "You want to do this by" in words(view.content)
    sandbox.click("U0ANA", view.id, "reflect.journal")
    sandbox.wait_for_modal("U0ANA", "Nobody asked the porters.")


def test_home_never_shows_another_persons_data(
    sandbox: Sandbox, selfchecks: SelfChecks, nudges: Nudges, bot: SlackApp
) -> None:
    _fill(selfchecks, nudges, ANA, "canary of Ana")
    nudges.subscribe(ANA, Wishes(1, 600, "America/Toronto"), channel="D0ANA")
    home.publish(ANA, bot.deps)
    home.publish(BEN, bot.deps)
    assert "canary of Ana" in words(sandbox.wait_for_home("U0ANA").content)
    bens = words(sandbox.wait_for_home("U0BEN").content)
    assert "canary" not in bens
    assert "Toronto" not in bens
    assert "15 of 15" not in bens


def test_home_keeps_slacks_limits_when_it_is_full(
    sandbox: Sandbox, selfchecks: SelfChecks, nudges: Nudges, bot: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(selfchecks, nudges, ANA, ("🙂 وقد قال <!here> & " * 300)[:2900])
    nudges.subscribe(ANA, Wishes(6, 1199, "America/Argentina/ComodRivadavia"), channel="D0ANA")
    action = ("🙂 وقد قال <!here> & " * 30)[:400]
    selfchecks.begin_focus(Focus("f", ANA, "C10", action, date(2026, 12, 1), sandbox.clock.now()))
    selfchecks.begin_profile(ANA, list(selfchecks.descriptors), run_id="r" * 24)
    selfchecks.keep_role(ANA, list(selfchecks.descriptors)[:14], "spreading")
    sandbox.clock.advance(timedelta(days=800))
    seen: list[dict] = []
    real = bot.deps.slack.publish_home
    monkeypatch.setattr(type(bot.deps.slack), "publish_home", lambda _self, m, v: (seen.append(v), real(m, v))[1])
    home.publish(ANA, bot.deps)
    assert check_home(seen[0]) == []
    assert "15 of 15 looked at" in words(sandbox.wait_for_home("U0ANA").content)


def test_a_home_that_slack_does_not_take_costs_nothing_else(sandbox: Sandbox, repositories: MemoryRepositories) -> None:
    sandbox.faults.add("views.publish", "500", times=3)
    sandbox.command("U0ANA", "D0ANA", "/reflect", "on Tuesday 9:30")
    sandbox.wait_for_message("D0ANA", "Done: one prompt a week", user="U0ANA")
    assert repositories.nudges.subscription(ANA) is not None
