"""`/coach admin`: numbers without names, and what a workspace's admins choose for everybody in it.

Every step asks anew who may: the command, the button, and each form that is sent. Nothing here reads a person's words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import structlog

from bot.core.records import Tally, Workspace
from bot.core.schedule import DAYS as WEEKDAYS
from bot.core.schedule import clock_words
from bot.ports import LookupUnavailable
from bot.services.admin import DAYS, FEW, Admin, Choices, Figures, may_be_shown, shortened
from bot.slack import admin_form
from bot.slack.admin_form import SETTINGS, SURE
from bot.slack.blocks import actions, button, context, sections
from bot.slack.care import support_words
from bot.slack.deps import Deps
from bot.slack.mrkdwn import plain_words
from bot.slack.nudge_settings import proposed
from bot.slack.payloads import Click, Delivery, Mention, Submission
from bot.slack.privacy import kept_words
from bot.slack.registry import CLEAR, Ack, Registration, errors, on_click, on_intent, on_submit, push
from bot.slack.replies import DM, Reply, Say, Talk

log = structlog.get_logger()


def _service(deps: Deps) -> Admin:
    return Admin(deps.repositories, deps.clock)


# --- who may ----------------------------------------------------------------------------------------------------------


def refused(request: Delivery, deps: Deps) -> Reply | None:
    """Why a person may not administer, in words for them; None for an admin or owner, and for whom a setting names."""
    member = request.member
    if deps.settings.names_admin(member.team_id, member.user_id):
        return None
    try:
        if deps.slack.is_admin(member):
            return None
    except LookupUnavailable:
        return _alone(request, deps.wording("admin.unknown"), outcome="later")
    log.info("admin.refused")
    return _alone(request, deps.wording("admin.only", coach=deps.commands.coach), outcome="refused")


def _for_admins(work: Callable[[Delivery, Deps], Reply | None], request: Delivery, deps: Deps) -> Reply | None:
    return refused(request, deps) or work(request, deps)


def _alone(request: Delivery, text: str, *, outcome: str) -> Reply:
    """Said to the person alone: what is asked in a channel is answered in the DM."""
    place = DM if isinstance(request, Mention) else None
    return Reply((Say(plain_words(text), sections(text), place),), outcome=outcome)


# --- the numbers ------------------------------------------------------------------------------------------------------


def overview(talk: Talk, deps: Deps) -> Reply | None:
    """The numbers, what holds now, and the way to change it."""
    return _for_admins(_overview, talk.request, deps)


def _overview(request: Delivery, deps: Deps) -> Reply:
    team = request.member.team_id
    numbers = figures_words(_service(deps).figures(team), deps)
    holds = choices_words(deps.repositories.workspaces.get(team), deps)
    small = deps.wording("admin.small_print", few=FEW)
    change = button(deps.wording("admin.change"), SETTINGS, style="primary")
    blocks = [*sections(numbers), context(small), *sections(holds), *actions(change)]
    place = DM if isinstance(request, Mention) else None
    return Reply((Say(plain_words(f"{numbers}\n{small}\n{holds}"), blocks, place),), outcome="admin")


def figures_words(figures: Figures, deps: Deps) -> str:
    """The numbers in words."""
    wording = deps.wording
    shown = {
        name: _shown(tally, deps)
        for name, tally in (
            ("people", figures.people),
            ("subscribers", figures.subscribers),
            ("checks", figures.checks),
        )
    }
    return "\n".join(
        [
            wording("admin.title", days=DAYS),
            wording("admin.counts", **shown),
            _outcomes("questions", figures.questions, deps),
            _outcomes("situations", figures.situations, deps),
        ]
    )


def _shown(tally: Tally, deps: Deps) -> str:
    return str(tally.count) if may_be_shown(tally) else deps.wording("admin.few")


def _outcomes(what: str, tallies: dict[str, Tally], deps: Deps) -> str:
    wording = deps.wording
    if not tallies:
        return wording(f"admin.{what}.none")
    parts = [
        wording("admin.one", outcome=_outcome(outcome, deps), count=_shown(tally, deps))
        for outcome, tally in tallies.items()
    ]
    # A total beside all parts but one would tell the one that is left out.
    if not all(map(may_be_shown, tallies.values())):
        return wording(f"admin.{what}.parts", outcomes=", ".join(parts))
    return wording(f"admin.{what}", total=sum(t.count for t in tallies.values()), outcomes=", ".join(parts))


def _outcome(outcome: str, deps: Deps) -> str:
    key = f"admin.outcome.{outcome}"
    return deps.wording(key if key in deps.wording.texts else "admin.outcome.other")


def choices_words(workspace: Workspace, deps: Deps) -> str:
    """What holds in a workspace, as mrkdwn."""
    wording, team = deps.wording, workspace.team_id
    usual = proposed(team, deps)
    own = deps.support_line(team)
    return wording(
        "admin.now",
        support=support_words(team, deps) if own else wording("admin.support.general"),
        channels=_channels_words(workspace.channels, deps),
        day=WEEKDAYS[usual.weekday],
        time=clock_words(usual.minute),
        **kept_words(team, deps),
    ).strip()


def _channels_words(channels: tuple[str, ...] | None, deps: Deps) -> str:
    if channels is None:
        return deps.wording("admin.channels.everywhere")
    if len(channels) > 1:
        return deps.wording("admin.channels.some", count=len(channels))
    return deps.wording("admin.channels.one" if channels else "admin.channels.nowhere")


# --- changing it ------------------------------------------------------------------------------------------------------


def open_form(request: Click, deps: Deps) -> Reply | None:
    """Open the form."""

    def work(_request: Delivery, deps: Deps) -> None:
        workspace = deps.repositories.workspaces.get(request.member.team_id)
        deps.slack.open_view(request, admin_form.form(workspace, deps))

    return _for_admins(work, request, deps)


def check(request: Submission, deps: Deps) -> Ack | None:
    """Say what is wrong with the form, or ask once more where something would be deleted."""
    wrong = admin_form.problems(request, deps)
    if wrong:
        return errors(**wrong)
    choices = admin_form.read(request)
    kinds = shortened(admin_form.kept_now(request.metadata), choices.keep_days)
    return push(admin_form.sure(choices, kinds, deps)) if kinds else None


def save(request: Submission, deps: Deps) -> Reply | None:
    """Note what the form says."""
    return _for_admins(lambda r, d: _save(r, admin_form.read(request), d), request, deps)


def clear(_request: Submission, _deps: Deps) -> Ack:
    """Both forms close."""
    return CLEAR


def save_sure(request: Submission, deps: Deps) -> Reply | None:
    """Note what was asked once more."""
    choices = admin_form.carried(request.metadata)
    if choices is None:
        return Reply((Say(deps.wording("admin.gone", coach=deps.commands.coach), place=DM),), outcome="gone")
    return _for_admins(lambda r, d: _save(r, choices, d), request, deps)


def _save(request: Delivery, choices: Choices, deps: Deps) -> Reply:
    team = request.member.team_id
    workspace, stopped = _service(deps).choose(team, choices, deps.nudges)
    log.info("admin.saved", settings=sorted(asdict(choices)), questions_stopped=stopped)
    saved = deps.wording("admin.saved.stopped", count=stopped) if stopped else deps.wording("admin.saved")
    text = f"{saved}\n{choices_words(workspace, deps)}"
    return Reply((Say(plain_words(text), sections(text), DM),), outcome="admin_saved")


REGISTRATIONS: tuple[Registration, ...] = (
    on_intent("admin", overview, "admin"),
    on_click(SETTINGS, open_form),
    on_submit(SETTINGS, save, answer=check),
    on_submit(SURE, save_sure, answer=clear),
)
