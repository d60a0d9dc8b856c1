"""A channel's own weekly question: anyone in it sets, pauses and stops it; what is answered there isn't kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from bot.core.records import Member
from bot.core.rhythm import CADENCES
from bot.core.schedule import DAYS, clock_words, day_words, zone_words
from bot.core.when import parse_until, parse_when
from bot.services.nudges import Wishes
from bot.slack import plans
from bot.slack.blocks import actions, button, field, modal, option, plain_section, sections, select
from bot.slack.deps import Deps
from bot.slack.mrkdwn import escape, plain_words
from bot.slack.nudge_settings import (
    Wish,
    check_settings,
    dates_block,
    filled,
    metadata_of,
    proposed,
    renew,
    service,
    show,
    slack_zone,
    time_fields,
    topic_fields,
    wishes_of,
    zone_field,
)
from bot.slack.payloads import Choice, Click, Command, Delivery, Mention, Submission
from bot.slack.plans import Plan
from bot.slack.registry import Registration, on_choice, on_click, on_submit
from bot.slack.replies import Block, Place, Reply, Say, View, say
from bot.slack.rules import may_speak

SETTINGS = "team.settings"
_CHANNELS = ("C", "G")  # ids of channels, public and private, begin so


def _channel_member(member: Member, channel: str) -> Member:
    """The channel as a subscriber."""
    return Member(member.team_id, channel)


def offer(request: Delivery) -> list[Block]:
    """The way to a channel's question, where somebody asked for reflections in a channel."""
    return [button("A question for this channel", SETTINGS)] if isinstance(request, Mention) else []


# --- /reflect team --------------------------------------------------------------------------------------------------


def command(request: Command, rest: str, deps: Deps) -> Reply | None:
    """`/reflect team` with nothing, a day and time, or stop, pause, resume, skip."""
    if not request.channel.startswith(_CHANNELS):
        return say(deps.wording("nudges.team.in_channel", command=deps.commands.reflect), outcome="asked_back")
    word, _, more = rest.strip().partition(" ")
    if _WORDS.get(word.lower()) is not _stop and not may_speak(request.member.team_id, request.channel, deps):
        return say(deps.wording("slack.rules.not_in_channel"), outcome="refused")
    team = _channel_member(request.member, request.channel)
    if word.lower() in _WORDS:
        return _WORDS[word.lower()](team, more, request.user_name, deps)
    if rest.strip() and word.lower() not in {"settings", "change"}:
        return _typed(request, rest, deps)
    plan = plans.plan_of(team, service(deps))
    if plan.state == "none" or rest.strip():
        open_settings(request, request.channel, deps)
        return None
    text = status_words(plan, team, deps)
    return say(plain_words(text), [*sections(text), *actions(*_buttons(plan))], outcome="status")


def _typed(request: Command, rest: str, deps: Deps) -> Reply:
    when, name = parse_when(rest), deps.commands.reflect
    if when.weekday is None or when.minute is None or when.problem:
        key = when.problem if when.problem in {"bad_time", "out_of_hours", "many_days"} else "help"
        fields = {} if key == "bad_time" else {"command": f"{name} team"}
        text = deps.wording(f"nudges.team.{key}" if key == "help" else f"nudges.typed.{key}", **fields)
        return say(text, outcome="asked_back")
    before = wishes_of(service(deps).subscription(_channel_member(request.member, request.channel)))
    zone = before.zone if before else slack_zone(request.member, deps)
    if not zone:
        return say(deps.wording("nudges.team.no_zone", command=name), outcome="no_zone")
    begun = before or replace(proposed(request.member.team_id, deps), topic="rotate")
    wishes = replace(begun, weekday=when.weekday, minute=when.minute, zone=zone)
    wishes = replace(wishes, every_weeks=when.every_weeks or wishes.every_weeks)
    return _set(request.member, request.channel, wishes, request.user_name, deps)


def status_words(plan: Plan, team: Member, deps: Deps) -> str:
    """How a channel's question stands (escaped), with the last one where it is in doubt."""
    wording, subscription = deps.wording, plan.subscription
    if subscription is None or plan.state == "none":
        return wording("nudges.team.none")
    if plan.state == "paused":
        until = subscription.paused_until
        text = wording("nudges.team.paused_until", until=day_words(until)) if until else wording("nudges.team.paused")
    else:
        text = wording("nudges.team.active", **_agreed(plan, deps))
    latest = service(deps).latest(team)
    if latest is None or latest.state != "in_doubt":
        return text
    day = day_words(date.fromisoformat(latest.local_time[:10]))
    return f"{text}\n{wording('nudges.team.in_doubt', day=day)}"


def _agreed(plan: Plan, deps: Deps) -> dict[str, Any]:
    subscription = plan.subscription
    assert subscription is not None
    return {
        "every": deps.wording(f"nudges.team.every.{subscription.every_weeks}"),
        "day": f"{DAYS[subscription.weekday]}s",
        "time": clock_words(subscription.minute),
        "zone": escape(zone_words(subscription.zone)),
        "dates": plans.dates_words(plan.dates, deps.wording),
    }


def _buttons(plan: Plan) -> list[Block]:
    stop, change = button("Stop", "team.stop"), button("Change", SETTINGS)
    if plan.state == "paused":
        return [button("Resume", "team.resume", style="primary"), change, stop]
    return [change, button("Skip the next", "team.skip"), button("Pause", "team.pause"), stop]


# --- setting it -----------------------------------------------------------------------------------------------------


def open_settings(request: Command | Click, channel: str, deps: Deps) -> None:
    """Open the channel's settings; the zone is the channel's, at first that of whoever sets it."""
    known = wishes_of(service(deps).subscription(_channel_member(request.member, channel)))
    profile = deps.repositories.profiles.get(request.member)
    usual = proposed(request.member.team_id, deps)
    wishes = known or replace(usual, topic="rotate", zone=profile.zone or "")
    wish = Wish(wishes, asked=known is not None, channel=channel)
    view_id = deps.slack.open_view(request, settings_modal(wish, deps))
    if known is None:
        zone = slack_zone(request.member, deps) or ""
        renew(
            request.member,
            view_id,
            settings_modal(replace(wish, wishes=replace(wishes, zone=zone), asked=True), deps),
            deps,
        )


def settings_modal(wish: Wish, deps: Deps) -> View:
    """Day, time, rhythm, topics and zone of a channel's question."""
    wording, wishes = deps.wording, wish.wishes
    rhythms = [option(wording(f"nudges.settings.every.{n}"), str(n)) for n in CADENCES]
    every = select("nudge.every", rhythms, placeholder="Choose", initial=rhythms[CADENCES.index(wishes.every_weeks)])
    blocks = [
        plain_section(wording("nudges.team.explain")),
        *time_fields(wishes),
        field("every", "How often", every) | {"dispatch_action": True},
        dates_block(wish, deps.clock.now(), wording),
        *topic_fields(wishes, deps, team=True),
        zone_field(wish, wording, hint="nudges.team.zone.hint"),
    ]
    # The same elements as in a person's settings, under names of their own: each form follows its own choices.
    for block in blocks:
        if "element" in block:
            block["element"]["action_id"] = block["element"]["action_id"].replace("nudge.", "team.")
    return modal(
        "A channel's question", blocks, callback_id=SETTINGS, submit="Save", close="Cancel", metadata=metadata_of(wish)
    )


def show_dates(request: Choice, deps: Deps) -> None:
    """Something else was chosen: the dates follow."""
    wish = filled(request.on.values, request.on.metadata) if request.on.callback_id == SETTINGS else None
    if wish is not None:
        show(request, settings_modal(wish, deps), deps)


def save_settings(request: Submission, deps: Deps) -> Reply | None:
    """Set the channel's question as the form says."""
    wish = filled(request.values, request.metadata)
    if wish is None or not wish.channel.startswith(_CHANNELS):
        return None
    if not may_speak(request.member.team_id, wish.channel, deps):
        return say(deps.wording("slack.rules.not_in_channel"), outcome="refused")
    wishes = replace(wish.wishes, check_weeks=None, tone="gentle")
    return _set(request.member, wish.channel, wishes, request.user_name, deps)


def _set(member: Member, channel: str, wishes: Wishes, who: str, deps: Deps) -> Reply:
    """Begin or change it, and say so in the channel: everybody there knows who set what, and how to stop it."""
    team = _channel_member(member, channel)
    topic = "chosen" if wishes.topic == "chosen" and wishes.units else "rotate"
    wishes = replace(wishes, zone_is_own=True, topic=topic)  # type: ignore[arg-type]  # one of two literals
    service(deps).subscribe(team, wishes, channel=channel, kind="team")
    plan = plans.plan_of(team, service(deps))
    text = deps.wording("nudges.team.set", who=_who(who, deps), **_agreed(plan, deps))
    blocks = [*sections(text), *actions(*_buttons(plan))]
    refused = deps.wording("nudges.team.not_in", command=deps.commands.reflect)
    return Reply((Say(plain_words(text), blocks, Place("channel", channel), refused),), outcome="team_set")


# --- pause, skip, stop ----------------------------------------------------------------------------------------------


def _tell(team: Member, text: str, deps: Deps, *buttons: Block, outcome: str) -> Reply:
    """Say it in the channel: it is the channel's business."""
    blocks = [*sections(text), *actions(*buttons)]
    refused = deps.wording("nudges.team.not_in", command=deps.commands.reflect)
    return Reply((Say(plain_words(text), blocks, Place("channel", team.user_id), refused),), outcome=outcome)


def _stop(team: Member, _more: str, who: str, deps: Deps) -> Reply:
    if not service(deps).stop(team):
        return say(deps.wording("nudges.team.none"), outcome="nothing")
    text = deps.wording("nudges.team.stopped", who=_who(who, deps))
    return _tell(team, text, deps, button("Start again", "team.resume"), outcome="team_stopped")


def _pause(team: Member, more: str, who: str, deps: Deps) -> Reply:
    until: date | None = None
    if more.strip():
        zone = plans.plan_of(team, service(deps)).zone_info
        until = parse_until(more, deps.clock.now().astimezone(zone).date())
        if until is None:
            return say(deps.wording("nudges.pause.bad_until"), outcome="asked_back")
    if not service(deps).pause(team, until):
        return say(deps.wording("nudges.team.none"), outcome="nothing")
    key = "nudges.team.pause_set_until" if until else "nudges.team.pause_set"
    fields = {"until": day_words(until)} if until else {}
    spans = [] if until else [button(f"For {n} weeks", f"team.pause_for:{n}") for n in (2, 4)]
    text = deps.wording(key, who=_who(who, deps), **fields)
    return _tell(team, text, deps, *spans, button("Resume", "team.resume"), outcome="team_paused")


def _resume(team: Member, _more: str, who: str, deps: Deps) -> Reply:
    subscription = service(deps).resume(team)
    plan = plans.plan_of(team, service(deps))
    upcoming = plans.next_words(plan, deps.wording)
    if subscription is None or upcoming is None:
        return say(deps.wording("nudges.team.none"), outcome="nothing")
    text = deps.wording("nudges.team.resumed", who=_who(who, deps), next=upcoming)
    return _tell(team, text, deps, *_buttons(plan), outcome="team_resumed")


def _skip(team: Member, _more: str, who: str, deps: Deps) -> Reply:
    skipped = service(deps).skip_next(team)
    upcoming = plans.next_words(plans.plan_of(team, service(deps)), deps.wording)
    if skipped is None or upcoming is None:
        return say(deps.wording("nudges.team.none"), outcome="nothing")
    day = day_words(date.fromisoformat(skipped[0].local_time[:10]))
    text = deps.wording("nudges.team.skipped", who=_who(who, deps), skipped=day, next=upcoming)
    undo = button("Undo", "team.unskip", skipped[0].id, hint="Let it come after all")
    return _tell(team, text, deps, undo, outcome="team_skipped")


def _who(name: str, deps: Deps) -> str:
    return escape(name) if name else deps.wording("nudges.team.someone")


_Word = Callable[[Member, str, str, Deps], Reply]
_WORDS: dict[str, _Word] = {"pause": _pause, "skip": _skip}
_WORDS |= dict.fromkeys(("resume", "start", "continue"), _resume)
_WORDS |= dict.fromkeys(("stop", "off", "end", "quit", "cancel"), _stop)


def _clicked(work: _Word) -> Callable[[Click, Deps], Reply | None]:
    def clicked(request: Click, deps: Deps) -> Reply | None:
        channel = request.on.channel
        if not channel.startswith(_CHANNELS):
            return say(deps.wording("slack.old_button"), outcome="gone")
        if work is not _stop and not may_speak(request.member.team_id, channel, deps):
            return say(deps.wording("slack.rules.not_in_channel"), outcome="refused")
        weeks = request.action_id.partition(":")[2]
        more = f"{weeks} weeks" if weeks else ""
        return work(_channel_member(request.member, channel), more, request.user_name, deps)

    return clicked


def clicked_settings(request: Click, deps: Deps) -> Reply | None:
    """Open the settings of the channel in which the button stands."""
    if not request.on.channel.startswith(_CHANNELS):
        return say(deps.wording("slack.old_button"), outcome="gone")
    if not may_speak(request.member.team_id, request.on.channel, deps):
        return say(deps.wording("slack.rules.not_in_channel"), outcome="refused")
    open_settings(request, request.on.channel, deps)
    return None


def clicked_unskip(request: Click, deps: Deps) -> Reply:
    """Let the one that was left out come after all."""
    if not may_speak(request.member.team_id, request.on.channel, deps):
        return say(deps.wording("slack.rules.not_in_channel"), outcome="refused")
    team = _channel_member(request.member, request.on.channel)
    back = service(deps).unskip(request.value, team)
    upcoming = plans.next_words(plans.plan_of(team, service(deps)), deps.wording)
    if back is None or upcoming is None:
        return say(deps.wording("nudges.unskipped.late"), outcome="late")
    who = _who(request.user_name, deps)
    return _tell(team, deps.wording("nudges.team.resumed", who=who, next=upcoming), deps, outcome="team_unskipped")


REGISTRATIONS: tuple[Registration, ...] = (
    on_click(SETTINGS, clicked_settings),
    on_click("team.stop", _clicked(_stop)),
    on_click("team.pause", _clicked(_pause)),
    on_click("team.pause_for", _clicked(_pause)),
    on_click("team.resume", _clicked(_resume)),
    on_click("team.skip", _clicked(_skip)),
    on_click("team.unskip", clicked_unskip),
    *(on_choice(f"team.{name}", show_dates) for name in ("day", "time", "every", "topic")),
    on_submit(SETTINGS, save_settings, answer=check_settings),
)
