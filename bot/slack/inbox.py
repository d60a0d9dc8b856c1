"""The door for all deliveries: write the inbox row, acknowledge, then work; and finish what a crash left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from bot.core.errors import IndexNotReady
from bot.core.records import InboxItem, Member
from bot.slack import care, rules
from bot.slack.delivery import Courier, Later, Progress, TakenOver
from bot.slack.deps import Deps
from bot.slack.messenger import TriggerExpired, ViewRefused
from bot.slack.payloads import (
    MALFORMED,
    Command,
    Delivery,
    HomeOpened,
    Identity,
    Ignored,
    Lifecycle,
    ProfileChanged,
    Submission,
    from_row,
    kind_of,
    parse,
    to_row,
)
from bot.slack.pool import WorkPool
from bot.slack.registry import Ack, On, Registry
from bot.slack.replies import Reply, place_of, say

log = structlog.get_logger()

UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, IndexError)  # of a form that isn't ours
MAX_ATTEMPTS = 5  # times that work on a delivery is begun before the person is told that it failed
_TELL_AGAIN = 60.0  # seconds between two notices to one person that too much is waiting
_READY_POLL = 0.5  # seconds between two looks whether the index is ready


@dataclass(frozen=True, slots=True)
class Accepted:
    """How a delivery is acknowledged, and what begins once the acknowledgement is out."""

    status: int = 200
    body: str | dict[str, Any] = ""
    then: Callable[[], None] | None = None
    malformed: bool = False  # not a form of Slack's; over HTTP that is the sender's mistake


@dataclass(slots=True)
class _Work:
    """One delivery on its way through the pool."""

    key: str
    request: Delivery
    on: On
    attempts: int = 0  # as last seen: of two replicas that take it up, one begins
    progress: Progress | None = None


class Inbox:
    """Takes deliveries in and has each worked once."""

    def __init__(
        self,
        registry: Registry,
        deps: Deps,
        courier: Courier,
        *,
        slow: WorkPool,
        quick: WorkPool,
    ) -> None:
        self._registry, self._deps, self._courier = registry, deps, courier
        self._slow, self._quick = slow, quick
        self._rows = deps.repositories.inbox
        self._here: set[str] = set()  # keys that this process works on, or will
        self._working: dict[str, int] = {}  # those begun, with their number of attempts
        self._told: dict[Member, float] = {}
        self._waiting_for_index: set[Member] = set()

    # --- taking in

    def accept(self, body: dict[str, Any], us: Identity | None) -> Accepted:
        """Take a payload in: the row is written when this returns. Call `then` once Slack has the acknowledgement.

        `us`: who the bot is in that workspace; None where it isn't installed, and only an uninstallation is heard.
        """
        request = parse(body, us or Identity(""))
        if isinstance(request, Ignored):
            log.debug("inbox.ignored", reason=request.reason)
            return Accepted(malformed=request.reason == MALFORMED)
        gone = us is None or self._deps.slack.is_shut(request.member.team_id)
        if gone and not isinstance(request, Lifecycle):  # nothing of a workspace that is gone is written again
            log.info("inbox.not_installed", kind=kind_of(request))
            return Accepted(body=self._deps.wording("install.not_installed") if isinstance(request, Command) else "")
        on = self._registry.find(request)
        if on is None:
            log.info("inbox.unclaimed", kind=kind_of(request))
            return Accepted()
        try:
            ack = self._answer_at_once(request, on)
        except UNREADABLE as error:
            log.error("inbox.unreadable_form", error=type(error).__name__, at=_where(error), name=on.name)  # noqa: TRY400 - a trace may hold words
            return Accepted(status=503, malformed=True)
        if ack.get("response_action") in {"errors", "push"} or (isinstance(request, Submission) and not on.handler):
            return Accepted(body=ack or "")
        if on.at_once:
            on.at_once(request)
        return self._record(request, on, ack)

    def _answer_at_once(self, request: Delivery, on: On) -> Ack:
        if not (isinstance(request, Submission) and on.answer):
            return {}
        return care.in_modal(request, on.answer(request, self._deps) or {}, self._deps)

    def _record(self, request: Delivery, on: On, ack: Ack) -> Accepted:
        item = InboxItem(
            key=request.key,
            kind=kind_of(request),
            member=request.member,
            payload=to_row(request),
            received_at=self._deps.clock.now(),
        )
        try:
            fresh = self._rows.record(item)
        except Exception as error:  # noqa: BLE001 - whatever the database says, nothing is acknowledged unwritten
            log.error("inbox.not_written", error=type(error).__name__, kind=item.kind)  # noqa: TRY400 - as above
            if isinstance(request, Command):
                return Accepted(body=self._deps.wording("slack.cannot_note"))
            return Accepted(status=503)  # Slack delivers an event again, and shows a person that it didn't work
        if not fresh:
            log.info("inbox.duplicate", kind=item.kind)
            return Accepted(body=ack or "")
        return Accepted(body=ack or "", then=lambda: self._submit(_Work(request.key, request, on)))

    def _submit(self, work: _Work) -> None:
        member = work.request.member
        self._here.add(work.key)
        taken = self._pool(work).submit(member, lambda: self._run(work))
        if taken == "full":
            self._pool(work).later(1.0, member, lambda: self._run(work))
        elif taken == "person_full":
            self._turn_away(work)

    def _pool(self, work: _Work) -> WorkPool:
        return self._quick if work.on.is_quick(work.request) else self._slow

    def _turn_away(self, work: _Work) -> None:
        """Close a delivery of a person who has too much waiting; say so once."""
        member, now = work.request.member, time.monotonic()
        self._close(work.key, "too_many")
        if now - self._told.get(member, -_TELL_AGAIN) < _TELL_AGAIN:
            return
        self._told[member] = now
        text = self._deps.wording("slack.too_many")
        self._quick.later(0.0, member, lambda: self._courier.line(work.request, text))

    # --- finishing what is left

    def resume(self, *, older_than: timedelta | None = None) -> int:
        """Take up what an earlier run (or a replica that died) left unfinished; how many.

        `older_than`: only what nobody has begun for that long, so that other replicas keep what they work on.
        """
        before = self._deps.clock.now() - older_than if older_than else None
        left = [item for item in self._rows.unfinished(received_before=before) if item.key not in self._here]
        for item in left:
            self._resume(item)
        if left:
            log.info("inbox.resumed", count=len(left))
        return len(left)

    def _resume(self, item: InboxItem) -> None:
        try:
            request = from_row(item.kind, item.payload)
        except ValueError:
            log.error("inbox.unreadable_row", kind=item.kind)  # noqa: TRY400 - the trace would show the payload
            self._rows.done(item.key, "unreadable")
            return
        on = self._registry.find(request)
        if on is None:
            self._rows.done(item.key, "unclaimed")
            return
        work = _Work(item.key, request, on, item.attempts)
        self._here.add(item.key)
        self._pool(work).later(0.0, item.member, lambda: self._run(work))

    # --- working

    def _run(self, work: _Work) -> None:
        try:
            self._work(work)
        except Later as later:
            self._again(work, later.seconds)
        except TakenOver:
            log.info("inbox.taken_over", kind=kind_of(work.request))
            self._leave(work.key)
        except IndexNotReady:
            self._not_ready(work)
        except Exception as error:  # noqa: BLE001 - the row stays, so nothing is lost; the database may be away
            log.error("inbox.interrupted", error=type(error).__name__, at=_where(error))  # noqa: TRY400 - as above
            self._again(work, 5.0)

    def _again(self, work: _Work, seconds: float) -> None:
        self._pool(work).later(seconds, work.request.member, lambda: self._run(work))

    def _work(self, work: _Work) -> None:
        if work.progress is None:
            item = self._rows.begin(work.key, attempts=work.attempts)
            if item is None:
                self._leave(work.key)
                return
            work.progress = Progress(item, work.request)
            self._working[work.key] = item.attempts
        progress = work.progress
        if progress.outcome is None and progress.reply is None:
            progress.reply = self._reply(work, progress.item)
        self._waiting_for_index.discard(work.request.member)
        outcome = self._courier.deliver(progress)
        self._close(work.key, outcome)
        took = (self._deps.clock.now() - progress.item.received_at).total_seconds()
        self._deps.metrics.worked(progress.item.kind, outcome, max(0.0, took))
        log.info("inbox.done", kind=progress.item.kind, outcome=outcome, attempts=progress.item.attempts)

    def _close(self, key: str, outcome: str) -> None:
        self._rows.done(key, outcome)
        self._leave(key)

    def _leave(self, key: str) -> None:
        self._working.pop(key, None)
        self._here.discard(key)

    def keep(self) -> None:
        """Say to other replicas what is worked on here, so that they leave it."""
        self._rows.keep(dict(self._working))

    def _reply(self, work: _Work, item: InboxItem) -> Reply:
        """What to say. Raises IndexNotReady."""
        wording, on = self._deps.wording, work.on
        if item.sending and not place_of(work.request).readable:
            # Begun before a crash, in a place that can't be looked into: not worked again.
            return say(wording("slack.maybe_missing"), outcome="in_doubt")
        if item.attempts > MAX_ATTEMPTS:
            return say(wording("slack.sorry"), outcome="apology")
        try:
            reply = self._worked(work.request, on)
        except IndexNotReady:
            raise
        except TriggerExpired:
            return say(wording("slack.click_again"), outcome="expired")
        except ViewRefused as error:
            log.warning("inbox.view_refused", error=str(error), name=on.name)
            return say(wording("slack.sorry"), outcome="apology")
        except Exception as error:  # noqa: BLE001 - no exception text ever reaches a person
            log.error("inbox.handler_failed", error=type(error).__name__, at=_where(error), name=on.name)  # noqa: TRY400 - as above
            return self._apology(work.request)
        return reply or Reply((), outcome="done")

    def _worked(self, request: Delivery, on: On) -> Reply | None:
        """What the feature makes of a request; care for a person in distress and the rules come before it."""

        def work() -> Reply | None:
            return on.handler(request, self._deps) if on.handler else None

        return care.met(request, work, self._deps) or rules.refused(request, self._deps) or work()

    def _apology(self, request: Delivery) -> Reply:
        if isinstance(request, HomeOpened | ProfileChanged | Lifecycle):
            return Reply((), outcome="failed")  # nobody asked for words
        return say(self._deps.wording("slack.sorry"), outcome="apology")

    def _not_ready(self, work: _Work) -> None:
        """Say once that the bot is getting ready, and keep the request until it is."""
        request, member = work.request, work.request.member
        if isinstance(request, HomeOpened | ProfileChanged | Lifecycle) or member in self._waiting_for_index:
            self._again(work, _READY_POLL)
            return
        self._waiting_for_index.add(member)
        self._courier.line(request, self._deps.wording("slack.getting_ready"))
        self._again(work, _READY_POLL)


def _where(error: BaseException) -> str:
    """File and line of an error: enough to find it, without its text."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""


def acknowledgement(accepted: Accepted) -> str:
    """The body of an acknowledgement as Slack reads it."""
    return accepted.body if isinstance(accepted.body, str) else json.dumps(accepted.body)
