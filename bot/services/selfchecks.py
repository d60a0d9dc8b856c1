"""Self-checks: which unit next, a finished check written down, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.framework import Knowledge, Passage, Unit
from bot.core.progress import Bar, Movement, Point, bars, movements, track
from bot.core.records import Check, Member
from bot.core.selfcheck import Descriptor, Rating, Result, Suggestion, level_reached, read_result, suggest
from bot.ports import Clock, Repositories

_HISTORY = 100  # checks of one unit that are looked back at
_ALL = 1500  # checks of a person that are looked back at: weekly for 28 years, or all units fortnightly for four


@dataclass(frozen=True, slots=True)
class Picture:
    """What goes with a result: the profile, the unit over time, and the passage to read."""

    bars: tuple[Bar, ...]
    track: tuple[Point, ...]  # of the unit, oldest first
    reading: Passage | None

    @property
    def moved(self) -> bool:
        """True where there is something to compare with."""
        return len(self.track) > 1


class SelfChecks:
    """The use cases of self-checks. Safe to use from any thread."""

    def __init__(
        self, *, knowledge: Knowledge, descriptors: Mapping[str, Descriptor], repositories: Repositories, clock: Clock
    ) -> None:
        self.knowledge = knowledge
        self.descriptors = descriptors
        self._checks, self._profiles = repositories.checks, repositories.profiles
        self._clock = clock
        self._passages = {p.id: p for p in knowledge.passages()}

    def unit(self, code: str) -> Unit:
        """A unit of the framework. Raises KeyError for any other code."""
        return self.knowledge.units[code]

    def latest(self, member: Member) -> dict[str, Check]:
        """The newest check of each unit that the person checked."""
        return self._checks.latest(member)

    def suggest(self, member: Member) -> Suggestion:
        """The unit to check next, and why."""
        focus = self._profiles.get(member).focus
        return suggest(self.latest(member), now=self._clock.now(), focus=focus, units=tuple(self.descriptors))

    def finish(self, member: Member, unit: str, ratings: Sequence[Rating], example: str, *, check_id: str) -> Result:
        """Write a check down and say what it shows; a second time with the same id writes nothing.

        Raises KeyError for an unknown unit, ValueError where the ratings don't fit its statements.
        """
        descriptor = self.descriptors[unit]
        new = Check(
            id=check_id,
            member=member,
            unit=unit,
            ratings=tuple(ratings),
            level=level_reached(descriptor, ratings),
            example=example.strip(),
            descriptors=descriptor.version,
            created_at=self._clock.now(),
        )
        self._checks.add(new)
        history = self._checks.history(member, unit, limit=_HISTORY)  # newest first; the kept one, if this is a repeat
        at = next((n for n, c in enumerate(history) if c.id == check_id), None)
        check, earlier = (history[at], history[at + 1 :]) if at is not None else (new, history)
        before = earlier[0] if earlier else None
        return read_result(self.unit(unit), descriptor, check, before, turn=len(earlier))

    def picture(self, member: Member, result: Result) -> Picture:
        """What is drawn beside a result."""
        history = self._checks.history(member, result.unit, limit=_HISTORY)
        profile = bars(self.latest(member), self.descriptors)
        return Picture(profile, track(history), self._passages.get(result.reading))

    def movements(self, member: Member) -> tuple[Movement, ...]:
        """Every unit checked more than once, those that moved most first."""
        return movements(self._checks.history(member, limit=_ALL))
