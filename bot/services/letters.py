"""What a nudge says and why, before it has words and buttons; and what the coming weeks would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

from bot.core import schedule
from bot.core.records import DECLINED, LEFT_OUT, Check, Member, Nudge, NudgeKind, Reflection, Subscription
from bot.core.reflection import NO_REPEAT_WEEKS, Asked, Because, ReflectionPrompt, Topics, choose, coverage, reason
from bot.core.rhythm import Rhythm, slots
from bot.core.selfcheck import Suggestion, suggest
from bot.ports import Clock, Repositories
from bot.services.journal import Journal
from bot.services.selfchecks import role_of

SNOOZE_MARK = "+"  # "2026-W48+1": a nudge of that week, come again because the person asked
_HISTORY = 130  # nudges looked back at: more than two years of weekly ones
_DECLINED_FOR = timedelta(weeks=26)  # a check that wasn't wanted isn't suggested again so soon


@dataclass(frozen=True, slots=True)
class Letter:
    """What one nudge says."""

    nudge: Nudge
    kind: NudgeKind  # what it has become; a self-check done meanwhile leaves its week to a reflection
    unit: str | None
    because: Because
    prompt: ReflectionPrompt | None = None  # None for a self-check
    repeated: bool = False  # no other prompt is left within 26 weeks
    commitment: Reflection | None = None  # an earlier entry whose commitment is still open
    tone: str = "gentle"
    last: datetime | None = None  # of a self-check: when the unit was last checked
    weeks: int | None = None  # of a self-check: how often they come


@dataclass(frozen=True, slots=True)
class Coming:
    """One nudge of the weeks ahead, as things stand."""

    due: schedule.Due
    kind: NudgeKind
    unit: str | None
    because: Because
    text: str  # of the prompt; empty for a self-check


class Letters:
    """Chooses what nudges say. Reads only."""

    def __init__(
        self, *, repositories: Repositories, prompts: Sequence[ReflectionPrompt], journal: Journal, clock: Clock
    ) -> None:
        self._nudges, self._checks = repositories.nudges, repositories.checks
        self._profiles = repositories.profiles
        self._journal, self._clock = journal, clock
        self.prompts = {p.id: p for p in prompts}
        self._by_text = {p.text: p.id for p in prompts}

    # --- one nudge ---

    def write(self, nudge: Nudge, subscription: Subscription | None) -> Letter:
        """What a nudge says, the same each time for the same row."""
        tone = subscription.tone if subscription else "gentle"
        commitment = None
        if nudge.kind != "team":
            commitment = self._journal.open_commitment(nudge.member, before=nudge.due_at)
        if nudge.kind == "selfcheck" and subscription and self.still_due(nudge, subscription):
            suggestion = self._suggestion(nudge)
            return Letter(
                nudge,
                "selfcheck",
                suggestion.unit,
                suggestion.because,
                commitment=commitment,
                tone=tone,
                last=suggestion.last,
                weeks=subscription.check_weeks,
            )
        prompt, because, repeated = self._prompt_for(nudge, subscription)
        kind: NudgeKind = "team" if nudge.kind == "team" else "reflection"
        return Letter(nudge, kind, prompt.unit, because, prompt, repeated, commitment, tone)

    def still_due(self, nudge: Nudge, subscription: Subscription) -> bool:
        """False where a self-check done meanwhile has moved the one that this row is for."""
        if SNOOZE_MARK in nudge.period:
            return nudge.unit is None or not self._checked_since(nudge)
        return self.rhythm(subscription).check_due(_local_day(nudge))

    def _checked_since(self, nudge: Nudge) -> bool:
        check = self._checks.latest(nudge.member).get(nudge.unit or "")
        first = date.fromisocalendar(int(nudge.period[:4]), int(nudge.period[6:8]), 1)
        return check is not None and check.created_at.date() >= first

    def _suggestion(self, nudge: Nudge) -> Suggestion:
        found = self.suggest(nudge.member)
        if nudge.unit is None or nudge.unit == found.unit:
            return found
        latest = self._checks.latest(nudge.member).get(nudge.unit)  # it comes again: the same unit as before
        return Suggestion(nudge.unit, "oldest" if latest else "unchecked", latest.created_at if latest else None)

    def suggest(self, member: Member, *, as_of: datetime | None = None) -> Suggestion:
        """The unit to check next: the focus, else one never checked, else the one longest ago; none declined lately."""
        now = as_of or self._clock.now()
        return self._suggest(member, self._checks.latest(member), now)

    def _suggest(self, member: Member, latest: dict[str, Check], now: datetime) -> Suggestion:
        profile = self._profiles.get(member)
        declined = {
            n.unit
            for n in self._nudges.ended(member, kind="selfcheck", limit=20)
            if n.reason == DECLINED and now - n.due_at < _DECLINED_FOR
        }
        units = tuple(u for u in role_of(profile) if u not in declined) or role_of(profile)
        focus = profile.focus if profile.focus not in declined else None
        return suggest(latest, now=now, focus=focus, units=units)

    def _prompt_for(self, nudge: Nudge, subscription: Subscription | None) -> tuple[ReflectionPrompt, Because, bool]:
        topics = self.topics(nudge.member, subscription)
        known = self.prompts.get(nudge.prompt_id or "")
        if known:
            again = SNOOZE_MARK in nudge.period
            return known, "again" if again else reason(topics, known.unit), False
        made = choose(tuple(self.prompts.values()), topics, self.history(nudge.member), _local_day(nudge))
        return made.prompt, made.because, made.repeated

    def prompt_now(self, member: Member, subscription: Subscription | None) -> ReflectionPrompt:
        """A prompt for somebody who wants to reflect without waiting."""
        today = self._clock.now().date()
        topics = self.topics(member, subscription)
        return choose(tuple(self.prompts.values()), topics, self.history(member), today).prompt

    # --- what decides it ---

    def topics(self, member: Member, subscription: Subscription | None) -> Topics:
        """What decides the prompts of a subscriber."""
        seed = f"{member.team_id}:{member.user_id}"
        mode = subscription.topic if subscription else "suggested"
        units = subscription.units if subscription else ()
        if subscription and subscription.kind == "team":
            return Topics(seed, mode=mode, units=units, team=True)
        profile = self._profiles.get(member)
        levels = {unit: check.level for unit, check in self._checks.latest(member).items()}
        return Topics(seed, levels, profile.focus, mode, units, role_of(profile), profile.stage)

    def coverage(self, subscription: Subscription) -> tuple[int, int]:
        """Within how many prompts every topic of the role comes at least once, and how many topics there are."""
        topics = self.topics(subscription.member, subscription)
        prompts = tuple(self.prompts.values())
        unweighted = replace(topics, mode="rotate") if topics.mode == "suggested" else topics
        return coverage(prompts, topics), coverage(prompts, unweighted)

    def history(self, member: Member) -> list[Asked]:
        """Prompts that came, and those that the person answered without being asked."""
        sent = self._nudges.ended(member, limit=_HISTORY)
        came = [
            Asked(n.prompt_id, _local_day(n))
            for n in sent
            if n.prompt_id and n.state in {"sent", "in_doubt"} and SNOOZE_MARK not in n.period
        ]
        since, known = self._clock.now() - timedelta(weeks=NO_REPEAT_WEEKS), {a.prompt_id for a in came}
        answered = (e for e in self._journal.entries(member, limit=60) if e.created_at >= since)
        own = [Asked(self._by_text[e.prompt], e.created_at.date()) for e in answered if e.prompt in self._by_text]
        return [*came, *(a for a in own if a.prompt_id not in known)]

    def rhythm(self, subscription: Subscription) -> Rhythm:
        """When this subscriber wants what, from what they chose and what has been."""
        s = subscription
        latest = next((n for n in self._nudges.ended(s.member, limit=5) if n.state in {"sent", "in_doubt"}), None)
        return Rhythm(
            weekday=s.weekday,
            minute=s.minute,
            zone=s.zone,
            every_weeks=s.every_weeks,
            since=s.created_at.date() if s.created_at else None,
            not_before=s.paused_until,
            check_weeks=s.check_weeks,
            checked=self._checked(s) if s.check_weeks else None,
            before=latest.kind if latest else None,
        )

    def _checked(self, subscription: Subscription) -> date | None:
        """The latest of: the day self-check nudges were chosen, a check done, a self-check nudge come or left out."""
        zone = schedule.zone_of(subscription.zone)
        days = [subscription.check_from]
        checks = self._checks.latest(subscription.member).values()
        days += [c.created_at.astimezone(zone).date() for c in checks]
        asked = self._nudges.ended(subscription.member, kind="selfcheck", limit=20)
        # One that ran late or failed is made up for; one that the person left out is not. Being put off moves nothing.
        counts = (n for n in asked if n.state in {"sent", "in_doubt"} or n.reason == LEFT_OUT)
        days += [_local_day(n) for n in counts if SNOOZE_MARK not in n.period]
        return max((d for d in days if d), default=None)

    # --- what is to come ---

    def preview(self, subscription: Subscription, weeks: int) -> list[Coming]:
        """What the coming weeks would bring, as things stand; each self-check as though it were done then."""
        now, member = self._clock.now(), subscription.member
        prompts, topics = tuple(self.prompts.values()), self.topics(member, subscription)
        history, latest = self.history(member), dict(self._checks.latest(member))
        out: list[Coming] = []
        for slot in islice(slots(self.rhythm(subscription), now), weeks * 2):
            if slot.due.at > now + timedelta(weeks=weeks):
                break
            day = slot.due.local.date()
            if subscription.kind != "team" and slot.kind == "selfcheck":
                found = self._suggest(member, latest, slot.due.at)
                latest[found.unit] = Check("", member, found.unit, (), None, "", "", slot.due.at)
                out.append(Coming(slot.due, "selfcheck", found.unit, found.because, ""))
                continue
            made = choose(prompts, topics, history, day)
            history.append(Asked(made.prompt.id, day))
            kind: NudgeKind = "team" if subscription.kind == "team" else "reflection"
            out.append(Coming(slot.due, kind, made.prompt.unit, made.because, made.prompt.text))
        return out


def _local_day(nudge: Nudge) -> date:
    return date.fromisoformat(nudge.local_time[:10])
