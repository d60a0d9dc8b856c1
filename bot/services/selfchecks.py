"""Self-checks: which unit next, a finished check written down, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.core.framework import FRAMEWORK_UNITS, Knowledge, Passage, Unit
from bot.core.progress import Bar, Movement, Point, bars, movements, track
from bot.core.records import Check, Exchange, Focus, Member, Profile, ProfileRun, Stage
from bot.core.selfcheck import (
    CameUp,
    Descriptor,
    Rating,
    Result,
    Suggestion,
    level_reached,
    read_result,
    suggest,
)
from bot.ports import Clock, Repositories

OLD = timedelta(weeks=13)  # since the last check of a unit
_LATELY = timedelta(days=30)  # what came up since then is suggested
_EXCHANGES = 20  # questions and situations that are looked back at
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


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A whole profile that was begun: what of it is left to do."""

    run: ProfileRun
    left: tuple[str, ...]

    @property
    def done(self) -> int:
        """How many of its units have a check from after its start, however it was made."""
        return len(self.run.units) - len(self.left)


@dataclass(frozen=True, slots=True)
class Overview:
    """Where a person stands, read in a number of queries that no history changes."""

    latest: Mapping[str, Check]
    profile: Profile
    under_way: UnderWay | None
    focus: Focus | None
    suggestion: Suggestion
    bars: tuple[Bar, ...]
    unchecked: tuple[str, ...]  # of the role
    old: tuple[str, ...]  # of the role, longest ago first

    @property
    def role(self) -> tuple[str, ...]:
        """The units that belong to the role."""
        return role_of(self.profile)


def role_of(profile: Profile) -> tuple[str, ...]:
    """The units that belong to a person's role, in the framework's order: all, until they say otherwise."""
    chosen = tuple(u for u in FRAMEWORK_UNITS if u in (profile.role_units or ()))
    return chosen or FRAMEWORK_UNITS


class SelfChecks:
    """The use cases of self-checks. Safe to use from any thread."""

    def __init__(
        self, *, knowledge: Knowledge, descriptors: Mapping[str, Descriptor], repositories: Repositories, clock: Clock
    ) -> None:
        self.knowledge = knowledge
        self.descriptors = descriptors
        self._checks, self._profiles = repositories.checks, repositories.profiles
        self._runs, self._focuses = repositories.runs, repositories.focuses
        self._exchanges = repositories.exchanges
        self._clock = clock
        self.after_check: Callable[[Member], None] = lambda _member: None  # hears of every finished check
        self._passages = {p.id: p for p in knowledge.passages()}

    def unit(self, code: str) -> Unit:
        """A unit of the framework. Raises KeyError for any other code."""
        return self.knowledge.units[code]

    def latest(self, member: Member) -> dict[str, Check]:
        """The newest check of each unit that the person checked."""
        return self._checks.latest(member)

    def suggest(self, member: Member) -> Suggestion:
        """The unit to check next, and why."""
        return self._suggest(member, self.latest(member), self._profiles.get(member))

    def _suggest(self, member: Member, latest: Mapping[str, Check], profile: Profile) -> Suggestion:
        now = self._clock.now()
        exchanges = self._exchanges.recent(member, since=now - _LATELY, limit=_EXCHANGES)
        came_up = [m for m in map(_came_up, exchanges) if m]
        return suggest(latest, now=now, focus=profile.focus, units=role_of(profile), came_up=came_up)

    def overview(self, member: Member) -> Overview:
        """Where a person stands."""
        latest, profile = self.latest(member), self._profiles.get(member)
        role, now = role_of(profile), self._clock.now()
        aged = [c for u, c in latest.items() if u in role and now - c.created_at >= OLD]
        return Overview(
            latest=latest,
            profile=profile,
            under_way=_under_way(self._runs.get(member), latest),
            focus=self._focuses.current(member),
            suggestion=self._suggest(member, latest, profile),
            bars=bars(latest, self.descriptors),
            unchecked=tuple(u for u in role if u not in latest),
            old=tuple(c.unit for c in sorted(aged, key=lambda c: c.created_at)),
        )

    # --- the whole profile in steps ---

    def profile(self, member: Member) -> Profile:
        """What the person said about their role."""
        return self._profiles.get(member)

    def keep_role(self, member: Member, units: Sequence[str], stage: Stage | None) -> Profile:
        """Keep what belongs to the role and the stage of the work. No unit, or all, means all."""
        chosen = tuple(u for u in FRAMEWORK_UNITS if u in units)
        role = chosen if 0 < len(chosen) < len(FRAMEWORK_UNITS) else None
        return self._profiles.change(member, lambda p: replace(p, role_units=role, stage=stage))

    def begin_profile(self, member: Member, units: Sequence[str], *, run_id: str) -> None:
        """Begin the whole profile, in place of one under way; a second time with the same id changes nothing."""
        chosen = tuple(u for u in FRAMEWORK_UNITS if u in units)
        self._runs.put(ProfileRun(run_id, member, chosen or FRAMEWORK_UNITS, self._clock.now()))

    def under_way(self, member: Member) -> UnderWay | None:
        """The whole profile that was begun and neither finished nor discarded."""
        run = self._runs.get(member)
        return _under_way(run, self.latest(member)) if run else None

    def end_profile(self, member: Member, run_id: str) -> bool:
        """Finish or discard it: its checks stay. False where it isn't the one under way."""
        return self._runs.end(member, run_id)

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
        self.after_check(member)
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

    # --- the development plan ---

    def begin_focus(self, focus: Focus) -> None:
        """Make it the person's focus, in place of another; the same one again changes nothing."""
        self._focuses.begin(focus)
        current = self._focuses.current(focus.member)
        unit = current.unit if current else None
        self._profiles.change(focus.member, lambda p: replace(p, focus=unit))

    def focus(self, member: Member, focus_id: str) -> Focus | None:
        """One focus of this member, open or closed."""
        return self._focuses.get(focus_id, member)

    def close_focus(self, member: Member, focus_id: str, *, done: bool) -> Focus | None:
        """Close it as done or dropped; a second time changes nothing. None where there is no such focus."""
        focus = self._focuses.get(focus_id, member)
        if focus is None or focus.state == "replaced":
            return None
        if focus.state == "open":
            focus = replace(focus, state="done" if done else "dropped", closed_at=self._clock.now())
            self._focuses.update(focus)
        unit = focus.unit
        if self._focuses.current(member) is None:
            self._profiles.change(member, lambda p: replace(p, focus=None) if p.focus == unit else p)
        return focus

    def move_focus(self, member: Member, focus_id: str, due: date) -> Focus | None:
        """Keep it with another date; None where it isn't open."""
        focus = self._focuses.get(focus_id, member)
        if focus is None or focus.state != "open":
            return None
        moved = replace(focus, due=due)
        return moved if self._focuses.update(moved) else None

    def reread(self, check: Check) -> Result:
        """What a kept check says by itself. Raises ValueError where it is of other statements than today's."""
        return read_result(self.unit(check.unit), self.descriptors[check.unit], check, None)


def _came_up(exchange: Exchange) -> CameUp | None:
    """The unit that a triage settled on, or that an answer rests on; None where it is of another form."""
    result = exchange.result
    if exchange.kind == "triage":
        found = exchange.correction or (result.get("competency") if result.get("outcome") == "match" else None)
        return CameUp(found, "told") if found in FRAMEWORK_UNITS else None
    cited = next((c.get("unit") for c in result.get("citations") or () if isinstance(c, dict)), None)
    return CameUp(cited, "asked") if result.get("outcome") == "answered" and cited in FRAMEWORK_UNITS else None


def _under_way(run: ProfileRun | None, latest: Mapping[str, Check]) -> UnderWay | None:
    if run is None:
        return None
    done = {u for u in run.units if u in latest and latest[u].created_at >= run.started_at}
    return UnderWay(run, tuple(u for u in run.units if u not in done))
