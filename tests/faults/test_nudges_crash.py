"""Rows D1 to D3 and the crash matrix: replicas are killed and frozen at any moment; nobody gets a nudge twice or none."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.freezing import ASKED, INSIDE, LATEST, POINTS, TOO_LATE
from tests.faults.nudgekit import Databases, Nursery, Replica, from_due, scratch, states
from tests.faults.recorder import HISTORY, POST, Recorder, recording, weather

LEASE = 4.0  # seconds
WITHIN = LEASE + 60  # seconds after the restart, or after the kill where nobody is restarted


@dataclass
class Rounds:
    """What came of all rounds of one topology."""

    lease: float = LEASE
    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    slowest: float = 0.0
    posts: int = 0
    looks: int = 0
    early: int = 0

    def words(self, where: str, rows: int, limit: float) -> str:
        return (
            f"{where}: {len(self.lost)} rounds of {rows} rows, one SIGKILL each: {sum(self.lost)} lost (at most "
            f"{max(self.lost)} a round), {sum(self.twice)} twice (at most {max(self.twice)}); {self.posts} posts, "
            f"{self.looks} looks, {self.early} calls in a pause; done at most {self.slowest:.0f} s after the kill "
            f"(limit {limit:.0f}; load average {os.getloadavg()[0]:.0f})"
        )


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


def crash_round(
    nursery: Nursery, databases: Databases, rows: int, seed: int, *, replicas: int, frozen: bool, into: Rounds
) -> None:
    """One round: kill one replica at a random moment; SQLite's is started again, PostgreSQL's is not."""
    chance = random.Random(seed)
    with databases.copy() as url, recording(now=from_due(), decide=weather(seed)) as recorder, ExitStack() as stack:
        alive = [nursery.start(url, recorder, name=f"r{n}", lease=into.lease) for n in range(replicas)]
        for replica in alive:
            stack.callback(replica.kill)
        victim = alive.pop()
        at = chance.randrange(1, rows - rows // 10)
        assert recorder.wait_for(lambda r: r.out >= at, 600), f"only {recorder.out} of {rows} came"
        time.sleep(chance.random() * 0.02)  # anywhere between two steps
        victim.kill()
        killed = time.monotonic()
        if not alive:
            alive = [nursery.start(url, recorder, name="again", lease=into.lease)]
            stack.callback(alive[0].kill)
        if frozen:
            _freeze(chance.choice(alive), recorder, chance, rows, into.lease)
        _finish(recorder, url, rows, into, killed)
        for replica in alive:
            replica.stop()


def _freeze(replica: Replica, recorder: Recorder, chance: random.Random, rows: int, lease: float) -> None:
    """Stop a replica for two leases at a random moment, and let it go on."""
    seen = recorder.out
    recorder.wait_for(lambda r: r.out >= min(rows, seen + chance.randrange(1, rows // 10)), 20)
    time.sleep(chance.random() * 0.02)
    replica.freeze()
    try:
        time.sleep(2 * lease)  # how long it is frozen: the fault itself, not a wait for something
    finally:
        replica.thaw()


def _finish(recorder: Recorder, url: str, rows: int, into: Rounds, since: float) -> None:
    """Wait until everybody has theirs, and the table says so; count."""
    recorder.wait_for(lambda r: len(r.keys()) >= rows if r.out >= rows else False, 600)
    deadline = time.monotonic() + 3 * LEASE + 30
    while (table := states(url)) != {"sent": rows} and time.monotonic() < deadline:
        time.sleep(0.2)
    into.slowest = max(into.slowest, time.monotonic() - since)
    keys = recorder.keys()
    into.lost.append(rows - len(keys))
    into.twice.append(sum(count > 1 for count in keys.values()))
    into.posts += len(recorder.of(POST))
    into.looks += len(recorder.of(HISTORY))
    into.early += recorder.early
    assert table == {"sent": rows}, "the table knows each of them as sent"


def overloaded(replicas: int) -> bool:
    """Others are at work on this machine, so that times say nothing; the counts always do."""
    return os.getloadavg()[0] > (os.cpu_count() or 1) + replicas + 2


def matrix(
    nursery: Nursery,
    databases: Databases,
    progress: Callable[[str], object],
    *,
    rounds: int,
    rows: int,
    replicas: int,
    frozen: bool,
    seed: int,
) -> Rounds:
    into = Rounds(lease=LEASE if rounds > 1 else 3.0)
    for number in range(rounds):
        begun = time.monotonic()
        crash_round(nursery, databases, rows, seed + number, replicas=replicas, frozen=frozen, into=into)
        progress(
            f"{replicas} replicas, round {number + 1} of {rounds}: {into.lost[-1]} lost, {into.twice[-1]} twice, "
            f"{time.monotonic() - begun:.0f} s"
        )
    return into


@pytest.mark.fault("D1")
@pytest.mark.timeout(3600)
def test_d1_a_killed_process_on_sqlite_loses_and_repeats_nothing(
    nursery: Nursery, full: bool, figure, progress
) -> None:
    rounds, rows = (20, 2000) if full else (1, 120)
    with scratch() as folder:
        databases = Databases(folder, None, rows)
        found = matrix(nursery, databases, progress, rounds=rounds, rows=rows, replicas=1, frozen=False, seed=100)
    figure(found.words("SQLite, one process, started again", rows, WITHIN))
    assert (sum(found.lost), sum(found.twice)) == (0, 0)
    assert found.slowest <= WITHIN or overloaded(1)


@pytest.mark.postgres
@pytest.mark.fault("D2")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("replicas", [2, 4])
def test_d2_a_replica_killed_beside_others_loses_and_repeats_nothing(  # noqa: PLR0917 - pytest gives fixtures by name
    nursery: Nursery, postgres, tmp_path: Path, replicas: int, full: bool, figure, progress
) -> None:
    rounds, rows = (20, 2000) if full else (1, 120)
    databases = Databases(tmp_path / "none", postgres, rows)
    found = matrix(nursery, databases, progress, rounds=rounds, rows=rows, replicas=replicas, frozen=True, seed=200)
    figure(
        found.words(
            f"PostgreSQL, {replicas} replicas, one killed for good and one frozen for two leases",
            rows,
            WITHIN + 2 * LEASE,
        )
    )
    assert (sum(found.lost), sum(found.twice)) == (0, 0)
    assert found.slowest <= WITHIN + 2 * LEASE or overloaded(replicas)


@pytest.mark.postgres
@pytest.mark.fault("D3")
@pytest.mark.timeout(900)
def test_d3_a_worker_frozen_for_two_leases_repeats_nothing(  # noqa: PLR0917 - pytest gives fixtures by name
    nursery: Nursery, postgres, tmp_path: Path, full: bool, figure, progress
) -> None:
    """Frozen in the worst places: as its post arrives, as its look in the history arrives, or anywhere."""
    times, rows = (10, 400) if full else (1, 60)
    databases = Databases(tmp_path / "none", postgres, rows)
    lost, twice, lease = 0, 0, 3.0
    for number in range(times):
        chance = random.Random(300 + number)
        with databases.copy() as url, recording(now=from_due(), decide=weather(number, limited=0)) as recorder:
            frozen, other = (nursery.start(url, recorder, name=name, lease=lease) for name in ("frozen", "other"))
            try:
                method = POST if number % 3 else HISTORY
                seen = chance.randrange(1, rows // 8) if method == POST else 1
                recorder.wait_for(lambda r, m=method, n=seen: len(r.of(m)) >= n or r.out >= rows // 2, 300)
                time.sleep(chance.choice((0.0, chance.random() * 0.02)))
                frozen.freeze()
                time.sleep(2 * lease)  # the fault itself
                frozen.thaw()
                recorder.wait_for(lambda r: len(r.keys()) >= rows, 600)
                deadline = time.monotonic() + 120
                while states(url) != {"sent": rows} and time.monotonic() < deadline:
                    time.sleep(0.1)
                keys = recorder.keys()
                lost += rows - len(keys)
                twice += sum(count > 1 for count in keys.values())
                progress(f"freeze {number + 1} of {times}: {lost} lost, {twice} twice until now")
                assert states(url) == {"sent": rows}
            finally:
                frozen.thaw()
                frozen.kill()
                other.kill()
    figure(
        f"PostgreSQL, two replicas, one frozen for two leases, {times} times over {rows} rows: {lost} lost, {twice} twice"
    )
    assert (lost, twice) == (0, 0)


def freeze_round(
    nursery: Nursery, databases: Databases, rows: int, point: str, number: int, **more: bool
) -> tuple[int, int, int]:
    """A replica freezes at that point; another one sends everything; it wakes up. Lost, twice, and posts in all."""
    lease = 2.0
    with databases.copy() as url, recording(now=from_due()) as recorder, ExitStack() as stack:
        frozen = nursery.start(url, recorder, name="frozen", lease=lease, threads=2, freeze=[point, number], **more)
        stack.callback(frozen.kill)
        stack.callback(frozen.thaw)
        assert frozen.wait_frozen(300), point
        other = nursery.start(url, recorder, name="other", lease=lease)
        stack.callback(other.kill)
        assert recorder.wait_for(lambda r: len(r.keys()) == rows, 300), f"{len(recorder.keys())} of {rows} came"
        frozen.thaw()
        frozen.stop()  # its sends under way come to their end first
        other.stop()
        keys = recorder.keys()
        assert states(url) == {"sent": rows}
        return rows - len(keys), sum(count > 1 for count in keys.values()), len(recorder.of(POST))


@pytest.mark.postgres
@pytest.mark.fault("D3")
@pytest.mark.timeout(900)
def test_d3_a_worker_frozen_at_any_point_of_its_send_wakes_up_and_sends_nothing(  # noqa: PLR0917 - as above
    nursery: Nursery, postgres, tmp_path: Path, full: bool, figure, progress
) -> None:
    """The point is exact, not hit by chance: the process stops itself there, and the other one takes over."""
    rows = 12
    databases = Databases(tmp_path / "none", postgres, rows)
    points, numbers = (POINTS, (1, 2, 7)) if full else ((INSIDE, LATEST, ASKED), (2,))
    found = []
    for point in points:
        found += [freeze_round(nursery, databases, rows, point, n) for n in numbers]
        progress(f"{point}: {sum(f[0] for f in found)} lost, {sum(f[1] for f in found)} twice until now")
    lost, twice = sum(f[0] for f in found), sum(f[1] for f in found)
    control = [
        freeze_round(nursery, databases, rows, point, 2, look_only_before=True)
        for point in (sorted(TOO_LATE) if full else [LATEST])
    ]
    figure(
        f"PostgreSQL, two replicas, one frozen at {len(points)} exact points of its send until the other had sent all, "
        f"{len(found)} times: {lost} lost, {twice} twice; with the lease looked at only before the send begins, "
        f"{sum(c[1] for c in control)} twice in {len(control)} times"
    )
    assert (lost, twice) == (0, 0)
    assert all(c[1] == 1 for c in control), "without the last look this test must fail"
