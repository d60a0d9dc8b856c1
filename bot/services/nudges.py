"""Nudges: who wants them when, the due rows planned for that, and putting them off. `letters` says what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Literal

import structlog

from bot.core import schedule
from bot.core.records import LEFT_OUT, Member, Nudge, NudgeKind, Reflection, Subscription
from bot.core.reflection import ReflectionPrompt
from bot.core.rhythm import CADENCES, CHECK_WEEKS, Slot, slots
from bot.ports import Clock, Repositories
from bot.services.journal import Entry, Journal
from bot.services.letters import SNOOZE_MARK, Coming, Letter, Letters

log = structlog.get_logger()

__all__ = ["Coming", "Entry", "Journal", "Letter", "Nudges", "Wishes"]

_PAGE = 500
_TRIES = 8  # slots looked at for one whose week is free
_MOST_SNOOZES = 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person, or a channel, chose in the settings."""

    weekday: int
    minute: int
    zone: str
    zone_is_own: bool = False
    every_weeks: int = 1
    topic: Literal["suggested", "rotate", "chosen"] = "suggested"
    units: tuple[str, ...] = ()
    tone: Literal["gentle", "direct"] = "gentle"
    check_weeks: int | None = None

    def check(self) -> None:
        """Raises UnknownZone, or ValueError for what can't be wished."""
        if not schedule.allowed(self.minute):
            raise ValueError(f"{self.minute} minutes after midnight is outside the hours of nudges")
        if self.every_weeks not in CADENCES or self.check_weeks not in {None, *CHECK_WEEKS}:
            raise ValueError("no such rhythm")
        schedule.zone_of(self.zone)


class Nudges:
    """The use cases around nudges, save the sending (`bot.services.delivery`) and the journal (`Nudges.journal`)."""

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
        self._nudges = repositories.nudges
        self._clock = clock
        self._new_id = new_id
        self.journal = Journal(repositories, clock)
        self.letters = Letters(repositories=repositories, prompts=prompts, journal=self.journal, clock=clock)
        self.prompts = self.letters.prompts
        self.wake = wake

    # --- subscriptions ---

    def subscription(self, member: Member) -> Subscription | None:
        """A subscriber's settings; None where nudges were never asked for."""
        return self._nudges.subscription(member)

    def subscribe(
        self, member: Member, wishes: Wishes, *, channel: str, kind: Literal["person", "team"] = "person"
    ) -> Subscription:
        """Begin, or change the settings. Raises UnknownZone, or ValueError for what can't be wished."""
        wishes.check()
        now = self._clock.now()
        before = self.subscription(member)
        today = now.astimezone(schedule.zone_of(wishes.zone)).date()
        # Who keeps the same interval keeps its date; another one is counted from today.
        same = before is not None and before.check_weeks == wishes.check_weeks
        return self._put(
            Subscription(
                member=member,
                channel=channel,
                zone=wishes.zone,
                weekday=wishes.weekday,
                minute=wishes.minute,
                state="active",
                every_weeks=wishes.every_weeks,
                zone_is_own=wishes.zone_is_own,
                topic=wishes.topic,
                units=wishes.units if wishes.topic == "chosen" else (),
                created_at=before.created_at if before else now,
                kind=kind,
                tone=wishes.tone,
                check_weeks=wishes.check_weeks,
                check_from=(before.check_from if before and same else today) if wishes.check_weeks else None,
            )
        )

    def follow_zone(self, member: Member, zone: str) -> Subscription | None:
        """Go by another zone of the person's profile, unless they chose one of their own; None where nothing changes.

        Raises UnknownZone.
        """
        subscription = self.subscription(member)
        if subscription is None or subscription.zone_is_own or subscription.zone == zone:
            return None
        schedule.zone_of(zone)
        moved = replace(subscription, zone=zone)
        if moved.state != "active":
            self._nudges.subscribe(moved)
            return moved
        return self._put(moved)

    def without_checks(self, member: Member) -> Subscription | None:
        """Go on, or begin again, without self-check nudges; None where there never was a subscription."""
        subscription = self.subscription(member)
        if subscription is None:
            return None
        changed = replace(subscription, state="active", paused_until=None, check_weeks=None, check_from=None)
        return self._put(changed)

    def stop(self, member: Member) -> bool:
        """No more nudges; False where there were none anyway."""
        return self._end(member, state="stopped", until=None, reason="stopped")

    def close(self, member: Member) -> bool:
        """No more nudges, as the subscriber can't be reached any more."""
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
        for slot in islice(self._slots(subscription, self._clock.now()), _TRIES):
            row = self._row(subscription, slot)
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

    def _slots(self, subscription: Subscription, after: datetime) -> Iterator[Slot]:
        """What comes after an instant; weeks that had theirs are left out by the table's key."""
        return slots(self.letters.rhythm(subscription), after)

    def _row(self, subscription: Subscription, slot: Slot) -> Nudge:
        kind: NudgeKind = "team" if subscription.kind == "team" else slot.kind
        return Nudge(
            id=self._new_id(),
            member=subscription.member,
            period=slot.due.period,
            due_at=slot.due.at,
            local_time=_local_time(slot.due.local),
            zone=subscription.zone,
            state="due",
            kind=kind,
        )

    def next_dates(self, subscription: Subscription, count: int = 3) -> list[tuple[schedule.Due, NudgeKind]]:
        """When the next nudges come and of which kind, the first as it stands in the table; empty where none will."""
        if subscription.state != "active":
            return []
        standing = self.plan(subscription)
        if standing is None:
            return []
        local = standing.due_at.astimezone(schedule.zone_of(subscription.zone))
        first = schedule.Due(standing.period, standing.due_at, local)
        out: list[tuple[schedule.Due, NudgeKind]] = [(first, standing.kind)]
        rhythm = self.letters.rhythm(subscription)
        if standing.kind == "selfcheck":
            rhythm = replace(rhythm, checked=local.date(), before="selfcheck")
        else:
            rhythm = replace(rhythm, before=standing.kind)
        after = max(standing.due_at, self._clock.now())
        coming = (s for s in slots(rhythm, after) if s.due.period != first.period.partition(SNOOZE_MARK)[0])
        team = subscription.kind == "team"
        out += [(s.due, "team" if team else s.kind) for s in islice(coming, count - 1)]
        return out

    def preview(self, member: Member, weeks: int) -> list[Coming]:
        """What the coming weeks would bring, as things stand. Reads only. Empty where nothing will come."""
        subscription = self.subscription(member)
        if subscription is None or subscription.state not in {"active", "paused"}:
            return []
        if subscription.state == "paused" and subscription.paused_until is None:
            return []
        taken = {n.period for n in self._nudges.ended(member)}
        return [c for c in self.letters.preview(subscription, weeks) if c.due.period not in taken]

    # --- putting off ---

    def skip_next(self, member: Member) -> tuple[Nudge, Nudge | None] | None:
        """Leave out the next nudge: that one and the one that comes instead; None where none stands."""
        subscription = self.subscription(member)
        standing = self.plan(subscription) if subscription else None
        if subscription is None or standing is None:
            return None
        self._leave_out(standing)
        return standing, self.plan(subscription)

    def unskip(self, nudge_id: str, member: Member) -> Nudge | None:
        """Take back a leaving out; the nudge that comes after all, None where its time is over."""
        subscription, nudge = self.subscription(member), self._nudges.get(nudge_id, member)
        if subscription is None or subscription.state != "active" or nudge is None:
            return None
        if not self._nudges.restore(nudge_id, member, now=self._clock.now()):
            return None
        self.wake()
        return self._nudges.upcoming(member)

    def _leave_out(self, standing: Nudge) -> None:
        self._nudges.cancel_open(standing.member, LEFT_OUT)
        self._nudges.plan(replace(standing, state="skipped", reason=LEFT_OUT, attempt=0, owner=None, lease_until=None))

    def snooze(
        self, nudge_id: str, member: Member, *, until: Literal["later", "tomorrow"] = "later"
    ) -> datetime | None:
        """Let a sent nudge come again in two hours, or at one's own hour tomorrow; when.

        None where that can't be done: another day's nudge, or the next one comes by then anyway.
        """
        nudge, subscription = self._nudges.get(nudge_id, member), self.subscription(member)
        if nudge is None or nudge.state != "sent" or subscription is None or subscription.state != "active":
            return None
        week, _, number = nudge.period.partition(SNOOZE_MARK)
        if int(number or 0) >= _MOST_SNOOZES:
            return None
        now, zone = self._clock.now(), subscription.zone
        at = schedule.snoozed(now, zone) if until == "later" else schedule.tomorrow(now, zone, subscription.minute)
        following = next((s.due.at for s in self._slots(subscription, now) if s.due.period > week), None)
        if following is not None and at >= following - timedelta(hours=12):
            return None
        again = replace(
            nudge,
            id=self._new_id(),
            period=f"{week}{SNOOZE_MARK}{int(number or 0) + 1}",
            due_at=at,
            local_time=_local_time(at.astimezone(schedule.zone_of(zone))),
            zone=zone,
            state="due",
            owner=None,
            lease_until=None,
            attempt=0,
            ts=None,
            reason=None,
            sending=False,
        )
        if not self._nudges.plan(again):  # a second click: it stands already
            standing = self._nudges.upcoming(member)
            return standing.due_at if standing and standing.period == again.period else None
        self.wake()
        return at

    def skip_week(self, member: Member) -> Nudge | None:
        """No more this week: a nudge put off is dropped; the next one, None where there is none."""
        self._drop_snoozed(member)
        subscription = self.subscription(member)
        return self.plan(subscription) if subscription else None

    def decline(self, nudge_id: str, member: Member) -> Nudge | None:
        """Not this self-check: the unit isn't suggested again for half a year; the next nudge that comes."""
        self._nudges.decline(nudge_id, member)
        return self.skip_week(member)

    def _drop_snoozed(self, member: Member) -> None:
        standing = self._nudges.upcoming(member)
        if standing and SNOOZE_MARK in standing.period:
            self._leave_out(standing)

    def check_done(self, member: Member) -> None:
        """A self-check was done: the next one that is asked for is counted from now."""
        subscription = self.subscription(member)
        if subscription is None or subscription.state != "active" or not subscription.check_weeks:
            return
        standing = self._nudges.upcoming(member)
        if standing is None or standing.kind != "selfcheck" or self.letters.still_due(standing, subscription):
            return
        if SNOOZE_MARK in standing.period:
            self._drop_snoozed(member)
        else:
            self._nudges.cancel_open(member, "checked already")
        self.plan(subscription)
        self.wake()

    # --- what a nudge says ---

    def unwanted(self, nudge: Nudge) -> str | None:
        """Why a planned nudge isn't to be sent any more, or None."""
        subscription = self.subscription(nudge.member)
        if subscription is None or subscription.state != "active":
            return "stopped"
        if nudge.kind != "selfcheck" or self.letters.still_due(nudge, subscription):
            return None
        takes_slot = SNOOZE_MARK not in nudge.period and self.letters.rhythm(subscription).has_reflection(
            date.fromisoformat(nudge.local_time[:10])
        )
        return None if takes_slot else "checked already"

    def write(self, nudge: Nudge) -> Letter:
        """What a nudge says, the same each time for the same row."""
        return self.letters.write(nudge, self.subscription(nudge.member))

    def prompt_now(self, member: Member) -> ReflectionPrompt:
        """A prompt for somebody who wants to reflect without waiting."""
        return self.letters.prompt_now(member, self.subscription(member))

    def sent_as(self, member: Member, ts: str) -> Nudge | None:
        """The nudge that a message in the person's DM is."""
        return self._nudges.by_ts(member, ts)

    def latest(self, member: Member) -> Nudge | None:
        """The latest nudge that came to an end, however it did."""
        return next(iter(self._nudges.ended(member, limit=1)), None)

    def reflect(self, member: Member, entry: Entry, *, entry_id: str) -> Reflection:
        """Write an entry into the journal; a nudge that was put off and is answered now doesn't come again."""
        saved = self.journal.write(member, entry, entry_id=entry_id)
        if entry.nudge_id and (subscription := self.subscription(member)):
            self._drop_snoozed(member)
            self.plan(subscription)
        return saved


def _local_time(local: datetime) -> str:
    return local.strftime("%Y-%m-%dT%H:%M")
