"""A person in distress is met with care first, in every field in which people write, and what they wrote is kept."""

from __future__ import annotations

import pytest

from bot.sandbox.server import Sandbox
from bot.slack.bolt import SlackApp
from tests.slack.scripted import ScriptedCoach

pytestmark = pytest.mark.usefixtures("bot")
HEAVY = "I don't want to live any more and I can't tell anyone."
LINE = "Call Sam, 555-0100."


def said_by_bot(sandbox: Sandbox, channel: str, user: str) -> list[str]:
    return [m["text"] for m in sandbox.messages(channel, user) if m["user"] == "U0COACH"]


def test_in_the_dm_care_and_the_support_line_are_all_that_is_said(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", HEAVY)
    sandbox.wait_for_message("D0ANA", LINE)
    sandbox.wait_idle()
    [only] = said_by_bot(sandbox, "D0ANA", "U0ANA")
    assert "don't have to carry it alone" in only


def test_a_mention_in_a_channel_is_met_in_the_dm_and_not_before_everybody(sandbox: Sandbox) -> None:
    sandbox.mention("U0ANA", "C0ROLLOUT", HEAVY)
    sandbox.wait_for_message("D0ANA", LINE)
    sandbox.wait_idle()
    assert said_by_bot(sandbox, "C0ROLLOUT", "U0BEN") == []


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("/coach", HEAVY),
        ("/coach", f"ask {HEAVY}"),
        ("/coach", f"which {HEAVY}"),
        ("/selfcheck", HEAVY),
        ("/reflect", HEAVY),
    ],
)
def test_behind_any_command_it_is_met_to_the_person_alone(sandbox: Sandbox, command: str, text: str) -> None:
    sandbox.command("U0ANA", "C0GENERAL", command, text)
    message = sandbox.wait_for_message("C0GENERAL", LINE, user="U0ANA")
    assert message["ephemeral"] is True


def test_before_the_index_is_ready_nobody_waits_for_care(sandbox: Sandbox, coach: ScriptedCoach) -> None:
    coach.ready.clear()
    sandbox.say("U0ANA", "D0ANA", HEAVY)
    sandbox.wait_for_message("D0ANA", LINE)
    coach.ready.set()


def test_somebody_elses_heavy_message_gets_words_for_whoever_found_it_and_no_competency(sandbox: Sandbox) -> None:
    ts = sandbox.say("U0BEN", "C0ROLLOUT", HEAVY)
    sandbox.shortcut("U0ANA", "triage.which", "C0ROLLOUT", ts)
    message = sandbox.wait_for_message("C0ROLLOUT", "ask them how they are", user="U0ANA")
    assert message["ephemeral"] is True
    assert LINE in message["text"]
    assert "sounds like C" not in message["text"]


def test_in_the_question_modal_care_stands_in_its_place(sandbox: Sandbox) -> None:
    sandbox.shortcut("U0ANA", "ask.open")
    sandbox.wait_for_modal("U0ANA", "Ask the coach")
    sandbox.submit("U0ANA", {"question": HEAVY})
    sandbox.wait_for_modal("U0ANA", LINE)
    sandbox.wait_for_message("D0ANA", LINE)


@pytest.mark.parametrize(
    "text",
    ["This rollout is killing me, what do I do first?", "I could cry, the whole dashboard reset itself."],
)
def test_hard_work_is_answered_as_work(sandbox: Sandbox, bot: SlackApp, text: str) -> None:
    sandbox.say("U0ANA", "D0ANA", text)
    sandbox.wait_for_message("D0ANA", "comes first")
    assert LINE not in " ".join(said_by_bot(sandbox, "D0ANA", "U0ANA"))
