"""The form of what a workspace's admins choose: built, checked and read back; pure but for what is shown."""

from __future__ import annotations

import json
from dataclasses import asdict

from bot.core import schedule
from bot.core.records import KEPT_KINDS, KeptKind, Workspace
from bot.services.admin import Choices, keep_choices, kept_days
from bot.slack.blocks import field, modal, option, plain_section, plain_text, select, text_input
from bot.slack.deps import Deps
from bot.slack.mrkdwn import REMOVED, harmless
from bot.slack.nudge_settings import day_of, minute_of, proposed
from bot.slack.payloads import Submission
from bot.slack.privacy import time_words
from bot.slack.replies import Block, View

SETTINGS, SURE = "admin.settings", "admin.sure"
SUPPORT_LIMIT, MOST_CHANNELS = 300, 50  # both come back in a form's metadata, which holds 3,000 characters
_WHERE = ("everywhere", "chosen", "nowhere")


# --- built ------------------------------------------------------------------------------------------------------------


def form(workspace: Workspace, deps: Deps) -> View:
    """Everything that admins choose, as it stands."""
    wording = deps.wording
    support = text_input("support", max_length=SUPPORT_LIMIT, initial=workspace.support_line)
    blocks = [
        plain_section(wording("admin.form.explain")),
        field(
            "support", wording("admin.form.support"), support, optional=True, hint=wording("admin.form.support.hint")
        ),
        *_where(workspace.channels, deps),
        *(block for kind in KEPT_KINDS for block in _keep(kind, workspace, deps)),
        *_when(workspace.team_id, deps),
    ]
    kept = json.dumps({"keep": workspace.keep_days})
    return modal(
        wording("admin.form.title"), blocks, callback_id=SETTINGS, submit="Save", close="Cancel", metadata=kept
    )


def _where(channels: tuple[str, ...] | None, deps: Deps) -> list[Block]:
    wording = deps.wording
    options = {name: option(wording(f"admin.form.where.{name}"), name) for name in _WHERE}
    now = "everywhere" if channels is None else "chosen" if channels else "nowhere"
    picker: Block = {
        "type": "multi_conversations_select",
        "action_id": "channels",
        "placeholder": plain_text("Pick channels", 150),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if channels:
        picker["initial_conversations"] = list(channels)
    return [
        field(
            "where",
            wording("admin.form.where"),
            select("where", options.values(), placeholder="Choose", initial=options[now]),
        ),
        field(
            "channels", wording("admin.form.channels"), picker, optional=True, hint=wording("admin.form.channels.hint")
        ),
    ]


def _keep(kind: KeptKind, workspace: Workspace, deps: Deps) -> list[Block]:
    """A menu of the times that are shorter than the operator's; no menu where there is none."""
    wording, operators = deps.wording, deps.retention().keep.get(kind)
    offered = keep_choices(operators)
    if not offered:
        return []
    usual = option(wording("admin.form.keep.operators", time=time_words(operators, deps)), "0")
    options = {0: usual} | {days: option(_days_words(days, deps), str(days)) for days in offered}
    now = kept_days(workspace, kind)
    menu = select(f"keep_{kind}", options.values(), placeholder="Choose", initial=options.get(now, usual))
    return [field(f"keep_{kind}", wording(f"admin.form.keep.{kind}"), menu)]


def _days_words(days: int, deps: Deps) -> str:
    return deps.wording("admin.form.keep.day") if days == 1 else deps.wording("admin.form.keep.days", days=days)


def _when(team_id: str, deps: Deps) -> list[Block]:
    usual = proposed(team_id, deps)
    days = [option(name, str(number)) for number, name in enumerate(schedule.DAYS)]
    time = {
        "type": "timepicker",
        "action_id": "time",
        "initial_time": f"{usual.minute // 60:02d}:{usual.minute % 60:02d}",
    }
    menu = select("day", days, placeholder="Pick a day", initial=days[usual.weekday])
    return [field("day", deps.wording("admin.form.day"), menu), field("time", deps.wording("admin.form.time"), time)]


def sure(choices: Choices, kinds: list[str], deps: Deps) -> View:
    """The question asked once more, carrying what was chosen."""
    named = ", ".join(
        f"{deps.wording(f'admin.kind.{kind}')} ({_days_words(choices.keep_days[kind], deps)})" for kind in kinds
    )
    return modal(
        deps.wording("admin.sure.title"),
        [plain_section(deps.wording("admin.sure", kinds=named))],
        callback_id=SURE,
        submit="Save and delete",
        close="Back",
        metadata=json.dumps(asdict(choices), ensure_ascii=False),
    )


# --- checked ----------------------------------------------------------------------------------------------------------


def problems(request: Submission, deps: Deps) -> dict[str, str]:
    """What is wrong with a form, by field."""
    wording, wrong = deps.wording, {}
    line, channels = request.text("support"), request.chosen("channels")
    if len(line) > SUPPORT_LIMIT:
        wrong["support"] = wording("admin.form.too_long", limit=SUPPORT_LIMIT)
    elif REMOVED in harmless(line, deps.links):
        wrong["support"] = wording("admin.form.no_address")
    if request.text("where") == "chosen" and not channels:
        wrong["channels"] = wording("admin.form.channels.needed")
    elif len(channels) > MOST_CHANNELS:
        wrong["channels"] = wording("admin.form.channels.many", limit=MOST_CHANNELS)
    keep = deps.retention().keep
    for kind in KEPT_KINDS:
        offered = {"", "0", *map(str, keep_choices(keep.get(kind)))}
        if request.text(f"keep_{kind}") not in offered:
            wrong[f"keep_{kind}"] = wording("admin.form.not_offered")
    if day_of(request.values.get("day")) is None:
        wrong["day"] = wording("nudges.settings.day")
    minute = minute_of(request.values.get("time"))
    if minute is None or not schedule.allowed(minute):
        wrong["time"] = wording("nudges.settings.time")
    return wrong


# --- read back --------------------------------------------------------------------------------------------------------


def read(request: Submission) -> Choices:
    """A form without problems."""
    where, channels = request.text("where"), request.chosen("channels")
    keep = {kind: int(request.text(f"keep_{kind}") or 0) for kind in KEPT_KINDS}
    return Choices(
        support_line=" ".join(request.text("support").split()),
        channels=channels if where == "chosen" else () if where == "nowhere" else None,
        keep_days={kind: days for kind, days in keep.items() if days},
        weekday=day_of(request.values.get("day")) or 0,
        minute=minute_of(request.values.get("time")) or 0,
    )


def kept_now(metadata: str) -> dict[str, int]:
    """How long each kind was kept when the form was opened, where the admins had chosen."""
    try:
        found = json.loads(metadata)["keep"]
        return {str(kind): int(days) for kind, days in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def carried(metadata: str) -> Choices | None:
    """What the second question carried; None where it can't be read."""
    try:
        found = json.loads(metadata)
        channels = found["channels"]
        return Choices(
            support_line=str(found["support_line"]),
            channels=None if channels is None else tuple(map(str, channels)),
            keep_days={str(kind): int(days) for kind, days in found["keep_days"].items()},
            weekday=int(found["weekday"]),
            minute=int(found["minute"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
