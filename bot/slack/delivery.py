"""Sending a reply exactly once, whatever happens in between.

`sending` is noted in the inbox before a post, which fails where another replica has taken the request over; and a
process that was frozen after that note sends nothing when it wakes (see gate.py). Where a send was begun and its end is
unknown (a crash, a time-out), the DM's history is asked for our key before it is repeated. A channel's history and a
private answer can't be read: there the send isn't repeated, and the person is told in the DM that an answer may be
missing, once, by the same rule.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.core.records import InboxItem, Remembered
from bot.core.wording import Wording
from bot.ports import Clock, LookupUnavailable, Repositories, Sent
from bot.services.lease import Held
from bot.slack.messenger import SlackMessenger
from bot.slack.payloads import Delivery
from bot.slack.replies import DM, Place, Reply, Say, conversation_of, place_of

log = structlog.get_logger()

_ATTEMPTS = 4  # of one message within one go
_SKEW = timedelta(minutes=10)  # between our clock and Slack's, when looking back
# Work that nobody began, or said to be at, for so long is taken over by another replica; a dead one's.
ORPHANED = timedelta(seconds=45)
_AGE = ORPHANED / 2  # of the note at which a post may still go out, so that it is with Slack before anybody takes over
_SETTLE = 1.0  # seconds that a send cut off by a crash may still take to show in the history


class Later(Exception):
    """Not now: try again after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def key_for(request_key: str, purpose: object = "") -> str:
    """An opaque id that is the same each time for the same request and purpose."""
    return hashlib.sha256(f"{request_key}\n{purpose}".encode()).hexdigest()[:24]


class TakenOver(Exception):
    """Another replica has begun the request since; nothing is sent here any more."""


@dataclass(slots=True)
class Progress:
    """How far one reply has come, kept across `Later`."""

    item: InboxItem
    request: Delivery
    reply: Reply | None = None
    out: int = 0  # messages known to be out
    in_doubt: bool = False  # a send was begun whose end is unknown
    noted: Held | None = None  # since `sending` was written last
    outcome: str | None = None  # set once nothing is left to send
    moved: Place | None = None  # where a private answer goes once its response URL is used up
    instead: tuple[str, str, str] | None = None  # said in the DM in place of the rest: text, purpose, outcome


class Courier:
    """Sends replies for the inbox."""

    def __init__(
        self,
        slack: SlackMessenger,
        repositories: Repositories,
        wording: Wording,
        clock: Clock,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._slack, self._repositories, self._wording = slack, repositories, wording
        self._clock, self._pause = clock, pause

    def deliver(self, work: Progress) -> str:
        """Send what is not out yet and remember the turns; the outcome for the inbox row. Raises Later, TakenOver."""
        if work.outcome is None:
            work.outcome = self._deliver(work)
            if work.reply and work.outcome == work.reply.outcome:
                self._remember(work)
        return work.outcome

    def line(self, request: Delivery, text: str) -> None:
        """A passing remark, where the request came from: sent at most once, never repeated, not recorded."""
        place = place_of(request)
        try:
            self._post(place, Say(text), request, key=None)
        except Later:
            log.info("delivery.line_dropped")

    # --- inside

    def _deliver(self, work: Progress) -> str:
        reply = work.reply
        if reply is None or not reply.says:
            return reply.outcome if reply else "done"
        work.in_doubt = work.in_doubt or (work.item.sending and work.noted is None)
        while work.instead is None and work.out < len(reply.says):
            self._next(work, reply.says[work.out])
        if work.instead is None:
            return reply.outcome
        text, purpose, outcome = work.instead
        return outcome if self._one(work, Say(text, place=DM), purpose) == "sent" else "unreachable"

    def _next(self, work: Progress, say: Say) -> None:
        """Send the next message, or decide what is said in its stead."""
        result = self._one(work, say, work.out)
        if result == "sent":
            work.out += 1
        elif result == "in_doubt":
            work.instead = (self._wording("slack.maybe_missing"), "apology", "in_doubt")
        else:
            text = say.if_refused or self._wording("slack.not_allowed_here")
            work.instead = (text, f"{work.out}:refused", result)

    def _one(self, work: Progress, say: Say, purpose: object) -> str:
        """Send one message: "sent", "in_doubt", "refused" or "revoked". Raises Later."""
        place = say.place or work.moved or place_of(work.request)
        key = key_for(work.item.key, purpose)
        for attempt in range(_ATTEMPTS):
            known = self._before(work, place, key)
            if known:
                return known
            sent = self._post(place, say, work.request, key=key, noted=work.noted)
            if sent.outcome == "failed" and place.kind == "private":
                place = work.moved = DM  # the response URL is used up; the DM is as private
            elif sent.outcome == "uncertain":
                work.in_doubt = True
                self._pause(_SETTLE * attempt)
            elif sent.outcome == "withheld":
                log.warning("delivery.withheld")  # and looked at anew: maybe it was only slow
            else:
                return _verdict(sent)
        raise Later(10.0)

    def _before(self, work: Progress, place: Place, key: str) -> str | None:
        """Note the send, after a look whether an earlier one got through: "sent" or "in_doubt" end the matter."""
        if work.in_doubt or work.instead:
            if not place.readable:
                return "in_doubt"
            if self._is_out(work, place, key):
                return "sent"
            work.in_doubt = False
        noted = Held(self._clock)
        if not self._repositories.inbox.sending(work.item.key, attempts=work.item.attempts):
            raise TakenOver
        work.noted = noted
        return None

    def _is_out(self, work: Progress, place: Place, key: str) -> bool:
        """True where a message with our key stands in the DM. Raises Later where that can't be found out."""
        member, since = work.request.member, work.item.received_at - _SKEW
        try:
            channel = place.channel or self._slack.open_dm(member)
            for pause in (0.0, _SETTLE):
                self._pause(pause)
                if self._slack.find(member, channel, key=key, since=since, thread_ts=place.thread_ts):
                    return True
        except LookupUnavailable as error:
            raise Later(3.0) from error
        return False

    def _post(self, place: Place, say: Say, request: Delivery, *, key: str | None, noted: Held | None = None) -> Sent:
        if place.kind == "private":
            return self._slack.respond(place.response_url, text=say.text, blocks=say.blocks)
        member = request.member
        try:
            channel = place.channel or self._slack.open_dm(member)
        except LookupUnavailable as error:
            raise Later(3.0) from error
        still = (lambda: noted.younger_than(_AGE)) if noted else None
        thread = place.thread_ts
        return self._slack.post(
            member, channel, text=say.text, blocks=say.blocks, key=key, thread_ts=thread, still=still
        )

    def _remember(self, work: Progress) -> None:
        conversation = conversation_of(work.request)
        if not conversation or work.reply is None:
            return
        for turn in work.reply.turns:
            self._repositories.conversations.remember(
                Remembered(conversation, work.request.member, turn.role, turn.text, self._clock.now())
            )


def _verdict(sent: Sent) -> str:
    if sent.outcome == "retry":
        raise Later(min(60.0, max(0.5, sent.retry_after or 1.0)))
    return {"sent": "sent", "revoked": "revoked"}.get(sent.outcome, "refused")
