"""A bounded pool of workers that is fair between people: one job of a person at a time, taken in turn."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

import structlog

from bot.core.records import Member

log = structlog.get_logger()

Job = Callable[[], None]
Taken = Literal["queued", "person_full", "full", "stopped"]


class WorkPool:
    """Runs jobs on a few threads. Each person's jobs run in order, one at a time; people take turns."""

    def __init__(self, name: str, *, workers: int, per_person: int, limit: int) -> None:
        """`per_person` and `limit`: how many jobs may wait, of one person and in all."""
        self._per_person, self._limit = per_person, limit
        self._wake = threading.Condition()
        self._waiting: dict[Member, deque[Job]] = {}
        self._turns: deque[Member] = deque()  # people with waiting jobs and none running
        self._running: set[Member] = set()
        self._delayed: list[tuple[float, int, Member, Job]] = []
        self._order = itertools.count()
        self._count = 0
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._loop, name=f"{name}-{n}", daemon=True) for n in range(1, workers + 1)
        ]
        self._started = False

    def start(self) -> None:
        """Start the workers; starting twice changes nothing."""
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()

    @property
    def waiting(self) -> int:
        """How many jobs wait for a worker, now or later."""
        with self._wake:
            return self._count + len(self._delayed)

    def submit(self, member: Member, job: Job) -> Taken:
        """Queue a job, or say why it wasn't."""
        with self._wake:
            if self._stopping:
                return "stopped"
            if len(self._waiting.get(member, ())) >= self._per_person:
                return "person_full"
            if self._count >= self._limit:
                return "full"
            self._enqueue(member, job)
            return "queued"

    def later(self, seconds: float, member: Member, job: Job) -> None:
        """Queue a job after a while, whatever the limits: for work that was taken on already."""
        with self._wake:
            heapq.heappush(self._delayed, (time.monotonic() + seconds, next(self._order), member, job))
            self._wake.notify()

    def stop(self, *, drain_seconds: float) -> bool:
        """Take nothing more, finish what is queued and end; False where the time was not enough."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        deadline = time.monotonic() + drain_seconds
        if self._started:
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        with self._wake:
            for queue in self._waiting.values():
                queue.clear()
            self._turns.clear()
        return not any(t.is_alive() for t in self._threads)

    # --- inside; all but _loop and _run hold the lock

    def _enqueue(self, member: Member, job: Job) -> None:
        self._waiting.setdefault(member, deque()).append(job)
        self._count += 1
        if member not in self._running and member not in self._turns:
            self._turns.append(member)
        self._wake.notify()

    def _promote(self) -> float | None:
        """Queue the delayed jobs that are due; seconds until the next one."""
        while self._delayed:
            wait = self._delayed[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, member, job = heapq.heappop(self._delayed)
            self._enqueue(member, job)
        return None

    def _take(self) -> tuple[Member, Job] | None:
        """The next job, waiting for one; None at the end."""
        with self._wake:
            while True:
                wait = None if self._stopping else self._promote()
                if self._turns:
                    member = self._turns.popleft()
                    self._running.add(member)
                    self._count -= 1
                    return member, self._waiting[member].popleft()
                if self._stopping and not any(self._waiting.values()):
                    return None
                self._wake.wait(wait if not self._stopping else 0.05)

    def _release(self, member: Member) -> None:
        with self._wake:
            self._running.discard(member)
            if self._waiting.get(member):
                self._turns.append(member)
                self._wake.notify()
            else:
                self._waiting.pop(member, None)

    def _loop(self) -> None:
        while (taken := self._take()) is not None:
            member, job = taken
            try:
                job()
            except Exception as error:  # noqa: BLE001 - a worker outlives whatever a job does
                log.error("pool.job_failed", error=type(error).__name__)  # noqa: TRY400 - a trace may hold words
            finally:
                self._release(member)
