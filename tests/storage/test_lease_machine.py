"""Any order of plan, claim, renew, settle, cancel and crash, held against a plain model of the promises."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.records import Member, Nudge
from bot.ports import Repositories
from tests.fakes.memory import MemoryRepositories, StandingClock
from tests.fakes.postgres import PostgresServer
from tests.storage.rows import NOW, nudge, subscription

T = TypeVar("T")
MEMBERS = [Member("T1", "U1"), Member("T1", "U2"), Member("T2", "U1")]
ENDINGS = ("sent", "skipped", "cancelled", "failed", "in_doubt")
Ending = Literal["sent", "skipped", "cancelled", "failed", "in_doubt"]

members = st.sampled_from(MEMBERS)
owners = st.sampled_from(["w1", "w2", "w3"])
seconds = st.integers(0, 90).map(lambda number: timedelta(seconds=number))
leases = st.sampled_from([timedelta(seconds=30), timedelta(seconds=60)])


@dataclass
class Lease:
    owner: str
    attempt: int
    until: datetime


class Leases(RuleBasedStateMachine):
    """Each step runs on every store; all must say the same, and what they say must keep the promises."""

    claims = Bundle("claims")

    @initialize()
    def open(self) -> None:
        self._url = self._enter()
        self.stores: list[Repositories] = [MemoryRepositories(StandingClock()), self._durable()]
        self.now = NOW
        self.planned = 0
        self.leases: dict[str, Lease] = {}
        self.sent: dict[str, tuple[Member, str | None]] = {}
        self.periods_sent: set[tuple[Member, str]] = set()

    def _enter(self) -> str:
        """The address of a database of this run's own."""
        raise AssertionError("a machine says where its rows are")

    def _leave(self) -> None:
        """Remove it."""

    def _step(self) -> None:
        """Count a step."""

    def _durable(self) -> Repositories:
        return SqlRepositories(self._url, clock=StandingClock())

    @rule(member=members, week=st.integers(0, 5), ahead=seconds)
    def plan(self, member: Member, week: int, ahead: timedelta) -> None:
        self.planned += 1
        row = nudge(f"n{self.planned:04}", member=member, period=f"W{week}", due_at=self.now + ahead)
        if self._same([store.nudges.plan(row) for store in self.stores]):
            assert (member, row.period) not in self.periods_sent

    @rule(target=claims, owner=owners, lease=leases, limit=st.integers(1, 4))
    def claim(self, owner: str, lease: timedelta, limit: int) -> object:
        rows = self._same([store.nudges.claim(owner, now=self.now, lease=lease, limit=limit) for store in self.stores])
        assert len(rows) <= limit
        for row in rows:
            assert row.id not in self.sent, "a nudge that was sent was claimed again"
            assert row.due_at <= self.now
            held = self.leases.get(row.id)
            assert held is None or held.until <= self.now, "a row is in two live leases"
            assert row.attempt == (held.attempt if held else 0) + 1
            self.leases[row.id] = Lease(owner, row.attempt, self.now + lease)
        return multiple(*rows)

    @rule(row=claims, lease=leases)
    def renew(self, row: Nudge, lease: timedelta) -> None:
        held = self._same([store.nudges.renew(row, now=self.now, lease=lease) for store in self.stores])
        assert not held or self._is_latest(row)
        if held:
            self.leases[row.id].until = self.now + lease

    @rule(row=claims, ahead=seconds, counted=st.booleans())
    def release(self, row: Nudge, ahead: timedelta, counted: bool) -> None:
        until = self.now + ahead
        held = self._same([store.nudges.release(row, until=until, counted=counted) for store in self.stores])
        assert not held or self._is_latest(row)
        if held:
            self.leases[row.id] = Lease("", row.attempt - (not counted), until)

    @rule(member=members)
    def stop_workspace(self, member: Member) -> None:
        self._same([store.nudges.cancel_team(member.team_id, "disconnected") for store in self.stores])

    @rule(member=members, ago=seconds)
    def go_on(self, member: Member, ago: timedelta) -> None:
        """A new token: rows that were claimed when the workspace was stopped wait for the end of their lease."""
        team, after = member.team_id, self.now - ago
        self._same([store.nudges.reopen_team(team, {"disconnected"}, due_after=after) for store in self.stores])

    @rule(row=claims, prompt=st.sampled_from(["p1", "p2"]))
    def choose(self, row: Nudge, prompt: str) -> None:
        held = self._same(
            [store.nudges.choose(row, kind="reflection", prompt_id=prompt, unit=None) for store in self.stores]
        )
        assert not held or self._is_latest(row)

    @rule(row=claims, ending=st.sampled_from(ENDINGS))
    def settle(self, row: Nudge, ending: Ending) -> None:
        ts = f"{self.planned}.{row.attempt}" if ending == "sent" else None
        held = self._same([store.nudges.settle(row, ending, ts=ts) for store in self.stores])
        assert not held or self._is_latest(row)
        if held and ending == "sent":
            assert row.id not in self.sent
            assert (row.member, row.period) not in self.periods_sent, "two nudges in one period"
            self.sent[row.id] = (row.member, ts)
            self.periods_sent.add((row.member, row.period))

    @rule(row=consumes(claims))
    def crash(self, row: Nudge) -> None:
        """The worker is gone: nobody will use this claim again."""

    @rule(member=members)
    def stop(self, member: Member) -> None:
        self._same([store.nudges.cancel_open(member, "stopped") for store in self.stores])
        assert self._same([store.nudges.upcoming(member) for store in self.stores]) is None

    @rule(member=members, hour=st.integers(8, 19))
    def subscribe(self, member: Member, hour: int) -> None:
        for store in self.stores:
            store.nudges.subscribe(subscription(member=member, minute=hour * 60))

    @rule(by=seconds)
    def wait(self, by: timedelta) -> None:
        self.now += by

    @rule()
    def restart(self) -> None:
        """The process ends and another takes over the file."""
        self.stores[1].close()
        self.stores[1] = self._durable()

    @invariant()
    def what_was_sent_stays_sent(self) -> None:
        for member in MEMBERS:
            rows = self._same([store.nudges.sent(member) for store in self.stores])
            assert {row.id: row.ts for row in rows} == {
                row_id: ts for row_id, (whose, ts) in self.sent.items() if whose == member
            }

    @invariant()
    def all_know_the_same_next_instant(self) -> None:
        self._step()
        self._same([store.nudges.next_due() for store in self.stores])

    def teardown(self) -> None:
        for store in getattr(self, "stores", []):
            store.close()
        self._leave()

    def _is_latest(self, row: Nudge) -> bool:
        held = self.leases[row.id]
        return (held.owner, held.attempt) == (row.owner, row.attempt)

    @staticmethod
    def _same(answers: Sequence[T]) -> T:
        assert all(answer == answers[0] for answer in answers), answers
        return answers[0]


def _machine(full: bool) -> settings:
    """The 2,000 steps of row D17 under `make faults`, as many as a quick run allows under `make test`."""
    return settings(
        max_examples=80 if full else 8, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )


@pytest.mark.fault("D17")
@pytest.mark.timeout(900)
def test_leases_keep_their_promises_in_any_order_on_sqlite(tmp_path: Path, full: bool, figure) -> None:
    files, steps = itertools.count(), itertools.count()

    class OnSqlite(Leases):
        def _enter(self) -> str:
            return sqlite_url(tmp_path / f"coach{next(files)}.db")

        def _step(self) -> None:
            next(steps)

    run_state_machine_as_test(OnSqlite, settings=_machine(full))
    done = next(steps)
    assert done >= (2000 if full else 100)
    figure(
        f"in memory and SQLite side by side: {next(steps):,} steps, no row in two live leases, what was sent stayed so"
    )


@pytest.mark.postgres
@pytest.mark.fault("D17")
@pytest.mark.timeout(900)
def test_leases_keep_their_promises_in_any_order_on_postgresql(
    postgres: PostgresServer, postgres_template: str, full: bool, figure
) -> None:
    steps = itertools.count()

    class OnPostgresql(Leases):
        def _enter(self) -> str:
            self._name = postgres.create(postgres_template)
            return postgres.url(self._name)

        def _leave(self) -> None:
            postgres.drop(self._name)

        def _step(self) -> None:
            next(steps)

    run_state_machine_as_test(OnPostgresql, settings=_machine(full))
    done = next(steps)
    assert done >= (2000 if full else 100)
    figure(f"in memory and PostgreSQL side by side: {done:,} steps, no row in two live leases, what was sent stayed so")
