"""Weekly nudges: subscriptions, the due rows planned for them, what a nudge says, and the private journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Literal

import structlog

from bot.core import schedule
from bot.core.records import Member, Nudge, NudgeKind, Reflection, Subscription
from bot.core.reflection import Asked, Because, ReflectionPrompt, Topics, choose
from bot.ports import Clock, Repositories

log = structlog.get_logger()

_PAGE = 500
_TRIES = 8  # periods looked at for a free one, this week's and those after it
_SNOOZE_MARK = "+"  # "2026-W48+1": a nudge of that week, come again because the person asked
_MOST_SNOOZES = 20


@dataclass(frozen=True, slots=True)
class Letter:
    """What one nudge says, before it has words and buttons."""

    nudge: Nudge
    kind: NudgeKind  # what it has become; a self-check done meanwhile leaves its week to a reflection
    unit: str | None
    because: Because
    prompt: ReflectionPrompt | None = None  # None for a self-check
    repeated: bool = False  # no other prompt is left within 26 weeks
    commitment: Reflection | None = None  # an earlier entry whose commitment is still open


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person wrote down."""

    text: str
    prompt: str  # as it was asked
    unit: str | None = None
    commitment: str = ""
    commitment_due: date | None = None
    went: int | None = None
    nudge_id: str | None = None


class Nudges:
    """The use cases around nudges and the journal, save the sending (`bot.services.delivery`)."""

    def __init__(
        self,
        *,
        repositories: Repositories,
        prompts: Sequence[ReflectionPrompt],
        clock: Clock,
        new_id: Callable[[], str],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`new_id` gives random, opaque ids; `wake` is called where a row may have become due earlier."""
        self._repositories = repositories
        self._nudges, self._journal = repositories.nudges, repositories.journal
        self.prompts = {p.id: p for p in prompts}
        self._clock = clock
        self._new_id = new_id
        self.wake = wake

    # --- subscriptions ---

    def subscription(self, member: Member) -> Subscription | None:
        """A person's settings; None where they never asked for nudges."""
        return self._nudges.subscription(member)

    def subscribe(
        self, member: Member, *, channel: str, weekday: int, minute: int, zone: str, zone_is_own: bool = False
    ) -> Subscription:
        """Begin, or change day and time. Raises UnknownZone, or ValueError for a minute outside 8:00 to 19:59."""
        if not schedule.allowed(minute):
            raise ValueError(f"{minute} minutes after midnight is outside the hours of nudges")
        schedule.zone_of(zone)
        before = self.subscription(member) or Subscription(
            member, channel, zone, weekday, minute, "active", created_at=self._clock.now()
        )
        return self._put(
            replace(
                before,
                channel=channel,
                zone=zone,
                weekday=weekday,
                minute=minute,
                zone_is_own=zone_is_own,
                state="active",
                paused_until=None,
            )
        )

    def stop(self, member: Member) -> bool:
        """No more nudges; False where there were none anyway."""
        return self._end(member, state="stopped", until=None, reason="stopped")

    def close(self, member: Member) -> bool:
        """No more nudges, as the person can't be reached any more."""
        return self._end(member, state="closed", until=None, reason="can't be reached")

    def pause(self, member: Member, until: date | None = None) -> bool:
        """No nudges until a local day, or until `resume`; False where there are none to pause."""
        return self._end(member, state="paused", until=until, reason="paused")

    def resume(self, member: Member) -> Subscription | None:
        """Go on with the settings as they were; None where there never were any."""
        subscription = self.subscription(member)
        return self._put(replace(subscription, state="active", paused_until=None)) if subscription else None

    def _put(self, subscription: Subscription) -> Subscription:
        self._nudges.subscribe(subscription)
        self.plan(subscription)
        self.wake()
        return subscription

    def _end(
        self, member: Member, *, state: Literal["paused", "stopped", "closed"], until: date | None, reason: str
    ) -> bool:
        subscription = self.subscription(member)
        if subscription is None or (subscription.state in {"stopped", "closed"} and state != "stopped"):
            return False
        was_on = subscription.state in {"active", "paused"}
        self._nudges.subscribe(replace(subscription, state=state, paused_until=until))
        self._nudges.cancel_open(member, reason)
        return was_on

    # --- due rows ---

    def plan(self, subscription: Subscription) -> Nudge | None:
        """See to it that the next nudge of a subscription stands in the table; that row, None where none is due."""
        if subscription.state != "active":
            return None
        standing = self._nudges.upcoming(subscription.member)
        if standing:
            return standing
        for due in islice(self._due(subscription, self._clock.now()), _TRIES):
            row = self._row(subscription, due)
            if self._nudges.plan(row):
                return row
        return None

    def plan_all(self) -> int:
        """Plan for everybody without an open row, and wake those whose pause is over; how many were looked at."""
        count, last = 0, None
        now = self._clock.now()
        while True:
            page = self._nudges.active_subscriptions(
                after=last, limit=_PAGE, resuming=(now + timedelta(days=1)).date(), unplanned=True
            )
            for subscription in page:
                self._plan_one(subscription, now)
            count += len(page)
            if len(page) < _PAGE:
                return count
            last = page[-1].member

    def _plan_one(self, subscription: Subscription, now: datetime) -> None:
        try:
            if subscription.state == "active":
                self.plan(subscription)
            elif self._pause_is_over(subscription, now):
                self.resume(subscription.member)
        except schedule.UnknownZone:  # a zone that a later release of the zone data dropped: told, not guessed
            log.error("nudges.unknown_zone", team=subscription.member.team_id, user=subscription.member.user_id)  # noqa: TRY400 - the trace says no more

    def _pause_is_over(self, subscription: Subscription, now: datetime) -> bool:
        today = now.astimezone(schedule.zone_of(subscription.zone)).date()
        return subscription.paused_until is not None and subscription.paused_until <= today

    def _due(self, subscription: Subscription, after: datetime) -> Iterator[schedule.Due]:
        return schedule.due_dates(
            subscription.weekday,
            subscription.minute,
            subscription.zone,
            after=after,
            every_weeks=subscription.every_weeks,
            since=subscription.created_at.date() if subscription.created_at else None,
            not_before=subscription.paused_until,
        )

    def _row(self, subscription: Subscription, due: schedule.Due) -> Nudge:
        return Nudge(
            id=self._new_id(),
            member=subscription.member,
            period=due.period,
            due_at=due.at,
            local_time=due.local.strftime("%Y-%m-%dT%H:%M"),
            zone=subscription.zone,
            state="due",
        )

    def next_dates(self, subscription: Subscription, count: int = 3) -> list[schedule.Due]:
        """When the next nudges come, the first as it stands in the table; empty where none will."""
        if subscription.state != "active":
            return []
        standing = self.plan(subscription)
        if standing is None:
            return []
        local = standing.due_at.astimezone(schedule.zone_of(subscription.zone))
        first = schedule.Due(standing.period, standing.due_at, local)
        after = (
            d for d in self._due(subscription, max(standing.due_at, self._clock.now())) if d.period != first.period
        )
        return [first, *islice(after, count - 1)]

    def skip_next(self, member: Member) -> tuple[Nudge, Nudge | None] | None:
        """Leave out the next nudge: that one and the one that comes instead; None where none stands."""
        subscription = self.subscription(member)
        standing = self.plan(subscription) if subscription else None
        if subscription is None or standing is None:
            return None
        self._nudges.cancel_open(member, "left out")
        self._nudges.plan(
            replace(standing, state="skipped", reason="left out", attempt=0, owner=None, lease_until=None)
        )
        return standing, self.plan(subscription)

    def snooze(self, nudge_id: str, member: Member) -> datetime | None:
        """Let a sent nudge come again later today, or tomorrow morning; when. None where that can't be done."""
        nudge, subscription = self._nudges.get(nudge_id, member), self.subscription(member)
        if nudge is None or nudge.state != "sent" or subscription is None or subscription.state != "active":
            return None
        week, _, number = nudge.period.partition(_SNOOZE_MARK)
        if int(number or 0) >= _MOST_SNOOZES:
            return None
        at = schedule.snoozed(self._clock.now(), subscription.zone)
        local = at.astimezone(schedule.zone_of(subscription.zone)).strftime("%Y-%m-%dT%H:%M")
        again = Nudge(
            id=self._new_id(),
            member=member,
            period=f"{week}{_SNOOZE_MARK}{int(number or 0) + 1}",
            due_at=at,
            local_time=local,
            zone=subscription.zone,
            state="due",
            prompt_id=nudge.prompt_id,
            unit=nudge.unit,
        )
        if not self._nudges.plan(again):  # a second click: it stands already
            standing = self._nudges.upcoming(member)
            return standing.due_at if standing and standing.period == again.period else None
        self.wake()
        return at

    def skip_week(self, member: Member) -> Nudge | None:
        """No more this week: a snoozed nudge is dropped; the next one, None where there is none."""
        self._drop_snoozed(member)
        subscription = self.subscription(member)
        return self.plan(subscription) if subscription else None

    def _drop_snoozed(self, member: Member) -> None:
        standing = self._nudges.upcoming(member)
        if standing and _SNOOZE_MARK in standing.period:
            self._nudges.cancel_open(member, "left out")
            self._nudges.plan(replace(standing, state="skipped", reason="left out", attempt=0))

    # --- what a nudge says ---

    def unwanted(self, nudge: Nudge) -> str | None:
        """Why a planned nudge isn't to be sent any more, or None."""
        subscription = self.subscription(nudge.member)
        return None if subscription and subscription.state == "active" else "stopped"

    def write(self, nudge: Nudge) -> Letter:
        """The prompt for a nudge, the same each time for the same row, and the commitment that is still open."""
        prompt, because, repeated = self._prompt_for(nudge)
        before = nudge.due_at.date()
        commitment = self._journal.open_commitment(nudge.member, before=before)
        return Letter(nudge, nudge.kind, prompt.unit, because, prompt, repeated, commitment)

    def prompt_now(self, member: Member) -> ReflectionPrompt:
        """A prompt for somebody who wants to reflect without waiting."""
        today = self._clock.now().date()
        return choose(tuple(self.prompts.values()), self._topics(member), self._history(member), today).prompt

    def _prompt_for(self, nudge: Nudge) -> tuple[ReflectionPrompt, Because, bool]:
        if nudge.prompt_id in self.prompts:
            return self.prompts[nudge.prompt_id], "turn", False
        day = nudge.due_at.astimezone(schedule.zone_of(nudge.zone)).date()
        made = choose(tuple(self.prompts.values()), self._topics(nudge.member), self._history(nudge.member), day)
        return made.prompt, made.because, made.repeated

    def _topics(self, member: Member) -> Topics:
        subscription = self.subscription(member)
        return Topics(
            seed=f"{member.team_id}:{member.user_id}",
            levels={unit: check.level for unit, check in self._repositories.checks.latest(member).items()},
            focus=self._repositories.profiles.get(member).focus,
            mode=subscription.topic if subscription else "suggested",
            units=subscription.units if subscription else (),
        )

    def _history(self, member: Member) -> list[Asked]:
        sent = self._nudges.sent(member, limit=60)
        return [Asked(n.prompt_id, n.due_at.date()) for n in sent if n.prompt_id]

    # --- the journal ---

    def reflect(self, member: Member, entry: Entry, *, entry_id: str) -> Reflection:
        """Write an entry down; a second time with the same id writes nothing."""
        commitment = entry.commitment.strip()
        reflection = Reflection(
            id=entry_id,
            member=member,
            unit=entry.unit,
            prompt=entry.prompt,
            text=entry.text.strip(),
            commitment=commitment,
            commitment_due=entry.commitment_due if commitment else None,
            created_at=self._clock.now(),
            nudge_id=entry.nudge_id,
            commitment_state="open" if commitment else None,
            went=entry.went,
        )
        self._journal.add(reflection)
        if entry.nudge_id and (subscription := self.subscription(member)):
            self._drop_snoozed(member)  # it was answered before it came again
            self.plan(subscription)
        return reflection

    def entries(self, member: Member, limit: int = 10) -> list[Reflection]:
        """The latest entries of the journal, newest first."""
        return self._journal.entries(member, limit=limit)

    def entry(self, entry_id: str, member: Member) -> Reflection | None:
        """One entry of this member; somebody else's is None."""
        return self._journal.get(entry_id, member)

    def settle_commitment(self, entry_id: str, member: Member, state: Literal["done", "dropped"]) -> Reflection | None:
        """Close a commitment; None where the entry is gone."""
        return self._change(entry_id, member, state=state, due=None)

    def move_commitment(self, entry_id: str, member: Member, due: date) -> Reflection | None:
        """Keep a commitment open with another date; None where the entry is gone."""
        return self._change(entry_id, member, state="open", due=due)

    def _change(
        self, entry_id: str, member: Member, *, state: Literal["open", "done", "dropped"], due: date | None
    ) -> Reflection | None:
        entry = self._journal.get(entry_id, member)
        if entry is None or not entry.commitment:
            return None
        changed = replace(entry, commitment_state=state, commitment_due=due or entry.commitment_due)
        return changed if self._journal.update(changed) else None
