"""The real Bolt app against the sandbox: knowledge and wording as shipped, a scripted coach, storage in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.content import load_knowledge, load_wording
from bot.core.framework import Knowledge
from bot.core.wording import Wording
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from bot.slack.bolt import SlackApp, build_slack
from bot.slack.manifest import manifest
from tests.fakes.memory import MemoryRepositories
from tests.slack.scripted import ScriptedCoach

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load_knowledge(ROOT)


@pytest.fixture(scope="session")
def wording() -> Wording:
    return load_wording(ROOT)


@pytest.fixture
def coach(knowledge: Knowledge) -> ScriptedCoach:
    return ScriptedCoach(knowledge)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    server = Sandbox(ack_timeout=3.0, retry_scale=0.01)
    server.install(manifest(Settings(_env_file=None)))
    with server:
        yield server


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        SLACK_BOT_TOKEN=sandbox.bot_token,
        SLACK_APP_TOKEN=sandbox.app_token,
        slack_api_url=sandbox.api_url,
        data_dir=tmp_path,
        support_line="Call Sam, 555-0100.",
    )


@pytest.fixture
def repositories(sandbox: Sandbox) -> MemoryRepositories:
    return MemoryRepositories(sandbox.clock)


@pytest.fixture
def build(
    sandbox: Sandbox, settings: Settings, coach: ScriptedCoach, repositories: MemoryRepositories, wording: Wording
) -> Iterator[Callable[[], SlackApp]]:
    built: list[SlackApp] = []

    def make() -> SlackApp:
        app = build_slack(settings, coach=coach, repositories=repositories, clock=sandbox.clock, wording=wording)
        built.append(app)
        return app

    yield make
    for app in built:
        app.stop()
    sandbox.wait_for(lambda: not sandbox.hub.connections, what="hanging up")


@pytest.fixture
def bot(build: Callable[[], SlackApp], sandbox: Sandbox) -> SlackApp:
    """The bot, connected."""
    app = build()
    app.start()
    sandbox.wait_connected()
    return app


def payload(name: str) -> dict[str, Any]:
    """A recorded payload of tests/slack/payloads."""
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_text("utf-8"))
    return loaded
