"""How a person's weekly prompts and whole profile stand, in words and buttons: shared by Home, commands and modals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import islice

from bot.core import schedule
from bot.core.framework import Knowledge
from bot.core.records import LEFT_OUT, Focus, Member, Nudge, NudgeKind, Stage, Subscription
from bot.core.rhythm import Rhythm, slots
from bot.core.schedule import DAYS, Due, clock_words, day_words, local_words, zone_words
from bot.core.wording import Wording
from bot.services.nudges import Nudges, Wishes
from bot.services.selfchecks import UnderWay
from bot.slack.blocks import button, confirm
from bot.slack.mrkdwn import escape
from bot.slack.replies import Block


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription with its next dates; no subscription where there never was one."""

    subscription: Subscription | None
    dates: Sequence[tuple[Due, NudgeKind]]
    lost_zone: bool = False  # its zone isn't known any more
    next_check: date | None = None  # the first day on which a self-check may come; None where none is wanted
    missed: Nudge | None = None  # the latest nudge, where it didn't come or may not have

    @property
    def state(self) -> str:
        """How things stand: "none", "active" or "paused"."""
        state = self.subscription.state if self.subscription else "none"
        return state if state in {"active", "paused"} else "none"

    @property
    def zone_info(self) -> tzinfo:
        """The person's zone; UTC where none is known."""
        return tz(self.subscription.zone if self.subscription else None)


def tz(zone: str | None) -> tzinfo:
    """A zone by its name; UTC where none is known."""
    try:
        return schedule.zone_of(zone) if zone else UTC
    except schedule.UnknownZone:
        return UTC


def plan_of(member: Member, nudges: Nudges) -> Plan:
    """How things stand for a person."""
    subscription = nudges.subscription(member)
    try:
        dates = nudges.next_dates(subscription) if subscription else ()
        checks = nudges.letters.rhythm(subscription).next_check if subscription and subscription.check_weeks else None
        return Plan(subscription, dates, next_check=checks, missed=_missed(member, nudges) if subscription else None)
    except schedule.UnknownZone:
        return Plan(subscription, (), lost_zone=True)


def _missed(member: Member, nudges: Nudges) -> Nudge | None:
    latest = nudges.latest(member)
    if latest is None or latest.state == "sent" or latest.reason == LEFT_OUT:
        return None
    return latest


def missed_words(plan: Plan, wording: Wording) -> str:
    """Why the latest nudge didn't come (escaped); empty where it did."""
    if plan.missed is None:
        return ""
    day = day_words(date.fromisoformat(plan.missed.local_time[:10]))
    return wording(f"nudges.missed.{plan.missed.state}", day=day)


def dates_of(wishes: Wishes, now: datetime, *, team: bool = False) -> list[tuple[Due, NudgeKind]]:
    """The next three dates of what is wished, were it chosen now."""
    today = now.astimezone(schedule.zone_of(wishes.zone)).date()
    rhythm = Rhythm(
        weekday=wishes.weekday,
        minute=wishes.minute,
        zone=wishes.zone,
        every_weeks=wishes.every_weeks,
        since=today,
        check_weeks=wishes.check_weeks,
        checked=today,
    )
    return [(slot.due, "team" if team else slot.kind) for slot in islice(slots(rhythm, now), 3)]


def dates_words(dates: Sequence[tuple[Due, NudgeKind]], wording: Wording) -> str:
    """Dates in words, one after the other, self-checks marked."""
    return "; ".join(date_words(due, kind, wording) for due, kind in dates)


def date_words(due: Due, kind: NudgeKind, wording: Wording) -> str:
    """One date in words; a self-check is marked as one."""
    words = local_words(due)
    return wording("nudges.date.selfcheck", date=words) if kind == "selfcheck" else words


def next_words(plan: Plan, wording: Wording) -> str | None:
    """When the next nudge comes, in words; None where none will."""
    return date_words(*plan.dates[0], wording) if plan.dates else None


def status_words(plan: Plan, wording: Wording) -> str:
    """How things stand, in words (escaped mrkdwn)."""
    subscription = plan.subscription
    if subscription is None or plan.state == "none":
        return wording("nudges.status.none")
    if plan.state == "paused":
        if subscription.paused_until is None:
            return wording("nudges.status.paused")
        return wording("nudges.status.paused_until", until=day_words(subscription.paused_until))
    if plan.lost_zone:
        return wording("nudges.status.lost_zone", zone=escape(subscription.zone))
    words = wording(
        "nudges.status.active",
        every=wording(f"nudges.every.{subscription.every_weeks}"),
        day=f"{DAYS[subscription.weekday]}s",
        time=clock_words(subscription.minute),
        zone=escape(zone_words(subscription.zone)),
        next=next_words(plan, wording) or "soon",
        checks=wording("nudges.status.checks", weeks=subscription.check_weeks, day=day_words(plan.next_check))
        if plan.next_check
        else "",
        missed=missed_words(plan, wording),
    )
    return " ".join(words.split())


def status_buttons(plan: Plan) -> list[Block]:
    """What can be done as things stand."""
    if plan.state == "none":
        return [button("Set up weekly prompts", "nudge.settings", style="primary")]
    change = button("Change", "nudge.settings", hint="Change day, time, topics and the rest")
    if plan.state == "paused":
        return [button("Resume", "nudge.resume", style="primary"), change, stop_button()]
    return [change, button("Skip the next", "nudge.skip_next"), button("Pause", "nudge.pause"), stop_button()]


def stop_button() -> Block:
    """Stop at once; the answer has the way back."""
    return button("Stop", "nudge.stop", hint="Stop all nudges")


# --- the whole profile ---

STAGES: tuple[tuple[Stage, str], ...] = (
    ("exploring", "Exploring: is this the right thing, here?"),
    ("planning", "Planning: getting ready"),
    ("doing", "Doing: it is under way"),
    ("sustaining", "Sustaining: making it last"),
    ("spreading", "Spreading: to more places"),
)


def under_way_words(under_way: UnderWay, wording: Wording) -> str:
    """How far a profile has come (escaped)."""
    count = len(under_way.run.units)
    if not under_way.done:
        return wording("selfcheck.run.begun", of=count)
    return wording("selfcheck.run.progress", done=under_way.done, of=count)


def under_way_buttons(under_way: UnderWay, wording: Wording) -> list[Block]:
    """Go on, start over, or discard it after a dialogue."""
    title, words = wording("selfcheck.run.discard.title"), wording("selfcheck.run.discard.confirm")
    sure = confirm(title, words, "Discard it", "Keep it")
    discard_it = button("Discard", "profile.discard", under_way.run.id, confirm=sure, hint="Discard the begun profile")
    return [
        button("Go on", "profile.resume", style="primary", hint="Go on with my whole profile"),
        button("Start over", "profile.new", hint="Start my whole profile over"),
        discard_it,
    ]


def whole_button() -> Block:
    """The way to the whole profile."""
    return button("My whole profile", "profile.new", hint="Go through my whole profile in steps")


# --- the development plan ---


def focus_words(focus: Focus, knowledge: Knowledge, wording: Wording, now: datetime) -> tuple[str, str]:
    """What the focus is and until when (escaped), and the action as the person wrote it."""
    key = "selfcheck.focus.late" if focus.due < now.date() else "selfcheck.focus.until"
    return wording(key, title=escape(knowledge.title(focus.unit)), due=day_words(focus.due)), focus.action


def focus_buttons(focus: Focus) -> list[Block]:
    """Close it or give it another date."""
    return [
        button("Done", "focus.done", focus.id, hint="I did what I meant to do"),
        button("Move it", "focus.move", focus.id, hint="Give it another date"),
        button("Let it go", "focus.drop", focus.id, hint="I won't do it"),
    ]
