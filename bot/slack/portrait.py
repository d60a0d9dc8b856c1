"""A profile as a picture, for those who want to keep or show it: drawn and sent only on request."""

from __future__ import annotations

from datetime import date, timedelta

import structlog

from bot.core.framework import Knowledge
from bot.core.portrait import Portrait, Spoke, spokes
from bot.core.records import Member
from bot.core.schedule import MONTHS
from bot.core.wording import Wording
from bot.ports import LookupUnavailable
from bot.services.selfchecks import Overview
from bot.slack import plans
from bot.slack.blocks import actions, button, sections
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.payloads import Click, Command
from bot.slack.registry import Registration, on_click
from bot.slack.replies import Reply, place_of, say
from bot.slack.selfcheck_page import service

log = structlog.get_logger()

_LOOK_BACK = timedelta(days=1)  # for a picture that an earlier go at the same request may have sent


def portrait_of(overview: Overview, knowledge: Knowledge, wording: Wording, day: date) -> Portrait:
    """What the picture of a person's profile shows."""
    notes = {name: wording(f"selfcheck.picture.{name}") for name in ("unchecked", "not_role")}
    competencies, functions = spokes(overview.bars, overview.role, knowledge.title, notes)
    return Portrait(
        title=wording("selfcheck.picture.title"),
        subtitle=wording("selfcheck.picture.subtitle", day=_day(day)),
        levels=(wording("selfcheck.page.foundational"), wording("selfcheck.page.advanced")),
        heads=(wording("selfcheck.picture.competencies"), wording("selfcheck.picture.functions")),
        competencies=competencies,
        functions=functions,
        footer=wording("selfcheck.picture.footer"),
    )


def alt_text(portrait: Portrait, wording: Wording) -> str:
    """The picture in words, with every figure."""
    listed = "; ".join(_spoke_words(s) for s in (*portrait.competencies, *portrait.functions))
    return wording("selfcheck.picture.alt", listed=listed)


def _spoke_words(spoke: Spoke) -> str:
    if spoke.note:
        return f"{spoke.label}: {spoke.note}"
    figures = ("\u2013" if f is None else f"{f}" for f in (spoke.foundational, spoke.advanced))
    return f"{spoke.label}: {', '.join(figures)}"


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def picture(request: Click | Command, deps: Deps) -> Reply | None:
    """Draw the profile and put the picture into the direct message; asked for once, it comes once."""
    overview = service(deps).overview(request.member)
    if deps.painter is None or not overview.bars:
        text = deps.wording("selfcheck.picture.none")
        return say(text, [*sections(text), *actions(button("Check myself", "selfcheck.start"))], outcome="no_picture")
    day = _today(request.member, deps)
    outcome = _send(request, portrait_of(overview, deps.coach.knowledge, deps.wording, day), day, deps)
    if outcome == "sent" and place_of(request).kind == "dm":
        return None  # the picture itself says enough
    return say(deps.wording(f"selfcheck.picture.{outcome}"), outcome=f"picture_{outcome}")


def _today(member: Member, deps: Deps) -> date:
    assert deps.nudges is not None, "build_slack(nudges=…) is missing"
    return deps.clock.now().astimezone(plans.plan_of(member, deps.nudges).zone_info).date()


def _send(request: Click | Command, portrait: Portrait, day: date, deps: Deps) -> str:
    """Upload the picture: "sent", "failed" or "uncertain". Its name tells whether an earlier go got through."""
    assert deps.painter is not None, "asked above"
    slack, member = deps.slack, request.member
    name = f"isp-profile-{day.isoformat()}-{key_for(request.key, 'picture')[:8]}.png"
    since = deps.clock.now() - _LOOK_BACK
    try:
        channel = slack.open_dm(member)
        if slack.has_file(member, channel, name=name, since=since):
            return "sent"
    except LookupUnavailable:
        return "failed"
    sent = slack.upload(
        member,
        channel,
        filename=name,
        title=portrait.title,
        content=deps.painter.draw(portrait),
        alt=alt_text(portrait, deps.wording),
        comment=deps.wording("selfcheck.picture.comment", day=_day(day)),
    )
    if sent.outcome == "sent":
        return "sent"
    log.warning("selfcheck.picture", outcome=sent.outcome, error=sent.error)
    return "uncertain" if sent.outcome == "uncertain" else "failed"


REGISTRATIONS: tuple[Registration, ...] = (on_click("profile.picture", picture, quick=False),)
