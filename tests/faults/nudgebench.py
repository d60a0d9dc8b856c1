"""Delivery in this process, against a recorder over HTTP, on a clock that the waits move."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.adapters.storage.engine import READ_ONLY
from bot.adapters.storage.repositories import SqlRepositories
from bot.adapters.storage.tables import nudges as rows
from bot.core.schedule import period_of
from bot.services.delivery import Delivery, Pace
from bot.services.nudge_worker import NudgeWorker
from bot.services.nudges import Nudges
from bot.slack.reflect import composer
from tests.fakes.memory import StandingClock
from tests.faults.nudgekit import DUE, seed
from tests.faults.recorder import Recorder, recording
from tests.faults.replica import load, messenger

PERIOD = period_of(DUE.date())


@dataclass
class Bench:
    """One replica, its database and what Slack saw."""

    clock: StandingClock
    repositories: SqlRepositories
    recorder: Recorder
    nudges: Nudges
    compose: Any
    looks: int = 0

    def seed(self, count: int, **more: Any) -> None:
        """So many people with a row due now."""
        seed(self.repositories.engine, count, **more)

    def delivery(self, owner: str = "one", **pace: Any) -> Delivery:
        """The real one."""
        return Delivery(
            nudges=self.nudges,
            repositories=self.repositories,
            messenger=messenger(self.recorder.url),
            compose=self.compose,
            clock=self.clock,
            owner=owner,
            pace=Pace(**pace),
            wait=self.wait,
        )

    def worker(self, delivery: Delivery | None = None, **more: Any) -> NudgeWorker:
        """A worker whose waits move the clock."""
        delivery = delivery or self.delivery()
        made = NudgeWorker(
            delivery=delivery,
            nudges=self.nudges,
            repositories=self.repositories,
            clock=self.clock,
            **{"threads": 1, **more},
        )
        delivery.use_wait(self.wait)
        return made

    def wait(self, seconds: float) -> bool:
        self.clock.move(timedelta(seconds=seconds))
        return True

    def drain(self, worker: NudgeWorker, *, step: float = 30.0, hours: float = 13.0) -> Counter[str]:
        """Let the worker look again and again until nothing of this week is open; outcomes counted."""
        outcomes: Counter[str] = Counter()
        until = self.clock.now() + timedelta(hours=hours)
        while self.open_rows() and self.clock.now() < until:
            delivered = worker.tick()
            outcomes += delivered
            self.clock.move(timedelta(seconds=step if not delivered else 1))
        return outcomes

    def open_rows(self) -> int:
        """Rows of this week that are neither sent nor ended."""
        return sum(count for state, count in self.states().items() if state in {"due", "claimed"})

    def table(self, period: str = PERIOD) -> list[Any]:
        """The rows of this week."""
        with self.repositories.engine.connect() as connection:
            connection.execution_options(**{READ_ONLY: True})
            return list(connection.execute(select(rows).where(rows.c.period == period)))

    def states(self) -> Counter[str]:
        return Counter(row.state for row in self.table())

    # --- the count

    def lost_and_twice(self) -> tuple[int, int]:
        """Nudges of this week that nobody got, and those that somebody got more than once."""
        out = self.recorder.keys()
        return sum(out[row.id] == 0 for row in self.table()), sum(count > 1 for count in out.values())


@contextmanager
def bench(url: str, start: datetime = DUE) -> Iterator[Bench]:
    """A bench on a database with tables and no rows."""
    clock = StandingClock(start)
    knowledge, wording, prompts = load()
    repositories = SqlRepositories(url, clock=clock)
    made = Nudges(repositories=repositories, prompts=prompts, clock=clock, new_id=lambda: uuid.uuid4().hex)
    with recording(now=lambda: clock.now().timestamp(), hang=3.0) as recorder:
        recorder.wait = lambda seconds: clock.move(timedelta(seconds=seconds))
        yield Bench(clock, repositories, recorder, made, composer(knowledge, wording))
    repositories.close()
