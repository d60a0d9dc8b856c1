"""A replica that freezes itself at one exact point of its way to a send, as if SIGSTOP had come right there."""

from __future__ import annotations

import itertools
import signal
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from bot.adapters.storage import engine
from bot.adapters.storage.nudges import SqlNudges
from bot.slack import gate
from bot.slack.messenger import SlackMessenger

# The class and method at which a replica freezes, and whether before it or after it.
_STEPS: dict[str, tuple[type, str, bool]] = {
    "before the lease is renewed": (SqlNudges, "renew", True),
    "after the lease was renewed": (SqlNudges, "renew", False),
    "after the send was noted as begun": (SqlNudges, "choose", False),
    "after the last look into the database": (SqlNudges, "held_until", False),
    "before it connects": (gate._Held, "connect", True),
    "connected, nothing written": (gate._Held, "connect", False),
}
INSIDE = "inside a transaction"
LATEST = "all written but the last byte"
ASKED = "the lease looked at and found good, the last byte not written"
POINTS = (INSIDE, *_STEPS, LATEST, ASKED)
# For a look before the send begins.
TOO_LATE = frozenset({"before it connects", "connected, nothing written", LATEST, ASKED})


def let_go_soon() -> None:
    """PostgreSQL ends a transaction of a process that stands still, and frees its rows, after two seconds, not 60."""
    engine._SESSION = (*engine._SESSION, "SET idle_in_transaction_session_timeout = '2s'")


def freeze_at(point: str, number: int) -> None:
    """Freeze this process when it comes to that point for the how-manieth time, from 1."""
    turn = itertools.count(1)

    def freeze() -> None:
        if next(turn) == number:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # the process stands before this returns

    if point == INSIDE:
        event.listen(Engine, "commit", lambda _connection: freeze())
        return
    if point == LATEST:
        _change_condition(lambda still: lambda: freeze() or still())  # type: ignore[func-returns-value]  # in that order
        return
    if point == ASKED:
        _change_condition(lambda still: lambda: still() and freeze() is None)  # type: ignore[func-returns-value]  # as above
        return
    owner, name, before = _STEPS[point]
    real: Callable[..., Any] = getattr(owner, name)

    def wrapped(*args: Any, **more: Any) -> Any:
        if before:
            freeze()
        result = real(*args, **more)
        if not before:
            freeze()
        return result

    setattr(owner, name, wrapped)


def look_only_before() -> None:
    """Look at the lease as a send begins, and not again: what the last look is worth shows by its absence.

    After `freeze_at`, so that the freeze comes after that look.
    """

    def changed(still: Callable[[], bool]) -> Callable[[], bool]:
        held = still()
        return lambda: held

    _change_condition(changed)


def _change_condition(change: Callable[[Callable[[], bool]], Callable[[], bool]]) -> None:
    real = SlackMessenger.post

    def post(*args: Any, still: Callable[[], bool], **more: Any) -> Any:
        return real(*args, still=change(still), **more)

    SlackMessenger.post = post  # type: ignore[method-assign]  # in this process only
