"""Triage, as a person does it: in words, by command, by the shortcut on a message; close calls and corrections."""

from __future__ import annotations

import pytest

from bot.core.records import Member
from bot.sandbox.server import Sandbox
from bot.slack.bolt import SlackApp
from tests.fakes.memory import MemoryRepositories

pytestmark = pytest.mark.usefixtures("bot")
ANA = Member("T0SANDBOX", "U0ANA")


def _of_others(sandbox: Sandbox, channel: str, words: str) -> list[dict]:
    return [m for m in sandbox.messages(channel, "U0BEN") if words in str(m)]


def test_which_names_competency_runner_up_functions_level_reason_and_next_move(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "which everyone nods and then nothing happens")
    message = sandbox.wait_for_message("C0GENERAL", "This sounds like C4", user="U0ANA")
    text = message["text"]
    assert "Next nearest: C5 Select and build change strategies" in text
    assert "Functions you would lean on: Understand, Connect" in text
    assert "foundational" in text
    assert "“everyone”, “nods”" in text
    assert "A next move: Talk with five people" in text
    assert not _of_others(sandbox, "C0GENERAL", "sounds like")


def test_the_message_shortcut_answers_to_the_one_who_used_it_and_to_nobody_else(sandbox: Sandbox) -> None:
    message = next(m for m in sandbox.messages("C0ROLLOUT") if "Ward 3" in m["text"])
    sandbox.shortcut("U0CHI", "triage.which", "C0ROLLOUT", message["ts"])
    found = sandbox.wait_for_message("C0ROLLOUT", "This sounds like C4", user="U0CHI")
    assert found["ephemeral"] is True
    assert found["text"].startswith("About this message: Ward 3")  # Ana's words, so not "You asked"
    assert "Read: " in str(found["blocks"])
    assert not _of_others(sandbox, "C0ROLLOUT", "sounds like")


def test_the_shortcut_in_a_channel_without_the_bot_still_answers_the_person(sandbox: Sandbox) -> None:
    message = next(m for m in sandbox.messages("C0QUIET") if "Board wants" in m["text"])
    sandbox.shortcut("U0CHI", "triage.which", "C0QUIET", message["ts"])
    sandbox.wait_for(
        lambda: [m for c in ("C0QUIET", "D0CHI") for m in sandbox.messages(c, "U0CHI") if "This sounds like" in str(m)]
    )


def test_a_close_call_is_settled_by_one_question(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "half and half, really")
    message = sandbox.wait_for_message("D0ANA", "One question settles it")
    sandbox.click("U0ANA", message["ts"], "triage.settle:C5")
    settled = sandbox.wait_for_message("D0ANA", "Then it's C5")
    assert "Next nearest: C4" in settled["text"]


def test_neither_of_the_two_asks_for_more_words(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "half and half, really")
    message = sandbox.wait_for_message("D0ANA", "One question settles it")
    sandbox.click("U0ANA", message["ts"], "triage.settle:none")
    sandbox.wait_for_message("D0ANA", "Then neither fits well")


def test_none_of_these_is_an_honest_answer(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "my cat is ill")
    sandbox.wait_for_message("D0ANA", "I don't hear one of the ten competencies")


@pytest.mark.parametrize("share", [True, False])
def test_not_right_keeps_the_correction_and_shares_only_with_consent(
    sandbox: Sandbox, repositories: MemoryRepositories, share: bool
) -> None:
    sandbox.say("U0ANA", "D0ANA", "everyone nods and then nothing happens")
    message = sandbox.wait_for_message("D0ANA", "This sounds like C4")
    sandbox.click("U0ANA", message["ts"], "triage.wrong")
    sandbox.wait_for_modal("U0ANA", "None of these")
    assert "competency" in sandbox.submit("U0ANA", {})
    sandbox.submit("U0ANA", {"competency": "C7", "share": ["share"] if share else []})
    sandbox.wait_for_modal("U0ANA", "Thank you")
    sandbox.wait_idle()
    kept = repositories.everything_of(ANA)["exchanges"]
    assert [(e["correction"], e["may_share"]) for e in kept] == [("C7", share)]
    assert [e.asked for e in repositories.exchanges.corrections()] == (
        ["everyone nods and then nothing happens"] if share else []
    )


def test_somebody_elses_message_can_be_corrected_but_not_given_away(sandbox: Sandbox) -> None:
    message = next(m for m in sandbox.messages("C0ROLLOUT") if "Ward 3" in m["text"])
    sandbox.shortcut("U0CHI", "triage.which", "C0ROLLOUT", message["ts"])
    found = sandbox.wait_for_message("C0ROLLOUT", "This sounds like C4", user="U0CHI")
    sandbox.click("U0CHI", found["ts"], "triage.wrong")
    view = sandbox.wait_for_modal("U0CHI", "None of these")
    assert "checkboxes" not in str(view.content)


def test_which_without_words_says_how(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "which")
    sandbox.wait_for_message("C0GENERAL", "Tell me what is going on", user="U0ANA")


def test_uninstalling_purges_the_workspace(sandbox: Sandbox, repositories: MemoryRepositories, bot: SlackApp) -> None:
    from tests.slack.conftest import payload  # noqa: PLC0415

    sandbox.say("U0ANA", "D0ANA", "How do barriers differ from problems?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    bot.dispatch(payload("app_uninstalled"))
    sandbox.wait_for(lambda: not any(repositories.everything_of(ANA).values()), what="the purge")
