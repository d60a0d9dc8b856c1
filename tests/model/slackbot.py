"""The real bot in a sandbox with a model of the local server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.sandbox.records import BOT_USER
from tests.fakes.model_server import Asked, ModelServer
from tests.realbot import Running, running_bot

MODEL = "gpt-of-the-bot"


@contextmanager
def speaking_bot(server: ModelServer, data: Path, **own: Any) -> Iterator[Running]:
    """The bot with the model `MODEL`, which behaves as `server.behave(MODEL, …)` says at each moment."""
    server.behave(MODEL)
    settings = {
        "model": f"openai:{MODEL}",
        "model_base_url": server.url,
        "model_api_key": "sk-a-secret-key",
        "model_person_calls": 0,
        "model_team_calls": 0,
        "model_person_tokens": 0,
        "model_team_tokens": 0,
    }
    with running_bot(data, **(settings | own)) as running:
        yield running


def dm_of(running: Running) -> tuple[str, str]:
    """A new person and their DM with the bot."""
    person = running.newcomer()
    return person, running.sandbox.dm(person)


def ask(running: Running, text: str, *, timeout: float = 40.0) -> list[dict[str, Any]]:
    """What the bot says to a new person who says this: the messages, streams whole."""
    person, dm = dm_of(running)
    running.sandbox.say(person, dm, text)
    return answers(running, dm, timeout=timeout)


def answers(running: Running, dm: str, *, timeout: float = 40.0, after: int = 0) -> list[dict[str, Any]]:
    """The bot's messages in a DM once it is done."""
    sandbox = running.sandbox

    def done() -> bool:
        mine = of_bot(running, dm)[after:]
        return bool(mine) and not any(m.get("streaming") for m in mine)

    sandbox.wait_for(done, timeout=timeout, what="the bot's answer")
    sandbox.wait_idle(timeout)
    return of_bot(running, dm)[after:]


def of_bot(running: Running, dm: str) -> list[dict[str, Any]]:
    """The bot's messages in a DM, in threads too."""
    return [m for m in running.sandbox.messages(dm) if m["user"] == BOT_USER]


def script(server: ModelServer, draft: Callable[[Asked], str], **how: Any) -> None:
    """Let the bot's model write this from now on."""
    server.behave(MODEL, draft=draft, **how)
