"""A workspace whose token died goes on once it has another: by a new installation, or by a new start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.web import WebServer
from bot.app import Bot
from bot.core.records import Member
from bot.services.nudges import Wishes
from bot.settings import Settings
from tests.fakes.memory import MemoryRepositories, StandingClock
from tests.scale.conftest import Served, installation, token
from tests.scale.requests import SECRET
from tests.scale.slack import FakeSlack
from tests.scale.test_installing import GRANTED, _begin, _get

MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # 9:30 in Toronto
PEOPLE = tuple(Member("T0ONE", f"U{number}") for number in range(3))


@pytest.fixture
def monday() -> StandingClock:
    return StandingClock(MONDAY)


@pytest.fixture
def installed(monday: StandingClock) -> MemoryRepositories:
    """With the app in one workspace."""
    repositories = MemoryRepositories(monday)
    repositories.installations.save(installation("T0ONE"))
    return repositories


@contextmanager
def whole_bot(settings: Settings, repositories: MemoryRepositories, clock: StandingClock) -> Iterator[Bot]:
    """The real one, whose nudge worker is moved by hand."""
    bot = Bot(settings, clock=clock, repositories=repositories)
    try:
        yield bot
    finally:
        bot.stop()


def subscribe(bot: Bot) -> None:
    for member in PEOPLE:
        wishes = Wishes(weekday=1, minute=570, zone="America/Toronto")
        bot.nudges.subscribe(member, wishes, channel=f"D{member.user_id}")


def stopped_by_a_dead_token(bot: Bot, slack: FakeSlack, clock: StandingClock) -> None:
    subscribe(bot)
    clock.move(TUESDAY - clock.now())
    slack.dead.add(token("T0ONE"))
    outcomes = bot.worker.tick()
    assert outcomes["failed"] >= 1
    assert "sent" not in outcomes
    clock.move(timedelta(hours=2))
    before = len(slack.calls)
    assert bot.worker.tick() == Counter()
    assert len(slack.calls) == before, "a dead token was used again"


def came(slack: FakeSlack) -> Counter[tuple[str, str]]:
    """Channel and token of every message."""
    return Counter((m["channel"], m["token"]) for messages in slack.said.values() for m in messages)


def test_a_workspace_that_installs_the_app_again_gets_what_is_not_too_late(
    settings: Settings, slack: FakeSlack, monday: StandingClock, installed: MemoryRepositories
) -> None:
    with whole_bot(settings, installed, monday) as bot:
        stopped_by_a_dead_token(bot, slack, monday)
        new = "xoxb-newer"
        slack.codes["a-code"] = GRANTED | {"access_token": new, "team": {"id": "T0ONE", "name": "One"}}
        assert bot.slack.http is not None
        server = WebServer(bot.slack.http, host="127.0.0.1", port=0, setting="ISP_COACH_HTTP_PORT")
        server.start()
        try:
            served = Served(bot.slack, server.port, slack, installed, bot.metrics, bot.coach)  # type: ignore[arg-type]  # nobody asks it anything
            state, cookie = _begin(served)
            assert _get(served, f"/slack/oauth_redirect?code=a-code&state={state}", cookie)[0] == 200
        finally:
            server.stop()
        assert bot.worker.tick() == Counter(sent=len(PEOPLE))
        assert came(slack) == Counter({(f"D{member.user_id}", new): 1 for member in PEOPLE})


def test_another_replica_goes_on_too_without_being_told(
    settings: Settings, slack: FakeSlack, monday: StandingClock, installed: MemoryRepositories
) -> None:
    with whole_bot(settings, installed, monday) as here, whole_bot(settings, installed, monday) as there:
        stopped_by_a_dead_token(there, slack, monday)
        installed.installations.save(installation("T0ONE", bot_token="xoxb-newer"))
        here.worker.reconnected("T0ONE")  # the one that the browser came back to
        assert there.worker.tick() == Counter(sent=len(PEOPLE))


def test_a_start_with_a_new_token_goes_on_where_the_old_one_was_refused(settings: Settings, slack: FakeSlack) -> None:
    clock = StandingClock(MONDAY)
    repositories = MemoryRepositories(clock)

    def with_token(value: str) -> Settings:
        return Settings(
            _env_file=None,
            slack_mode="http",
            SLACK_SIGNING_SECRET=SECRET,
            SLACK_BOT_TOKEN=value,
            slack_api_url=settings.slack_api_url,
            data_dir=settings.data_dir,
        )

    with whole_bot(with_token(token("T0ONE")), repositories, clock) as bot:
        bot.slack.start()
        stopped_by_a_dead_token(bot, slack, clock)
    with whole_bot(with_token("xoxb-newer-T0ONE"), repositories, clock) as bot:
        bot.slack.start()
        assert bot.worker.tick() == Counter(sent=len(PEOPLE))
        assert came(slack) == Counter({(f"D{member.user_id}", "xoxb-newer-T0ONE"): 1 for member in PEOPLE})


def test_an_installation_after_an_uninstallation_begins_from_nothing_and_is_sent_to(
    settings: Settings, slack: FakeSlack, monday: StandingClock, installed: MemoryRepositories
) -> None:
    """The old token's end is the old token's: who subscribes under the new one gets their nudges."""
    with whole_bot(settings, installed, monday) as bot:
        stopped_by_a_dead_token(bot, slack, monday)
        bot.slack.messenger.shut("T0ONE")
        installed.purge_team("T0ONE")
        assert installed.installations.get("T0ONE") is None
        installed.installations.save(installation("T0ONE", bot_token="xoxb-newer"))
        bot.slack.on_connected("T0ONE")
        assert bot.worker.tick() == Counter()
        subscribe(bot)
        monday.move(TUESDAY + timedelta(weeks=1) - monday.now())
        assert bot.worker.tick() == Counter(sent=len(PEOPLE))
