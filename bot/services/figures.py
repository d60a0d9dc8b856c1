"""What delivery counts since the process began, and how it is now: for health checks and metrics."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

LATE = timedelta(minutes=10)  # a nudge that comes more than this after its time is late


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """Counts of one process; all replicas' add up."""

    outcomes: dict[tuple[str, str], int]  # by how a delivery ended ("sent", "skipped", "in_doubt", …) and kind of nudge
    late: int  # sent, but more than LATE after their time
    lateness_seconds: float  # of all that were sent, added up
    latest_seconds: float  # the longest that one of them was late

    def of(self, outcome: str) -> int:
        """How many deliveries ended so, of every kind."""
        return sum(count for (name, _), count in self.outcomes.items() if name == outcome)


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """How delivery is doing at one instant."""

    ok: bool
    waiting: int  # rows due and not out
    oldest_due: datetime | None  # when the one that has waited longest was due
    late_by: timedelta  # how long that is ago
    last_look: datetime | None  # when the table was last read without trouble
    problem: str | None  # in words for an operator; None where all is well


class Figures:
    """Collects counts, from any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._late, self._lateness, self._latest = 0, 0.0, 0.0

    def count(self, outcome: str, kind: str) -> None:
        """One delivery ended."""
        with self._lock:
            self._outcomes[outcome, kind] += 1

    def sent(self, late_by: timedelta) -> None:
        """One was sent, so long after its time."""
        seconds = max(0.0, late_by.total_seconds())
        with self._lock:
            self._late += late_by > LATE
            self._lateness += seconds
            self._latest = max(self._latest, seconds)

    def now(self) -> DeliveryFigures:
        """The counts as they stand."""
        with self._lock:
            return DeliveryFigures(dict(self._outcomes), self._late, self._lateness, self._latest)
