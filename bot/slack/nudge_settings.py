"""Subscribing to nudges: the settings modal, with the zone in words and the next three dates as they are chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.core import schedule
from bot.core.records import Member, Subscription
from bot.core.rhythm import CADENCES, CHECK_WEEKS
from bot.core.schedule import DAYS, clock_words, zone_words
from bot.core.when import When
from bot.core.wording import Wording
from bot.ports import LookupUnavailable
from bot.services.nudges import Nudges, Wishes
from bot.slack import home, plans
from bot.slack.blocks import (
    actions,
    button,
    field,
    modal,
    multi_select,
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
from bot.slack.payloads import Choice, Click, Command, ProfileChanged, Submission, Value
from bot.slack.registry import Ack, On, Registration, errors, on_choice, on_click, on_submit
from bot.slack.replies import Block, Reply, View, say
from bot.slack.rules import note_back

log = structlog.get_logger()

SETTINGS = "nudge.settings"
DEFAULT = Wishes(weekday=1, minute=9 * 60 + 30, zone="")  # Tuesday 9:30, until a person chooses
_TOPICS = ("suggested", "rotate", "chosen")
_TONES = ("gentle", "direct")


def proposed(team_id: str, deps: Deps) -> Wishes:
    """What is proposed before a person chooses: the day and time of the workspace's admins, or ours."""
    chosen = deps.repositories.workspaces.get(team_id)
    if chosen.weekday is None or chosen.minute is None:
        return DEFAULT
    return replace(DEFAULT, weekday=chosen.weekday, minute=chosen.minute)


def service(deps: Deps) -> Nudges:
    """The nudges; the composition root gives them to every bot that registers this module."""
    assert deps.nudges is not None, "build_slack(nudges=…) is missing"
    return deps.nudges


# --- subscribing --------------------------------------------------------------------------------------------------


def subscribe(member: Member, wishes: Wishes, deps: Deps) -> Reply:
    """Begin, or change, the nudges; in the zone of Slack's profile where none is given."""
    nudges = service(deps)
    zone = wishes.zone or slack_zone(member, deps)
    if not zone:
        text = deps.wording("nudges.no_zone")
        return say(text, [*sections(text), *actions(button("Open the settings", SETTINGS))], outcome="no_zone")
    try:
        channel = deps.slack.open_dm(member)
    except LookupUnavailable:
        return say(deps.wording("nudges.later"), outcome="later")
    subscription = nudges.subscribe(member, replace(wishes, zone=zone), channel=channel)
    home.publish(member, deps)
    text = saved_words(subscription, deps)
    row = actions(button("Change", SETTINGS), plans.stop_button(), button("Reflect now", "reflect.now"))
    return say(plain_words(text), [*sections(text), *row], outcome="subscribed")


def retimed(member: Member, when: When, deps: Deps) -> Wishes:
    """What a person has chosen already, with another day, time or rhythm."""
    wishes = wishes_of(service(deps).subscription(member)) or proposed(member.team_id, deps)
    zone = wishes.zone if wishes.zone_is_own else ""
    changed = replace(wishes, zone=zone, every_weeks=when.every_weeks or wishes.every_weeks)
    weekday = when.weekday if when.weekday is not None else changed.weekday
    return replace(changed, weekday=weekday, minute=when.minute if when.minute is not None else changed.minute)


def wishes_of(subscription: Subscription | None) -> Wishes | None:
    """A subscription as it was wished; None where there is none."""
    if subscription is None:
        return None
    s = subscription
    return Wishes(
        weekday=s.weekday,
        minute=s.minute,
        zone=s.zone,
        zone_is_own=s.zone_is_own,
        every_weeks=s.every_weeks,
        topic=s.topic,
        units=s.units,
        tone=s.tone,
        check_weeks=s.check_weeks,
    )


def saved_words(subscription: Subscription, deps: Deps) -> str:
    """What was agreed, with the next three dates and within what time every topic comes."""
    wording, letters = deps.wording, service(deps).letters
    lines = [
        wording(
            "nudges.saved",
            every=wording(f"nudges.every.{subscription.every_weeks}"),
            day=f"{DAYS[subscription.weekday]}s",
            time=clock_words(subscription.minute),
            zone=escape(zone_words(subscription.zone)),
            dates=plans.dates_words(service(deps).next_dates(subscription), wording),
        )
    ]
    if subscription.check_weeks:
        lines.append(wording("nudges.saved.checks", weeks=subscription.check_weeks))
    within, topics = letters.coverage(subscription)
    lines.append(wording(f"nudges.saved.{subscription.topic}", within=within, topics=topics))
    return " ".join(lines)


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
        deps.repositories.profiles.change(member, lambda p: replace(p, zone=zone))
    return zone


# --- the settings modal ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What a settings modal shows."""

    wishes: Wishes  # its zone is empty until Slack has told it
    typed_zone: str = ""  # as the person wrote it
    asked: bool = True  # Slack was asked for the zone
    channel: str = ""  # of a team's prompts; empty for a person's own


def open_settings(request: Command | Click, deps: Deps) -> None:
    """Open the settings at once, and fill in the zone when Slack has told it."""
    plan = plans.plan_of(request.member, service(deps))
    wishes = wishes_of(plan.subscription) or proposed(request.member.team_id, deps)
    if plan.subscription and not plan.lost_zone:
        wish = Wish(wishes, wishes.zone if wishes.zone_is_own else "")
        deps.slack.open_view(request, settings_modal(wish, deps))
        return
    wish = Wish(replace(wishes, zone=deps.repositories.profiles.get(request.member).zone or ""), asked=False)
    view_id = deps.slack.open_view(request, settings_modal(wish, deps))
    zone = slack_zone(request.member, deps) or ""
    known = replace(wish, wishes=replace(wish.wishes, zone=zone), asked=True)
    renew(request.member, view_id, settings_modal(known, deps), deps)


def settings_modal(wish: Wish, deps: Deps) -> View:
    """Day, time and rhythm with the next three dates, then topics, tone, self-checks and zone."""
    wording, wishes = deps.wording, wish.wishes
    now = deps.clock.now()
    checks = _menu("checks", wishes.check_weeks or 0, (0, *CHECK_WEEKS), wording)
    blocks = [
        plain_section(wording("nudges.settings.explain")),
        *time_fields(wishes),
        _live("every", "How often", _menu("every", wishes.every_weeks, CADENCES, wording)),
        _live(
            "checks",
            wording("nudges.settings.checks"),
            checks,
        ),
        dates_block(wish, now, wording),
        *topic_fields(wishes, deps),
        field("tone", "Tone", _menu("tone", wishes.tone, _TONES, wording)),
        zone_field(wish, wording),
    ]
    return modal(
        "Weekly prompts", blocks, callback_id=SETTINGS, submit="Save", close="Cancel", metadata=metadata_of(wish)
    )


def metadata_of(wish: Wish) -> str:
    """What comes back with the form: the profile's zone, and the channel of a team's prompts."""
    return json.dumps({"zone": wish.wishes.zone, "channel": wish.channel})


def time_fields(wishes: Wishes) -> list[Block]:
    """Day and time."""
    days = [option(name, str(number)) for number, name in enumerate(DAYS)]
    time = {
        "type": "timepicker",
        "action_id": "nudge.time",
        "initial_time": f"{wishes.minute // 60:02d}:{wishes.minute % 60:02d}",
    }
    menu = select("nudge.day", days, placeholder="Pick a day", initial=days[wishes.weekday])
    return [_live("day", "Day", menu), _live("time", "Time, 8:00 to 19:59", time)]


def topic_fields(wishes: Wishes, deps: Deps, *, team: bool = False) -> list[Block]:
    """How topics are chosen and, where the person chooses, which."""
    wording = deps.wording
    modes = tuple(t for t in _TOPICS if not (team and t == "suggested"))
    mode = wishes.topic if wishes.topic in modes else modes[0]
    blocks = [_live("topic", "Topics", _menu("topic", mode, modes, wording))]
    if mode == "chosen":
        units = {u.code: option(f"{u.code} {u.title}", u.code) for u in deps.coach.knowledge.units.values()}
        chosen = [units[u] for u in wishes.units if u in units]
        menu = multi_select("nudge.units", list(units.values()), placeholder="Pick some", initial=chosen)
        blocks.append(field("units", wording("nudges.settings.units"), menu))
    return blocks


def zone_field(wish: Wish, wording: Wording, *, hint: str = "nudges.settings.zone.hint") -> Block:
    """Room for another zone than the profile's."""
    zone = text_input("zone", max_length=60, initial=wish.typed_zone)
    return field("zone", "Another time zone", zone, optional=True, hint=wording(hint))


def _live(block_id: str, label: str, element: Block) -> Block:
    """A field whose change shows at once in the dates."""
    return field(block_id, label, element) | {"dispatch_action": True}


def _menu(name: str, value: object, values: tuple[object, ...], wording: Wording) -> Block:
    options = {v: option(wording(f"nudges.settings.{name}.{v}"), str(v)) for v in values}
    return select(f"nudge.{name}", options.values(), placeholder="Choose", initial=options[value])


def dates_block(wish: Wish, now: datetime, wording: Wording) -> Block:
    """The next three dates, or why there are none."""
    wishes = wish.wishes
    if not wishes.zone:
        return plain_context(wording(f"nudges.settings.{'zone_unknown' if wish.asked else 'zone_wait'}"))
    if not schedule.allowed(wishes.minute):
        return plain_context(wording("nudges.settings.time"))
    dates = plans.dates_words(plans.dates_of(wishes, now, team=bool(wish.channel)), wording)
    return plain_context(wording("nudges.settings.dates", dates=dates, zone=zone_words(wishes.zone)))


# --- as it is filled in ---------------------------------------------------------------------------------------------


def show_dates(request: Choice, deps: Deps) -> None:
    """Something else was chosen: the dates follow."""
    if request.on.callback_id != SETTINGS:
        return
    wish = filled(request.on.values, request.on.metadata)
    if wish is not None:
        show(request, settings_modal(wish, deps), deps)


def show(request: Choice, view: View, deps: Deps) -> None:
    """Put the form anew in the open one's place."""
    # The metadata keeps the profile's zone: the one typed is read again when the form is sent.
    view["private_metadata"] = request.on.metadata or view["private_metadata"]
    renew(request.member, request.on.view_id, view, deps, view_hash=request.on.view_hash or None)


def renew(member: Member, view_id: str, view: View, deps: Deps, *, view_hash: str | None = None) -> None:
    """Show the form anew; where it is closed or has changed meanwhile there is nothing to say about it."""
    try:
        deps.slack.update_view(member, view_id, view, view_hash=view_hash)
    except ViewRefused as error:
        log.info("nudge_settings.not_renewed", error=str(error))


def filled(values: Mapping[str, Value], metadata: str) -> Wish | None:
    """The form as it stands, in the zone that it means; None where day or time is missing."""
    day, minute = day_of(values.get("day")), minute_of(values.get("time"))
    if day is None or minute is None:
        return None
    typed = values.get("zone")
    own = typed.strip() if isinstance(typed, str) else ""
    found = schedule.find_zones(own) if own else []
    known, channel = _in(metadata, "zone"), _in(metadata, "channel")
    zone = found[0] if len(found) == 1 else known
    units = values.get("units")
    wishes = Wishes(
        weekday=day,
        minute=minute,
        zone=zone,
        zone_is_own=len(found) == 1 and zone != known,
        every_weeks=_number(values.get("every"), CADENCES) or 1,
        topic=_one_of(values.get("topic"), _TOPICS),  # type: ignore[arg-type]  # one of the literals, by the line above
        units=tuple(units) if isinstance(units, tuple) else (),
        tone=_one_of(values.get("tone"), _TONES),  # type: ignore[arg-type]  # as above
        check_weeks=_number(values.get("checks"), CHECK_WEEKS),
    )
    return Wish(wishes, own, channel=channel)


def day_of(value: Value) -> int | None:
    """The weekday that a form holds, 0 Monday; None where it holds none."""
    return int(value) if isinstance(value, str) and value in {str(n) for n in range(7)} else None


def minute_of(value: Value) -> int | None:
    """The time that a form holds, in minutes after midnight; None where it holds none."""
    hour, _, minute = value.partition(":") if isinstance(value, str) else ("", "", "")
    return int(hour) * 60 + int(minute) if hour.isdigit() and minute.isdigit() else None


def _number(value: Value, allowed: tuple[int, ...]) -> int | None:
    return int(value) if isinstance(value, str) and value in map(str, allowed) else None


def _one_of(value: Value, allowed: tuple[str, ...]) -> str:
    return value if isinstance(value, str) and value in allowed else allowed[0]


def _in(metadata: str, name: str) -> str:
    try:
        return str(json.loads(metadata).get(name) or "")
    except (ValueError, AttributeError):
        return ""


def check_settings(request: Submission, deps: Deps) -> Ack | None:
    """Day, hour, topics and zone have to be such that a nudge can come."""
    minute, typed = minute_of(request.values.get("time")), request.text("zone")
    wrong: dict[str, str] = {}
    if day_of(request.values.get("day")) is None:
        wrong["day"] = deps.wording("nudges.settings.day")
    if minute is None or not schedule.allowed(minute):
        wrong["time"] = deps.wording("nudges.settings.time")
    if request.text("topic") == "chosen" and not request.chosen("units"):
        wrong["units"] = deps.wording("nudges.settings.units.needed")
    zones = schedule.find_zones(typed)
    if typed and not zones:
        wrong["zone"] = deps.wording("nudges.settings.zone.none")
    elif len(zones) > 1:
        wrong["zone"] = deps.wording("nudges.settings.zone.several", zones=" or ".join(zones))
    elif not typed and not _in(request.metadata, "zone"):
        wrong["zone"] = deps.wording("nudges.settings.zone.needed")
    return errors(**wrong) if wrong else None


def save_settings(request: Submission, deps: Deps) -> Reply | None:
    """Subscribe as the form says."""
    wish = filled(request.values, request.metadata)
    if wish is None:
        return None  # the check before the acknowledgement has said so
    wishes, profile = wish.wishes, slack_zone(request.member, deps)
    if not wish.typed_zone:
        wishes = replace(wishes, zone=profile or wishes.zone, zone_is_own=False)
    else:
        wishes = replace(wishes, zone_is_own=wishes.zone != profile)
    return subscribe(request.member, wishes, deps)


def profile_changed(request: ProfileChanged, deps: Deps) -> None:
    """Follow somebody to another zone, unless they chose one of their own; and somebody who left may be back."""
    note_back(request.member, deps)
    try:
        moved = service(deps).follow_zone(request.member, request.zone)
    except schedule.UnknownZone:
        log.warning("nudge_settings.unknown_zone", zone=request.zone)
        return
    if moved:
        deps.repositories.profiles.change(request.member, lambda p: replace(p, zone=request.zone))
        home.publish(request.member, deps)


def clicked_settings(request: Click, deps: Deps) -> None:
    """Open the settings."""
    open_settings(request, deps)


REGISTRATIONS: tuple[Registration, ...] = (
    on_click(SETTINGS, clicked_settings),
    *(on_choice(f"nudge.{name}", show_dates) for name in ("day", "time", "every", "topic", "checks")),
    on_submit(SETTINGS, save_settings, answer=check_settings),
    On(ProfileChanged, "", profile_changed),
)
