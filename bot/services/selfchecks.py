"""Self-checks: which unit next, a finished check written down, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.framework import Knowledge, Unit
from bot.core.records import Check, Member
from bot.core.selfcheck import Descriptor, Rating, Result, Suggestion, level_reached, read_result, suggest
from bot.ports import Clock, Repositories

_HISTORY = 100  # checks of one unit that are looked back at


class SelfChecks:
    """The use cases of self-checks. Safe to use from any thread."""

    def __init__(
        self, *, knowledge: Knowledge, descriptors: Mapping[str, Descriptor], repositories: Repositories, clock: Clock
    ) -> None:
        self.knowledge = knowledge
        self.descriptors = descriptors
        self._checks, self._profiles = repositories.checks, repositories.profiles
        self._clock = clock

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
        check = Check(
            id=check_id,
            member=member,
            unit=unit,
            ratings=tuple(ratings),
            level=level_reached(descriptor, ratings),
            example=example.strip(),
            descriptors=descriptor.version,
            created_at=self._clock.now(),
        )
        earlier = [c for c in self._checks.history(member, unit, limit=_HISTORY) if c.id != check_id]
        self._checks.add(check)
        before = earlier[0] if earlier else None
        return read_result(self.unit(unit), descriptor, check, before, turn=len(earlier))
