"""What the rows on nudges share: due rows by the thousand, replicas to kill, and the count of lost and twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.migrating import migrate
from bot.adapters.storage.tables import nudges, subscriptions
from bot.core.schedule import period_of
from tests.fakes.postgres import PostgresServer
from tests.faults.recorder import Recorder

ROOT = Path(__file__).parents[2]
ZONE = "America/Toronto"
DUE = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # a Tuesday, 9:30 in Toronto
TEAMS = tuple(f"T{n}" for n in range(8))


def seed(engine: Engine, count: int, *, due: datetime = DUE, teams: tuple[str, ...] = TEAMS, spread: float = 0) -> None:
    """So many active subscribers with one row each, due at an instant (or spread over seconds before it)."""
    people = [
        {"team_id": teams[n % len(teams)], "user_id": f"U{n:05d}", "number": n, "channel": f"D{n:05d}"}
        for n in range(count)
    ]
    subscribed = [
        {
            "team_id": p["team_id"],
            "user_id": p["user_id"],
            "channel": p["channel"],
            "zone": ZONE,
            "weekday": 1,
            "minute": 570,
            "state": "active",
            "every_weeks": 1,
            "zone_is_own": False,
            "topic": "suggested",
            "units": [],
            "created_at": due - timedelta(weeks=4),
        }
        for p in people
    ]
    rows = [
        {
            "id": f"key-{p['number']:05d}",
            "team_id": p["team_id"],
            "user_id": p["user_id"],
            "period": period_of(due.date()),
            "due_at": due - timedelta(seconds=spread * p["number"] / count),
            "local_time": "2026-11-24T09:30",
            "zone": ZONE,
            "state": "due",
            "kind": "reflection",
            "attempt": 0,
        }
        for p in people
    ]
    with engine.begin() as connection:
        connection.execute(subscriptions.insert(), subscribed)
        connection.execute(nudges.insert(), rows)


def states(database: str, *, period: str = period_of(DUE.date())) -> dict[str, int]:
    """How many rows of a period are in each state."""
    engine = make_engine(database)
    try:
        with engine.connect() as connection:
            statement = select(nudges.c.state, func.count()).where(nudges.c.period == period).group_by(nudges.c.state)
            return {row.state: row[1] for row in connection.execute(statement)}
    finally:
        engine.dispose()


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is room: the processes are killed, not the machine, and rounds are many."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 500_000_000
    with tempfile.TemporaryDirectory(prefix="coach-", dir=memory if roomy else None) as folder:
        yield Path(folder)


class Databases:
    """Copies of a database with due rows; making one anew for each round would take longer than the round."""

    def __init__(self, folder: Path, postgres: PostgresServer | None, count: int, **more: Any) -> None:
        self._folder, self._postgres, self._number = folder, postgres, 0
        folder.mkdir(parents=True, exist_ok=True)
        self._template = postgres.create() if postgres else str(folder / "template.db")
        engine = make_engine(postgres.url(self._template) if postgres else sqlite_url(Path(self._template)))
        migrate(engine)
        seed(engine, count, **more)
        engine.dispose()

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The address of a copy, for as long as the block lasts."""
        if self._postgres:
            name = self._postgres.create(self._template)
            try:
                yield self._postgres.url(name)
            finally:
                self._postgres.drop(name)
            return
        self._number += 1
        path = self._folder / f"round{self._number}.db"
        shutil.copy(self._template, path)
        yield sqlite_url(path)
        for left in self._folder.glob(f"{path.name}*"):
            left.unlink()


class Replica:
    """One process that delivers."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def kill(self) -> None:
        """SIGKILL, by its own id; comes back once it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as an operator stops it."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def wait_frozen(self, seconds: float) -> bool:
        """Wait until it has frozen itself."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "T":
                return True
            time.sleep(0.01)
        return False

    def thaw(self) -> None:
        """SIGCONT."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        deadline = time.monotonic() + 30
        with suppress(ProcessLookupError):
            os.kill(self.pid, how)
            while time.monotonic() < deadline:
                os.kill(self.pid, 0)
                time.sleep(0.005)  # until the process table has let go of it


class Nursery:
    """Starts replicas: one process has everything loaded and forks them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.replica"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self, database: str, recorder: Recorder, **more: Any) -> Replica:
        """A replica on this database, at the hour at which the rows are due."""
        order = {
            "name": "replica",
            "database": database,
            "api_url": recorder.url,
            "ahead": recorder.now() - time.time(),
            "per_second": 200.0,
            "lease": 4.0,
            **more,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Replica(int(self._process.stdout.readline()))

    def close(self) -> None:
        """No more replicas."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def from_due() -> Any:
    """A clock for the recorder that begins a minute after the rows fell due."""
    ahead = DUE.timestamp() + 60 - time.time()
    return lambda: time.time() + ahead
