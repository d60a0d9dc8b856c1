"""Load over HTTP: many workspaces at Slack's pace, and the pace itself beside the plainest Bolt app that could be written."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.adapters.retrieval import SealedIndex
from bot.adapters.storage.repositories import SqlRepositories
from tests.coachkit import INDEX
from tests.fakes.chroma import free_port
from tests.fakes.postgres import postgres_binaries, postgres_server
from tests.scale.conftest import installation
from tests.scale.replicas import ROOT, Replica, environment
from tests.scale.requests import Client, event, headers
from tests.scale.slack import FakeSlack

TEAMS = [f"T0LOAD{n:02}" for n in range(50)]
QUESTIONS = (
    "What is the difference between barriers and change strategies?",
    "How do I find out what is in the way of a new program on the ward?",
    "What are the ten competencies?",
    "The staff nod in the training, and then nothing changes. Where do I begin?",
)
ADDRESSED_EVERY = 20  # 5 %
CLIENTS = 24


@dataclass
class Subjects:
    """The bot and the yardstick, each a process on one PostgreSQL."""

    slack: FakeSlack
    bot: Replica
    bare_port: int
    kind: str


@pytest.fixture(params=["scripted", "real"])
def subjects(request: pytest.FixtureRequest, slack: FakeSlack, tmp_path: Path, full: bool) -> Iterator[Subjects]:
    """A bot that answers from a script (what the web part costs alone), or from the index, as people have it."""
    binaries, real = postgres_binaries(), request.param == "real"
    if binaries is None:
        pytest.skip("PostgreSQL's binaries are not installed")
    if real and not full:
        pytest.skip("with real answers under make faults ROW=LOAD")
    with postgres_server(binaries) as postgres:
        database = postgres.url(postgres.create())
        rows = SqlRepositories(database)
        for team in TEAMS:
            rows.installations.save(installation(team))
        rows.close()
        learned = None
        if real:
            index: SealedIndex = request.getfixturevalue("index")
            learned = tmp_path / "index"
            shutil.copytree(INDEX / index.fingerprint, learned / index.fingerprint)
        bot = Replica("bot", tmp_path, environment(slack.url, database), index=learned, scripted=not real)
        port = free_port()
        bare = subprocess.Popen([sys.executable, "-m", "tests.scale.bare", str(port), slack.url, database], cwd=ROOT)
        try:
            bot.start()
            bot.wait_ready()
            _until_answers(port)
            yield Subjects(slack, bot, port, "real answers" if real else "scripted answers")
        finally:
            bot.stop()
            bare.kill()
            bare.wait(30)


def _until_answers(port: int) -> None:
    deadline = time.monotonic() + 60
    line = Client(port)
    while True:
        try:
            line.send(b"", {}, path="/", method="GET")
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            line.close()
            return


_numbers = itertools.count()


def _payload(*, addressed: bool) -> tuple[str, bytes]:
    """The DM that will hold the answer ("" for none) and the event."""
    n = next(_numbers)
    team, question = TEAMS[n % len(TEAMS)], QUESTIONS[n % len(QUESTIONS)]
    if addressed:
        return f"DL{n}", json.dumps(event(f"EvL{n}", question, team=team, user=f"UL{n}")).encode()
    elsewhere = event(f"EvL{n}", question, team=team, user=f"UL{n}", channel="C0TALK", channel_type="channel")
    return "", json.dumps(elsewhere).encode()


class Lines:
    """A line a thread to one port."""

    def __init__(self, port: int) -> None:
        self._port, self._local, self._all, self._lock = port, threading.local(), [], threading.Lock()

    def post(self, body: bytes) -> int:
        """The status; 0 where there was no answer."""
        line = getattr(self._local, "line", None)
        if line is None:
            line = self._local.line = Client(self._port)
            with self._lock:
                self._all.append(line)
        try:
            return line.send(body, headers(body))[0]
        except (OSError, http.client.HTTPException):
            return 0

    def close(self) -> None:
        for line in self._all:
            line.close()


@pytest.mark.fault("LOAD")
@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_slacks_pace_over_fifty_workspaces_is_acknowledged_and_answered(subjects: Subjects, full: bool, figure) -> None:
    rate, seconds = (200, 60) if full else (40, 5)
    slack, bot = subjects.slack, subjects.bot
    lines = Lines(bot.port)
    answered: dict[str, float] = {}
    slack.on_post = lambda message: answered.setdefault(message["channel"], time.monotonic())
    for _ in range(20):  # warm: every thread and line that will be there is there
        place, body = _payload(addressed=True)
        assert lines.post(body) == 200
        assert slack.wait_for(lambda place=place: place in answered, 60)
    before = bot.memory()
    sent: dict[str, float] = {}
    took: list[float] = []
    statuses: list[int] = []
    begun = time.monotonic()

    def one(number: int) -> None:
        due = begun + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        place, body = _payload(addressed=number % ADDRESSED_EVERY == 0)
        start = time.monotonic()
        if place:
            sent[place] = start
        status = lines.post(body)
        took.append(time.monotonic() - start)
        statuses.append(status)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, range(rate * seconds)))
    pace = len(statuses) / (time.monotonic() - begun)
    everyone = slack.wait_for(lambda: sent.keys() <= answered.keys(), 120)
    grown = (bot.memory() - before) / 1e6
    slowest = max(answered.get(place, time.monotonic()) - at for place, at in sent.items())
    waits = sorted(answered[place] - at for place, at in sent.items() if place in answered)
    took.sort()
    lines.close()
    figure(
        f"{subjects.kind}: {len(statuses)} events over {len(TEAMS)} workspaces at {pace:.0f}/s, {len(sent)} addressed: acknowledged in "
        f"{took[len(took) // 2] * 1000:.1f} ms (p50), {took[int(len(took) * 0.99)] * 1000:.0f} ms (p99), "
        f"{len(statuses) - statuses.count(200)} not acknowledged; {len(waits)} answered, p95 {waits[int(len(waits) * 0.95)]:.1f} s, "
        f"the slowest {slowest:.1f} s; memory {grown:+.0f} MB; load average {os.getloadavg()[0]:.1f}"
    )
    assert set(statuses) == {200}
    assert everyone
    assert took[int(len(took) * 0.99)] < 0.5
    assert slowest < 120
    assert grown < 50
    assert len(slack.said) == len(sent) + 20  # each in a DM of its own
    assert all(len(messages) == 1 for messages in slack.said.values())


def _throughput(port: int, seconds: float, *, every: int) -> float:
    """Acknowledgements a second over eight lines that never pause; `every` how-manieth event is addressed."""
    lines, end, counts = Lines(port), time.monotonic() + seconds, [0] * 8

    def run(worker: int) -> None:
        for n in itertools.count():
            if time.monotonic() >= end:
                return
            assert lines.post(_payload(addressed=n % every == 0)[1]) == 200
            counts[worker] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    lines.close()
    return sum(counts) / seconds


@pytest.mark.fault("LOAD")
@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_the_pace_is_near_that_of_the_plainest_app_with_the_same_insert(subjects: Subjects, full: bool, figure) -> None:
    rounds, seconds = (7, 4.0) if full else (2, 1.0)
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):  # in turns, so that a busy machine is busy for both
        bare.append(_throughput(subjects.bare_port, seconds, every=ADDRESSED_EVERY))
        ours.append(_throughput(subjects.bot.port, seconds, every=ADDRESSED_EVERY))
    ratio = statistics.median(o / b for o, b in zip(ours, bare, strict=True))
    figure(
        f"{subjects.kind}: acknowledged at full pace, 5 % addressed and answered: {statistics.median(ours):.0f}/s beside "
        f"{statistics.median(bare):.0f}/s of a bare Bolt app with the same insert, ratio {ratio:.2f}; "
        f"load average {os.getloadavg()[0]:.1f}"
    )
    if full:
        assert ratio >= 0.7
