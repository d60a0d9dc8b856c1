"""A year for sixteen people with pauses, moves, skips, snoozes and stops, on a moved clock: what was promised holds."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_reflections
from bot.core import schedule
from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import Member
from bot.ports import Sent
from bot.services.delivery import Delivery, Pace
from bot.services.nudge_worker import NudgeWorker
from bot.services.nudges import Nudges
from tests.fakes.memory import MemoryRepositories, StandingClock

ROOT = Path(__file__).parents[2]
START = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
ZONES = ("America/Toronto", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
STEP = timedelta(hours=4)


@dataclass
class Person:
    """What one person has done, as the year sees it."""

    member: Member
    off_since: datetime | None = None  # paused or stopped
    stopped: bool = False
    got: list[tuple[datetime, str]] = field(default_factory=list)  # when, nudge id


class Slack:
    """Takes everything, and notes when."""

    def __init__(self, clock: StandingClock) -> None:
        self.clock = clock
        self.got: dict[Member, list[tuple[datetime, str]]] = defaultdict(list)

    def post(self, member: Member, _channel: str, *, key: str, **_more: object) -> Sent:
        self.got[member].append((self.clock.now(), key))
        return Sent("sent", ts=str(len(self.got[member])))

    def find(self, *_args: object, **_more: object) -> None:
        return None

    def open_dm(self, member: Member) -> str:
        return member.user_id


def test_a_year_keeps_every_promise() -> None:
    chance = random.Random(7)
    clock = StandingClock(START)
    repositories = MemoryRepositories(clock)
    numbers = itertools.count()
    nudges = Nudges(
        repositories=repositories,
        prompts=load_reflections(ROOT, load_knowledge(ROOT)),
        clock=clock,
        new_id=lambda: f"n{next(numbers)}",
    )
    slack = Slack(clock)
    delivery = Delivery(
        nudges=nudges,
        repositories=repositories,
        messenger=slack,
        compose=lambda letter: (letter.prompt.text, ()),
        clock=clock,
        owner="one",
        pace=Pace(per_second=50.0),
    )
    worker = NudgeWorker(delivery=delivery, nudges=nudges, repositories=repositories, clock=clock, threads=1)
    delivery.use_wait(lambda seconds: bool(clock.move(timedelta(seconds=seconds))))
    people = [Person(Member("T1", f"U{n:02d}")) for n in range(16)]
    for person in people:
        _subscribe(person, nudges, chance)
    while clock.now() < START + timedelta(weeks=52):
        for person in chance.sample(people, 1):
            _live(person, nudges, slack, chance, clock.now())
        before = {p.member: len(slack.got[p.member]) for p in people}
        worker.tick()
        for person in people:
            fresh = slack.got[person.member][before[person.member] :]
            assert not (fresh and person.off_since), "a nudge came while paused or after stop"
        clock.move(STEP)
    for person in people:
        _promises(person, repositories, slack)
    assert sum(map(len, slack.got.values())) > 200
    assert all(slack.got[person.member] for person in people)


def _subscribe(person: Person, nudges: Nudges, chance: random.Random) -> None:
    nudges.subscribe(
        person.member,
        channel=person.member.user_id,
        weekday=chance.randrange(7),
        minute=chance.randrange(schedule.EARLIEST, schedule.LATEST),
        zone=chance.choice(ZONES),
    )
    person.off_since, person.stopped = None, False


def _live(person: Person, nudges: Nudges, slack: Slack, chance: random.Random, now: datetime) -> None:
    match chance.choice(["move", "pause", "resume", "skip", "snooze", "stop", "again", "nothing", "nothing"]):
        case "move" if person.off_since is None:
            _subscribe(person, nudges, chance)
        case "pause" if person.off_since is None:
            nudges.pause(person.member)
            person.off_since = now
        case "stop" if chance.random() < 0.3:
            nudges.stop(person.member)
            person.off_since, person.stopped = now, True
        case "resume" | "again" if person.off_since is not None:
            nudges.resume(person.member)
            person.off_since, person.stopped = None, False
        case "skip":
            nudges.skip_next(person.member)
        case "snooze" if slack.got[person.member]:
            nudges.snooze(slack.got[person.member][-1][1], person.member)
        case _:
            pass


def _promises(person: Person, repositories: MemoryRepositories, slack: Slack) -> None:
    rows = {r["id"]: r for r in repositories.everything_of(person.member)["nudges"]}
    keys = [key for _, key in slack.got[person.member]]
    assert len(keys) == len(set(keys)), "sent twice"
    periods = [rows[key]["period"] for key in keys]
    assert len(periods) == len(set(periods)), "two in one period"
    for at, key in slack.got[person.member]:
        assert schedule.in_hours(at, rows[key]["zone"]), "outside the hours"
    last: dict[str, date] = {}
    for at, key in slack.got[person.member]:
        row = rows[key]
        if "+" in row["period"]:
            continue  # a snoozed one is the same prompt again, as asked
        before = last.get(row["prompt_id"])
        assert before is None or (at.date() - before).days >= 26 * 7 - 1, "a prompt was repeated too soon"
        last[row["prompt_id"]] = at.date()
    units = {rows[key]["unit"] for key in keys}
    if len([p for p in periods if "+" not in p]) >= 2 * len(FRAMEWORK_UNITS):
        assert units == set(FRAMEWORK_UNITS), "a unit never came"
