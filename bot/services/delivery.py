"""Sending what is due, once each. The order of the steps is the promise, and is never changed.

claim (a lease, attempt + 1) -> write the text -> look again whether it is wanted and not too late -> take a slot and
wait for it -> renew the lease (lost: stop) -> on a later attempt look in the DM's history for our key -> one send ->
note how it ended. An uncertain end is not noted: the lease lapses, and the next attempt looks before it sends. A
channel's history isn't read, so a send there that may have got through is never repeated: it ends in doubt.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from bot.core import schedule
from bot.core.records import Nudge, Subscription
from bot.ports import Clock, LookupUnavailable, Messenger, Repositories, Sent
from bot.services.nudges import Letter, Nudges

log = structlog.get_logger()

Outcome = Literal["sent", "skipped", "cancelled", "failed", "in_doubt", "later", "uncertain", "lost"]
Compose = Callable[[Letter], tuple[str, Sequence[dict[str, Any]]]]  # a letter's text and Block Kit blocks

_MOST_ATTEMPTS = 5
_BATCH = 20
_LIMITED = frozenset({"ratelimited", "rate_limited", "http_429"})
# Slack's words for a person or a DM that no message can reach any more.
_GONE = frozenset(
    {
        "user_disabled",
        "user_not_found",
        "user_not_in_team",
        "account_inactive",
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "restricted_action",
    }
)
_SKEW = timedelta(minutes=10)  # between our clock and Slack's, when looking back


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast, how long and how late."""

    per_second: float = 5.0  # sends of one workspace
    lease: timedelta = timedelta(minutes=2)
    cutoff: timedelta = timedelta(hours=12)  # later than this is skipped


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
        self._revoked: set[str] = set()  # workspaces whose token is dead

    def use_wait(self, wait: Callable[[float], bool]) -> None:
        """Wait by another means: a worker's, which wakes when it is stopped."""
        self._wait = wait

    def claim(self, limit: int = _BATCH) -> list[Nudge]:
        """Take what is due."""
        return self._rows.claim(self._owner, now=self._clock.now(), lease=self._pace.lease, limit=limit)

    def deliver(self, nudge: Nudge) -> Outcome:
        """Bring one claimed row to its end, or leave it for a later attempt."""
        try:
            outcome = self._deliver(nudge)
        except schedule.UnknownZone:  # a later release of the zone data dropped it: told on Home, not guessed
            outcome = self._settle(nudge, "failed", reason="unknown time zone")
            log.warning("nudge.unknown_zone", nudge=nudge.id)
            return outcome
        log.info("nudge.delivered", nudge=nudge.id, outcome=outcome, attempt=nudge.attempt, kind=nudge.kind)
        if outcome in {"sent", "skipped", "failed", "in_doubt"}:
            self._plan_next(nudge)
        return outcome

    # --- the steps ---

    def _deliver(self, nudge: Nudge) -> Outcome:
        ready = self._prepare(nudge)
        if not isinstance(ready, _Ready):
            return ready
        if not self._take_turn(nudge):
            return "later"
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
        held = self._rows.renew(nudge, now=self._clock.now(), lease=self._pace.lease)
        if not held or not self._rows.choose(
            nudge, kind=letter.kind, prompt_id=letter.prompt.id if letter.prompt else None, unit=letter.unit
        ):
            return "lost"
        known = self._sent_before(nudge, ready.subscription) if nudge.attempt > 1 else None
        if known:
            return known
        channel = ready.subscription.channel
        return self._note(
            nudge,
            self._messenger.post(nudge.member, channel, text=ready.text, blocks=ready.blocks, key=nudge.id),
        )

    def _unwanted(self, nudge: Nudge) -> str | None:
        """Why a nudge isn't to be sent any more, or None."""
        if nudge.member.team_id in self._revoked:
            return "workspace disconnected"
        return self._nudges.unwanted(nudge)

    def _too_late(self, nudge: Nudge, subscription: Subscription) -> Outcome | None:
        """Skip a row past its time, or leave it for the morning; None where it may be sent now."""
        now, last = self._clock.now(), nudge.due_at + self._pace.cutoff
        if now <= last and schedule.in_hours(now, subscription.zone):
            return None
        morning = schedule.opening(now, subscription.zone)
        if morning <= last:
            return self._leave(nudge, morning - now)
        if nudge.attempt > 1:
            known = self._look(nudge, subscription)
            if known == "unknown":
                return self._in_doubt(nudge)
            if known:
                return self._settle(nudge, "sent", ts=known)
        return self._settle(nudge, "skipped", reason="too late")

    def _take_turn(self, nudge: Nudge) -> bool:
        """Wait for the workspace's next slot; False where it is further off than the lease, or we are stopping."""
        now = self._clock.now()
        slot = self._rows.take_slot(nudge.member.team_id, now=now, per_second=self._pace.per_second)
        seconds = (slot - now).total_seconds()
        if seconds > self._pace.lease.total_seconds() / 2:
            self._leave(nudge, slot - now)
            return False
        return seconds <= 0 or self._wait(seconds)

    def _sent_before(self, nudge: Nudge, subscription: Subscription) -> Outcome | None:
        """What an earlier attempt came to; None where it surely sent nothing and another is in order."""
        known = self._look(nudge, subscription)
        if known == "unknown":
            # The history of a DM can be read again later; that of a channel never.
            return self._in_doubt(nudge) if nudge.kind == "team" else self._leave(nudge, self._backoff(nudge))
        if known:
            return self._settle(nudge, "sent", ts=known)
        if nudge.attempt > _MOST_ATTEMPTS:
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
        if sent.outcome == "uncertain":
            # In a DM left as it is: the lease lapses, then the history tells.
            return self._in_doubt(nudge) if nudge.kind == "team" else "uncertain"
        if sent.outcome == "retry":
            return self._again(nudge, sent)
        if sent.outcome == "revoked":
            self._revoked.add(nudge.member.team_id)
        ended = self._settle(nudge, "failed", reason=sent.error)
        if sent.error in _GONE:
            self._nudges.close(nudge.member)
        return ended

    def _again(self, nudge: Nudge, sent: Sent) -> Outcome:
        self._rows.unsent(nudge)
        limited = sent.error in _LIMITED
        if nudge.attempt >= _MOST_ATTEMPTS and not limited:
            return self._settle(nudge, "failed", reason=sent.error)
        pause = timedelta(seconds=max(1.0, sent.retry_after or 1.0))
        if limited:
            self._rows.hold(nudge.member.team_id, until=self._clock.now() + pause)
        return self._leave(nudge, pause if limited else max(pause, self._backoff(nudge)))

    # --- endings ---

    def _settle(
        self,
        nudge: Nudge,
        state: Literal["sent", "skipped", "cancelled", "failed", "in_doubt"],
        *,
        ts: str | None = None,
        reason: str | None = None,
    ) -> Outcome:
        return state if self._rows.settle(nudge, state, ts=ts, reason=reason) else "lost"

    def _in_doubt(self, nudge: Nudge) -> Outcome:
        return self._settle(nudge, "in_doubt", reason="an earlier send may have got through")

    def _leave(self, nudge: Nudge, pause: timedelta) -> Outcome:
        """Keep the row for a later attempt: its lease lapses after the pause."""
        held = self._rows.renew(nudge, now=self._clock.now(), lease=pause)
        return "later" if held else "lost"

    def _backoff(self, nudge: Nudge) -> timedelta:
        return self._pace.lease * int(2 ** min(nudge.attempt - 1, 4))

    def _plan_next(self, nudge: Nudge) -> None:
        subscription = self._rows.subscription(nudge.member)
        if subscription:
            self._nudges.plan(subscription)


class NudgeWorker:
    """The thread that delivers what is due, and plans what comes. `start` and `stop` it; `wake` it any time."""

    def __init__(
        self,
        *,
        delivery: Delivery,
        nudges: Nudges,
        repositories: Repositories,
        clock: Clock,
        threads: int = 4,
        poll_seconds: float = 15.0,
        plan_every: timedelta = timedelta(hours=1),
    ) -> None:
        self._delivery, self._nudges, self._rows, self._clock = delivery, nudges, repositories.nudges, clock
        self._threads, self._poll, self._plan_every = threads, poll_seconds, plan_every
        self._stopping, self._bell = threading.Event(), threading.Event()
        self._planned: datetime | None = None
        self._thread: threading.Thread | None = None
        self._end_clock_news: Callable[[], None] = lambda: None
        self.counts: Counter[str] = Counter()  # outcomes since the start, for health and metrics
        self._delivery.use_wait(lambda seconds: not self._stopping.wait(seconds))
        self._nudges.wake = self.wake

    def start(self) -> None:
        """Begin. A clock that can be moved (the sandbox's) wakes the worker when it is."""
        listen = getattr(self._clock, "on_change", None)
        if listen is not None:
            self._end_clock_news = listen(self.wake)
        self._thread = threading.Thread(target=self._run, name="nudges", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 15.0) -> None:
        """Finish the sends under way and end; what is claimed and unsent is taken up once its lease lapses."""
        self._stopping.set()
        self._bell.set()
        self._end_clock_news()
        if self._thread is not None:
            self._thread.join(timeout)

    def wake(self) -> None:
        """Look at once."""
        self._bell.set()

    def tick(self) -> Counter[str]:
        """Plan where that is due, and deliver all that is due now; outcomes counted."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix="nudge") as pool:
            return self._tick(pool)

    def _tick(self, pool: ThreadPoolExecutor) -> Counter[str]:
        now, counts = self._clock.now(), Counter[str]()
        if self._planned is None or not timedelta() <= now - self._planned < self._plan_every:
            self._nudges.plan_all()
            self._planned = now
        while not self._stopping.is_set() and (claimed := self._delivery.claim()):
            counts.update(pool.map(self._safely, claimed))
        self.counts.update(counts)
        return counts

    def _safely(self, nudge: Nudge) -> str:
        if self._stopping.is_set():
            return "later"  # its lease lapses, and whoever runs then takes it up
        try:
            return self._delivery.deliver(nudge)
        except Exception as error:  # noqa: BLE001 - one row's trouble must not hold up the others; its lease lapses
            log.error("nudge.broken", nudge=nudge.id, error=type(error).__name__)  # noqa: TRY400 - a trace may hold words
            return "broken"

    def _run(self) -> None:
        with ThreadPoolExecutor(self._threads, thread_name_prefix="nudge") as pool:
            while not self._stopping.is_set():
                self._bell.clear()
                pause = self._poll
                try:
                    self._tick(pool)
                    pause = self._until_next()
                except Exception as error:  # noqa: BLE001 - the database may be away for a while; the worker outlives it
                    log.error("nudges.tick_failed", error=type(error).__name__)  # noqa: TRY400 - as above
                self._bell.wait(pause)

    def _until_next(self) -> float:
        due = self._rows.next_due()
        if due is None:
            return self._poll
        return min(max((due - self._clock.now()).total_seconds(), 0.05), self._poll)
