"""Several replicas, PostgreSQL and a Chroma server as processes: events, kills and restarts; each message answered once."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.retrieval import SealedIndex
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.records import Member, Nudge, Subscription
from tests.coachkit import INDEX
from tests.fakes.chroma import ChromaServer, chroma_server
from tests.fakes.postgres import PostgresServer, postgres_binaries, postgres_server
from tests.scale.conftest import installation
from tests.scale.replicas import Balancer, Replica, command, environment
from tests.scale.requests import event, headers
from tests.scale.slack import FakeSlack

TEAMS = [f"T0TEAM{n}" for n in range(5)]
QUESTIONS = (
    "What is the difference between barriers and change strategies?",
    "What are the ten competencies?",
    "How do I plan for sustainability?",
    "Which activities belong to adapting to the local context?",
    "What does the advanced level of continuous learning look like?",
)
_TAKEN = "coach_acknowledgement_seconds_count"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Fleet:
    """Everything that runs."""

    slack: FakeSlack
    postgres: PostgresServer
    chroma: ChromaServer | None  # None: answers come from a script
    database: str
    replicas: list[Replica]
    before: dict[int, float] = field(default_factory=dict)  # deliveries of a replica before it was killed, by its port

    def kill(self, replica: Replica) -> None:
        self.before[replica.port] = replica.metric(_TAKEN)
        replica.kill()


@pytest.fixture(params=["scripted", "real"])
def fleet(request: pytest.FixtureRequest, slack: FakeSlack, tmp_path: Path, full: bool) -> Iterator[Fleet]:
    """Replicas that answer from a script (quick to start), or from the index with its vectors on a Chroma server."""
    binaries, real = postgres_binaries(), request.param == "real"
    if binaries is None:
        pytest.skip("PostgreSQL's binaries are not installed")
    if real and not full:
        pytest.skip("four real replicas take minutes to start: make faults ROW=SCALE")
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server(binaries))
        database = postgres.url(postgres.create())
        given, prepared = environment(slack.url, database), tmp_path / "prepared"
        chroma = stack.enter_context(chroma_server()) if real else None
        command(given, prepared, "migrate")  # each a step of its own, as in docker-compose.yml
        if chroma is not None:
            given = environment(slack.url, database, ISP_COACH_CHROMA_URL=chroma.url)
            index: SealedIndex = request.getfixturevalue("index")
            shutil.copytree(
                INDEX / index.fingerprint, prepared / "index" / index.fingerprint
            )  # the server has no rows yet
            command(given, prepared, "setup", "--no-model")
        rows = SqlRepositories(database)
        for team in TEAMS:
            rows.installations.save(installation(team))
        rows.close()
        names = [f"replica{n}" for n in range(4 if full else 2)]
        at = prepared / "index" if real else None
        replicas = [Replica(name, tmp_path, given, index=at, scripted=not real) for name in names]
        for replica in replicas:
            stack.callback(replica.stop)
            replica.start()
        for replica in replicas:
            replica.wait_ready()
        yield Fleet(slack, postgres, chroma, database, replicas)


@dataclass
class Sent:
    """What was sent, by what has to come of it."""

    direct: set[str] = field(default_factory=set)  # numbers of messages, mentions and commands
    mentions: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    others: int = 0
    copies: int = 0
    told: set[str] = field(default_factory=set)  # commands whose acknowledgement said that they couldn't be taken


def _deliveries(number: int, slack: FakeSlack, sent: Sent) -> list[tuple[bytes, dict[str, str]]]:
    """Mixed deliveries, each addressed one from a person of its own: messages, mentions, commands, what isn't for us, copies."""
    chance = random.Random(3)
    made: list[bytes | dict[str, Any]] = []
    for n in range(number):
        team, question, drawn = chance.choice(TEAMS), chance.choice(QUESTIONS), chance.random()
        known = {"team": team, "user": f"U{n}"}
        if drawn < 0.15:
            sent.direct.add(str(n))
            made.append(event(f"Ev{n}", question, **known))
        elif drawn < 0.20:
            sent.mentions.add(str(n))
            made.append(
                event(
                    f"Ev{n}",
                    f"<@U0COACH> {question}",
                    **known,
                    type="app_mention",
                    channel=f"C{n}",
                    channel_type="channel",
                )
            )
        elif drawn < 0.25:
            sent.commands.add(str(n))
            fields = {
                "command": "/coach",
                "text": f"ask {question}",
                "team_id": team,
                "user_id": f"U{n}",
                "channel_id": f"D{n}",
                "trigger_id": f"t.{n}",
                "response_url": f"{slack.url}respond/{n}",
            }
            made.append(urllib.parse.urlencode(fields).encode())
        elif drawn < 0.35 and made:
            sent.copies += 1
            made.append(chance.choice(made))
        else:
            sent.others += 1
            odd = chance.choice(
                [
                    {"subtype": "message_changed"},
                    {"bot_id": "B1"},
                    {"channel": "C1", "channel_type": "channel"},
                    {"edited": {"ts": "1"}},
                ]
            )
            made.append(event(f"Ev{n}", question, **known, **odd))
    bodies = [m if isinstance(m, bytes) else json.dumps(m).encode() for m in made]
    return [(b, headers(b, kind="application/json" if b.startswith(b"{") else FORM)) for b in bodies]


def _plan_nudges(database: str, number: int) -> set[str]:
    """Due rows for people in a zone where it is day; their ids."""
    rows = SqlRepositories(database)
    now = datetime.now(UTC)
    zone = next(
        z
        for z, hours in (("UTC", 0), ("Asia/Tokyo", 9), ("America/New_York", -5), ("Pacific/Auckland", 13))
        if 9 <= (now.hour + hours) % 24 <= 18
    )
    for n in range(number):
        member = Member(TEAMS[n % len(TEAMS)], f"UN{n}")
        rows.nudges.subscribe(
            Subscription(
                member=member,
                channel=f"DN{n}",
                zone=zone,
                weekday=0,
                minute=600,
                state="active",
                every_weeks=1,
                paused_until=None,
                zone_is_own=True,
                topic="suggested",
                units=(),
                created_at=now,
            )
        )
        rows.nudges.plan(
            Nudge(f"nudge-{n}", member, "2026-W48", now + timedelta(seconds=5), f"{now:%Y-%m-%dT%H:%M}", zone, "due")
        )
    rows.close()
    return {f"nudge-{n}" for n in range(number)}


@pytest.mark.fault("S3", "SCALE")
@pytest.mark.postgres
@pytest.mark.timeout(1500)
def test_every_addressed_message_is_answered_once_through_kills_and_restarts(fleet: Fleet, full: bool, figure) -> None:
    number, slack, sent = (2000 if full else 100), fleet.slack, Sent()
    deliveries, nudges = _deliveries(number, slack, sent), _plan_nudges(fleet.database, 40 if full else 6)
    begun = time.monotonic()
    troubles = _troubles(fleet, full=full)
    kills = 2 if full else 1
    balancer = Balancer(fleet.replicas)
    taken, lock, one_at_a_time = [0], threading.Lock(), threading.Lock()

    def deliver(one: tuple[bytes, dict[str, str]]) -> bool:
        body, _ = one
        kind = "application/json" if body.startswith(b"{") else FORM
        words = balancer.send(body, headers(body, kind=kind))
        with lock:
            if words and kind == FORM:
                sent.told.add(urllib.parse.parse_qs(body.decode())["user_id"][0].removeprefix("U"))
            taken[0] += 1
            share = taken[0] / len(deliveries)
            due = [trouble for trouble in troubles if trouble[0] <= share]
            for trouble in due:
                troubles.remove(trouble)
        with one_at_a_time:
            for _, act in due:
                act()
        return words is not None

    with ThreadPoolExecutor(12) as pool:
        acknowledged = list(pool.map(deliver, deliveries))
    balancer.close()
    assert not troubles
    for replica in fleet.replicas:
        replica.wait_ready()
    everyone = slack.wait_for(lambda: _done(_count(slack, sent, nudges), len(nudges)), 240)
    time.sleep(3)  # for a second answer to show, were there one
    counts = _count(slack, sent, nudges)
    figure(
        f"{len(fleet.replicas)} replicas, PostgreSQL, {'a Chroma server' if fleet.chroma else 'scripted answers'}, {len(deliveries)} events "
        f"({len(sent.direct)} messages, {len(sent.mentions)} mentions, {len(sent.commands)} commands, {sent.copies} copies, "
        f"{sent.others} not for the bot), {len(nudges)} nudges; {kills} kills, PostgreSQL {'and Chroma ' if fleet.chroma else ''}stopped and started: "
        f"{counts['answered']} answered, {counts['reasons']} told a reason, {counts['lost']} lost, {counts['twice']} twice, "
        f"nudges {counts['nudges']} once, {acknowledged.count(False)} not acknowledged, {time.monotonic() - begun:.0f} s"
    )
    assert all(acknowledged)
    assert everyone
    assert (counts["lost"], counts["twice"]) == (0, 0)
    assert counts["nudges"] == len(nudges)
    shares = [replica.metric(_TAKEN) + fleet.before.get(replica.port, 0) for replica in fleet.replicas]
    figure(f"deliveries by replica: {[int(s) for s in shares]}")
    assert min(shares) > 0
    assert "Traceback" not in "".join(replica.log for replica in fleet.replicas)


def _done(counts: dict[str, int], nudges: int) -> bool:
    return counts["lost"] == 0 and counts["nudges"] == nudges


def _troubles(fleet: Fleet, *, full: bool) -> list[tuple[float, Callable[[], None]]]:
    """What happens after which share of the deliveries."""
    first = fleet.replicas[1]

    def postgres_restarts() -> None:
        fleet.postgres.stop(signal.SIGQUIT)
        fleet.postgres.start()

    def chroma_goes() -> None:
        assert fleet.chroma is not None
        fleet.chroma.kill()
        threading.Timer(60.0, fleet.chroma.start).start()

    return [
        (0.2, lambda: fleet.kill(first)),
        (0.4, first.start),
        (0.5, postgres_restarts),
        *([(0.65, chroma_goes)] if fleet.chroma else []),
        *([(0.8, lambda: fleet.kill(fleet.replicas[-1])), (0.9, fleet.replicas[-1].start)] if full else []),
    ]


def _count(slack: FakeSlack, sent: Sent, nudges: set[str]) -> dict[str, int]:
    with slack.changed:
        places = {channel: len(messages) for channel, messages in slack.said.items()}
        responses: dict[str, int] = {}
        for call in slack.calls:
            if call.path.startswith("respond/"):
                responses[call.method] = responses.get(call.method, 0) + 1
        keys = [(m["metadata"].get("event_payload") or {}).get("key") for ms in slack.said.values() for m in ms]
    answered = reasons = lost = twice = 0
    for group, answers in ((sent.direct, None), (sent.mentions, "C"), (sent.commands, responses)):
        for n in group:
            said = places.get(f"D{n}", 0)
            got = said if answers is None else places.get(f"C{n}", 0) if answers == "C" else responses.get(n, 0)
            told = 0 if answers is None else said + (n in sent.told)
            answered, reasons = answered + bool(got), reasons + (not got and bool(told))
            lost, twice = lost + (not got and not told), twice + (got > 1 or told > 1)
    return {
        "answered": answered,
        "reasons": reasons,
        "lost": lost,
        "twice": twice,
        "nudges": sum(keys.count(k) == 1 for k in nudges),
    }
