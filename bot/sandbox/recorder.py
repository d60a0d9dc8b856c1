"""What the bot asked of Slack, in order, for tests and the page's inspector."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from bot.sandbox.records import Json
from bot.sandbox.state import State

SECRET_ARGUMENTS = frozenset({"token"})
KEEP = 20_000  # calls; a sandbox left open for days must not grow without end


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One Web API call that came in."""

    method: str
    args: Json  # without the token
    response: Json | None  # what Slack did and would say; None where a fault kept it from doing anything
    at: datetime  # sandbox time
    arrived: float  # time.monotonic()
    status: int = 200
    fault: str | None = None  # the fault that hit it

    @property
    def ok(self) -> bool:
        """True where Slack did the work."""
        return bool(self.response and self.response.get("ok"))


class Recorder:
    """The log of calls, and how many are under way. Safe to use from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.calls: list[RecordedCall] = []
        self.under_way = 0
        self.last_activity = time.monotonic()

    def begin(self) -> None:
        """A call came in."""
        with self._state.change():
            self.under_way += 1
            self.last_activity = time.monotonic()

    def done(self) -> None:
        """Its answer went out, or never will."""
        with self._state.change():
            self.under_way -= 1
            self.last_activity = time.monotonic()

    def add(
        self,
        method: str,
        args: Json,
        response: Json | None,
        *,
        arrived: float,
        status: int = 200,
        fault: str | None = None,
    ) -> None:
        """Note what a call came to."""
        shown = {name: value for name, value in args.items() if name not in SECRET_ARGUMENTS}
        with self._state.change():
            self.calls.append(RecordedCall(method, shown, response, self._state.now(), arrived, status, fault))
            del self.calls[:-KEEP]

    def of(self, method: str) -> list[RecordedCall]:
        """The calls of one method."""
        with self._state.lock:
            return [call for call in self.calls if call.method == method]

    def wire(self, last: int = KEEP) -> list[Json]:
        """The log for the page, oldest first."""
        with self._state.lock:
            return [
                {
                    "method": call.method,
                    "args": call.args,
                    "response": call.response,
                    "at": call.at.isoformat(),
                    "status": call.status,
                    "fault": call.fault,
                }
                for call in self.calls[-last:]
            ]
