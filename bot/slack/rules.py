"""Who is served, and where: people of the workspace, guests by setting, mentions where the admins want them.

The rule for each kind of person stands in docs/operating.md. Bots never come so far: `payloads` leaves them out.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.core.records import Member
from bot.ports import LookupUnavailable
from bot.slack.blocks import home, plain_section
from bot.slack.deps import Deps
from bot.slack.mrkdwn import escape
from bot.slack.payloads import Command, Delivery, HomeOpened, Lifecycle, Mention, ProfileChanged
from bot.slack.replies import DM, Reply, Say, say

log = structlog.get_logger()

_GONE = "deactivated"  # in a profile's extra: Slack said that the person was deactivated


def refused(request: Delivery, deps: Deps) -> Reply | None:
    """Why a request is not worked, in words for the person; None where it is."""
    if isinstance(request, Lifecycle):
        return None
    if not isinstance(request, ProfileChanged) and is_gone(request.member, deps):
        return Reply((), outcome="refused")  # nobody is there to read anything
    if request.home_team or _is_foreign(request, deps):
        # Somebody of another organization, in a channel shared with it: nothing of theirs is worked or kept.
        return _told(request, "slack.rules.stranger", deps)
    if not deps.settings.serve_guests and _is_guest(request, deps):
        return _told(request, "slack.rules.guest", deps)
    if isinstance(request, Mention):
        return _not_here(request, deps)
    return None


def may_speak(team_id: str, channel: str, deps: Deps) -> bool:
    """Whether the workspace's admins let the bot speak in a channel."""
    channels = deps.repositories.workspaces.get(team_id).channels
    return channels is None or channel in channels


# --- people who left --------------------------------------------------------------------------------------------------


def is_gone(member: Member, deps: Deps) -> bool:
    """Whether Slack said that a person was deactivated, and not since that they are back."""
    return bool(deps.repositories.profiles.get(member).extra.get(_GONE))


def note_gone(member: Member, deps: Deps) -> None:
    """Remember that a person was deactivated, where anything is kept about them: what still comes isn't worked."""
    if any(deps.repositories.counts_of(member).values()):
        deps.repositories.profiles.change(member, lambda p: replace(p, extra={**p.extra, _GONE: True}))


def note_back(member: Member, deps: Deps) -> None:
    """Forget it again: the person's profile lives."""
    if is_gone(member, deps):
        deps.repositories.profiles.change(
            member, lambda p: replace(p, extra={k: v for k, v in p.extra.items() if k != _GONE})
        )


# --- inside -----------------------------------------------------------------------------------------------------------


def _told(request: Delivery, key: str, deps: Deps) -> Reply:
    log.info("rules.refused", rule=key.rpartition(".")[2], kind=type(request).__name__.lower())
    if isinstance(request, ProfileChanged):
        return Reply((), outcome="refused")
    if isinstance(request, HomeOpened):
        if request.tab == "home":
            deps.slack.publish_home(request.member, home([plain_section(deps.wording(key))]))
        return Reply((), outcome="refused")
    return say(deps.wording(key), outcome="refused")


def _is_foreign(request: Delivery, deps: Deps) -> bool:
    """Slack tells whose home another workspace is with all that people do, but for commands and opening the Home.

    It keeps strangers from both by itself; where it can't be asked, that has to do.
    """
    if not isinstance(request, Command | HomeOpened):
        return False
    try:
        return deps.slack.is_foreign(request.member)
    except LookupUnavailable:
        return False


def _is_guest(request: Delivery, deps: Deps) -> bool:
    try:
        return deps.slack.is_guest(request.member)
    except LookupUnavailable:
        return True  # nobody is let in because Slack could not be asked


def _not_here(request: Mention, deps: Deps) -> Reply | None:
    if may_speak(request.member.team_id, request.channel, deps):
        return None
    text = deps.wording("slack.rules.not_here", question=escape(request.text[:200]))
    return Reply((Say(text, place=DM),), outcome="refused")
