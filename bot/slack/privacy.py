"""What is kept about a person, a copy of it, its deletion; and the end of it all when the app is uninstalled."""

from __future__ import annotations

import json

import structlog

from bot.ports import LookupUnavailable
from bot.slack.blocks import actions, button, confirm, sections
from bot.slack.deps import Deps
from bot.slack.payloads import Click, Lifecycle
from bot.slack.registry import On, Registration, on_click, on_intent
from bot.slack.replies import Block, Reply, Talk, say

log = structlog.get_logger()


def about(_talk: Talk, deps: Deps) -> Reply:
    """What is kept and who sees it, with the buttons to take or delete it."""
    settings = deps.settings
    text = deps.wording(
        "slack.privacy.about", memory_hours=settings.memory_hours, keep_days=settings.keep_exchanges_days
    ).strip()
    return say(text, [*sections(text), *privacy_buttons(deps)], outcome="privacy")


def privacy_buttons(deps: Deps) -> list[Block]:
    """Take a copy; delete everything, after a dialogue."""
    sure = confirm(
        deps.wording("slack.privacy.delete.title"),
        deps.wording("slack.privacy.delete.confirm"),
        "Delete everything",
        "Keep it",
    )
    return actions(
        button("Send me a copy", "privacy.export"),
        button("Delete everything", "privacy.delete", style="danger", confirm=sure),
    )


def delete(request: Click, deps: Deps) -> Reply:
    """Delete all rows of a person; the button's dialogue asked before."""
    rows = deps.repositories.erase(request.member)
    return say(deps.wording("slack.privacy.deleted", count=sum(rows.values())), outcome="erased")


def export(request: Click, deps: Deps) -> Reply | None:
    """Put everything of a person into a file in their DM."""
    content = json.dumps(deps.repositories.everything_of(request.member), ensure_ascii=False, indent=2, default=str)
    try:
        channel = deps.slack.open_dm(request.member)
    except LookupUnavailable:
        return say(deps.wording("slack.privacy.export_failed"))
    sent = deps.slack.upload(
        request.member, channel, filename="isp-coach-my-data.json", title="My data", content=content.encode()
    )
    key = "exported" if sent.outcome == "sent" else "export_failed"
    return say(deps.wording(f"slack.privacy.{key}"), outcome=key)


def uninstalled(request: Lifecycle, deps: Deps) -> None:
    """The app was removed from a workspace: so is everything of that workspace."""
    rows = deps.repositories.purge_team(request.member.team_id)
    deps.workspaces.forget(request.member.team_id)
    log.info("privacy.purged", rows=sum(rows.values()))


def revoked(request: Lifecycle, deps: Deps) -> None:
    """The token is dead and goes at once; the workspace's data goes when the app is uninstalled."""
    deps.repositories.installations.remove(request.member.team_id)
    deps.workspaces.forget(request.member.team_id)
    log.warning("privacy.token_revoked")


REGISTRATIONS: tuple[Registration, ...] = (
    on_intent("privacy", about, "privacy"),
    on_click("privacy.export", export),
    on_click("privacy.delete", delete, quick=False),  # after the person's answers under way, not beside them
    On(Lifecycle, "app_uninstalled", uninstalled),
    On(Lifecycle, "tokens_revoked", revoked),
)
