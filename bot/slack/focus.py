"""The development plan: one unit in focus, an action in one's own words, a date; closed or moved with one click."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from bot.core.framework import Unit
from bot.core.records import Focus
from bot.core.schedule import day_words
from bot.core.wording import Wording
from bot.services.selfchecks import Overview
from bot.slack import home, plans
from bot.slack.blocks import (
    actions,
    button,
    context,
    field,
    modal,
    plain_context,
    plain_section,
    sections,
    text_input,
)
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.mrkdwn import clip, escape, plain_words
from bot.slack.payloads import Click, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_submit
from bot.slack.replies import Block, Reply, View, say
from bot.slack.selfcheck_page import service

_SAVE, _MOVE = "focus.save", "focus.moved"
_ACTION = 400  # characters
_AHEAD = timedelta(weeks=4)
_LATEST = timedelta(days=730)


def open_focus(request: Click, deps: Deps) -> Reply | None:
    """Make a unit one's focus: ask for the action and the date."""
    checks = service(deps)
    code = request.action_id.partition(":")[2]
    if code not in checks.descriptors:
        return say(deps.wording("selfcheck.focus.gone"), outcome="gone")
    view = focus_modal(checks.unit(code), checks.overview(request.member), _today(request, deps), deps.wording)
    if request.on.view_type == "modal":
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)
    return None


def _today(request: Click, deps: Deps) -> date:
    assert deps.nudges is not None, "build_slack(nudges=…) is missing"
    return deps.clock.now().astimezone(plans.plan_of(request.member, deps.nudges).zone_info).date()


def focus_modal(unit: Unit, overview: Overview, today: date, wording: Wording) -> View:
    """The unit, moves to choose from, the action in one's own words, and the date."""
    check, current = overview.latest.get(unit.code), overview.focus
    aim = "advanced" if check and check.level in {"foundational", "advanced"} else "foundational"
    moves = [m.text for m in sorted(unit.next_moves, key=lambda m: m.level != aim)][:2]
    ideas = "\n".join(f"• {escape(move)}" for move in moves)
    blocks = sections(wording("selfcheck.focus.explain", title=escape(unit.title), ideas=ideas))
    if current:
        words = wording("selfcheck.focus.replaces", action=clip(current.action, 200))
        blocks.append(plain_context(words))
    blocks += [
        field(
            "action",
            wording("selfcheck.focus.action"),
            text_input("action", max_length=_ACTION),
            hint=wording("selfcheck.focus.action.hint"),
        ),
        _date_field(today + _AHEAD, wording),
        plain_context(wording("selfcheck.role.private")),
    ]
    return modal("My focus", blocks, callback_id=_SAVE, submit="Save", close="Not now", metadata=unit.code)


def _date_field(initial: date, wording: Wording) -> Block:
    picker = {"type": "datepicker", "action_id": "due", "initial_date": initial.isoformat()}
    return field("due", wording("selfcheck.focus.due"), picker)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def checked(request: Submission, deps: Deps) -> Ack | None:
    """Words are needed, and a day that lies ahead, wherever the person is."""
    if request.callback_id == _SAVE and not request.text("action"):
        return errors(action=deps.wording("selfcheck.focus.empty"))
    due, today = _date(request.text("due")), deps.clock.now().astimezone(UTC).date()
    if due is None or not today - timedelta(days=1) <= due <= today + _LATEST:
        return errors(due=deps.wording("selfcheck.focus.past"))
    return None


def save(request: Submission, deps: Deps) -> Reply | None:
    """Keep the focus; it takes the place of an earlier one."""
    due = _date(request.text("due"))
    if due is None or request.metadata not in service(deps).descriptors:
        return None  # the modal has said so
    focus = Focus(
        id=key_for(request.key, "focus"),
        member=request.member,
        unit=request.metadata,
        action=request.text("action"),
        due=due,
        created_at=deps.clock.now(),
    )
    service(deps).begin_focus(focus)
    home.publish(request.member, deps)
    lead, action = plans.focus_words(focus, deps.coach.knowledge, deps.wording, deps.clock.now())
    told = deps.wording("selfcheck.focus.saved")
    blocks = [*sections(lead), plain_section(action), *actions(*plans.focus_buttons(focus)), context(told)]
    return say(plain_words(f"{lead}\n{escape(action)}\n{told}"), blocks, outcome="focused")


def close_done(request: Click, deps: Deps) -> Reply:
    """It was done."""
    return _closed(request, "done", deps)


def close_dropped(request: Click, deps: Deps) -> Reply:
    """It won't be done."""
    return _closed(request, "dropped", deps)


def _closed(request: Click, how: str, deps: Deps) -> Reply:
    focus = service(deps).close_focus(request.member, request.value, done=how == "done")
    if focus is None:
        return say(deps.wording("selfcheck.focus.gone"), outcome="gone")
    home.publish(request.member, deps)
    title = deps.coach.knowledge.title(focus.unit)
    text = deps.wording(f"selfcheck.focus.{how}", title=escape(title), action=escape(focus.action))
    again = button("Check it again", f"selfcheck.start:{focus.unit}", hint=f"Self-check: {title}")
    return say(plain_words(text), [*sections(text), *actions(again)], outcome=how)


def open_move(request: Click, deps: Deps) -> Reply | None:
    """Ask for another date."""
    focus = service(deps).focus(request.member, request.value)
    if focus is None or focus.state != "open":
        return say(deps.wording("selfcheck.focus.gone"), outcome="gone")
    blocks = [plain_section(focus.action), _date_field(_today(request, deps) + _AHEAD, deps.wording)]
    view = modal("Move it", blocks, callback_id=_MOVE, submit="Move", close="Cancel", metadata=focus.id)
    deps.slack.open_view(request, view)
    return None


def move(request: Submission, deps: Deps) -> Reply:
    """Keep it, with the new date."""
    due = _date(request.text("due"))
    focus = service(deps).move_focus(request.member, request.metadata, due) if due else None
    if focus is None:
        return say(deps.wording("selfcheck.focus.gone"), outcome="gone")
    home.publish(request.member, deps)
    text = deps.wording("selfcheck.focus.moved", due=day_words(focus.due), action=escape(focus.action))
    return say(plain_words(text), sections(text), outcome="moved")


REGISTRATIONS: tuple[Registration, ...] = (
    on_click("focus.open", open_focus),
    on_submit(_SAVE, save, answer=checked),
    on_click("focus.done", close_done),
    on_click("focus.drop", close_dropped),
    on_click("focus.move", open_move),
    on_submit(_MOVE, move, answer=checked),
)
