"""How long each kind of data is kept: the operator's settings, shortened where a workspace's admins chose so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bot.core.records import KEPT_KINDS, KeptKind, Workspace
from bot.ports import Clock, Repositories

_CLOSED_INBOX = timedelta(days=3)  # Slack may deliver an event again for a day


class KeepSettings(Protocol):
    """The operator's settings on how long things are kept; 0 days: as long as their person wants."""

    # One each, as Settings has them; read-only, so that frozen settings fit.
    @property
    def memory_hours(self) -> int: ...
    @property
    def keep_exchanges_days(self) -> int: ...
    @property
    def keep_selfchecks_days(self) -> int: ...
    @property
    def keep_reflections_days(self) -> int: ...
    @property
    def keep_reminders_days(self) -> int: ...


def retention_of(settings: KeepSettings, repositories: Repositories, clock: Clock) -> Retention:
    """The retention that the operator's settings ask for."""
    keep: dict[KeptKind, timedelta | None] = {
        "conversations": timedelta(hours=settings.memory_hours),
        "questions": timedelta(days=settings.keep_exchanges_days),
        "selfchecks": _days(settings.keep_selfchecks_days),
        "reflections": _days(settings.keep_reflections_days),
        "reminders": _days(settings.keep_reminders_days),
    }
    return Retention(repositories, clock, keep)


def _days(number: int) -> timedelta | None:
    return timedelta(days=number) if number else None


@dataclass(frozen=True, slots=True)
class Retention:
    """Drops what is past its time."""

    repositories: Repositories
    clock: Clock
    keep: Mapping[KeptKind, timedelta | None]  # the operator's; None: as long as its person wants

    def kept_for(self, kind: KeptKind, workspace: Workspace) -> timedelta | None:
        """How long a kind is kept in a workspace: the shorter of operator's and admins' choice; None: no end."""
        days = workspace.keep_days.get(kind)
        own = timedelta(days=days) if days else None
        operators = self.keep.get(kind)
        return min((k for k in (own, operators) if k is not None), default=None)

    def sweep(self) -> dict[str, int]:
        """Drop everything that is past its time; rows by kind."""
        now, stored = self.clock.now(), self.repositories
        choosy = stored.workspaces.all()
        dropped: dict[str, int] = dict.fromkeys(KEPT_KINDS, 0)
        for kind in KEPT_KINDS:
            for workspace in choosy:
                keep = self.kept_for(kind, workspace)
                if keep is not None:
                    dropped[kind] += stored.sweep(kind, before=now - keep, team_id=workspace.team_id)
            general = self.keep.get(kind)
            if general is not None:
                dropped[kind] += stored.sweep(kind, before=now - general, but=[w.team_id for w in choosy])
        return {**dropped, "inbox": stored.inbox.sweep(done_before=now - _CLOSED_INBOX)}
