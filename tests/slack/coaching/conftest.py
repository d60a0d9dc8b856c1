"""The full bot for tests: self-checks, nudges and their worker in place of the plain bot of tests/slack/conftest.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.prompt_files import load_descriptors, load_reflections
from bot.app import LatePainter
from bot.core.framework import Knowledge
from bot.core.wording import Wording
from bot.ports import Repositories
from bot.sandbox.clock import SandboxClock
from bot.sandbox.server import Sandbox
from bot.services.delivery import Delivery, Pace
from bot.services.nudge_worker import NudgeWorker
from bot.services.nudges import Nudges
from bot.services.selfchecks import SelfChecks
from bot.settings import Settings
from bot.slack.bolt import SlackApp, build_slack
from bot.slack.manifest import manifest
from bot.slack.reflect import composer
from tests.slack.scripted import ScriptedCoach

ROOT = Path(__file__).parents[3]
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 10:00 in Toronto, 15:00 in London, midnight in Tokyo


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose clock stands still until it is moved."""
    server = Sandbox(clock=SandboxClock(standing_at=MONDAY), ack_timeout=3.0, retry_scale=0.01)
    server.install(manifest(Settings(_env_file=None)))
    with server:
        yield server


@pytest.fixture
def selfchecks(knowledge: Knowledge, repositories: Repositories, sandbox: Sandbox) -> SelfChecks:
    descriptors = load_descriptors(ROOT, knowledge)
    return SelfChecks(knowledge=knowledge, descriptors=descriptors, repositories=repositories, clock=sandbox.clock)


@pytest.fixture
def nudges(knowledge: Knowledge, repositories: Repositories, sandbox: Sandbox, selfchecks: SelfChecks) -> Nudges:
    numbers = itertools.count(1)
    prompts = load_reflections(ROOT, knowledge)
    service = Nudges(
        repositories=repositories, prompts=prompts, clock=sandbox.clock, new_id=lambda: f"nudge-{next(numbers)}"
    )
    selfchecks.after_check = service.check_done
    return service


@pytest.fixture
def build(  # noqa: PLR0917 - pytest gives fixtures by name
    sandbox: Sandbox,
    settings: Settings,
    coach: ScriptedCoach,
    repositories: Repositories,
    wording: Wording,
    selfchecks: SelfChecks,
    nudges: Nudges,
) -> Iterator[Callable[[], SlackApp]]:
    built: list[SlackApp] = []

    def make() -> SlackApp:
        app = build_slack(
            settings,
            coach=coach,
            repositories=repositories,
            clock=sandbox.clock,
            wording=wording,
            selfchecks=selfchecks,
            nudges=nudges,
            painter=LatePainter(),
        )
        built.append(app)
        return app

    yield make
    for app in built:
        app.stop()
    sandbox.wait_for(lambda: not sandbox.hub.connections, what="hanging up")


@pytest.fixture
def worker(  # noqa: PLR0917 - as above
    bot: SlackApp,
    nudges: Nudges,
    repositories: Repositories,
    sandbox: Sandbox,
    knowledge: Knowledge,
    wording: Wording,
) -> Iterator[NudgeWorker]:
    """The thread that sends what is due, running."""
    delivery = Delivery(
        nudges=nudges,
        repositories=repositories,
        messenger=bot.messenger,
        compose=composer(knowledge, wording),
        clock=sandbox.clock,
        owner="test",
        pace=Pace(per_second=50, lease=timedelta(minutes=2)),
    )
    running = NudgeWorker(
        delivery=delivery, nudges=nudges, repositories=repositories, clock=sandbox.clock, poll_seconds=0.2
    )
    running.start()
    yield running
    running.stop()
