"""Faults on order: per Web API method, on the sockets, and in the delivery of events."""

from __future__ import annotations

import math
import random
import re
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bot.sandbox.records import Json

API_KINDS = ("429", "500", "502", "503", "html", "timeout", "reset", "cut", "slow")
SOCKET_KINDS = ("disconnect", "warning", "link_disabled", "drop", "silent", "refuse")
RATED = frozenset({"chat.postMessage", "chat.postEphemeral", "chat.startStream"})
EVENT_KINDS = ("duplicate", "late", "withhold")


class FaultError(ValueError):
    """A fault was asked for that does not exist; the text lists those that do."""


@dataclass(slots=True)
class ApiFault:
    """A fault of one Web API method.

    `kind` is one of API_KINDS, "error:<code>", or either with "_after": Slack does the work, then the answer fails.
    """

    method: str  # "*" is every method
    kind: str
    times: int = 1  # how many calls it hits; 0 or less is all of them
    retry_after: int = 1  # seconds, with 429
    seconds: float = 60.0  # how long timeout and slow wait
    skip: int = 0  # so many calls go well first
    rate: float = 1.0  # share of calls hit, drawn from a fixed seed
    channel: str | None = None  # calls for this channel only

    @property
    def base(self) -> str:
        """The kind without "_after"."""
        return self.kind.removesuffix("_after")

    @property
    def taken(self) -> bool:
        """True where Slack does the work all the same."""
        return self.kind.endswith("_after") or self.base == "slow"


@dataclass(slots=True)
class EventFault:
    """A fault in the delivery of events: twice, later by `seconds`, or only from the first retry on."""

    kind: Literal["duplicate", "late", "withhold"]
    times: int = 1
    seconds: float = 1.0


@dataclass
class Faults:
    """What is ordered now. Safe to use from any thread."""

    seed: int = 7
    _api: list[ApiFault] = field(default_factory=list)
    _events: list[EventFault] = field(default_factory=list)
    channel_rate: float | None = None  # messages a second in one channel before 429; None: no limit
    _refusals: int = 0
    _posted: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable tests, nothing secret

    def add(self, method: str, kind: str, *, times: int = 1, **more: Any) -> None:
        """Order a fault of a Web API method. Raises FaultError for a kind that doesn't exist."""
        base = kind.removesuffix("_after")
        if base not in API_KINDS and not re.fullmatch(r"error:[a-z_]+", base):
            raise FaultError(
                f"no fault {kind!r}; there are {', '.join(API_KINDS)}, error:<code>, each also with _after"
            )
        if not {*more} <= {"retry_after", "seconds", "skip", "rate", "channel"}:
            raise FaultError(f"a fault knows retry_after, seconds, skip, rate and channel, not {', '.join(more)}")
        with self._lock:
            self._api.append(ApiFault(method, kind, times, **more))

    def add_event(self, kind: str, *, times: int = 1, seconds: float = 1.0) -> None:
        """Order a fault of the next events."""
        if kind not in EVENT_KINDS:
            raise FaultError(f"no event fault {kind!r}; there are {', '.join(EVENT_KINDS)}")
        with self._lock:
            self._events.append(EventFault(kind, times, seconds))  # type: ignore[arg-type] # checked above

    def refuse_sockets(self, times: int = 1) -> None:
        """Refuse the next WebSocket handshakes."""
        with self._lock:
            self._refusals += times

    def clear(self) -> None:
        """Back to normal."""
        with self._lock:
            self._api.clear()
            self._events.clear()
            self._refusals = 0
            self.channel_rate = None

    def too_fast(self, method: str, channel: str | None) -> ApiFault | None:
        """The 429 of a channel that got a message less than its share of a second ago."""
        rate = self.channel_rate
        if not rate or method not in RATED or not channel:
            return None
        with self._lock:
            now = time.monotonic()
            if now - self._posted.get(channel, -1e9) < 1 / rate:
                return ApiFault(method, "429", retry_after=max(1, math.ceil(1 / rate)))
            self._posted[channel] = now
            return None

    def take_api(self, method: str, channel: str | None) -> ApiFault | None:
        """The fault that hits this call, counted down."""
        with self._lock:
            for fault in self._api:
                if fault.method not in {"*", method} or fault.channel not in {None, channel}:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.rate < 1 and self._random.random() >= fault.rate:
                    continue
                if fault.times > 0:
                    fault.times -= 1
                    if fault.times == 0:
                        self._api.remove(fault)
                return fault
        return None

    def take_event(self) -> EventFault | None:
        """The fault that hits the next event, counted down."""
        with self._lock:
            if not self._events:
                return None
            fault = self._events[0]
            fault.times -= 1
            if fault.times <= 0:
                del self._events[0]
            return fault

    def take_refusal(self) -> bool:
        """True where this handshake is to be refused."""
        with self._lock:
            refused = self._refusals > 0
            self._refusals -= refused
            return refused

    def wire(self) -> Json:
        """What is ordered, for the page."""
        with self._lock:
            return {
                "api": [asdict(fault) for fault in self._api],
                "events": [asdict(fault) for fault in self._events],
                "refused_sockets": self._refusals,
                "channel_rate": self.channel_rate,
            }
