"""Several threads and several replicas on one database."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from bot.adapters.storage.database import Database, _Line
from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.inbox import SqlInbox
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.errors import StorageError
from bot.core.records import Member
from tests.fakes.memory import StandingClock
from tests.storage.conftest import Connect
from tests.storage.rows import ANA, LEASE, NOW, fill, item, nudge, said

T = TypeVar("T")
THREADS = 8


def at_once(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """Run the same work in several threads that start together."""
    start = threading.Barrier(threads)

    def run(number: int) -> T:
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, number) for number in range(threads)]]


def test_an_event_that_comes_at_once_to_two_replicas_is_recorded_once(connect: Connect) -> None:
    replicas = [connect(), connect()]
    for number in range(25):
        key = f"Ev{number}"
        recorded = at_once(lambda thread, key=key: replicas[thread % 2].inbox.record(item(key)), 4)  # type: ignore[misc]  # a default binds the loop's value
        assert sorted(recorded) == [False, False, False, True]
    assert len(replicas[0].inbox.unfinished()) == 25


def test_an_item_that_two_replicas_recover_at_once_is_worked_by_one(connect: Connect) -> None:
    replicas = [connect(), connect()]
    for number in range(25):
        replicas[0].inbox.record(item(f"Ev{number}"))

    def recover(thread: int) -> list[str]:
        inbox = replicas[thread % 2].inbox
        return [left.key for left in inbox.unfinished() if inbox.begin(left.key, attempts=0)]

    worked = Counter(key for keys in at_once(recover, 4) for key in keys)
    assert worked == {f"Ev{number}": 1 for number in range(25)}


def test_two_replicas_never_hold_the_same_row(connect: Connect) -> None:
    replicas = [connect(), connect()]
    for number in range(60):
        replicas[0].nudges.plan(nudge(f"n{number}", member=Member("T1", f"U{number}")))

    def claim_until_none_is_left(thread: int) -> list[str]:
        mine: list[str] = []
        nudges = replicas[thread % 2].nudges
        while len(mine) <= 60 and (rows := nudges.claim(f"w{thread}", now=NOW, lease=LEASE, limit=3)):
            assert len(rows) <= 3
            mine += [row.id for row in rows]
        return mine

    claimed = Counter(name for names in at_once(claim_until_none_is_left, 4) for name in names)
    assert claimed == {f"n{number}": 1 for number in range(60)}


def test_two_replicas_together_keep_to_the_rate(connect: Connect) -> None:
    replicas = [connect(), connect()]
    slots = at_once(
        lambda thread: [replicas[thread % 2].nudges.take_slot("T1", now=NOW, per_second=20) for _ in range(20)]
    )
    times = sorted(slot for of_thread in slots for slot in of_thread)
    assert len(set(times)) == 20 * THREADS
    assert busiest_second(times) <= 21


def busiest_second(times: list[datetime]) -> int:
    second = timedelta(seconds=1)
    return max(sum(1 for other in times if start <= other < start + second) for start in times)


def test_a_period_planned_by_two_replicas_at_once_gets_one_nudge(connect: Connect) -> None:
    replicas = [connect(), connect()]
    for number in range(20):
        planned = at_once(
            lambda thread, number=number: replicas[thread % 2].nudges.plan(  # type: ignore[misc]  # a default binds the loop's value
                nudge(f"n{number}-{thread}", period=f"W{number}")
            ),
            4,
        )
        assert sorted(planned) == [False, False, False, True]


def test_many_threads_write_and_read_without_an_error(connect: Connect) -> None:
    repositories = connect()

    def work(thread: int) -> int:
        member = Member("T1", f"U{thread}")
        for number in range(15):
            repositories.conversations.remember(said(str(number), member=member))
            repositories.inbox.record(item(f"Ev{thread}-{number}", member=member))
            repositories.inbox.done(f"Ev{thread}-{number}", "answered")
            assert len(repositories.conversations.recall("D0ANA", member, since=NOW, limit=99)) == number + 1
        return thread

    assert at_once(work, 16) == list(range(16))


# --- SQLite's one writer ---


@contextmanager
def somebody_writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process in the middle of a write."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SqlRepositories(sqlite_url(tmp_path / "coach.db")).close()
    return tmp_path / "coach.db"


def test_a_write_waits_while_the_database_is_locked(path: Path) -> None:
    repositories = SqlRepositories(sqlite_url(path))
    with closing(repositories), somebody_writing(path) as other, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(repositories.inbox.record, item())
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
        other.execute("COMMIT")
        assert waiting.result(timeout=30)


def test_a_read_does_not_wait_for_a_writer(path: Path) -> None:
    repositories = SqlRepositories(sqlite_url(path))
    with closing(repositories), somebody_writing(path):
        started = time.monotonic()
        assert repositories.inbox.unfinished() == []
        assert time.monotonic() - started < 5


def test_a_lock_that_is_held_for_too_long_is_told_in_calm_words_and_passes(path: Path) -> None:
    engine = make_engine(sqlite_url(path), busy_timeout_ms=100)
    inbox = SqlInbox(Database(engine, StandingClock()))
    with somebody_writing(path), pytest.raises(StorageError, match="busy with other work"):
        inbox.record(item())
    assert inbox.record(item())
    engine.dispose()


def test_writers_take_their_turn_in_the_order_of_asking_and_give_up_in_time() -> None:
    line = _Line()
    order: list[int] = []
    assert line.enter(0)

    def wait_in_line(number: int) -> None:
        assert line.enter(30)
        order.append(number)
        line.leave()

    threads = [threading.Thread(target=wait_in_line, args=(number,)) for number in range(5)]
    for place, thread in enumerate(threads, 1):
        thread.start()
        wait_until(lambda place=place: len(line._waiting) == place)  # type: ignore[misc]  # a default binds the loop's value
    assert not line.enter(0.01)
    line.leave()
    for thread in threads:
        thread.join(timeout=30)
    assert order == [0, 1, 2, 3, 4]
    assert line.enter(0)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_erasing_while_others_write_leaves_nothing_of_the_person(connect: Connect) -> None:
    repositories = connect()
    fill(repositories, ANA)

    def work(thread: int) -> None:
        if thread == 0:
            repositories.erase(ANA)
            return
        for number in range(10):
            repositories.inbox.record(item(f"Ev{thread}-{number}", member=Member("T1", f"U{thread}")))

    at_once(work, 4)
    assert not any(repositories.everything_of(ANA).values())
    assert len(repositories.inbox.unfinished()) == 30
