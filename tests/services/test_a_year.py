"""A year for two hundred people and a few channels on a moved clock: what was promised holds.

They move their day, change zones, pause, skip, snooze, stop, begin again, leave the workspace, do self-checks when
asked, early or never. What arrived is then held against rules that know nothing of how it was planned.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_reflections
from bot.core import schedule
from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import Check, Member, Nudge
from bot.core.reflection import coverage
from bot.ports import Sent
from bot.services.delivery import Delivery, Pace
from bot.services.nudges import Nudges, Wishes
from tests.fakes.memory import MemoryRepositories, StandingClock

ROOT = Path(__file__).parents[2]
PROMPTS = load_reflections(ROOT, load_knowledge(ROOT))
START = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
ZONES = ("America/Toronto", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
PEOPLE, CHANNELS = 200, 5


@dataclass
class Person:
    """What one person has done, as the year sees it."""

    member: Member
    wishes: Wishes
    team: bool = False
    off: bool = False  # paused without an end, stopped, or gone from the workspace
    until: date | None = None  # paused until that local day
    left: bool = False
    chosen: date = date(2026, 1, 5)  # the local day on which the interval of self-checks was chosen
    checks: list[date] = field(default_factory=list)  # local days of self-checks done
    disturbed: list[date] = field(default_factory=list)  # days on which the plan was changed by hand
    got: list[tuple[datetime, str]] = field(default_factory=list)  # when, nudge id

    @property
    def seldom(self) -> bool:
        """Reflections come more seldom than weekly."""
        return self.wishes.every_weeks > 1


class Slack:
    """Takes everything from people who are there, and notes when."""

    def __init__(self, clock: StandingClock) -> None:
        self.clock = clock
        self.people: dict[Member, Person] = {}
        self.turned_away: dict[Member, int] = defaultdict(int)

    def post(self, member: Member, _channel: str, *, key: str, **_more: object) -> Sent:
        person = self.people[member]
        if person.left:
            self.turned_away[member] += 1
            return Sent("failed", error="user_disabled")
        here = self.clock.now().astimezone(ZoneInfo(person.wishes.zone)).date()
        assert not person.off, "a nudge came while paused or after stop"
        assert person.until is None or here >= person.until, "a nudge came before the pause was over"
        person.until = None
        person.got.append((self.clock.now(), key))
        return Sent("sent", ts=f"{len(person.got)}.{member.user_id}")

    def find(self, *_args: object, **_more: object) -> None:
        return None

    def refused(self, _team_id: str) -> bool:
        return False

    def forget_refusal(self, _team_id: str) -> None: ...

    def open_dm(self, member: Member) -> str:
        return member.user_id


@dataclass
class Year:
    """The bot's side, and chance."""

    clock: StandingClock
    repositories: MemoryRepositories
    nudges: Nudges
    slack: Slack
    delivery: Delivery
    chance: random.Random
    numbers: itertools.count[int]

    def local(self, person: Person) -> date:
        return self.clock.now().astimezone(ZoneInfo(person.wishes.zone)).date()

    def check(self, person: Person, unit: str) -> None:
        check = Check(f"c{next(self.numbers)}", person.member, unit, (3,), "foundational", "", "v", self.clock.now())
        self.repositories.checks.add(check)
        self.nudges.check_done(person.member)
        person.checks.append(self.local(person))

    def row(self, person: Person, key: str) -> Nudge:
        row = self.repositories.nudges.get(key, person.member)
        assert row is not None
        return row

    def live_until(self, end: datetime) -> None:
        """Deliver what falls due, at its instant."""
        while (due := self.repositories.nudges.next_due()) is not None and due <= end:
            self.clock.move(max(timedelta(), due - self.clock.now()))
            before = {p.member: len(p.got) for p in self.slack.people.values()}
            self.deliver()
            for person in self.slack.people.values():
                for _, key in person.got[before[person.member] :]:
                    self.answer(person, self.row(person, key))
        self.clock.move(end - self.clock.now())
        self.nudges.plan_all()
        self.deliver()

    def deliver(self) -> None:
        """What a worker does, in one thread."""
        while claimed := self.delivery.claim():
            for nudge in claimed:
                self.delivery.deliver(nudge)

    def answer(self, person: Person, row: Nudge) -> None:
        if row.kind == "selfcheck" and row.unit and self.chance.random() < 0.6:
            self.check(person, row.unit)
        elif not person.team and self.chance.random() < 0.05:
            self.nudges.snooze(row.id, person.member, until=self.chance.choice(["later", "tomorrow"]))


def _year() -> Year:
    clock = StandingClock(START)
    repositories = MemoryRepositories(clock)
    numbers = itertools.count()
    nudges = Nudges(repositories=repositories, prompts=PROMPTS, clock=clock, new_id=lambda: f"n{next(numbers):06d}")
    slack = Slack(clock)
    delivery = Delivery(
        nudges=nudges,
        repositories=repositories,
        messenger=slack,
        compose=lambda letter: (letter.prompt.text if letter.prompt else str(letter.unit), ()),
        clock=clock,
        owner="one",
        pace=Pace(per_second=50.0),
    )
    delivery.use_wait(lambda seconds: bool(clock.move(timedelta(seconds=seconds))))
    return Year(clock, repositories, nudges, slack, delivery, random.Random(7), numbers)


def _begin(year: Year) -> None:
    chance = year.chance
    for n in range(PEOPLE + CHANNELS):
        team = n >= PEOPLE
        wishes = Wishes(
            weekday=chance.randrange(7),
            minute=chance.randrange(schedule.EARLIEST, schedule.LATEST),
            zone=chance.choice(ZONES),
            zone_is_own=chance.random() < 0.2,
            every_weeks=1 if team else chance.choice([1, 1, 1, 2, 4]),
            topic=chance.choice(["suggested", "suggested", "rotate", "chosen"]) if not team else "rotate",
            units=tuple(chance.sample(FRAMEWORK_UNITS, 2)),
            check_weeks=None if team else chance.choice([None, 4, 8, 13]),
        )
        person = Person(Member("T1", f"C{n:03d}" if team else f"U{n:03d}"), wishes, team)
        profile = year.repositories.profiles.get(person.member)
        focus = chance.choice([None, *FRAMEWORK_UNITS])
        role = tuple(chance.sample(FRAMEWORK_UNITS, 9)) if chance.random() < 0.3 and not team else None
        focus = focus if role is None or focus in role else None
        stage = chance.choice([None, "doing", "sustaining"])
        year.repositories.profiles.put(replace(profile, focus=focus, stage=stage, role_units=role))
        year.slack.people[person.member] = person
        year.nudges.subscribe(person.member, wishes, channel=person.member.user_id, kind="team" if team else "person")
        person.chosen = year.local(person)
        for unit in wishes.units if wishes.topic == "chosen" else ():
            year.check(person, unit)  # so that the few prompts of the higher level are wanted first


def _move(year: Year, person: Person) -> None:
    chance = year.chance
    minute = chance.randrange(schedule.EARLIEST, schedule.LATEST)
    person.wishes = replace(person.wishes, weekday=chance.randrange(7), minute=minute)
    year.nudges.subscribe(
        person.member, person.wishes, channel=person.member.user_id, kind="team" if person.team else "person"
    )


def _travel(year: Year, person: Person) -> None:
    zone = year.chance.choice(ZONES)
    if year.nudges.follow_zone(person.member, zone):
        person.wishes = replace(person.wishes, zone=zone)


def _pause(year: Year, person: Person) -> None:
    until = year.local(person) + timedelta(days=year.chance.randrange(3, 50))
    year.nudges.pause(person.member, until)
    person.until = until


def _stop(year: Year, person: Person) -> None:
    year.nudges.stop(person.member)
    person.off = True


def _leave(year: Year, person: Person) -> None:
    if not person.team and year.chance.random() < 0.15:
        person.left = True


def _skip(year: Year, person: Person) -> None:
    skipped = year.nudges.skip_next(person.member)
    if skipped and year.chance.random() < 0.5:
        year.nudges.unskip(skipped[0].id, person.member)


def _check_early(year: Year, person: Person) -> None:
    if not person.team:
        year.check(person, year.chance.choice(FRAMEWORK_UNITS))


EVENTS: tuple[Callable[[Year, Person], None], ...] = (
    _move, _travel, _travel, _pause, _stop, _leave, _skip, _check_early, _check_early,
)  # fmt: skip


def _live(year: Year, person: Person) -> None:
    if person.left:
        return
    event = year.chance.choice(EVENTS)
    if person.off or person.until:
        if year.chance.random() < 0.4:
            year.nudges.resume(person.member)
            person.off, person.until = False, None
            person.disturbed.append(year.local(person))
        return
    event(year, person)
    if event is not _check_early:
        person.disturbed.append(year.local(person))


@pytest.fixture(scope="module")
def lived() -> Year:
    """The year, over."""
    year = _year()
    _begin(year)
    everybody = list(year.slack.people.values())
    for day in range(364):
        for person in year.chance.sample(everybody, 5):
            _live(year, person)
        year.live_until(START + timedelta(days=day + 1))
    return year


def test_nothing_is_sent_twice_or_at_night_and_never_two_in_one_week(
    lived: Year, figure: Callable[[str], None]
) -> None:
    count = 0
    for person in lived.slack.people.values():
        keys = [key for _, key in person.got]
        assert len(keys) == len(set(keys))
        rows = [lived.row(person, key) for key in keys]
        weeks = [r.period for r in rows if "+" not in r.period]
        assert len(weeks) == len(set(weeks)), "two nudges in one week"
        for (at, _), row in zip(person.got, rows, strict=True):
            assert schedule.in_hours(at, row.zone)
        count += len(keys)
    checks = sum(lived.row(p, k).kind == "selfcheck" for p in lived.slack.people.values() for _, k in p.got)
    figure(f"{PEOPLE} people and {CHANNELS} channels, a year: {count} nudges, {checks} self-checks; twice 0, beside 0")
    assert count > 4000
    assert checks > 300


def test_no_prompt_comes_again_within_26_weeks(lived: Year) -> None:
    for person in lived.slack.people.values():
        last: dict[str, date] = {}
        for _, key in person.got:
            row = lived.row(person, key)
            if "+" in row.period or row.prompt_id is None:
                continue  # one put off is the same prompt again, as asked
            day = date.fromisoformat(row.local_time[:10])
            before = last.get(row.prompt_id)
            assert before is None or (day - before).days >= 26 * 7
            last[row.prompt_id] = day


def test_every_topic_of_a_role_comes_within_the_promised_number_of_prompts(
    lived: Year, figure: Callable[[str], None]
) -> None:
    windows = 0
    for person in lived.slack.people.values():
        subscription = lived.nudges.subscription(person.member)
        assert subscription is not None
        topics = lived.nudges.letters.topics(person.member, subscription)
        within = coverage(PROMPTS, topics)
        rows = [lived.row(person, key) for _, key in person.got]
        units = [r.unit for r in rows if r.prompt_id and "+" not in r.period]
        for start in range(len(units) - within + 1):
            windows += 1
            asked_of = topics.units if topics.mode == "chosen" else topics.role
            assert set(asked_of) <= set(units[start : start + within])
    figure(f"every topic of the role came within the promised number of prompts in {windows} of {windows} windows")
    assert windows > 300


def test_self_checks_come_on_the_first_of_ones_days_after_the_interval(
    lived: Year, figure: Callable[[str], None]
) -> None:
    on_time = 0
    for person in lived.slack.people.values():
        if not person.wishes.check_weeks:
            assert all(lived.row(person, key).kind != "selfcheck" for _, key in person.got)
            continue
        interval, counted_from = timedelta(weeks=person.wishes.check_weeks), person.chosen
        days = sorted(
            (date.fromisoformat(row.local_time[:10]), row.kind)
            for row in (lived.row(person, key) for _, key in person.got)
            if "+" not in row.period
        )
        for day, kind in days:
            since = max([counted_from, *(d for d in person.checks if d < day)])
            # What was left out by hand may have been the row of up to a week later.
            quiet = not any(since - timedelta(days=8) <= d <= day for d in person.disturbed)
            if kind == "selfcheck":
                assert day >= since + interval, "a self-check came before its date"
                if quiet:
                    # One more week where a rhythm that isn't weekly lets the reflection go first.
                    assert day < since + interval + timedelta(weeks=2 if person.seldom else 1)
                    on_time += 1
                counted_from = day
            elif quiet and not person.seldom and day not in person.checks:  # one done that morning has moved it
                assert day < since + interval, "a reflection came where a self-check was due"
    figure(f"{on_time} of {on_time} undisturbed self-check nudges on their date")
    assert on_time > 200


def test_who_left_is_tried_once_and_closed(lived: Year) -> None:
    gone = [p for p in lived.slack.people.values() if p.left]
    assert gone
    assert all(lived.slack.turned_away[p.member] <= 1 for p in gone)
    for person in gone:
        if lived.slack.turned_away[person.member]:
            subscription = lived.nudges.subscription(person.member)
            assert subscription is not None
            assert subscription.state == "closed"
            assert lived.repositories.nudges.upcoming(person.member) is None
