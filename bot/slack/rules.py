"""Who is served, and where: people of the workspace, guests by setting, mentions where the admins want them."""

from __future__ import annotations

from bot.ports import LookupUnavailable
from bot.slack.deps import Deps
from bot.slack.mrkdwn import escape
from bot.slack.payloads import Delivery, HomeOpened, Lifecycle, Mention
from bot.slack.replies import DM, Reply, Say, say


def refused(request: Delivery, deps: Deps) -> Reply | None:
    """Why a request is not worked, in words for the person; None where it is."""
    if isinstance(request, Lifecycle):
        return None
    if request.home_team:
        # Somebody of another organization, in a channel shared with it: nothing of theirs is worked or kept.
        return _told(request, "slack.rules.stranger", deps)
    if not deps.settings.serve_guests and _is_guest(request, deps):
        return _told(request, "slack.rules.guest", deps)
    if isinstance(request, Mention):
        return _not_here(request, deps)
    return None


def _told(request: Delivery, key: str, deps: Deps) -> Reply:
    return (
        Reply((), outcome="refused") if isinstance(request, HomeOpened) else say(deps.wording(key), outcome="refused")
    )


def _is_guest(request: Delivery, deps: Deps) -> bool:
    try:
        return deps.slack.is_guest(request.member)
    except LookupUnavailable:
        return True  # nobody is let in because Slack could not be asked


def _not_here(request: Mention, deps: Deps) -> Reply | None:
    channels = deps.repositories.workspaces.get(request.member.team_id).channels
    if channels is None or request.channel in channels:
        return None
    text = deps.wording("slack.rules.not_here", question=escape(request.text[:200]))
    return Reply((Say(text, place=DM),), outcome="refused")
