"""Rows S3 on two replicas and S10: copies to both at once, and a person who floods."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.content import load_knowledge, load_wording
from bot.adapters.storage.repositories import SqlRepositories
from bot.settings import Settings
from bot.slack.bolt import SlackApp, build_slack
from tests.fakes.postgres import postgres_binaries, postgres_server
from tests.scale.conftest import ROOT, Served, installation
from tests.scale.requests import event
from tests.scale.slack import FakeSlack
from tests.slack.scripted import ScriptedCoach


@pytest.fixture
def replicas(settings: Settings, slack: FakeSlack) -> Iterator[list[SlackApp]]:
    """Two on one PostgreSQL."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's binaries are not installed")
    knowledge, wording, clock = load_knowledge(ROOT), load_wording(ROOT), SystemClock()
    with postgres_server(binaries) as server:
        url = server.url(server.create())
        stores = [SqlRepositories(url), SqlRepositories(url)]
        stores[0].installations.save(installation("T0ONE"))
        apps = [
            build_slack(settings, coach=ScriptedCoach(knowledge), repositories=rows, clock=clock, wording=wording)
            for rows in stores
        ]
        for app in apps:
            app.start()
        yield apps
        for app, rows in zip(apps, stores, strict=True):
            app.stop()
            rows.close()


@pytest.mark.fault("S3")
@pytest.mark.postgres
def test_each_event_delivered_four_times_to_two_replicas_at_once_is_answered_once(
    replicas: list[SlackApp], slack: FakeSlack, figure
) -> None:
    number = 100
    copies = [(event(f"Ev{n}", user=f"U{n}"), replicas[copy % 2]) for n in range(number) for copy in range(4)]
    random.Random(5).shuffle(copies)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda one: one[1].dispatch(one[0]).status, copies))
    assert statuses == [200] * len(copies)
    everyone = slack.wait_for(lambda: len(slack.said) == number, 60)
    time.sleep(1.0)  # for a second answer to show, were there one
    once = sum(len(messages) == 1 for messages in slack.said.values())
    figure(f"{number} events, each delivered 4 times to two replicas on PostgreSQL at once: {once} answered once")
    assert everyone
    assert once == number


@pytest.mark.fault("S10")
def test_a_person_who_floods_is_told_once_and_keeps_nobody_waiting(served: Served, full: bool, figure) -> None:
    served.coach.seconds = 0.05
    answered: dict[str, float] = {}
    served.slack.on_post = lambda message: answered.setdefault(message["channel"], time.monotonic())

    def others(prefix: str) -> float:
        """The 95th percentile of what twenty people wait, one after the other."""
        waits, client = [], served.client()
        for n in range(20):
            begun = time.monotonic()
            client.post(event(f"Ev{prefix}{n}", user=f"U{prefix}{n}"))
            channel = f"D{prefix}{n}"
            assert served.slack.wait_for(lambda channel=channel: channel in answered, 30)
            waits.append(answered[channel] - begun)
        return sorted(waits)[18]

    def flood() -> None:
        client = served.client()
        for n in range(200):
            assert client.post(event(f"EvFlood{n}", user="U0FLOOD"))[0] == 200

    quiet = others("A")
    flooding = threading.Thread(target=flood)
    flooding.start()
    busy = others("B")
    flooding.join()
    served.slack.wait_for(lambda: len(served.slack.said["D0FLOOD"]) >= 21, 30)
    told = [m["text"] for m in served.slack.said["D0FLOOD"] if "comes first" not in m["text"]]
    figure(
        f"200 messages of one person: told {len(told)} time that it is too many; "
        f"others wait {busy:.2f} s (p95) beside {quiet:.2f} s before"
    )
    assert len(told) == 1
    if full:  # a wait is a figure only where nothing else runs
        assert busy < 2 * quiet + 0.2  # the fifth of a second is the test's own threads
