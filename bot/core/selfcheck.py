"""Self-checks: the statements, the scoring rule, and what a result says. Pure.

The scoring rule
----------------
Each statement is rated 1 to 5 (not yet, with help, on my own in familiar work, in complex work, I help others do it)
or is "not part of my role" and left out. A rating of 3 or more holds the statement.

- A level stands where at most one of its statements is not held, and that one is done "with help" at least.
- The level reached is `advanced` where both levels stand and something of the advanced one was rated, `foundational`
  where the foundational one stands, otherwise `starting`. Where nothing was rated there is no level.

So a higher rating never lowers a result, and neither does "not part of my role": what is left out is no gap. Only a
person whose role holds nothing of the advanced level stays at `foundational`, as nothing is known beyond it.
A self-rating is weak evidence of skill: `Sureness` says how much this one rests on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.core.framework import FRAMEWORK_UNITS, Content, Level, NextMove, Slug, Unit, UnitCode
from bot.core.records import Check

NOT_MINE = 0  # the wire value of "not part of my role"
LOWEST, HELD, STRONG, HIGHEST = 1, 3, 4, 5
_GAPS_ALLOWED = 1

Standing = Literal[0, 1, 2]  # how many levels stand, from the foundational one up
Reached = Literal["starting", "foundational", "advanced"]
Sureness = Literal["first_impression", "fair"]
Rating = int | None

StatementText = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^I\b.{15,280}$")]


class SelfStatement(Content):
    """One thing that a practitioner says of themselves, resting on an activity of the unit."""

    activity: Slug  # an activity of the unit, or "levels-advanced" and the like: a part that can be read
    text: StatementText


class Descriptor(Content):
    """The statements of one unit."""

    unit: UnitCode
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,30}$")]  # changes with the wording
    foundational: tuple[SelfStatement, ...] = Field(min_length=3, max_length=5)
    advanced: tuple[SelfStatement, ...] = Field(min_length=3, max_length=5)

    @property
    def statements(self) -> tuple[SelfStatement, ...]:
        """All statements in the order in which they are rated."""
        return self.foundational + self.advanced

    def level_of(self, position: int) -> Level:
        """The level to which the statement at a position belongs."""
        return "foundational" if position < len(self.foundational) else "advanced"


# --- the rule ---------------------------------------------------------------------------------------------------------


def _stands(ratings: Sequence[Rating]) -> bool:
    gaps = [r for r in ratings if r is not None and r < HELD]
    return len(gaps) <= _GAPS_ALLOWED and LOWEST not in gaps


def standing(descriptor: Descriptor, ratings: Sequence[Rating]) -> Standing:
    """How many levels stand. Raises ValueError where the ratings don't fit the statements."""
    _must_fit(descriptor, ratings)
    split = len(descriptor.foundational)
    if not _stands(ratings[:split]):
        return 0
    return 2 if _stands(ratings[split:]) else 1


def level_reached(descriptor: Descriptor, ratings: Sequence[Rating]) -> Reached | None:
    """The level in a word; None where nothing was rated. Raises ValueError as `standing`."""
    stands = standing(descriptor, ratings)
    if all(r is None for r in ratings):
        return None
    advanced_rated = any(r is not None for r in ratings[len(descriptor.foundational) :])
    if stands == 0:
        return "starting"
    return "advanced" if stands == 2 and advanced_rated else "foundational"  # noqa: PLR2004 - both levels


def _must_fit(descriptor: Descriptor, ratings: Sequence[Rating]) -> None:
    if len(ratings) != len(descriptor.statements):
        raise ValueError(f"{descriptor.unit} has {len(descriptor.statements)} statements, not {len(ratings)}")
    if any(r is not None and not LOWEST <= r <= HIGHEST for r in ratings):
        raise ValueError("a rating is 1 to 5, or None")


def sureness(ratings: Sequence[Rating], example: str) -> Sureness:
    """How much a result rests on: most statements rated and an example given, or less."""
    rated = sum(r is not None for r in ratings)
    return "fair" if example.strip() and rated * 2 > len(ratings) else "first_impression"


# --- what a result says ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What moved since the check before."""

    before: Reached | None
    since: datetime
    up: int | None  # statements rated higher than then; None where the statements were others
    down: int | None  # statements rated lower
    example_before: str


@dataclass(frozen=True, slots=True)
class Result:
    """A finished check, ready to be said."""

    unit: str
    level: Reached | None
    aim: Level  # the level to work on next
    sureness: Sureness
    role_ends_here: bool  # the advanced level is not part of the person's role
    strong: tuple[str, ...]  # statements in the person's own grasp, best first, two at most
    missing: tuple[str, ...]  # statements of the aim that aren't held, weakest first, two at most
    next_steps: tuple[NextMove, ...]  # two
    reading: str  # passage id
    question: str  # one coaching question
    change: Change | None


def read_result(unit: Unit, descriptor: Descriptor, check: Check, before: Check | None, *, turn: int = 0) -> Result:
    """What a check says beside the one before it. `turn` varies the coaching question from check to check."""
    ratings = check.ratings
    level = level_reached(descriptor, ratings)
    aim: Level = "foundational" if level in {None, "starting"} else "advanced"
    weak = _weak(descriptor, ratings, aim)
    split = len(descriptor.foundational)
    return Result(
        unit=unit.code,
        level=level,
        aim=aim,
        sureness=sureness(ratings, check.example),
        role_ends_here=level == "foundational" and all(r is None for r in ratings[split:]),
        strong=_strong(descriptor, ratings),
        missing=tuple(descriptor.statements[n].text for n in weak[:2]),
        next_steps=_next_steps(unit, aim, [descriptor.statements[n].activity for n in weak], turn),
        reading=f"{unit.code}/{descriptor.statements[weak[0]].activity if weak else f'levels-{aim}'}",
        question=unit.coach_questions[turn % len(unit.coach_questions)],
        change=_change(check, before),
    )


def _weak(descriptor: Descriptor, ratings: Sequence[Rating], aim: Level) -> list[int]:
    positions = [n for n in range(len(ratings)) if descriptor.level_of(n) == aim]
    return sorted((n for n in positions if (ratings[n] or HIGHEST) < HELD), key=lambda n: (ratings[n] or 0, n))


def _strong(descriptor: Descriptor, ratings: Sequence[Rating]) -> tuple[str, ...]:
    held = sorted(((r, n) for n, r in enumerate(ratings) if r is not None and r >= HELD), key=lambda p: (-p[0], -p[1]))
    best = [p for p in held if p[0] >= STRONG] or held
    return tuple(descriptor.statements[n].text for _, n in best[:2])


def _next_steps(unit: Unit, aim: Level, weak: Sequence[str], turn: int) -> tuple[NextMove, ...]:
    """Two moves: of the level aimed at first, and among those the ones that meet a gap."""
    moves = list(unit.next_moves)
    rotated = moves[turn % len(moves) :] + moves[: turn % len(moves)]
    return tuple(sorted(rotated, key=lambda m: (m.level != aim, m.activity not in weak))[:2])


def _change(check: Check, before: Check | None) -> Change | None:
    if before is None:
        return None
    up: int | None = None
    down: int | None = None
    if before.descriptors == check.descriptors and len(before.ratings) == len(check.ratings):
        pairs = [(a, b) for a, b in zip(before.ratings, check.ratings, strict=True) if a is not None and b is not None]
        up, down = sum(b > a for a, b in pairs), sum(b < a for a, b in pairs)
    return Change(before.level, before.created_at, up, down, before.example)


# --- which unit next --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CameUp:
    """A unit that came up in what a person told or asked the bot."""

    unit: str
    how: Literal["told", "asked"]  # in a situation that was triaged, or in a question


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The unit to check next and why: "focus", "told", "asked", "unchecked" or "oldest"."""

    unit: str
    because: Literal["focus", "told", "asked", "unchecked", "oldest"]
    last: datetime | None = None


_AGE = timedelta(weeks=4)  # a younger check isn't suggested anew
_ASKED_TWICE = 2  # one question may be about anything; two on one subject are a sign


def suggest(
    latest: Mapping[str, Check],
    *,
    now: datetime,
    focus: str | None = None,
    units: Sequence[str] = FRAMEWORK_UNITS,
    came_up: Sequence[CameUp] = (),
) -> Suggestion:
    """The unit in focus, else what came up lately, each where its check is four weeks old or missing.

    Otherwise one never checked, otherwise the oldest. `came_up`: newest first. A situation counts at once, questions
    on a unit from the second on.
    """

    def due(unit: str) -> bool:
        return unit not in latest or now - latest[unit].created_at >= _AGE

    def last(unit: str) -> datetime | None:
        return latest[unit].created_at if unit in latest else None

    if focus and due(focus):
        return Suggestion(focus, "focus", last(focus))
    asked = Counter(m.unit for m in came_up if m.how == "asked")
    for one in came_up:
        weighty = one.how == "told" or asked[one.unit] >= _ASKED_TWICE
        if weighty and one.unit in units and due(one.unit):
            return Suggestion(one.unit, one.how, last(one.unit))
    unchecked = next((u for u in units if u not in latest), None)
    if unchecked:
        return Suggestion(unchecked, "unchecked")
    oldest = min(units, key=lambda u: (latest[u].created_at, units.index(u)))
    return Suggestion(oldest, "oldest", latest[oldest].created_at)
