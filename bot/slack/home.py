"""The App Home: a person's checks, next nudge, latest reflections, and what is kept about them. Theirs alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import structlog

from bot.core.errors import StorageError
from bot.core.framework import FRAMEWORK_UNITS, Knowledge
from bot.core.records import Member, Reflection
from bot.core.schedule import ago_words, day_words
from bot.core.selfcheck import Reached
from bot.core.wording import Wording
from bot.services.selfchecks import Overview
from bot.slack import plans
from bot.slack.blocks import actions, button, context, divider, header, home, plain_section, sections
from bot.slack.charts import table
from bot.slack.deps import Deps
from bot.slack.mrkdwn import clip, escape
from bot.slack.nudge_message import topic_title
from bot.slack.payloads import HomeOpened
from bot.slack.plans import Plan
from bot.slack.privacy import privacy_buttons
from bot.slack.registry import Registration, on_home
from bot.slack.replies import Block, View
from bot.slack.selfcheck_result import picture_button, profile_chart, trend_button

log = structlog.get_logger()

_TURNS = tuple(Lock() for _ in range(64))  # people share them; a publish is short
_ENTRIES = 3
_SHOWN = 300  # characters of an entry
_LEVELS: tuple[Reached | None, ...] = ("advanced", "foundational", "starting", None)


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on one person's Home."""

    overview: Overview
    plan: Plan
    entries: Sequence[Reflection]
    now: datetime
    days: int  # that questions are kept


def publish(member: Member, deps: Deps) -> None:
    """Publish the person's Home as things stand; a failure leaves the old one and is only logged."""
    # Read and published in one go: of two at once, the one that read later must not be overtaken by the other.
    with _TURNS[hash(member) % len(_TURNS)]:
        _publish(member, deps)


def _publish(member: Member, deps: Deps) -> None:
    if deps.selfchecks is None or deps.nudges is None:
        return
    try:
        kept = deps.kept_for("questions", member.team_id)
        page = Page(
            overview=deps.selfchecks.overview(member),
            plan=plans.plan_of(member, deps.nudges),
            entries=deps.nudges.journal.entries(member, limit=_ENTRIES),
            now=deps.clock.now(),
            days=kept.days if kept else deps.settings.keep_exchanges_days,
        )
    except StorageError:  # what was just written stands; the Home is renewed the next time
        log.warning("home.not_read")
        return
    sent = deps.slack.publish_home(member, home_view(page, deps))
    if sent.outcome != "sent":
        log.warning("home.not_published", outcome=sent.outcome, error=sent.error)


def opened(request: HomeOpened, deps: Deps) -> None:
    """Somebody opened their Home."""
    publish(request.member, deps)


def home_view(page: Page, deps: Deps) -> View:
    """The whole Home."""
    knowledge, wording = deps.coach.knowledge, deps.wording
    return home(
        [
            *sections(wording("home.welcome", coach=deps.commands.coach)),
            *_focus(page, knowledge, wording),
            header(wording("home.checks.title")),
            *_checks(page, knowledge, wording),
            divider(),
            header(wording("home.nudges.title")),
            *sections(plans.status_words(page.plan, wording)),
            *actions(*plans.status_buttons(page.plan)),
            divider(),
            header(wording("home.journal.title")),
            *_journal(page, knowledge, wording),
            divider(),
            header(wording("home.privacy.title")),
            plain_section(wording("home.privacy", days=page.days)),
            *privacy_buttons(deps),
        ]
    )


# --- the development plan -----------------------------------------------------------------------------------------


def _focus(page: Page, knowledge: Knowledge, wording: Wording) -> list[Block]:
    focus = page.overview.focus
    if focus is None:
        return []
    lead, action = plans.focus_words(focus, knowledge, wording, page.now)
    title = header(wording("home.focus.title"))
    return [title, *sections(lead), plain_section(action), *actions(*plans.focus_buttons(focus)), divider()]


# --- self-checks --------------------------------------------------------------------------------------------------


def _checks(page: Page, knowledge: Knowledge, wording: Wording) -> list[Block]:
    overview = page.overview
    blocks: list[Block] = []
    if overview.under_way:
        blocks += sections(plans.under_way_words(overview.under_way, wording))
        blocks += actions(*plans.under_way_buttons(overview.under_way, wording))
    if overview.latest:
        drawn, _ = profile_chart(overview.bars, knowledge, wording)
        blocks += [*drawn[:1], _table(page, knowledge, wording)]
        blocks += [context(escape(_summary(page, wording))), *_open(page, knowledge, wording)]
    else:
        blocks.append(plain_section(wording("home.checks.none")))
    return [*blocks, *_next(page, knowledge, wording), *_role(page, wording)]


def _next(page: Page, knowledge: Knowledge, wording: Wording) -> list[Block]:
    """The check that could come next, with the ways to it and to others."""
    suggestion = page.overview.suggestion
    title = knowledge.title(suggestion.unit)
    fields = {"title": escape(title)}
    if suggestion.because == "oldest" and suggestion.last:
        fields["ago"] = ago_words(suggestion.last, page.now)
    text = wording(f"home.checks.suggest.{suggestion.because}", **fields)
    style = None if page.overview.under_way else "primary"
    begin = button(f"Check: {title}", f"selfcheck.start:{suggestion.unit}", style=style, hint=f"Self-check: {title}")
    ways = [begin, button("Choose another", "selfcheck.start")]
    if not page.overview.under_way:
        ways.append(plans.whole_button())
    if page.overview.latest:
        ways += [trend_button(), picture_button()]
    return [*sections(text), *actions(*ways)]


def _open(page: Page, knowledge: Knowledge, wording: Wording) -> list[Block]:
    """What of the role was never looked at, or not for a season."""
    lines = []
    for name, units in (("unchecked", page.overview.unchecked), ("old", page.overview.old)):
        if units:
            listed = ", ".join(f"{u} {knowledge.title(u)}" for u in units)
            lines.append(wording(f"home.checks.{name}", units=escape(listed)))
    return sections("\n".join(lines)) if lines else []


def _role(page: Page, wording: Wording) -> list[Block]:
    """What the person said about their role and stage, and the way to change it."""
    profile, count = page.overview.profile, len(page.overview.role)
    lines = [wording("home.role", count=count)] if count < len(FRAMEWORK_UNITS) else []
    if profile.stage:
        lines.append(wording("home.role.stage", stage=dict(plans.STAGES)[profile.stage]))
    said = [context(" ".join(lines))] if lines else []
    return [*said, *actions(button("Role and stage", "profile.role", hint="Change my role and stage"))]


def _table(page: Page, knowledge: Knowledge, wording: Wording) -> Block:
    """The newest check of each unit, in the framework's order."""
    rows = [["Competency or function", "Level", "Checked"]]
    for code in FRAMEWORK_UNITS:
        check = page.overview.latest.get(code)
        level = wording(f"selfcheck.level.short.{check.level or 'none'}") if check else wording("home.checks.not_yet")
        if check is None and code not in page.overview.role:
            level = wording("selfcheck.level.short.none")
        when = ago_words(check.created_at, page.now) if check else "\u2013"
        rows.append([f"{code} {knowledge.title(code)}", level, when])
    return table(rows)


def _summary(page: Page, wording: Wording) -> str:
    """The table's twin in words."""
    checks = page.overview.latest
    levels = Counter(check.level for check in checks.values())
    counted = (
        wording("home.checks.count", count=levels[level], level=wording(f"selfcheck.level.{level or 'none'}"))
        for level in _LEVELS
        if levels[level]
    )
    return wording("home.checks.summary", count=len(checks), levels=", ".join(counted))


# --- reflections --------------------------------------------------------------------------------------------------


def _journal(page: Page, knowledge: Knowledge, wording: Wording) -> list[Block]:
    blocks: list[Block] = []
    for entry in page.entries:
        title = topic_title(entry.unit, knowledge, wording)
        day = day_words(entry.created_at.astimezone(page.plan.zone_info).date())
        lead = wording("nudges.journal.entry", day=day, title=escape(title))
        blocks += [*sections(lead), plain_section(clip(entry.text, _SHOWN))]
        if entry.commitment_state == "open" and entry.commitment_due:
            due = day_words(entry.commitment_due)
            blocks.append(
                context(wording("home.commitment", due=due, commitment=escape(clip(entry.commitment, _SHOWN))))
            )
    if not blocks:
        blocks.append(plain_section(wording("home.journal.none")))
    buttons = [button("Reflect now", "reflect.now")]
    if page.entries:
        buttons.append(button("Open my journal", "reflect.journal"))
        buttons.append(button("My month", "journal.month", hint="Look back at a month of my journal"))
    return [*blocks, *actions(*buttons)]


REGISTRATIONS: tuple[Registration, ...] = (on_home("home", opened),)
