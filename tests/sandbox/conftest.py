"""A started sandbox, a real Slack client against it, and a bot that answers envelopes as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from tests.sandbox.rawbot import RawBot


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(retry_scale=0.001) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> WebClient:
    return WebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[], timeout=5)


@pytest.fixture
def raw_bot(sandbox: Sandbox) -> Iterator[Callable[..., RawBot]]:
    bots: list[RawBot] = []

    def open_one(answer: Callable[[dict[str, Any]], Any] | None = None) -> RawBot:
        bots.append(RawBot(sandbox, answer))
        return bots[-1]

    yield open_one
    for bot in bots:
        bot.close()


@pytest.fixture
def page(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, timeout=10, trust_env=False) as browser:
        yield browser
