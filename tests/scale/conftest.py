"""The bot of many workspaces behind HTTP: real Bolt, real uvicorn, a scripted coach, storage in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.content import load_knowledge, load_wording
from bot.adapters.metrics import PrometheusMetrics
from bot.adapters.web import WebServer
from bot.core.records import Installation
from bot.settings import Settings
from bot.slack.bolt import SlackApp, build_slack
from tests.coachkit import index, knowledge, source
from tests.fakes.memory import MemoryRepositories
from tests.scale.requests import SECRET, Client
from tests.scale.slack import FakeSlack, fake_slack
from tests.slack.scripted import ScriptedCoach

__all__ = ["index", "knowledge", "source"]

ROOT = Path(__file__).parents[2]


def token(team: str) -> str:
    return f"xoxb-{team}"


def installation(team: str, **changes: Any) -> Installation:
    fields = {
        "team_id": team,
        "team_name": f"Team {team}",
        "bot_token": token(team),
        "bot_id": "B0COACH",
        "bot_user_id": "U0COACH",
        "scopes": ("chat:write",),
        "installed_by": "U0ANA",
        "installed_at": datetime(2026, 11, 23, tzinfo=UTC),
        "app_id": "A0COACH",
    }
    return Installation(**(fields | changes))


@dataclass
class Served:
    """A bot that listens."""

    app: SlackApp
    port: int
    slack: FakeSlack
    repositories: MemoryRepositories
    metrics: PrometheusMetrics
    coach: ScriptedCoach
    lines: list[Client] = field(default_factory=list)

    def client(self) -> Client:
        """A line of its own, closed at the end."""
        self.lines.append(Client(self.port))
        return self.lines[-1]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as server:
        yield server


@pytest.fixture
def settings(slack: FakeSlack, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        slack_mode="http",
        SLACK_SIGNING_SECRET=SECRET,
        SLACK_CLIENT_ID="111.222",
        SLACK_CLIENT_SECRET="a client secret",
        public_url="https://coach.example.org",
        slack_api_url=slack.url,
        data_dir=tmp_path,
    )


@pytest.fixture
def served(settings: Settings, slack: FakeSlack) -> Iterator[Served]:
    clock, metrics = SystemClock(), PrometheusMetrics()
    repositories, coach = MemoryRepositories(clock), ScriptedCoach(load_knowledge(ROOT))
    for team in ("T0ONE", "T0TWO"):
        repositories.installations.save(installation(team))
    app = build_slack(
        settings, coach=coach, repositories=repositories, clock=clock, wording=load_wording(ROOT), metrics=metrics
    )
    assert app.http is not None
    server = WebServer(app.http, host="127.0.0.1", port=0, setting="ISP_COACH_HTTP_PORT")
    app.start()
    server.start()
    bot = Served(app, server.port, slack, repositories, metrics, coach)
    yield bot
    for line in bot.lines:
        line.close()
    server.stop()
    app.stop()
