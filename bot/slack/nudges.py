"""Nudges as a person steers them: `/reflect`, and pause, skip, snooze and stop on every nudge and on Home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Literal

from bot.core.records import Member
from bot.core.schedule import clock_words, day_words
from bot.core.when import parse_until, parse_when
from bot.slack import home, journal, plans, reflect, team
from bot.slack.blocks import actions, button, sections
from bot.slack.deps import Deps
from bot.slack.mrkdwn import plain_words
from bot.slack.nudge_settings import SETTINGS, open_settings, retimed, service, subscribe
from bot.slack.payloads import Click, Command
from bot.slack.registry import Registration, on_click, on_command, on_intent
from bot.slack.replies import Block, Reply, Talk, say

# --- /reflect -----------------------------------------------------------------------------------------------------


def command(request: Command, deps: Deps) -> Reply | None:
    """`/reflect` with nothing, a day and time, or a word such as stop, pause, skip, journal, team."""
    word, _, rest = request.text.strip().partition(" ")
    handler = _WORDS.get(word.lower())
    return handler(request, rest, deps) if handler else _typed(request, deps)


def _open_settings(request: Command, _rest: str, deps: Deps) -> None:
    open_settings(request, deps)


def _reflect_now(request: Command, _rest: str, deps: Deps) -> None:
    reflect.open_now(request, deps)


def _status_or_settings(request: Command, deps: Deps) -> Reply | None:
    plan = plans.plan_of(request.member, service(deps))
    if plan.state == "none":
        open_settings(request, deps)
        return None
    text = plans.status_words(plan, deps.wording)
    row = actions(*plans.status_buttons(plan), button("Reflect now", "reflect.now"), journal.journal_button())
    return say(plain_words(text), [*sections(text), *row], outcome="status")


def _typed(request: Command, deps: Deps) -> Reply:
    """`on Tuesday 9:30`: subscribed at once, or told what is missing."""
    name = deps.commands.reflect
    when = parse_when(request.text)
    known = service(deps).subscription(request.member)
    if when.every_weeks and known and when.problem == "no_day" and when.minute is None:
        return subscribe(request.member, retimed(request.member, when, deps), deps)  # "every two weeks": the rest stays
    if when.weekday is None and when.minute is None:
        return say(deps.wording("nudges.typed.help", command=name), outcome="help")
    if when.problem or when.weekday is None or when.minute is None:
        key = f"nudges.typed.{when.problem}"
        fields = {} if when.problem == "bad_time" else {"command": name}
        return say(deps.wording(key, **fields), outcome="asked_back")
    return subscribe(request.member, retimed(request.member, when, deps), deps)


def wished(talk: Talk, deps: Deps) -> Reply:
    """Words that wish to reflect: reflect now, or have a prompt come every week; in a channel, for the team too."""
    text = deps.wording("nudges.offer")
    plan = plans.plan_of(talk.request.member, service(deps))
    weekly = button("Weekly prompts", SETTINGS)
    row = [button("Reflect now", "reflect.now", style="primary"), journal.journal_button()]
    row += [weekly] if plan.state == "none" else []
    row += team.offer(talk.request)
    return say(text, [*sections(text), *actions(*row)], outcome="offered")


# --- stop, pause, skip, snooze --------------------------------------------------------------------------------------


def _answer(text: str, *buttons: Block, outcome: str) -> Reply:
    return say(plain_words(text), [*sections(text), *actions(*buttons)], outcome=outcome)


def _resume_button(label: str = "Resume") -> Block:
    return button(label, "nudge.resume")


def _next_words(member: Member, deps: Deps) -> str | None:
    return plans.next_words(plans.plan_of(member, service(deps)), deps.wording)


def _stop(member: Member, deps: Deps) -> Reply:
    before = service(deps).subscription(member)
    was_on = service(deps).stop(member)
    home.publish(member, deps)
    if not was_on or before is None:
        return _answer(deps.wording("nudges.stopped.already"), outcome="stopped")
    buttons = [_resume_button("Start again")]
    if before.check_weeks:
        buttons.append(button("Stop only the self-checks", "nudge.no_checks"))
    return _answer(deps.wording("nudges.stopped"), *buttons, outcome="stopped")


def _pause(member: Member, words: str, deps: Deps) -> Reply:
    until: date | None = None
    if words.strip():
        zone = plans.plan_of(member, service(deps)).zone_info
        until = parse_until(words, deps.clock.now().astimezone(zone).date())
        if until is None:
            return say(deps.wording("nudges.pause.bad_until"), outcome="asked_back")
    if not service(deps).pause(member, until):
        return say(deps.wording("nudges.pause.nothing"), outcome="nothing")
    home.publish(member, deps)
    text = deps.wording("nudges.paused_until", until=day_words(until)) if until else deps.wording("nudges.paused")
    spans = [] if until else [button(f"For {n} weeks", f"nudge.pause_for:{n}") for n in (2, 4)]
    return _answer(text, *spans, _resume_button(), outcome="paused")


def _resume(member: Member, deps: Deps) -> Reply:
    subscription = service(deps).resume(member)
    home.publish(member, deps)
    upcoming = _next_words(member, deps)
    if subscription is None or upcoming is None:
        setup = button("Set up weekly prompts", SETTINGS)
        return _answer(deps.wording("nudges.status.none"), setup, outcome="nothing")
    return _answer(deps.wording("nudges.resumed", next=upcoming), plans.stop_button(), outcome="resumed")


def _skip_next(member: Member, deps: Deps) -> Reply:
    skipped = service(deps).skip_next(member)
    if skipped is None:
        return say(deps.wording("nudges.skipped.nothing"), outcome="nothing")
    home.publish(member, deps)
    left_out = day_words(datetime.fromisoformat(skipped[0].local_time).date())
    text = deps.wording("nudges.skipped", skipped=left_out, next=_next_words(member, deps) or "soon")
    undo = button("Undo", "nudge.unskip", skipped[0].id, hint="Let it come after all")
    return _answer(text, undo, outcome="skipped")


def clicked_stop(request: Click, deps: Deps) -> Reply:
    """Stop, on a nudge of any age, a reply or Home."""
    return _stop(request.member, deps)


def clicked_no_checks(request: Click, deps: Deps) -> Reply:
    """Go on without self-checks."""
    subscription = service(deps).without_checks(request.member)
    home.publish(request.member, deps)
    upcoming = _next_words(request.member, deps)
    if subscription is None or upcoming is None:
        return _answer(deps.wording("nudges.status.none"), button("Set up weekly prompts", SETTINGS), outcome="nothing")
    change = button("Change", SETTINGS, hint="Change my settings")
    return _answer(deps.wording("nudges.no_checks", next=upcoming), change, plans.stop_button(), outcome="no_checks")


def clicked_pause(request: Click, deps: Deps) -> Reply:
    """Pause, for good or for the weeks in the button."""
    weeks = request.action_id.partition(":")[2]
    return _pause(request.member, f"{weeks} weeks" if weeks else "", deps)


def clicked_resume(request: Click, deps: Deps) -> Reply:
    """Go on."""
    return _resume(request.member, deps)


def clicked_skip_next(request: Click, deps: Deps) -> Reply:
    """Leave out the next one."""
    return _skip_next(request.member, deps)


def clicked_unskip(request: Click, deps: Deps) -> Reply:
    """Let the one that was left out come after all."""
    back = service(deps).unskip(request.value, request.member)
    home.publish(request.member, deps)
    upcoming = _next_words(request.member, deps)
    if back is None or upcoming is None:
        return say(deps.wording("nudges.unskipped.late"), outcome="late")
    return _answer(deps.wording("nudges.unskipped", next=upcoming), outcome="unskipped")


def clicked_skip(request: Click, deps: Deps) -> Reply:
    """Skip this week, on a nudge that came."""
    service(deps).skip_week(request.member)
    return _after_skip("nudges.week_skipped", request.member, deps)


def clicked_decline(request: Click, deps: Deps) -> Reply:
    """Not this self-check: another unit next time."""
    service(deps).decline(request.value.partition("|")[0], request.member)
    return _after_skip("nudges.declined", request.member, deps)


def _after_skip(key: str, member: Member, deps: Deps) -> Reply:
    home.publish(member, deps)
    upcoming = _next_words(member, deps)
    another = [button("Choose another", "selfcheck.start")] if key == "nudges.declined" else []
    if upcoming is None:
        return _answer(deps.wording("nudges.week_skipped.none"), *another, outcome="skipped")
    return _answer(deps.wording(key, next=upcoming), *another, outcome="skipped")


def clicked_snooze(request: Click, deps: Deps) -> Reply:
    """Bring the nudge back in two hours, or tomorrow at one's own hour."""
    until: Literal["later", "tomorrow"] = "tomorrow" if request.action_id.endswith(":tomorrow") else "later"
    at = service(deps).snooze(request.value.partition("|")[0], request.member, until=until)
    if at is None:
        return say(deps.wording("nudges.snooze.gone"), outcome="gone")
    zone = plans.plan_of(request.member, service(deps)).zone_info
    local, today = at.astimezone(zone), deps.clock.now().astimezone(zone).date()
    when = f"at {clock_words(local.hour * 60 + local.minute)}"
    if local.date() != today:
        when = f"{day_words(local.date())}, {clock_words(local.hour * 60 + local.minute)}"
    undo = button("Not again", "nudge.skip", request.value, hint="Don't bring this one back")
    return _answer(deps.wording("nudges.snoozed", when=when), undo, outcome="snoozed")


_Typed = Callable[[Command, str, Deps], Reply | None]
_WORDS: dict[str, _Typed] = {
    "": lambda request, _rest, deps: _status_or_settings(request, deps),
    "pause": lambda request, rest, deps: _pause(request.member, rest, deps),
    "skip": lambda request, _rest, deps: _skip_next(request.member, deps),
    "journal": lambda request, rest, deps: journal.typed(request.member, rest, deps),
    "search": lambda request, rest, deps: journal.typed(request.member, rest, deps),
    "month": lambda request, rest, deps: journal.typed_month(request.member, rest, deps),
    "team": team.command,
    "now": _reflect_now,
    "settings": _open_settings,
    "change": _open_settings,
}
for _word in ("resume", "start", "continue"):
    _WORDS[_word] = lambda request, _rest, deps: _resume(request.member, deps)
for _word in ("stop", "off", "unsubscribe", "end", "quit", "cancel"):
    _WORDS[_word] = lambda request, _rest, deps: _stop(request.member, deps)

REGISTRATIONS: tuple[Registration, ...] = (
    on_command("reflect", command, quick=True),
    on_intent("reflect", wished, "reflect"),
    on_click("nudge.stop", clicked_stop),
    on_click("nudge.no_checks", clicked_no_checks),
    on_click("nudge.pause", clicked_pause),
    on_click("nudge.pause_for", clicked_pause),
    on_click("nudge.resume", clicked_resume),
    on_click("nudge.skip", clicked_skip),
    on_click("nudge.skip_next", clicked_skip_next),
    on_click("nudge.unskip", clicked_unskip),
    on_click("nudge.decline", clicked_decline),
    on_click("nudge.snooze", clicked_snooze),
)
