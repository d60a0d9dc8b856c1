"""A model's answer, shown in Slack sentence by sentence while it is made; what was shown is never taken back.

Each piece has passed the check before it comes here. Where Slack takes no stream (a private answer over a response
URL, a plan without streams, a refusal) nothing is shown early, and the whole answer is posted as any other. A stream
dies about five minutes after its start, so the text goes on in a new one before that. Stop ends the model's work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.core.answer import Answer
from bot.core.records import Member
from bot.ports import Clock, Metrics, Sent
from bot.services.stopping import StopButton
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.messenger import SlackMessenger
from bot.slack.payloads import Mention, Message, Stopped
from bot.slack.registry import On, Registration
from bot.slack.replies import Block, Reply, Say, Talk, place_of

log = structlog.get_logger()

ROLL_OVER = timedelta(minutes=4)  # a stream dies after about five, even while it is written to
_STOPPED = "stopped_by_user"


class Running:
    """The answers under way in this process, so that Stop finds them."""

    def __init__(self) -> None:
        self._buttons: dict[tuple[str, str], StopButton] = {}
        self._lock = threading.Lock()

    @property
    def any(self) -> bool:
        """Whether an answer is under way."""
        with self._lock:
            return bool(self._buttons)

    def begin(self, channel: str, root: str) -> StopButton:
        """An answer begins in a thread; the button that ends it."""
        button = StopButton()
        with self._lock:
            self._buttons[channel, root] = button
        return button

    def stop(self, channel: str, root: str) -> bool:
        """Stop was pressed; False where nothing runs here."""
        with self._lock:
            button = self._buttons.get((channel, root))
        if button is not None:
            button.press()
        return button is not None

    def end(self, channel: str, root: str, button: StopButton) -> None:
        """The answer is done; a newer one in the same thread stays."""
        with self._lock:
            if self._buttons.get((channel, root)) is button:
                del self._buttons[channel, root]


RUNNING = Running()


@dataclass(slots=True)
class Live:
    """One answer being shown."""

    slack: SlackMessenger
    member: Member
    channel: str
    thread_ts: str | None
    root: str  # of the thread that Stop and the session status name
    clock: Clock
    stop: StopButton
    noted: Callable[[], object]  # called before the first piece goes out: a crash from here on may leave it there
    shown: str = ""  # what people can read by now
    _pending: str = ""  # text that Slack didn't take yet
    _ts: str | None = None
    _since: datetime | None = None
    _off: bool = False  # no stream is to be had here
    _streams: list[str] = field(default_factory=list)

    def hear(self, piece: str) -> None:
        """Show a checked piece of the answer."""
        if self._off:
            return
        self._pending += piece
        if self._ts is not None and self._since and self.clock.now() - self._since >= ROLL_OVER:
            self._end_stream()
        if self._ts is None:
            self._start()
        else:
            self._append()

    @property
    def began(self) -> bool:
        """Whether anything was shown."""
        return bool(self._streams)

    def finish(self, blocks: Sequence[Block], key: str) -> bool:
        """End the stream with the blocks that follow the text; False where they have to be posted by themselves."""
        if self._ts is None:
            return False
        sent = self._stop_stream(blocks, key)
        if sent.outcome in {"uncertain", "retry"}:
            sent = self._stop_stream(blocks, key)  # where the first got through, Slack says that nothing streams here
            if sent.error == "message_not_in_streaming_state":
                return True
        return sent.outcome == "sent"

    # --- inside

    def _start(self) -> None:
        if not self._streams:
            self.noted()
        text = self._pending.lstrip() if self._streams else self._pending
        since = self.clock.now()  # Slack's five minutes begin before its answer is here
        sent = self.slack.start_stream(self.member, self.channel, text, thread_ts=self.thread_ts)
        if sent.outcome == "sent" and sent.ts:
            self._ts, self._since = sent.ts, since
            self._streams.append(sent.ts)
            self._taken()
        elif not self._streams:
            self._off = True
            log.info("stream.unavailable", error=sent.error)

    def _append(self) -> None:
        assert self._ts is not None
        sent = self.slack.append_stream(self.member, self.channel, self._ts, self._pending)
        if sent.outcome in {"sent", "uncertain"}:  # sent again, an uncertain piece might stand there twice
            self._taken()
        elif sent.error == _STOPPED:
            self.stop.press()
        elif sent.outcome == "failed":
            self._ts = None  # Slack ended it; what it holds stays, and the rest goes on in a new one
            self._start()

    def _end_stream(self) -> None:
        assert self._ts is not None
        self.slack.stop_stream(self.member, self.channel, self._ts)
        self._ts = None

    def _stop_stream(self, blocks: Sequence[Block], key: str) -> Sent:
        assert self._ts is not None
        sent = self.slack.stop_stream(self.member, self.channel, self._ts, text=self._pending, blocks=blocks, key=key)
        if sent.outcome == "sent":
            self._taken()
        return sent

    def _taken(self) -> None:
        self.shown += self._pending
        self._pending = ""


def live_for(talk: Talk, deps: Deps) -> Live | None:
    """A live answer for a request, or None where it is given whole."""
    request, place = talk.request, place_of(talk.request)
    if not (deps.speaks and deps.settings.streaming and isinstance(request, Message | Mention)):
        return None
    if not place.channel:
        return None
    root = place.thread_ts or request.ts
    stop = RUNNING.begin(place.channel, root)
    return Live(
        deps.slack,
        request.member,
        place.channel,
        place.thread_ts,
        root,
        deps.clock,
        stop,
        noted=lambda: deps.repositories.inbox.sending(request.key),
    )


def shown_live(live: Live, work: Callable[[Live], Answer], metrics: Metrics) -> Answer:
    """Do the work of an answer with its session marked as processing; it is active again whatever happens."""
    slack = live.slack
    slack.session(live.member, live.channel, live.root, "processing")
    try:
        return work(live)
    finally:
        RUNNING.end(live.channel, live.root, live.stop)
        took = live.stop.seconds
        if took is not None:
            log.info("stream.ended_early", ms=round(took * 1000))
            metrics.stopped(took)
        slack.session(live.member, live.channel, live.root, "active")


def finished(live: Live, reply: Reply, tail: Sequence[Block], request_key: str) -> Reply:
    """What is left to say of a reply after its text was shown live."""
    if not live.began:
        return reply
    first, *others = reply.says
    if live.finish(tail, key_for(request_key, 0)):
        return Reply(tuple(others), reply.turns, reply.outcome)
    rest = first.text if not live.shown else first.text.rpartition("\n\n")[2]
    return Reply((Say(rest, tail, first.place), *others), reply.turns, reply.outcome)


def press(request: Stopped) -> None:
    """Stop came in: the model's work ends now, whatever else waits for a worker or the database."""
    log.info("stream.stopped", running=RUNNING.stop(request.channel, request.thread_ts))


def stopped(request: Stopped, deps: Deps) -> None:
    """Stop was pressed: the session is active again, also where nothing runs any more."""
    deps.slack.session(request.member, request.channel, request.thread_ts, "active")


REGISTRATIONS: tuple[Registration, ...] = (On(Stopped, "", stopped, at_once=press),)
