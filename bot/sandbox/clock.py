"""The sandbox's time: the machine's, moved by an offset, so that next week's nudge can be seen today."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _machine_time() -> datetime:
    return datetime.now(UTC)


class SandboxClock:
    """A clock that can be moved; it runs on from where it was put. Safe to use from any thread.

    `standing_at` (aware) makes it stand still but for the moves, which is what most tests want.
    """

    def __init__(self, *, standing_at: datetime | None = None) -> None:
        if standing_at is not None and standing_at.tzinfo is None:
            raise ValueError("standing_at must be an aware datetime")
        self._base: Callable[[], datetime] = _machine_time if standing_at is None else lambda: standing_at
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The present instant of the sandbox, aware, in UTC."""
        with self._lock:
            return (self._base() + self._offset).astimezone(UTC)

    @property
    def offset(self) -> timedelta:
        """How far the clock was moved; negative into the past."""
        with self._lock:
            return self._offset

    def advance(self, by: timedelta | float) -> datetime:
        """Move by a timedelta or by seconds, back where negative; the new present."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        with self._lock:
            self._offset += step
        return self._moved()

    def move_to(self, instant: datetime) -> datetime:
        """Move to an aware instant; the new present. Raises ValueError for a naive one."""
        if instant.tzinfo is None:
            raise ValueError("the instant must be aware")
        with self._lock:
            self._offset = instant - self._base()
        return self._moved()

    def reset(self) -> datetime:
        """Go back to the machine's time."""
        with self._lock:
            self._offset = timedelta()
        return self._moved()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (no arguments, on the mover's thread) after every move; returns what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def _moved(self) -> datetime:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
        return self.now()
