"""What a person and a workspace may have of a model: tokens a day, calls a minute.

Tokens are kept in the database, so that neither a restart nor a second replica gives anybody a new day. Calls of the
last minute are kept in memory: they matter for a minute only, and a replica more makes the limit wider, not absent.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.drafts import Usage
from bot.core.records import Member
from bot.ports import Clock, UsageRepository

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is allowed; 0 allows any amount."""

    person_tokens: int = 0  # a day (UTC)
    team_tokens: int = 0
    person_calls: int = 0  # a minute
    team_calls: int = 0


Spent = Callable[[str, int], None]


class ModelBudget:
    """Says whether a call may be made, and notes what it took. Safe to use from many threads."""

    def __init__(self, usage: UsageRepository, clock: Clock, limits: Limits, spent: Spent | None = None) -> None:
        """`spent(direction, tokens)` hears what each call took."""
        self._usage, self._clock, self._limits = usage, clock, limits
        self._spent = spent or (lambda _direction, _tokens: None)
        self._calls: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def take(self, member: Member) -> bool:
        """Whether a call may be made now; a call that may is counted."""
        now, limits = self._clock.now(), self._limits
        day = now.date()
        if limits.person_tokens and self._usage.spent(member, day) >= limits.person_tokens:
            return False
        if limits.team_tokens and self._usage.spent_by_team(member.team_id, day) >= limits.team_tokens:
            return False
        person = f"{member.team_id} {member.user_id}"
        with self._lock:
            if not (
                self._has_room(person, limits.person_calls, now)
                and self._has_room(member.team_id, limits.team_calls, now)
            ):
                return False
            for key in (person, member.team_id):
                self._calls.setdefault(key, deque()).append(now)
        return True

    def spend(self, member: Member, usage: Usage) -> None:
        """Note the tokens of a call."""
        self._usage.spend(member, self._clock.now().date(), usage)
        self._spent("in", usage.tokens_in)
        self._spent("out", usage.tokens_out)

    def _has_room(self, key: str, limit: int, now: datetime) -> bool:
        calls = self._calls.get(key)
        while calls and now - calls[0] >= _MINUTE:
            calls.popleft()
        if not calls:
            self._calls.pop(key, None)
            return True
        return not limit or len(calls) < limit
