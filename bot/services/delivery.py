"""Sending what is due, once each. The order of the steps is the promise, and is never changed.

claim (a lease, attempt + 1) -> write the text -> look again whether it is wanted and not too late -> take a slot and
wait for it -> renew the lease (lost: stop) -> on a later attempt look in the DM's history for our key, and renew again
-> one send, whose last byte goes only while enough of the lease is left -> note how it ended. So a process that was
frozen on its way to the send wakes up and sends nothing. An uncertain end is not noted: the lease lapses, and the next
attempt looks before it sends. A claim that surely sent nothing is given back and counts as no attempt, so nobody has to
look on its account: Slack lets an app read far less often than it lets it send. A channel's history isn't read at all,
so a send there that may have got through is never repeated: it ends in doubt.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from bot.core import schedule
from bot.core.records import Nudge, Subscription
from bot.ports import Clock, LookupUnavailable, Messenger, Repositories, Sent
from bot.services.figures import Figures
from bot.services.lease import Held
from bot.services.nudges import Letter, Nudges

log = structlog.get_logger()

Outcome = Literal["sent", "skipped", "cancelled", "failed", "in_doubt", "later", "uncertain", "lost"]
Compose = Callable[[Letter], tuple[str, Sequence[dict[str, Any]]]]  # a letter's text and Block Kit blocks

_MOST_ATTEMPTS = 5
_DISCONNECTED = "workspace disconnected"
_BATCH = 20
_LIMITED = frozenset({"ratelimited", "rate_limited", "http_429"})
# Slack's words for a person or a DM that no message can reach any more.
_GONE = frozenset(
    {
        "user_disabled",
        "user_not_found",
        "user_not_in_team",
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "cannot_dm_bot",
    }
)
# Slack's words for a dead token, and ours for what was stopped on its account.
_STOPPED_BY_TOKEN = frozenset(
    {
        "token_revoked",
        "token_expired",
        "invalid_auth",
        "account_inactive",
        "not_authed",
        "not_installed",
        _DISCONNECTED,
    }
)
_SKEW = timedelta(minutes=10)  # between our clock and Slack's, when looking back
_LONGEST_HOLD = timedelta(minutes=15)  # that a Retry-After is believed; Slack's are of seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast, how long and how late."""

    per_second: float = 5.0  # sends of one workspace
    lease: timedelta = timedelta(minutes=2)
    cutoff: timedelta = timedelta(hours=12)  # later than this is skipped

    @property
    def margin(self) -> timedelta:
        """What must be left of the lease as a send goes out: by then Slack has taken it, or never will."""
        return self.lease / 2

    @property
    def ahead(self) -> timedelta:
        """How far ahead slots are reserved: a small part of the lease, since a claimed row waits for its slot."""
        return self.lease / 8


@dataclass(frozen=True, slots=True)
class _Ready:
    """A nudge with its words, wanted and in time when last looked at."""

    letter: Letter
    text: str
    blocks: Sequence[dict[str, Any]]
    subscription: Subscription


class Delivery:
    """Delivers due rows. Any number of these may run side by side, in threads and in replicas."""

    def __init__(
        self,
        *,
        nudges: Nudges,
        repositories: Repositories,
        messenger: Messenger,
        compose: Compose,
        clock: Clock,
        owner: str,
        pace: Pace | None = None,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        """`owner` names this process; `wait(seconds)` gives False where it is stopping."""
        self._nudges, self._rows = nudges, repositories.nudges
        self._messenger, self._compose, self._clock = messenger, compose, clock
        self._owner, self._pace = owner, pace or Pace()
        self._wait = wait or (lambda seconds: not threading.Event().wait(seconds))
        self.figures = Figures()

    def use_wait(self, wait: Callable[[float], bool]) -> None:
        """Wait by another means: a worker's, which wakes when it is stopped."""
        self._wait = wait

    def claim(self, limit: int = _BATCH) -> list[Nudge]:
        """Take what is due."""
        pace = self._pace
        return self._rows.claim(self._owner, now=self._clock.now(), lease=pace.lease, limit=limit, ahead=pace.ahead)

    def give_back(self, nudge: Nudge) -> Outcome:
        """Leave a claimed row, of which nothing was sent, to whoever looks next."""
        return self._release(nudge, self._clock.now())

    def reconnected(self, team_id: str) -> int:
        """A workspace has a token that works, after one that didn't, or at the start: how many nudges go on.

        What would be too late by now stays as it ended; the rest is sent or skipped by the rules that hold for all.
        """
        self._messenger.forget_refusal(team_id)
        late = self._clock.now() - self._pace.cutoff
        count = self._rows.reopen_team(team_id, _STOPPED_BY_TOKEN, due_after=late)
        if count:
            log.info("nudges.workspace_reconnected", team=team_id, rows=count)
        return count

    def deliver(self, nudge: Nudge) -> Outcome:
        """Bring one claimed row to its end, or leave it for a later attempt."""
        try:
            outcome = self._deliver(nudge)
        except schedule.UnknownZone:  # a later release of the zone data dropped it: told on Home, not guessed
            outcome = self._settle(nudge, "failed", reason="unknown time zone")
            log.warning("nudge.unknown_zone", nudge=nudge.id)
            self.figures.count(outcome, nudge.kind)
            return outcome
        self.figures.count(outcome, nudge.kind)
        log.info("nudge.delivered", nudge=nudge.id, outcome=outcome, attempt=nudge.attempt, kind=nudge.kind)
        if outcome in {"sent", "skipped", "failed", "in_doubt"} and not self._messenger.refused(nudge.member.team_id):
            self._plan_next(nudge)
        return outcome

    # --- the steps ---

    def _deliver(self, nudge: Nudge) -> Outcome:
        ready = self._prepare(nudge)
        if not isinstance(ready, _Ready):
            return ready
        if left := self._take_turn(nudge):
            return left
        # The wait may have gone past the evening.
        return self._too_late(nudge, ready.subscription) or self._send(nudge, ready)

    def _prepare(self, nudge: Nudge) -> _Ready | Outcome:
        """Write the text, then look whether the nudge is still wanted and in time."""
        if unwanted := self._unwanted(nudge):
            return self._settle(nudge, "cancelled", reason=unwanted)
        letter = self._nudges.write(nudge)
        text, blocks = self._compose(letter)
        subscription = self._rows.subscription(nudge.member)
        if subscription is None or (unwanted := self._unwanted(nudge)):
            return self._settle(nudge, "cancelled", reason=unwanted or "stopped")
        return self._too_late(nudge, subscription) or _Ready(letter, text, blocks, subscription)

    def _send(self, nudge: Nudge, ready: _Ready) -> Outcome:
        letter = ready.letter
        held = self._renew(nudge)
        if held is None or not self._rows.choose(
            nudge, kind=letter.kind, prompt_id=letter.prompt.id if letter.prompt else None, unit=letter.unit
        ):
            return "lost"
        if nudge.attempt > 1:
            if known := self._sent_before(nudge, ready.subscription):
                return known
            held = self._renew(nudge)  # reading the history may have taken longer than the lease
            if held is None:
                return "lost"
        if stopped := self._workspace_stopped(nudge):
            return stopped
        left, channel = self._pace.lease - self._pace.margin, ready.subscription.channel

        def still() -> bool:
            """Asked last of all: where the process was frozen on the way, somebody else may be at it."""
            return held.younger_than(left)

        return self._note(
            nudge,
            self._messenger.post(
                nudge.member, channel, text=ready.text, blocks=ready.blocks, key=nudge.id, still=still
            ),
        )

    def _workspace_stopped(self, nudge: Nudge) -> Outcome | None:
        """What Slack said about the workspace since the slot was reserved: a dead token, or a pause."""
        if self._messenger.refused(nudge.member.team_id):
            return self._settle(nudge, "cancelled", reason=_DISCONNECTED)
        now, held = self._clock.now(), self._rows.held_until(nudge.member.team_id)
        # A hold that ends later than any can was noted before the clock was set back.
        return self._release(nudge, held) if held and now < held <= now + _LONGEST_HOLD else None

    def _renew(self, nudge: Nudge) -> Held | None:
        """Lengthen the lease; how it ages from here, None where it is lost."""
        held = Held(self._clock)
        return held if self._rows.renew(nudge, now=held.since, lease=self._pace.lease) else None

    def _unwanted(self, nudge: Nudge) -> str | None:
        """Why a nudge isn't to be sent any more, or None."""
        if self._messenger.refused(nudge.member.team_id):
            return _DISCONNECTED
        return self._nudges.unwanted(nudge)

    def _too_late(self, nudge: Nudge, subscription: Subscription) -> Outcome | None:
        """Skip a row past its time, or leave it for the morning; None where it may be sent now."""
        now, last = self._clock.now(), nudge.due_at + self._pace.cutoff
        if now <= last and schedule.in_hours(now, subscription.zone):
            return None
        morning = schedule.opening(now, subscription.zone)
        if morning <= last:
            return self._release(nudge, morning)
        if nudge.attempt > 1:
            known = self._look(nudge, subscription)
            if known == "unknown":
                return self._in_doubt(nudge)
            if known:
                return self._settle(nudge, "sent", ts=known)
        return self._settle(nudge, "skipped", reason="too late")

    def _take_turn(self, nudge: Nudge) -> Outcome | None:
        """Wait for the workspace's next slot; where it is far off, or we are stopping, give the row back."""
        team, now = nudge.member.team_id, self._clock.now()
        within = self._pace.lease / 2
        slot = self._rows.take_slot(team, now=now, per_second=self._pace.per_second, within=within)
        if slot is None:
            return self._release(nudge, now + self._pace.ahead)
        if slot > now and not self._wait((slot - now).total_seconds()):
            return self.give_back(nudge)
        return None

    def _sent_before(self, nudge: Nudge, subscription: Subscription) -> Outcome | None:
        """What an earlier attempt came to; None where it surely sent nothing and another is in order."""
        known = self._look(nudge, subscription)
        if known == "unknown":
            # The history of a DM can be read again later; that of a channel never.
            later = self._clock.now() + self._backoff(nudge)
            return self._in_doubt(nudge) if nudge.kind == "team" else self._release(nudge, later)
        if known:
            return self._settle(nudge, "sent", ts=known)
        if nudge.attempt > _MOST_ATTEMPTS and nudge.sending:
            return self._settle(nudge, "failed", reason="Slack did not take it")
        return None

    def _look(self, nudge: Nudge, subscription: Subscription) -> str | None:
        """The `ts` of an earlier send, None where there is none, "unknown" where the history can't be read."""
        if nudge.kind == "team":
            return "unknown" if nudge.sending else None
        try:
            return self._messenger.find(nudge.member, subscription.channel, key=nudge.id, since=nudge.due_at - _SKEW)
        except LookupUnavailable:
            return "unknown"

    def _note(self, nudge: Nudge, sent: Sent) -> Outcome:
        if sent.outcome == "sent":
            return self._settle(nudge, "sent", ts=sent.ts)
        if sent.outcome == "withheld":  # nothing went out; where somebody else has the row by now, it is lost to us
            log.warning("nudge.withheld", nudge=nudge.id)
            return self.give_back(nudge)
        if sent.outcome == "uncertain":
            # In a DM left as it is: the lease lapses, then the history tells.
            return self._in_doubt(nudge) if nudge.kind == "team" else "uncertain"
        if sent.outcome == "retry":
            return self._again(nudge, sent)
        ended = self._settle(nudge, "failed", reason=sent.error)
        if sent.outcome == "revoked":
            self._rows.cancel_team(nudge.member.team_id, _DISCONNECTED)  # for the other replicas to stop at once
            log.error("nudges.workspace_disconnected", team=nudge.member.team_id, error=sent.error)
        if sent.error in _GONE:
            self._nudges.close(nudge.member)
        return ended

    def _again(self, nudge: Nudge, sent: Sent) -> Outcome:
        pause = min(timedelta(seconds=max(1.0, sent.retry_after or 1.0)), _LONGEST_HOLD)
        if sent.error in _LIMITED:
            now = self._clock.now()
            self._rows.hold(nudge.member.team_id, until=now + pause)
            # No attempt, so nothing counts how often: the later the nudge is already, the longer it waits.
            return self._release(nudge, now + max(pause, (now - nudge.due_at) / 10))
        self._rows.unsent(nudge)
        if nudge.attempt >= _MOST_ATTEMPTS:
            return self._settle(nudge, "failed", reason=sent.error)
        return self._release(nudge, self._clock.now() + max(pause, self._backoff(nudge)), counted=True)

    # --- endings ---

    def _settle(
        self,
        nudge: Nudge,
        state: Literal["sent", "skipped", "cancelled", "failed", "in_doubt"],
        *,
        ts: str | None = None,
        reason: str | None = None,
    ) -> Outcome:
        if not self._rows.settle(nudge, state, ts=ts, reason=reason):
            return "lost"
        if state == "sent":
            self.figures.sent(self._clock.now() - nudge.due_at)
        return state

    def _in_doubt(self, nudge: Nudge) -> Outcome:
        return self._settle(nudge, "in_doubt", reason="an earlier send may have got through")

    def _release(self, nudge: Nudge, until: datetime, *, counted: bool = False) -> Outcome:
        """Give the row back for a later attempt."""
        return "later" if self._rows.release(nudge, until=until, counted=counted) else "lost"

    def _backoff(self, nudge: Nudge) -> timedelta:
        return self._pace.lease * int(2 ** min(nudge.attempt - 1, 4))

    def _plan_next(self, nudge: Nudge) -> None:
        subscription = self._rows.subscription(nudge.member)
        if subscription:
            self._nudges.plan(subscription)
