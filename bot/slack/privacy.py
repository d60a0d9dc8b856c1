"""What is kept about a person, a copy of it, its deletion; and the end of it all when the app is uninstalled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.core.errors import CoachError
from bot.core.records import KEPT_KINDS, PARTS, Member, Part
from bot.ports import LookupUnavailable
from bot.services.privacy import Privacy, Receipt
from bot.slack.blocks import actions, button, checkboxes, field, modal, option, plain_section, sections
from bot.slack.deps import Deps
from bot.slack.mrkdwn import escape
from bot.slack.payloads import Click, Delivery, Lifecycle, Mention, Submission
from bot.slack.registry import Ack, On, Registration, errors, on_click, on_intent, on_submit, show
from bot.slack.replies import DM, Block, Reply, Say, Talk, View
from bot.slack.rules import note_gone

log = structlog.get_logger()

_CHOOSE, _SURE = "privacy.delete.choose", "privacy.delete.sure"
_FILE = "isp-coach-my-data.zip"


def _service(deps: Deps) -> Privacy:
    return Privacy(deps.repositories, deps.clock)


# --- what is kept -----------------------------------------------------------------------------------------------------


def about(talk: Talk, deps: Deps) -> Reply:
    """What is kept, where, how long and who sees it, with the buttons to take or delete it."""
    text = about_words(talk.request.member, deps)
    return _to_them(talk.request, text, [*sections(text), *privacy_buttons(deps)], outcome="privacy")


def _to_them(request: Delivery, text: str, blocks: Sequence[Block] = (), *, outcome: str) -> Reply:
    """Said where nobody else reads it: a mention stands in a channel, so it is answered in the DM."""
    place = DM if isinstance(request, Mention) else None
    return Reply((Say(text, blocks, place),), outcome=outcome)


def about_words(member: Member, deps: Deps) -> str:
    """The whole account in words."""
    wording, settings = deps.wording, deps.settings
    counts = _service(deps).counts(member)
    kept = kept_words(member.team_id, deps)
    parts = [
        wording("slack.privacy.about"),
        wording("slack.privacy.about.now", parts=_listed(counts, PARTS, deps)),
        wording("slack.privacy.about.how_long", **kept),
        wording("slack.privacy.about.where.sealed" if settings.encryption_key else "slack.privacy.about.where.plain"),
        _model_words(deps),
        wording("slack.privacy.about.yours", coach=deps.commands.coach),
    ]
    return "\n".join(part.strip() for part in parts)


def _model_words(deps: Deps) -> str:
    if not deps.settings.model:
        return deps.wording("slack.privacy.about.model.none")
    return deps.wording("slack.privacy.about.model.some", model=escape(deps.settings.model))


def kept_words(team_id: str, deps: Deps) -> dict[str, str]:
    """How long each kind is kept in a workspace, in words."""
    workspace, retention = deps.repositories.workspaces.get(team_id), deps.retention()
    return {kind: time_words(retention.kept_for(kind, workspace), deps) for kind in KEPT_KINDS}


def time_words(keep: timedelta | None, deps: Deps) -> str:
    """A time for which something is kept, in words; None has no end."""
    if keep is None:
        return deps.wording("slack.privacy.kept.for_good")
    hours = round(keep.total_seconds() / 3600)
    if hours < 72:  # noqa: PLR2004 - short times read better in hours
        return deps.wording("slack.privacy.kept.hours", hours=hours)
    return deps.wording("slack.privacy.kept.days", days=hours // 24)


def _listed(counts: dict[Part, int], parts: Collection[Part], deps: Deps) -> str:
    """The parts with how many entries each has."""
    return ", ".join(f"{deps.wording(f'slack.privacy.part.{part}')}: {counts.get(part, 0)}" for part in parts)


def privacy_buttons(_deps: Deps) -> list[Block]:
    """Take a copy; choose what to delete."""
    return actions(
        button("Send me a copy", "privacy.export"),
        button("Delete my data", "privacy.delete", style="danger", hint="Choose what to delete"),
    )


# --- a copy -----------------------------------------------------------------------------------------------------------


def export(talk: Talk, deps: Deps) -> Reply:
    """`/coach export`."""
    return _send_copy(talk.request, deps)


def export_clicked(request: Click, deps: Deps) -> Reply:
    """The button."""
    return _send_copy(request, deps)


def _send_copy(request: Delivery, deps: Deps) -> Reply:
    """Put everything of a person, and nothing of anybody else, into a file in their DM."""
    member = request.member
    try:
        channel = deps.slack.open_dm(member)
    except LookupUnavailable:
        return _to_them(request, deps.wording("slack.privacy.export_failed"), outcome="export_failed")
    content = _service(deps).copy(member)
    sent = deps.slack.upload(member, channel, filename=_FILE, title="My data", content=content)
    key = "exported" if sent.outcome == "sent" else "export_failed"
    return _to_them(request, deps.wording(f"slack.privacy.{key}"), outcome=key)


# --- deletion ---------------------------------------------------------------------------------------------------------


def delete(talk: Talk, deps: Deps) -> Reply:
    """`/coach delete`: a command may be too slow to open a modal, so it offers the button."""
    text = deps.wording("slack.privacy.delete.offer")
    choose = button("Choose what to delete", "privacy.delete", style="danger")
    return _to_them(talk.request, text, [*sections(text), *actions(choose)], outcome="privacy")


def open_delete(request: Click, deps: Deps) -> None:
    """Ask what to delete."""
    deps.slack.open_view(request, delete_modal(_service(deps).counts(request.member), deps))


def delete_modal(counts: dict[Part, int], deps: Deps) -> View:
    """One box a part, with how many entries it has."""
    wording = deps.wording
    options = [
        option(f"{wording(f'slack.privacy.part.{part}')}: {counts[part]}", part, wording(f"slack.privacy.what.{part}"))
        for part in PARTS
    ]
    everything = option("Everything", "all", wording("slack.privacy.what.all"))
    boxes = field("parts", wording("slack.privacy.delete.what"), checkboxes("parts", [everything, *options]))
    return modal("Delete my data", [boxes], callback_id=_CHOOSE, submit="Go on", close="Keep it all")


def chosen(request: Submission, deps: Deps) -> Ack:
    """Ask once more, with what was chosen in words."""
    parts = _chosen(request.chosen("parts"))
    if not parts:
        return errors(parts=deps.wording("slack.privacy.delete.none"))
    names = ", ".join(deps.wording(f"slack.privacy.part.{part}").lower() for part in parts)
    everything = len(parts) == len(PARTS)
    text = deps.wording("slack.privacy.delete.all" if everything else "slack.privacy.delete.some", parts=names)
    view = modal(
        deps.wording("slack.privacy.delete.title"),
        [plain_section(text)],
        callback_id=_SURE,
        submit="Delete for good",
        close="Keep it",
        metadata=",".join(parts),
    )
    return show(view)


def _chosen(values: Collection[str]) -> tuple[Part, ...]:
    return tuple(part for part in PARTS if "all" in values or part in values)


def confirmed(_request: Submission, deps: Deps) -> Ack:
    """What the modal says while the deletion is done."""
    return show(modal("Delete my data", [plain_section(deps.wording("slack.privacy.delete.under_way"))]))


def erase(request: Submission, deps: Deps) -> Reply:
    """Delete what was chosen and confirmed; a receipt with counts."""
    parts = _chosen(request.metadata.split(","))
    receipt = _service(deps).erase(request.member, parts)
    log.info("privacy.erased", rows=receipt.rows)
    if deps.renew_home is not None:
        deps.renew_home(request.member, deps)
    return Reply((Say(receipt_words(receipt, deps), place=DM),), outcome="erased")


def receipt_words(receipt: Receipt, deps: Deps) -> str:
    """What was deleted, and what can't be from here."""
    names = _listed(receipt.counts, tuple(receipt.counts), deps)
    everything = len(receipt.counts) == len(PARTS)
    key = "slack.privacy.deleted" if everything else "slack.privacy.deleted.some"
    return escape(deps.wording(key, at=receipt.at, parts=names, count=sum(receipt.counts.values())))


# --- the end of a workspace -------------------------------------------------------------------------------------------


def ended(request: Lifecycle, deps: Deps) -> None:
    """The app was removed from a workspace, or its token revoked, in whatever order: all of that workspace goes."""
    team = request.member.team_id
    deps.slack.shut(team)
    if deps.forget_documents is not None:  # before the rows: a crash in between leaves the row of this very event
        try:
            deps.forget_documents(team)
        except CoachError as error:
            log.error("privacy.documents_left", error=type(error).__name__)  # noqa: TRY400 - the type says it
    rows = deps.repositories.purge_team(team)
    deps.workspaces.forget(team)
    log.info("privacy.purged", reason=request.name, rows=sum(rows.values()))


def deactivated(request: Lifecycle, deps: Deps) -> None:
    """A person left the workspace: nothing is sent to them any more. What they kept waits, within its time."""
    subscription = deps.repositories.nudges.subscription(request.member)
    if subscription is not None:
        deps.repositories.nudges.subscribe(replace(subscription, state="closed"))
    closed = deps.repositories.nudges.cancel_open(request.member, "deactivated")
    note_gone(request.member, deps)
    log.info("privacy.deactivated", closed=closed)


REGISTRATIONS: tuple[Registration, ...] = (
    on_intent("privacy", about, "privacy"),
    on_intent("export", export, "export"),
    on_intent("delete", delete, "delete"),
    on_click("privacy.export", export_clicked, quick=False),
    on_click("privacy.delete", open_delete),
    on_submit(_CHOOSE, answer=chosen),
    on_submit(_SURE, erase, answer=confirmed, quick=False),  # after the person's answers under way, not beside them
    On(Lifecycle, "app_uninstalled", ended),
    On(Lifecycle, "tokens_revoked", ended),
    On(Lifecycle, "user_deactivated", deactivated),
)
