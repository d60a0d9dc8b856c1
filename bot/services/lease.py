"""How long ago a lease was renewed, by every measure that this machine has."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from bot.ports import Clock


class Held:
    """A lease that begins now: make it before the database is asked, so that its age is never told too low.

    The age is the greater of two: by the clock that the lease is written in, which another replica goes by, and by the
    machine's own count, which nobody can set back and which goes on while the machine is suspended.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.since: datetime = clock.now()
        self._count = _seconds()

    def younger_than(self, age: timedelta) -> bool:
        """Whether no more than `age` has passed."""
        counted = timedelta(seconds=_seconds() - self._count)
        return max(self._clock.now() - self.since, counted) <= age


def _seconds() -> float:
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux: a suspended machine's time counts
    return time.monotonic() if boot is None else time.clock_gettime(boot)
