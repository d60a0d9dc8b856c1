"""Row D12: people stop, pause and move while their nudge is being claimed and sent, in any order, on every store."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core import schedule
from bot.core.records import Member, Nudge
from bot.ports import Repositories, Sent
from bot.services.delivery import Delivery, Pace
from bot.services.nudges import Letter, Nudges, Wishes
from tests.fakes.memory import MemoryRepositories, StandingClock
from tests.fakes.postgres import PostgresServer
from tests.faults.replica import load
from tests.services.test_delivery import MONDAY

MEMBERS = (Member("T1", "U1"), Member("T1", "U2"))
ZONES = ("America/Toronto", "Europe/London", "Asia/Kolkata")
_CONTENT = load()

members = st.sampled_from(MEMBERS)
zones = st.sampled_from(ZONES)
hours = st.integers(8, 19)
days = st.integers(0, 6)
moments = st.sampled_from(["compose", "wait", "post", "never", "never"])
changes = st.sampled_from(["stop", "pause", "move"])
Change = Callable[[], None]


@dataclass
class Slack:
    """Takes every post, and may lose the answer."""

    taken: list[tuple[datetime, Member, str]] = field(default_factory=list)
    clock: StandingClock = field(default_factory=StandingClock)
    lose_answer: bool = False
    before: Change = lambda: None

    def post(self, member: Member, channel: str, *, key: str, still: Callable[[], bool], **_: Any) -> Sent:
        self.before()
        if not still():
            return Sent("withheld")
        self.taken.append((self.clock.now(), member, key))
        return Sent("uncertain", error="reset") if self.lose_answer else Sent("sent", ts=f"{len(self.taken)}.0")

    def find(self, member: Member, channel: str, *, key: str, **_: Any) -> str | None:
        return next((f"{n}.0" for n, (_, _, taken) in enumerate(self.taken, 1) if taken == key), None)

    def open_dm(self, member: Member) -> str:
        return member.user_id

    def refused(self, _team_id: str) -> bool:
        return False

    def forget_refusal(self, _team_id: str) -> None: ...


class Changes(RuleBasedStateMachine):
    """People change their minds between and within the steps of delivery."""

    claims = Bundle("claims")
    delivered: ClassVar[Counter[str]] = Counter()  # of all runs

    @initialize(zone=zones, hour=hours)
    def begin(self, zone: str, hour: int) -> None:
        for member in MEMBERS:
            self.subscribe(member, zone, 1, hour)
        self.until_due(0)

    def __init__(self) -> None:
        super().__init__()
        self.clock = StandingClock(MONDAY)
        self.repositories = self._open()
        numbers = itertools.count()
        _, _, prompts = _CONTENT
        self.nudges = Nudges(
            repositories=self.repositories, prompts=prompts, clock=self.clock, new_id=lambda: f"k{next(numbers)}"
        )
        self.slack = Slack(clock=self.clock)
        self.during: dict[str, Change] = {}
        self.off: set[Member] = set()
        self.owners = itertools.count()

    def _open(self) -> Repositories:
        return MemoryRepositories(self.clock)

    def teardown(self) -> None:
        self.repositories.close()

    # --- what people do

    @rule(
        member=members, what=st.sampled_from(["subscribe", "stop", "pause", "skip"]), zone=zones, day=days, hour=hours
    )
    def change(self, member: Member, what: str, zone: str, day: int, hour: int) -> None:
        if what == "subscribe":
            self.subscribe(member, zone, day, hour)
        elif what == "skip":
            self.nudges.skip_next(member)
        else:
            (self.stop if what == "stop" else self.pause)(member)

    def subscribe(self, member: Member, zone: str, weekday: int, hour: int) -> None:
        wishes = Wishes(weekday=weekday, minute=hour * 60, zone=zone)
        self.nudges.subscribe(member, wishes, channel=f"D{member.user_id}")
        self.off.discard(member)

    def stop(self, member: Member) -> None:
        if self.nudges.subscription(member):
            self.nudges.stop(member)
            self.off.add(member)

    def pause(self, member: Member) -> None:
        if self.nudges.pause(member):
            self.off.add(member)

    # --- what delivery does

    @rule(target=claims, limit=st.integers(1, 3))
    def claim(self, limit: int) -> object:
        delivery = self._delivery()
        return multiple(*((delivery, nudge) for nudge in delivery.claim(limit)))

    @rule(late=st.sampled_from([0, 1, 30]), lose_answer=st.booleans(), moment=moments, change=changes, zone=zones)
    def whole_turn(self, late: int, lose_answer: bool, moment: str, change: str, zone: str) -> None:
        """Everybody that is off comes back, and what is due next is claimed and sent, with a change in between."""
        for member in sorted(self.off, key=str):
            self.subscribe(member, zone, 1, 9)
        self.until_due(late)
        delivery = self._delivery()
        for nudge in delivery.claim(2):
            self.deliver_one(delivery, nudge, lose_answer, moment, change, zone)

    @rule(claimed=consumes(claims), lose_answer=st.booleans(), moment=moments, change=changes, zone=zones)
    def deliver(self, claimed: tuple[Delivery, Nudge], lose_answer: bool, moment: str, change: str, zone: str) -> None:
        self.deliver_one(*claimed, lose_answer, moment, change, zone)

    def deliver_one(  # noqa: PLR0917 - one step in full
        self, delivery: Delivery, nudge: Nudge, lose_answer: bool, moment: str, change: str, zone: str
    ) -> None:
        was_off, before = nudge.member in self.off, len(self.slack.taken)
        change_now = {
            "stop": lambda: self.stop(nudge.member),
            "pause": lambda: self.pause(nudge.member),
            "move": lambda: self.subscribe(nudge.member, zone, 2, 12) if nudge.member not in self.off else None,
        }[change]
        self.slack.lose_answer = lose_answer
        self.slack.before = change_now if moment == "post" else lambda: None
        self.during = {moment: change_now}
        self.delivered[delivery.deliver(nudge)] += 1
        self.during, self.slack.before = {}, lambda: None
        sent = len(self.slack.taken) > before
        assert not (sent and was_off), "sent although the person had stopped"
        assert not (sent and nudge.member in self.off and moment in {"compose", "wait"}), "an opt-out was not seen"
        self._check()

    @rule(claimed=consumes(claims))
    def crash(self, claimed: tuple[Delivery, Nudge]) -> None:
        """The process is gone; nobody uses this claim again."""

    @rule(minutes=st.sampled_from([1, 3, 30, 180]))
    def wait(self, minutes: int) -> None:
        self.clock.move(timedelta(minutes=minutes))

    def until_due(self, late: int) -> None:
        self.nudges.plan_all()
        due = self.repositories.nudges.next_due()
        if due is not None:
            self.clock.move(max(timedelta(), due - self.clock.now()) + timedelta(minutes=late))

    # --- what must hold

    def _check(self) -> None:
        rows = {row["id"]: row for member in MEMBERS for row in self.repositories.everything_of(member)["nudges"]}
        assert set(Counter(key for _, _, key in self.slack.taken).values()) <= {1}, "one nudge came twice"
        periods = Counter((member, rows[key]["period"]) for _, member, key in self.slack.taken)
        assert set(periods.values()) <= {1}, "two in one period"
        for at, member, key in self.slack.taken[-1:]:
            subscription = self.nudges.subscription(member)
            assert subscription is not None
            zones_then = {subscription.zone, rows[key]["zone"]}
            assert any(schedule.in_hours(at, zone) for zone in zones_then), "outside the hours"

    def _delivery(self) -> Delivery:
        return Delivery(
            nudges=self.nudges,
            repositories=self.repositories,
            messenger=self.slack,
            compose=self._compose,
            clock=self.clock,
            owner=f"w{next(self.owners)}",
            pace=Pace(per_second=1.0),
            wait=self._wait,
        )

    def _compose(self, letter: Letter) -> tuple[str, Sequence[dict[str, Any]]]:
        self.during.get("compose", lambda: None)()
        return "words", ()

    def _wait(self, seconds: float) -> bool:
        self.clock.move(timedelta(seconds=seconds))
        self.during.get("wait", lambda: None)()
        return True


def _run(machine: type[Changes], full: bool, figure: Callable[[str], None], where: str) -> None:
    machine.delivered = Counter()
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=100 if full else 12,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    done = machine.delivered
    figure(
        f"{where}: {done.total():,} deliveries with changes in between, {done['sent']} sent, {done['uncertain']} uncertain, "
        f"{done['cancelled'] + done['lost']} stopped in time: 0 sent after an opt-out was seen, 0 twice in a period"
    )
    assert done["sent"] >= 10
    assert done["cancelled"] + done["lost"] >= (50 if full else 1)


@pytest.mark.fault("D12")
@pytest.mark.timeout(900)
def test_d12_changes_in_any_order_in_memory(full: bool, figure) -> None:
    class InMemory(Changes):
        pass

    _run(InMemory, full, figure, "memory")


@pytest.mark.fault("D12")
@pytest.mark.timeout(900)
def test_d12_changes_in_any_order_on_sqlite(tmp_path: Path, sqlite_template: Path, full: bool, figure) -> None:
    files = itertools.count()

    class OnSqlite(Changes):
        def _open(self) -> Repositories:
            path = tmp_path / f"{next(files)}.db"
            path.write_bytes(sqlite_template.read_bytes())
            return SqlRepositories(sqlite_url(path), clock=self.clock)

    _run(OnSqlite, full, figure, "SQLite")


@pytest.mark.postgres
@pytest.mark.fault("D12")
@pytest.mark.timeout(900)
def test_d12_changes_in_any_order_on_postgresql(
    postgres: PostgresServer, postgres_template: str, full: bool, figure
) -> None:
    class OnPostgresql(Changes):
        def _open(self) -> Repositories:
            self._name = postgres.create(postgres_template)
            return SqlRepositories(postgres.url(self._name), clock=self.clock)

        def teardown(self) -> None:
            with closing(self.repositories):
                pass
            postgres.drop(self._name)

    _run(OnPostgresql, full, figure, "PostgreSQL")
