"""What Slack says that people are (admin, guest, of another organization), remembered for a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from bot.core.records import Member

ADMIN = frozenset({"is_admin", "is_owner", "is_primary_owner"})
GUEST = frozenset({"is_restricted", "is_ultra_restricted"})
FOREIGN = "of elsewhere"

_SECONDS = 60.0  # who ceases to be an admin ceases within this time
_MOST = 10_000  # people remembered


class Roles:
    """The roles of people, asked for where they aren't known."""

    def __init__(
        self, ask: Callable[[Member], Mapping[str, Any]], *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """`ask` gives a person's object of users.info; what it raises, `of` raises."""
        self._ask, self._seconds = ask, seconds
        self._known: dict[Member, tuple[float, frozenset[str]]] = {}  # until when, and the roles

    def of(self, member: Member) -> frozenset[str]:
        """The roles of a person, of ADMIN, GUEST and FOREIGN; none of somebody deactivated."""
        until, roles = self._known.get(member, (0.0, frozenset()))
        if self._seconds() < until:
            return roles
        roles = _roles(self._ask(member), member.team_id)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[member] = (self._seconds() + _SECONDS, roles)
        return roles


def _roles(user: Mapping[str, Any], team_id: str) -> frozenset[str]:
    if user.get("deleted"):
        return frozenset()
    if _is_of_elsewhere(user, team_id):
        return frozenset({FOREIGN})  # an admin there administers nothing here
    return frozenset(name for name in (*ADMIN, *GUEST) if user.get(name))


def _is_of_elsewhere(user: Mapping[str, Any], team_id: str) -> bool:
    """Whether a person is of another organization; the workspaces of one Enterprise Grid are no strangers."""
    if user.get("is_stranger"):
        return True
    teams = (user.get("enterprise_user") or {}).get("teams") or ()
    return bool(user.get("team_id")) and user["team_id"] != team_id and team_id not in teams
