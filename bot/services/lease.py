"""How long ago a lease was renewed, by every measure that this machine has."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.ports import Clock

# The machine's own count of seconds, as a function in C and what it is given: where it can, one that also counts the
# time for which the machine was suspended (Linux).
COUNT: tuple[Callable[[Any], float], Any] = (
    (time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else (operator.call, time.monotonic)
)


class Held:
    """A lease that begins now: make it before the database is asked, so that its age is never told too low.

    The age is the greater of two: by the clock that the lease is written in, which another replica goes by, and by the
    machine's own count, which nobody can set back and which goes on while the machine is suspended.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.since: datetime = clock.now()
        self._count = seconds()

    def younger_than(self, age: timedelta) -> bool:
        """Whether no more than `age` has passed."""
        counted = timedelta(seconds=seconds() - self._count)
        return max(self._clock.now() - self.since, counted) <= age


def seconds() -> float:
    """What the machine counts now, from no fixed point; nobody can set it back."""
    count, of = COUNT
    return count(of)
