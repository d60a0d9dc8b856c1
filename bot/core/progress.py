"""A person's profile and how it moved, as figures to draw. Pure.

The profile shows how much of each level isn't open, by the same rule as the level: a statement rated 3 or more, or not
part of the role, is no gap. So a higher rating, or "not part of my role", never shortens a bar; a level of which
nothing was rated has no bar. What moved is told by the average of the ratings, which also sees a step from 3 to 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import Check
from bot.core.selfcheck import HELD, Descriptor, Rating, Reached

ON_A_CHART = 5  # units that moved


@dataclass(frozen=True, slots=True)
class Bar:
    """The newest check of one unit."""

    unit: str
    level: Reached | None
    foundational: int | None  # per cent of the level's statements that aren't open; None: nothing of it was rated
    advanced: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """One check of a unit at its time."""

    at: datetime
    rating: float  # average of what was rated, 1 to 5
    level: Reached | None


@dataclass(frozen=True, slots=True)
class Movement:
    """A unit that was checked more than once."""

    unit: str
    first: Point
    before: Point  # the last but one
    now: Point
    count: int  # checks with a rating

    @property
    def change(self) -> float:
        """How far the average rating moved since the first check, -4 to 4."""
        return self.now.rating - self.first.rating


def bars(latest: Mapping[str, Check], descriptors: Mapping[str, Descriptor]) -> tuple[Bar, ...]:
    """The profile in the framework's order: every unit of which something was rated."""
    return tuple(
        _bar(latest[code], descriptors[code])
        for code in FRAMEWORK_UNITS
        if code in latest and any(r is not None for r in latest[code].ratings)
    )


def _bar(check: Check, descriptor: Descriptor) -> Bar:
    whole = len(check.ratings) == len(descriptor.statements)
    split = len(descriptor.foundational) if whole else len(check.ratings) // 2  # of earlier, other statements
    ratings = check.ratings
    return Bar(check.unit, check.level, _in_hand(ratings[:split]), _in_hand(ratings[split:]), check.created_at)


def _in_hand(ratings: Sequence[Rating]) -> int | None:
    if all(r is None for r in ratings):
        return None
    return round(100 * sum(r is None or r >= HELD for r in ratings) / len(ratings))


def track(checks: Iterable[Check]) -> tuple[Point, ...]:
    """The checks of one unit as points, oldest first; those without a rating left out. `checks`: newest first."""
    points = []
    for check in checks:
        rated = [r for r in check.ratings if r is not None]
        if rated:
            points.append(Point(check.created_at, round(sum(rated) / len(rated), 2), check.level))
    return tuple(reversed(points))


def movements(history: Iterable[Check]) -> tuple[Movement, ...]:
    """The units checked more than once, those that moved most first. `history`: newest first."""
    by_unit: dict[str, list[Check]] = {}
    for check in history:
        by_unit.setdefault(check.unit, []).append(check)
    tracks = {code: track(by_unit[code]) for code in FRAMEWORK_UNITS if code in by_unit}
    moved = [Movement(code, t[0], t[-2], t[-1], len(t)) for code, t in tracks.items() if len(t) > 1]
    return tuple(sorted(moved, key=lambda m: -abs(m.change)))
