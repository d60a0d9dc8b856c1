"""A clock for several threads that stands still while any of them works and jumps when all of them wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta


class SimClock:
    """`bot.ports.Clock`. Who sleeps says so by `sleep`; who works, by `working`."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._turn = threading.Condition()
        self._working = 0
        self._alarms: list[datetime] = []

    def now(self) -> datetime:
        with self._turn:
            return self._now

    def pass_second(self) -> None:
        """Let a second go by where nobody works; else give the others a moment."""
        with self._turn:
            if not self._working:
                self._now += timedelta(seconds=1)
                return
            self._turn.wait(0.001)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Time stands still, save while everybody that works sleeps."""
        with self._turn:
            self._working += 1
        try:
            yield
        finally:
            with self._turn:
                self._working -= 1
                self._ring()

    def sleep(self, seconds: float) -> bool:
        """Sleep on this clock; True, as for a worker that was not stopped."""
        with self._turn:
            alarm = self._now + timedelta(seconds=max(0.0, seconds))
            self._alarms.append(alarm)
            self._ring()
            self._turn.wait_for(lambda: self._now >= alarm)
            self._alarms.remove(alarm)
        return True

    def _ring(self) -> None:
        """Go to the next alarm where everybody sleeps. An alarm that has rung counts as awake until its sleeper left."""
        asleep = [alarm for alarm in self._alarms if alarm > self._now]
        if asleep and len(asleep) >= self._working:
            self._now = min(asleep)
            self._turn.notify_all()
