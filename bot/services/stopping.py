"""The Stop button of an answer under way: whoever waits for something is woken by it, and nobody has to look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class StopButton:
    """`bot.ports.Stop` that is pressed once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake: dict[int, Callable[[], None]] = {}
        self._at: float | None = None

    @property
    def pressed(self) -> bool:
        """Whether it was pressed."""
        return self._at is not None

    @property
    def seconds(self) -> float | None:
        """How long ago it was pressed; None where it wasn't."""
        return None if self._at is None else time.monotonic() - self._at

    def press(self) -> None:
        """Press it, and wake who waits; pressing twice changes nothing."""
        with self._lock:
            if self._at is not None:
                return
            self._at = time.monotonic()
            woken = list(self._wake.values())
        for wake in woken:
            wake()

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have `wake` called when it is pressed, or now where it was; the result takes that back."""
        with self._lock:
            key = id(wake)
            self._wake[key] = wake
            pressed = self._at is not None
        if pressed:
            wake()
        return lambda: self._forget(key)

    def _forget(self, key: int) -> None:
        with self._lock:
            self._wake.pop(key, None)
