"""Subscribing to weekly prompts: the settings modal, with the zone in words and the next three dates."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import structlog

from bot.core import schedule
from bot.core.records import Member, Subscription
from bot.core.schedule import DAYS, clock_words, zone_words
from bot.core.wording import Wording
from bot.ports import LookupUnavailable
from bot.services.nudges import Nudges
from bot.slack import home, plans
from bot.slack.blocks import (
    actions,
    button,
    field,
    modal,
    option,
    plain_context,
    plain_section,
    sections,
    select,
    text_input,
)
from bot.slack.deps import Deps
from bot.slack.messenger import ViewRefused
from bot.slack.mrkdwn import escape, plain_words
from bot.slack.payloads import Choice, Click, Command, Submission
from bot.slack.registry import Ack, Registration, errors, on_choice, on_click, on_submit
from bot.slack.replies import Block, Reply, View, say

log = structlog.get_logger()

SETTINGS = "nudge.settings"
_DEFAULT_DAY, _DEFAULT_MINUTE = 1, 9 * 60 + 30  # Tuesday 9:30, until a person chooses


def service(deps: Deps) -> Nudges:
    """The nudges; the composition root gives them to every bot that registers this module."""
    assert deps.nudges is not None, "build_slack(nudges=…) is missing"
    return deps.nudges


# --- subscribing --------------------------------------------------------------------------------------------------


def subscribe(
    member: Member, weekday: int, minute: int, deps: Deps, *, zone: str | None = None, own: bool = False
) -> Reply:
    """Begin, or move, the weekly prompts; in the zone of Slack's profile where none is given."""
    nudges = service(deps)
    before = nudges.subscription(member)
    if zone is None and before and before.zone_is_own:
        zone, own = before.zone, True
    zone = zone or slack_zone(member, deps)
    if zone is None:
        text = deps.wording("nudges.no_zone")
        return say(text, [*sections(text), *actions(button("Open the settings", SETTINGS))], outcome="no_zone")
    try:
        channel = deps.slack.open_dm(member)
    except LookupUnavailable:
        return say(deps.wording("nudges.later"), outcome="later")
    subscription = nudges.subscribe(member, channel=channel, weekday=weekday, minute=minute, zone=zone, zone_is_own=own)
    home.publish(member, deps)
    text = saved_words(subscription, deps)
    row = actions(button("Change", SETTINGS), plans.stop_button(), button("Reflect now", "reflect.now"))
    return say(plain_words(text), [*sections(text), *row], outcome="subscribed")


def saved_words(subscription: Subscription, deps: Deps) -> str:
    """What was agreed, with the next three dates."""
    return deps.wording(
        "nudges.saved",
        day=f"{DAYS[subscription.weekday]}s",
        time=clock_words(subscription.minute),
        zone=escape(zone_words(subscription.zone)),
        dates=plans.dates_words(service(deps).next_dates(subscription)),
    )


def slack_zone(member: Member, deps: Deps) -> str | None:
    """The zone of the person's Slack profile, else the one known from before; None where neither is good."""
    profile = deps.repositories.profiles.get(member)
    try:
        zone = deps.slack.zone_of(member)
    except LookupUnavailable:
        return profile.zone
    if zone is None:
        return profile.zone
    try:
        schedule.zone_of(zone)
    except schedule.UnknownZone:
        return profile.zone
    if zone != profile.zone:
        deps.repositories.profiles.put(replace(profile, zone=zone))
    return zone


# --- the settings modal ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What the settings modal shows: day, minute and zone; the zone is None until Slack has told it."""

    weekday: int
    minute: int
    zone: str | None
    own_zone: str = ""  # as the person chose it
    asked: bool = True  # Slack was asked for the zone


def open_settings(request: Command | Click, deps: Deps) -> None:
    """Open the settings at once, and fill in the zone when Slack has told it."""
    plan = plans.plan_of(request.member, service(deps))
    subscription = plan.subscription
    if subscription and not plan.lost_zone:
        own = subscription.zone if subscription.zone_is_own else ""
        wish = Wish(subscription.weekday, subscription.minute, subscription.zone, own)
        deps.slack.open_view(request, settings_modal(wish, deps.clock.now(), deps.wording))
        return
    day, minute = (subscription.weekday, subscription.minute) if subscription else (_DEFAULT_DAY, _DEFAULT_MINUTE)
    wish = Wish(day, minute, deps.repositories.profiles.get(request.member).zone, asked=False)
    view_id = deps.slack.open_view(request, settings_modal(wish, deps.clock.now(), deps.wording))
    known = replace(wish, zone=slack_zone(request.member, deps), asked=True)
    _renew(request.member, view_id, settings_modal(known, deps.clock.now(), deps.wording), deps)


def settings_modal(wish: Wish, now: datetime, wording: Wording) -> View:
    """Day, time, and the zone in words with the next three dates."""
    days = [option(name, str(number)) for number, name in enumerate(DAYS)]
    time = {
        "type": "timepicker",
        "action_id": "nudge.time",
        "initial_time": f"{wish.minute // 60:02d}:{wish.minute % 60:02d}",
    }
    menu = select("nudge.day", days, placeholder="Pick a day", initial=days[wish.weekday])
    zone_field = field(
        "zone",
        "Another time zone",
        text_input("zone", max_length=60, initial=wish.own_zone),
        optional=True,
        hint=wording("nudges.settings.zone.hint"),
    )
    blocks = [
        plain_section(wording("nudges.settings.explain")),
        field("day", "Day", menu) | {"dispatch_action": True},
        field("time", "Time, 8:00 to 19:59", time) | {"dispatch_action": True},
        _dates_block(wish, now, wording),
        zone_field,
    ]
    metadata = json.dumps({"zone": wish.zone or ""})
    return modal("Weekly prompts", blocks, callback_id=SETTINGS, submit="Save", close="Cancel", metadata=metadata)


def _dates_block(wish: Wish, now: datetime, wording: Wording) -> Block:
    if wish.zone is None:
        return plain_context(wording(f"nudges.settings.{'zone_unknown' if wish.asked else 'zone_wait'}"))
    if not schedule.allowed(wish.minute):
        return plain_context(wording("nudges.settings.time"))
    dates = list(islice(schedule.due_dates(wish.weekday, wish.minute, wish.zone, after=now), 3))
    text = wording("nudges.settings.dates", dates=plans.dates_words(dates), zone=zone_words(wish.zone))
    return plain_context(text)


def show_dates(request: Choice, deps: Deps) -> None:
    """Another day or time was chosen: the dates follow."""
    values = request.on.values
    day, minute = _day(values.get("day")), _minute(values.get("time"))
    if day is None or minute is None or request.on.callback_id != SETTINGS:
        return
    typed = values.get("zone")
    own = typed if isinstance(typed, str) else ""
    found = schedule.find_zones(own) if own.strip() else []
    zone = found[0] if len(found) == 1 else _zone_in(request.on.metadata)
    view = settings_modal(Wish(day, minute, zone, own), deps.clock.now(), deps.wording)
    # The metadata keeps the profile's zone: the one typed is read again when the form is sent.
    view["private_metadata"] = request.on.metadata or view["private_metadata"]
    _renew(request.member, request.on.view_id, view, deps, view_hash=request.on.view_hash or None)


def _renew(member: Member, view_id: str, view: View, deps: Deps, *, view_hash: str | None = None) -> None:
    """Show the form anew; where it is closed or has changed meanwhile there is nothing to say about it."""
    try:
        deps.slack.update_view(member, view_id, view, view_hash=view_hash)
    except ViewRefused as error:
        log.info("nudge_settings.not_renewed", error=str(error))


def _day(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value in {str(n) for n in range(7)} else None


def _minute(value: object) -> int | None:
    hour, _, minute = value.partition(":") if isinstance(value, str) else ("", "", "")
    return int(hour) * 60 + int(minute) if hour.isdigit() and minute.isdigit() else None


def _zone_in(metadata: str) -> str | None:
    try:
        return str(json.loads(metadata)["zone"]) or None
    except (ValueError, KeyError, TypeError):
        return None


def check_settings(request: Submission, deps: Deps) -> Ack | None:
    """Day, hour and zone have to be such that a nudge can come."""
    minute, typed = _minute(request.values.get("time")), request.text("zone")
    wrong: dict[str, str] = {}
    if _day(request.values.get("day")) is None:
        wrong["day"] = deps.wording("nudges.settings.day")
    if minute is None or not schedule.allowed(minute):
        wrong["time"] = deps.wording("nudges.settings.time")
    zones = schedule.find_zones(typed)
    if typed and not zones:
        wrong["zone"] = deps.wording("nudges.settings.zone.none")
    elif len(zones) > 1:
        wrong["zone"] = deps.wording("nudges.settings.zone.several", zones=" or ".join(zones))
    elif not typed and _zone_in(request.metadata) is None:
        wrong["zone"] = deps.wording("nudges.settings.zone.needed")
    return errors(**wrong) if wrong else None


def save_settings(request: Submission, deps: Deps) -> Reply | None:
    """Subscribe as the form says."""
    day, minute = _day(request.values.get("day")), _minute(request.values.get("time"))
    if day is None or minute is None:
        return None  # the check before the acknowledgement has said so
    typed = schedule.find_zones(request.text("zone"))
    known = slack_zone(request.member, deps) or _zone_in(request.metadata)
    zone = typed[0] if typed else known
    return subscribe(request.member, day, minute, deps, zone=zone, own=bool(typed) and zone != known)


def clicked_settings(request: Click, deps: Deps) -> None:
    """Open the settings."""
    open_settings(request, deps)


REGISTRATIONS: tuple[Registration, ...] = (
    on_click(SETTINGS, clicked_settings),
    on_choice("nudge.day", show_dates),
    on_choice("nudge.time", show_dates),
    on_submit(SETTINGS, save_settings, answer=check_settings),
)
