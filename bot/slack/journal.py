"""The private journal: by date and topic, searched, edited, one entry deleted, and a month looked back at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from bot.core.framework import FRAMEWORK_UNITS
from bot.core.journal import Filter, Month, habit, local_day, months
from bot.core.records import Member, Reflection
from bot.core.reflection import ROLE, STAGE
from bot.core.schedule import MONTHS, day_words
from bot.core.wording import Wording
from bot.services.nudges import Journal
from bot.slack import home, plans
from bot.slack.blocks import (
    actions,
    button,
    confirm,
    context,
    divider,
    field,
    header,
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
from bot.slack.mrkdwn import clip, escape, plain_words
from bot.slack.nudge_message import topic_title
from bot.slack.nudge_settings import service
from bot.slack.payloads import Choice, Click, Submission, Value
from bot.slack.registry import Ack, Registration, on_choice, on_click, on_submit, show
from bot.slack.replies import Block, Reply, View, say

_VIEW = "journal.view"
_SHOWN = 900  # characters of an entry
_QUOTED = 280
_ENTRIES = 8  # a page
_WORDS = 80  # characters that can be searched for
_ALL = "all"


def journal_button(label: str = "My journal") -> Block:
    """The way to the journal."""
    return button(label, "reflect.journal")


def month_button() -> Block:
    """The way to a look back at the month."""
    return button("My month", "journal.month", hint="Look back at a month of my journal")


def of(deps: Deps) -> Journal:
    """The journal's use cases."""
    return service(deps).journal


@dataclass(frozen=True, slots=True)
class Page:
    """What of the journal is shown."""

    words: str = ""
    unit: str = ""
    month: str = ""  # "2026-11"
    offset: int = 0

    def metadata(self) -> str:
        """As it comes back with the view; it goes no further than the person's own screen."""
        return json.dumps({"words": self.words, "unit": self.unit, "month": self.month, "offset": self.offset})

    @classmethod
    def read(cls, metadata: str) -> Page:
        """The page that a view showed; the first one where that can't be read."""
        try:
            data = json.loads(metadata)
            return cls(str(data["words"]), str(data["unit"]), str(data["month"]), max(0, int(data["offset"])))
        except (ValueError, KeyError, TypeError):
            return cls()

    @classmethod
    def chosen(cls, values: Mapping[str, Value]) -> Page:
        """The first page of what is filled in."""

        def of(name: str) -> str:
            value = values.get(name)
            return value.strip()[:_WORDS] if isinstance(value, str) and value != _ALL else ""

        return cls(of("words"), of("unit"), of("month"))


def _zone(member: Member, deps: Deps) -> tuple[str | None, tzinfo]:
    plan = plans.plan_of(member, service(deps))
    name = plan.subscription.zone if plan.subscription and not plan.lost_zone else None
    return name, plan.zone_info


# --- the message ----------------------------------------------------------------------------------------------------


def typed(member: Member, words: str, deps: Deps) -> Reply:
    """`/reflect journal`, or `/reflect journal night shift`: the latest entries or those that fit, privately."""
    text, blocks = journal_blocks(member, deps, words)
    return say(text, blocks, outcome="journal")


def journal_blocks(member: Member, deps: Deps, words: str = "") -> tuple[str, list[Block]]:
    """Entries as text and as blocks."""
    wording = deps.wording
    name, zone = _zone(member, deps)
    entries = of(deps).find(member, Filter(words=words, zone=name))
    if not entries:
        text = wording("nudges.journal.none_found") if words.strip() else wording("nudges.journal.empty")
        return text, [*sections(text), *actions(button("Reflect now", "reflect.now"), *_open_if(words))]
    shown = [entry_words(e, zone, deps) for e in entries[:_ENTRIES]]
    key = "nudges.journal.found" if words.strip() else "nudges.journal.lead"
    lead = wording(key, **({"count": len(entries)} if words.strip() else {}))
    more = wording("nudges.journal.more", command=deps.commands.coach)
    blocks = [*sections(lead), *(block for words in shown for block in sections(words)), context(more)]
    blocks += actions(journal_button("Open my journal"), month_button(), button("Reflect now", "reflect.now"))
    return plain_words("\n\n".join([lead, *shown, more])), blocks


def _open_if(words: str) -> list[Block]:
    return [journal_button("Open my journal")] if words.strip() else []


def entry_words(entry: Reflection, zone: tzinfo, deps: Deps) -> str:
    """An entry as escaped mrkdwn."""
    wording = deps.wording
    title = topic_title(entry.unit, deps.coach.knowledge, wording)
    lines = [wording("nudges.journal.entry", day=day_words(local_day(entry.created_at, zone)), title=escape(title))]
    if entry.prompt:
        lines.append(f"_{escape(entry.prompt)}_")
    lines.append(escape(clip(entry.text, _SHOWN)))
    if entry.went:
        lines.append(wording("nudges.journal.went", went=wording(f"nudges.went.{entry.went}")))
    if entry.commitment and entry.commitment_state:
        state = entry.commitment_state if entry.commitment_state in {"done", "dropped"} else "open"
        fields = {"commitment": escape(entry.commitment)}
        if state == "open":
            fields["due"] = day_words(entry.commitment_due) if entry.commitment_due else "some day"
        lines.append(wording(f"nudges.journal.commitment.{state}", **fields))
    return "\n".join(lines)


# --- the modal ------------------------------------------------------------------------------------------------------


def open_journal(request: Click, deps: Deps) -> None:
    """The journal, newest first."""
    view = journal_view(request.member, Page(), deps)
    if request.on.view_type == "modal":
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)


def journal_view(member: Member, page: Page, deps: Deps) -> View:
    """One page of the journal with its filters."""
    wording, (name, zone) = deps.wording, _zone(member, deps)
    everything = of(deps).all_of(member)
    found = of(deps).find(member, Filter(page.words, page.unit, page.month, name))
    offset = min(page.offset, max(0, (len(found) - 1) // _ENTRIES * _ENTRIES))
    page = Page(page.words, page.unit, page.month, offset)
    shown = found[offset : offset + _ENTRIES]
    blocks = [plain_context(_habit(everything, name, deps)), *_filters(everything, page, name, deps)]
    if not shown:
        blocks.append(plain_section(wording("nudges.journal.none_found" if everything else "nudges.journal.empty")))
    for entry in shown:
        blocks += [divider(), *sections(entry_words(entry, zone, deps)), *actions(*_entry_buttons(entry, deps))]
    blocks += [divider(), *actions(*_turning(page, len(found)), month_button())]
    return modal("My journal", blocks, callback_id=_VIEW, submit="Search", metadata=page.metadata())


def _habit(entries: list[Reflection], zone: str | None, deps: Deps) -> str:
    today = deps.clock.now().astimezone(plans.tz(zone)).date()
    counted = habit(entries, today, zone)
    if not counted.total:
        return deps.wording("nudges.journal.private")
    key = "nudges.journal.habit" if counted.weeks else "nudges.journal.habit.none"
    fields = {"weeks": counted.weeks, "of": counted.of} if counted.weeks else {}
    return deps.wording(key, total=counted.total, **fields)


def _filters(entries: list[Reflection], page: Page, zone: str | None, deps: Deps) -> list[Block]:
    wording, knowledge = deps.wording, deps.coach.knowledge
    touched = {e.unit for e in entries if e.unit}
    any_topic, any_month = option("All topics", _ALL), option("All months", _ALL)
    units = {u: option(topic_title(u, knowledge, wording), u) for u in (*FRAMEWORK_UNITS, ROLE, STAGE) if u in touched}
    written = {f"{m:%Y-%m}": option(_month_words(m), f"{m:%Y-%m}") for m in months(entries, zone)[:99]}
    unit_menu = select(
        "journal.unit", [any_topic, *units.values()], placeholder="Topic", initial=units.get(page.unit, any_topic)
    )
    month_menu = select(
        "journal.when", [any_month, *written.values()], placeholder="Month", initial=written.get(page.month, any_month)
    )
    words = text_input("journal.words", max_length=_WORDS, initial=page.words)
    return [
        field("words", wording("nudges.journal.search"), words, optional=True),
        _narrowing("unit", "Topic", unit_menu),
        _narrowing("month", "Month", month_menu),
    ]


def _narrowing(block_id: str, label: str, menu: Block) -> Block:
    """A choice on one line, taken up at once."""
    return {**plain_section(label), "block_id": block_id, "accessory": menu}


def _entry_buttons(entry: Reflection, deps: Deps) -> list[Block]:
    wording = deps.wording
    sure = confirm(
        wording("nudges.journal.delete.title"), wording("nudges.journal.delete.confirm"), "Delete", "Keep it"
    )
    return [
        button("Edit", "journal.edit", entry.id, hint="Change this entry"),
        button("Delete", "journal.delete", entry.id, hint="Delete this entry", confirm=sure),
    ]


def _turning(page: Page, count: int) -> list[Block]:
    out = []
    if page.offset:
        out.append(button("Newer", "journal.page:newer", hint="Show newer entries"))
    if page.offset + _ENTRIES < count:
        out.append(button("Older", "journal.page:older", hint="Show older entries"))
    return out


def _month_words(first: date) -> str:
    return f"{MONTHS[first.month - 1]} {first.year}"


def searched(request: Submission, deps: Deps) -> Ack:
    """Show what fits the words."""
    return show(journal_view(request.member, Page.chosen(request.values), deps))


def narrowed(request: Choice, deps: Deps) -> None:
    """Another topic or month was chosen."""
    redraw(request.member, request.on.view_id, Page.chosen(request.on.values), deps)


def turned(request: Click, deps: Deps) -> None:
    """Newer or older entries."""
    page = Page.read(request.on.metadata)
    step = _ENTRIES if request.action_id.endswith("older") else -_ENTRIES
    moved = Page(page.words, page.unit, page.month, max(0, page.offset + step))
    redraw(request.member, request.on.view_id, moved, deps)


def redraw(member: Member, view_id: str, page: Page, deps: Deps) -> None:
    """Show the journal anew in an open view; where that is closed there is nothing to say about it."""
    try:
        deps.slack.update_view(member, view_id, journal_view(member, page, deps))
    except ViewRefused:
        return


def deleted(request: Click, deps: Deps) -> Reply | None:
    """Delete one entry, after the dialogue."""
    of(deps).delete(request.value, request.member)
    home.publish(request.member, deps)
    if request.on.view_type == "modal" and request.on.callback_id == _VIEW:
        redraw(request.member, request.on.view_id, Page.read(request.on.metadata), deps)
        return None
    return say(deps.wording("nudges.journal.deleted"), outcome="deleted")


# --- the month ------------------------------------------------------------------------------------------------------


def typed_month(member: Member, _words: str, deps: Deps) -> Reply:
    """`/reflect month`: this month, or the last one while this is empty."""
    name, _ = _zone(member, deps)
    first = _latest_month(member, name, deps)
    text, blocks = month_blocks(of(deps).month(member, first, name), deps)
    return say(text, [*blocks, *actions(journal_button("Open my journal"))], outcome="month")


def open_month(request: Click, deps: Deps) -> None:
    """A month in a view of its own: the one that the journal shows, else the latest."""
    name, _ = _zone(request.member, deps)
    wanted = request.value or (Page.read(request.on.metadata).month if request.on.callback_id == _VIEW else "")
    try:
        first = datetime.strptime(wanted, "%Y-%m").date()  # noqa: DTZ007 - a month, no instant
    except ValueError:
        first = _latest_month(request.member, name, deps)
    view = _month_view(request.member, first, name, deps)
    if request.on.view_type != "modal":
        deps.slack.open_view(request, view)
    elif request.on.callback_id == "journal.month":
        deps.slack.update_view(request.member, request.on.view_id, view)
    else:
        deps.slack.push_view(request, view)


def _latest_month(member: Member, zone: str | None, deps: Deps) -> date:
    today = deps.clock.now().astimezone(plans.tz(zone)).date()
    written = months(of(deps).all_of(member), zone)
    return written[0] if written else today.replace(day=1)


def _month_view(member: Member, first: date, zone: str | None, deps: Deps) -> View:
    _, blocks = month_blocks(of(deps).month(member, first, zone), deps)
    written = months(of(deps).all_of(member), zone)
    before = next((m for m in written if m < first), None)
    after = next((m for m in reversed(written) if m > first), None)
    turn = [button(_month_words(m), f"journal.month:{m:%Y-%m}", f"{m:%Y-%m}") for m in (before, after) if m]
    return modal("My month", [*blocks, *actions(*turn)], callback_id="journal.month", metadata=f"{first:%Y-%m}")


def month_blocks(month: Month, deps: Deps) -> tuple[str, list[Block]]:
    """A month as text and as blocks: counts, topics, what was meant to be done, own words quoted back."""
    wording, knowledge = deps.wording, deps.coach.knowledge
    title = wording("nudges.month.title", month=_month_words(month.first))
    if not month.entries:
        text = wording("nudges.month.empty")
        return f"{title}\n{text}", [header(title), plain_section(text), plain_context(wording("nudges.month.private"))]
    entries = _counted("nudges.month.entries", month.entries, wording)
    weeks = _counted("nudges.month.weeks", month.weeks, wording)
    lines = [wording("nudges.month.counts", entries=entries, weeks=weeks)]
    if month.units:
        listed = ", ".join(f"{topic_title(u, knowledge, wording)} ({n})" for u, n in month.units)
        lines.append(wording("nudges.month.units", units=escape(listed)))
    if month.went is not None:
        lines.append(wording("nudges.month.went", went=wording(f"nudges.went.{round(month.went)}")))
    parts = ["\n".join(lines), *_meant(month, deps)]
    quotes = [f"> {escape(clip(' '.join(q.text.split()), _QUOTED))}" for q in month.quotes]
    parts.append("\n".join([wording("nudges.month.quotes"), *quotes]))
    blocks = [
        header(title),
        *(b for part in parts for b in sections(part)),
        plain_context(wording("nudges.month.private")),
    ]
    return plain_words("\n\n".join([title, *parts])), blocks


def _counted(key: str, count: int, wording: Wording) -> str:
    return wording(f"{key}.one") if count == 1 else wording(f"{key}.many", count=count)


def _meant(month: Month, deps: Deps) -> list[str]:
    lines = [deps.wording("nudges.month.done", commitment=escape(c)) for c in month.done]
    lines += [deps.wording("nudges.month.open", commitment=escape(c)) for c in month.open]
    if month.dropped:
        lines.append(deps.wording("nudges.month.dropped", count=month.dropped))
    return ["\n".join([deps.wording("nudges.month.meant"), *lines])] if lines else []


REGISTRATIONS: tuple[Registration, ...] = (
    on_click("reflect.journal", open_journal),
    on_submit(_VIEW, answer=searched),
    on_choice("journal.unit", narrowed),
    on_choice("journal.when", narrowed),
    on_click("journal.page", turned),
    on_click("journal.delete", deleted),
    on_click("journal.month", open_month),
)
