"""What a workspace's admins may do: see numbers in which nobody stands out, and choose what holds for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.records import Came, KeptKind, Member, Tally, Workspace
from bot.ports import Clock, Repositories
from bot.services.nudges import Nudges

DAYS = 30  # that the numbers look back
FEW = 3  # fewer people than this behind a number, and it would be about somebody
KEEP_CHOICES = (1, 7, 30, 90, 180, 365, 730)  # days
_PAGE = 500
_NOBODYS_BUSINESS = frozenset({"care", ""})  # somebody in distress is in no statistic


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of a workspace; none names anybody, and those about fewer than FEW people are not to be shown."""

    people: Tally
    subscribers: Tally
    checks: Tally
    questions: dict[str, Tally]  # by outcome, the most frequent first
    situations: dict[str, Tally]


def may_be_shown(tally: Tally) -> bool:
    """Whether a number says nothing about a single person: nobody is behind it, or several are."""
    return tally.people == 0 or tally.people >= FEW


def by_outcome(came: Iterable[Came], kind: str) -> dict[str, Tally]:
    """How questions ("ask") or situations ("triage") came out, the most frequent first."""
    counts: dict[str, int] = {}
    people: dict[str, set[str]] = {}
    for one in came:
        if one.kind == kind and one.outcome not in _NOBODYS_BUSINESS:
            counts[one.outcome] = counts.get(one.outcome, 0) + 1
            people.setdefault(one.outcome, set()).add(one.user_id)
    order = sorted(counts, key=lambda outcome: (-counts[outcome], outcome))
    return {outcome: Tally(counts[outcome], len(people[outcome])) for outcome in order}


def keep_choices(operators: timedelta | None) -> tuple[int, ...]:
    """The days that admins may choose for a kind of data: those shorter than what whoever runs the bot has set."""
    return tuple(days for days in KEEP_CHOICES if operators is None or timedelta(days=days) < operators)


def shortened(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """The kinds that would be kept for a shorter time than now, so that something may be deleted."""
    return [kind for kind, days in after.items() if days and days < before.get(kind, days + 1)]


@dataclass(frozen=True, slots=True)
class Choices:
    """What an admin chose in the form."""

    support_line: str
    channels: tuple[str, ...] | None  # None: wherever the bot is a member
    keep_days: dict[str, int]  # by KeptKind; kinds that are left out go by the operator's setting
    weekday: int
    minute: int


@dataclass(frozen=True, slots=True)
class Admin:
    """A workspace's numbers and choices."""

    repositories: Repositories
    clock: Clock

    def figures(self, team_id: str) -> Figures:
        """The numbers of the last DAYS days."""
        since = self.clock.now() - timedelta(days=DAYS)
        tallies = self.repositories.tallies_of_team(team_id, since=since)
        came = self.repositories.exchanges.came_out(team_id, since=since)
        return Figures(
            people=tallies["people"],
            subscribers=tallies["subscribers"],
            checks=tallies["checks"],
            questions=by_outcome(came, "ask"),
            situations=by_outcome(came, "triage"),
        )

    def choose(self, team_id: str, choices: Choices, nudges: Nudges | None) -> tuple[Workspace, int]:
        """Note the choices, and stop the weekly questions of channels that are no longer among those allowed.

        The workspace's choices now, and how many channels' questions were stopped.
        """
        changed = self.repositories.workspaces.change(
            team_id,
            lambda workspace: replace(
                workspace,
                support_line=choices.support_line,
                channels=choices.channels,
                keep_days=choices.keep_days,
                weekday=choices.weekday,
                minute=choices.minute,
            ),
        )
        stopped = 0
        if nudges is not None and changed.channels is not None:
            for channel in self._asked_weekly(team_id):
                if channel.user_id not in changed.channels:
                    stopped += nudges.stop(channel)
        return changed, stopped

    def _asked_weekly(self, team_id: str) -> list[Member]:
        """The channels of a workspace that have a weekly question."""
        found: list[Member] = []
        after = Member(team_id, "")
        while True:
            page = self.repositories.nudges.active_subscriptions(after=after, limit=_PAGE)
            mine = [s for s in page if s.member.team_id == team_id]
            found += [s.member for s in mine if s.kind == "team"]
            if len(page) < _PAGE or len(mine) < len(page):
                return found
            after = page[-1].member


def kept_days(workspace: Workspace, kind: KeptKind) -> int:
    """What the admins chose for a kind; 0: nothing of their own."""
    return workspace.keep_days.get(kind, 0)
