"""The App Home: a person's checks, next nudge, latest reflections, and what is kept about them. Theirs alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.core.errors import StorageError
from bot.core.framework import FRAMEWORK_UNITS, Knowledge
from bot.core.records import Check, Member, Reflection
from bot.core.schedule import ago_words, day_words
from bot.core.selfcheck import Reached, Suggestion
from bot.core.wording import Wording
from bot.slack import plans
from bot.slack.blocks import actions, button, context, divider, header, home, plain_section, sections
from bot.slack.deps import Deps
from bot.slack.mrkdwn import clip, escape
from bot.slack.payloads import HomeOpened
from bot.slack.plans import Plan
from bot.slack.privacy import privacy_buttons
from bot.slack.registry import Registration, on_home
from bot.slack.replies import Block, View

log = structlog.get_logger()

_ENTRIES = 3
_SHOWN = 300  # characters of an entry
_LEVELS: tuple[Reached | None, ...] = ("advanced", "foundational", "starting", None)


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on one person's Home."""

    checks: Mapping[str, Check]
    suggestion: Suggestion
    plan: Plan
    entries: Sequence[Reflection]
    now: datetime


def publish(member: Member, deps: Deps) -> None:
    """Publish the person's Home as things stand; a failure leaves the old one and is only logged."""
    if deps.selfchecks is None or deps.nudges is None:
        return
    try:
        page = Page(
            checks=deps.selfchecks.latest(member),
            suggestion=deps.selfchecks.suggest(member),
            plan=plans.plan_of(member, deps.nudges),
            entries=deps.nudges.entries(member, limit=_ENTRIES),
            now=deps.clock.now(),
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
            plain_section(wording("home.privacy", days=deps.settings.keep_exchanges_days)),
            *privacy_buttons(deps),
        ]
    )


# --- self-checks --------------------------------------------------------------------------------------------------


def _checks(page: Page, knowledge: Knowledge, wording: Wording) -> list[Block]:
    blocks: list[Block]
    if page.checks:
        blocks = [_table(page, knowledge, wording), context(escape(_summary(page, wording)))]
    else:
        blocks = [plain_section(wording("home.checks.none"))]
    suggestion = page.suggestion
    title = knowledge.title(suggestion.unit)
    fields = {"title": escape(title)}
    if suggestion.because == "oldest" and suggestion.last:
        fields["ago"] = ago_words(suggestion.last, page.now)
    blocks += sections(wording(f"home.checks.suggest.{suggestion.because}", **fields))
    begin = button(
        f"Check: {title}", f"selfcheck.start:{suggestion.unit}", style="primary", hint=f"Self-check: {title}"
    )
    return [*blocks, *actions(begin, button("Choose another", "selfcheck.start"))]


def _table(page: Page, knowledge: Knowledge, wording: Wording) -> Block:
    """The newest check of each unit, in the framework's order."""
    rows = [["Competency or function", "Level", "Last check"]]
    for code in FRAMEWORK_UNITS:
        check = page.checks.get(code)
        level = wording(f"selfcheck.level.{check.level or 'none'}") if check else "not checked yet"
        when = ago_words(check.created_at, page.now) if check else "—"
        rows.append([f"{code} {knowledge.title(code)}", level, when])
    return {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
        "column_settings": [{"is_wrapped": True}],
    }


def _summary(page: Page, wording: Wording) -> str:
    """The table's twin in words."""
    levels = Counter(check.level for check in page.checks.values())
    counted = (
        wording("home.checks.count", count=levels[level], level=wording(f"selfcheck.level.{level or 'none'}"))
        for level in _LEVELS
        if levels[level]
    )
    return wording("home.checks.summary", count=len(page.checks), levels=", ".join(counted))


# --- reflections --------------------------------------------------------------------------------------------------


def _journal(page: Page, knowledge: Knowledge, wording: Wording) -> list[Block]:
    blocks: list[Block] = []
    for entry in page.entries:
        title = knowledge.title(entry.unit) if entry.unit else wording("nudges.journal.no_unit")
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
    return [*blocks, *actions(*buttons)]


REGISTRATIONS: tuple[Registration, ...] = (on_home("home", opened),)
