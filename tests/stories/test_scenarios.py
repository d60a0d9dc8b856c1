"""Whole conversations with the real bot: its coach, index and database, through the sandbox's hands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.core.records import Member
from bot.sandbox.driver import words
from tests.realbot import Running, running_bot

QUESTION = "What is the difference between barriers and change strategies?"
FADING = "Our funding ends in March. Nobody has worked out how it goes on once I leave, and I think it will fade."
KEPT = "The grant money runs out in June, and I fear that it will all fade once I leave."


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_bot(tmp_path_factory.mktemp("data")) as ready:
        yield ready


def ask(running: Running, user: str, text: str, contains: str = "") -> dict[str, Any]:
    """Say it in the DM; the bot's answer."""
    sandbox = running.sandbox
    asked = sandbox.say(user, sandbox.dm(user), text)
    return sandbox.wait_for_message(sandbox.dm(user), contains, user=user, after=asked)


def value_of(message: dict[str, Any], action_id: str, *, negative: bool = False) -> str:
    elements = [e for block in message["blocks"] for e in block.get("elements", ()) if isinstance(e, dict)]
    found = next(e for e in elements if e.get("action_id") == action_id)
    return found["negative_button" if negative else "positive_button"]["value"]


def test_a_mention_within_a_thread_is_answered_in_that_thread(running: Running):
    sandbox = running.sandbox
    root = sandbox.say("U0BEN", "C0GENERAL", "Anybody know how the two differ?")
    sandbox.mention("U0ANA", "C0GENERAL", QUESTION, thread_ts=root)
    answer = sandbox.wait_for_message("C0GENERAL", "Select and build change strategies", thread_ts=root)
    assert "[1]" in answer["text"]
    assert "share.open" not in words(answer["blocks"])  # everybody reads it already
    sandbox.wait_idle()
    main = [m for m in sandbox.messages("C0GENERAL") if m["user"] == "U0COACH" and m.get("thread_ts") != root]
    assert main == []


def test_a_follow_up_is_understood_from_what_was_said_before_and_by_nobody_else(running: Running):
    dana, other = running.newcomer(), running.newcomer()
    ask(running, dana, "What is planning for sustainability?", "Plan for sustainability and sustain")
    assert "(C9) at its two levels" in ask(running, dana, "And what are its two levels?")["text"]
    assert "(C9) at its two levels" not in ask(running, other, "And what are its two levels?")["text"]


def test_help_is_told_to_the_asker_alone(running: Running):
    sandbox = running.sandbox
    sandbox.command("U0CHI", "C0ROLLOUT", "/coach", "help")
    told = sandbox.wait_for_message("C0ROLLOUT", "Check yourself", user="U0CHI")
    assert told["ephemeral"] is True
    assert "/selfcheck" in told["text"]
    assert not [m for m in sandbox.messages("C0ROLLOUT", "U0BEN") if "Check yourself" in words(m)]


def test_feedback_is_thanked_for_and_kept(running: Running):
    dana, sandbox = running.newcomer(), running.sandbox
    answer = ask(running, dana, QUESTION, "[1]")
    value = value_of(answer, "ask.feedback", negative=True)
    sandbox.click(dana, answer["ts"], "ask.feedback", value)
    sandbox.wait_for_message(sandbox.dm(dana), "Thank you for telling me", user=dana)
    exchange = running.bot.repositories.exchanges.get(value.partition("|")[2], Member("T0SANDBOX", dana))
    assert exchange is not None
    assert exchange.helpful is False


def test_a_private_answer_is_shared_with_a_channel_after_a_preview(running: Running):
    sandbox = running.sandbox
    answer = ask(running, "U0CHI", QUESTION, "[1]")
    sandbox.click("U0CHI", answer["ts"], "share.open")
    preview = sandbox.wait_for_modal("U0CHI", "Share this answer")
    assert QUESTION in words(preview.content)
    assert sandbox.submit("U0CHI", {"channel": "C0ROLLOUT"}) == {}
    shared = sandbox.wait_for_message("C0ROLLOUT", "shared this from a private conversation")
    assert QUESTION in shared["text"]
    assert "Sources: [1] " in shared["text"]
    sandbox.wait_for_message("D0CHI", "Done: it's shared.")


def test_sharing_where_the_bot_is_no_member_is_refused_in_words(running: Running):
    sandbox = running.sandbox
    answer = ask(running, "U0BEN", QUESTION, "[1]")
    sandbox.click("U0BEN", answer["ts"], "share.open")
    sandbox.wait_for_modal("U0BEN", "Share this answer")
    sandbox.submit("U0BEN", {"channel": "C0QUIET"})
    sandbox.wait_for_message("D0BEN", "Invite me to that channel first")
    assert not [m for m in sandbox.messages("C0QUIET") if m["user"] == "U0COACH"]
    assert not [m for m in sandbox.messages("D0BEN") if "Done: it's shared" in words(m)]


def _export(data: Path) -> Any:
    """`isp-coach corrections export`, beside the running bot."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "corrections", "export"],
        env={**os.environ, "ISP_COACH_DATA_DIR": str(data)},
        cwd=data,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return yaml.safe_load(done.stdout), done.stdout


def test_a_correction_is_exported_only_where_its_author_agreed(running: Running):
    sandbox = running.sandbox
    for text, values in (
        (FADING, {"competency": "C10", "share": ["share"]}),
        (KEPT, {"competency": "C10"}),
    ):
        dana = running.newcomer()
        answer = ask(running, dana, text, "This sounds like C9")
        sandbox.click(dana, answer["ts"], "triage.wrong")
        sandbox.wait_for_modal(dana, "Not right?")
        assert "competency" in sandbox.submit(dana, {})
        assert sandbox.submit(dana, values) == {}
        sandbox.wait_for_modal(dana, "I've noted it")
        sandbox.wait_idle()
    drafts, printed = _export(running.data)
    assert [(d["text"], d["primary"]) for d in drafts["messages"]] == [(FADING, "C10")]
    assert "U0P" not in printed


def test_the_bot_started_again_on_the_same_data_answers_the_first_message(tmp_path: Path):
    for _ in range(2):
        with running_bot(tmp_path) as running:
            answer = ask(running, "U0ANA", QUESTION, "[1]")
            assert "Assess barriers and facilitators" in answer["text"]
