"""Reflections: writing an answer down, in a modal or in the thread, editing it, and commitments taken up again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from bot.core.records import Member, Reflection
from bot.core.reflection import ReflectionPrompt
from bot.core.schedule import day_words
from bot.services.nudges import Entry, Nudges
from bot.slack import home, plans
from bot.slack.blocks import (
    actions,
    button,
    confirm,
    field,
    modal,
    option,
    plain_context,
    plain_section,
    sections,
    select,
    text_input,
)
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.journal import Page, journal_button, of, redraw
from bot.slack.mrkdwn import clip, escape, harmless, plain_words
from bot.slack.nudge_message import COMMITMENT, composer, nudge_message, topic_title
from bot.slack.nudge_settings import service
from bot.slack.payloads import Click, Command, Message, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_submit
from bot.slack.replies import Block, Reply, View, say

__all__ = ["REGISTRATIONS", "composer", "in_thread", "nudge_message", "open_now", "reflection_modal"]

_SAVE, _MOVE, _EDIT = "reflect.save", "commitment.moved", "journal.edited"
_WEEK = timedelta(weeks=1)
_WENT = ("5", "4", "3", "2", "1")


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a reflection answers."""

    nudge_id: str
    prompt: ReflectionPrompt | None


def _subject(value: str, nudges: Nudges) -> _Subject:
    nudge_id, _, prompt_id = value.partition("|")
    return _Subject(nudge_id, nudges.prompts.get(prompt_id))


# --- the modal ------------------------------------------------------------------------------------------------------


def open_reflection(request: Click, deps: Deps) -> None:
    """Reflect, on a nudge of any age."""
    _open(request, request.value, deps)


def open_now(request: Click | Command, deps: Deps) -> None:
    """Reflect without a nudge."""
    _open(request, f"|{service(deps).prompt_now(request.member).id}", deps)


def _open(request: Click | Command, value: str, deps: Deps) -> None:
    prompt = _subject(value, service(deps)).prompt
    deps.slack.open_view(request, reflection_modal(value, prompt, _today(request.member, deps), deps))


def _today(member: Member, deps: Deps) -> date:
    return deps.clock.now().astimezone(plans.plan_of(member, service(deps)).zone_info).date()


def reflection_modal(value: str, prompt: ReflectionPrompt | None, today: date, deps: Deps) -> View:
    """The question and room for an answer, with one thing to do if there is one."""
    title = topic_title(prompt.unit, deps.coach.knowledge, deps.wording) if prompt else ""
    asked = [plain_section(prompt.text), plain_context(title)] if prompt else []
    blocks = [*asked, *_fields(None, today + _WEEK, deps)]
    return modal("Reflect", blocks, callback_id=_SAVE, submit="Save", close="Not now", metadata=value)


def _fields(entry: Reflection | None, due: date, deps: Deps) -> list[Block]:
    """What is written, how it goes, and one thing to do; filled in where an entry is edited."""
    wording = deps.wording
    text, commitment = (entry.text, entry.commitment) if entry else ("", "")
    options = {number: option(wording(f"nudges.went.{number}"), number) for number in _WENT}
    went = options.get(str(entry.went)) if entry and entry.went else None
    return [
        field(
            "text",
            wording("nudges.reflect.text"),
            text_input("text", multiline=True, initial=text),
            hint=wording("nudges.reflect.text.hint"),
        ),
        field(
            "went",
            wording("nudges.reflect.went"),
            select("went", options.values(), placeholder="Only if you like", initial=went),
            optional=True,
        ),
        field(
            "commitment",
            wording("nudges.reflect.commitment"),
            text_input("commitment", max_length=COMMITMENT, initial=commitment),
            optional=True,
            hint=wording("nudges.reflect.commitment.hint"),
        ),
        _date_field(due, deps, optional=True),
        plain_context(wording("nudges.reflect.private")),
    ]


def _date_field(initial: date, deps: Deps, *, optional: bool) -> Block:
    picker = {"type": "datepicker", "action_id": "due", "initial_date": initial.isoformat()}
    return field("due", deps.wording("nudges.reflect.due"), picker, optional=optional)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def check_entry(request: Submission, deps: Deps) -> Ack | None:
    """There have to be words, and what is meant to be done has to lie ahead."""
    if not request.text("text"):
        return errors(text=deps.wording("nudges.reflect.empty"))
    return check_date(request, deps)


def check_date(request: Submission, deps: Deps) -> Ack | None:
    """What is meant to be done has to lie ahead, or be due today, wherever the person is."""
    due = _date(request.text("due"))
    matters = request.callback_id == _MOVE or bool(request.text("commitment"))
    if matters and (due or request.callback_id == _MOVE) and not _ahead(due, deps):
        return errors(due=deps.wording("nudges.reflect.past"))
    return None


def _ahead(due: date | None, deps: Deps) -> bool:
    earliest = deps.clock.now().astimezone(UTC).date() - timedelta(days=1)  # it may still be yesterday in the west
    return due is not None and due >= earliest


def save(request: Submission, deps: Deps) -> Reply:
    """Put the reflection into the journal, and offer a reading or a self-check."""
    subject = _subject(request.metadata, service(deps))
    prompt = subject.prompt
    entry = Entry(
        text=request.text("text"),
        prompt=prompt.text if prompt else "",
        unit=prompt.unit if prompt else None,
        commitment=request.text("commitment"),
        commitment_due=_date(request.text("due")) or deps.clock.now().date() + _WEEK,
        went=_went(request),
        nudge_id=subject.nudge_id or None,
    )
    saved = service(deps).reflect(request.member, entry, entry_id=key_for(request.key, "entry"))
    home.publish(request.member, deps)
    return _saved(saved, prompt, request.member, deps)


def _went(request: Submission) -> int | None:
    return int(request.text("went")) if request.text("went") in _WENT else None


def _saved(entry: Reflection, prompt: ReflectionPrompt | None, member: Member, deps: Deps) -> Reply:
    text = _saved_words(entry, member, deps)
    return say(plain_words(text), [*sections(text), *actions(*_offers(prompt, deps))], outcome="reflected")


def _saved_words(entry: Reflection, member: Member, deps: Deps) -> str:
    wording = deps.wording
    if entry.unit:
        title = topic_title(entry.unit, deps.coach.knowledge, wording)
        parts = [wording("nudges.saved_entry", title=escape(title))]
    else:
        parts = [wording("nudges.saved_entry.no_unit")]
    if entry.commitment and entry.commitment_due:
        asked = plans.plan_of(member, service(deps)).state == "active"
        key = "nudges.saved_entry.commitment" if asked else "nudges.saved_entry.commitment_unasked"
        parts.append(wording(key, commitment=escape(entry.commitment), due=day_words(entry.commitment_due)))
    if entry.unit in deps.coach.knowledge.units:
        parts.append(wording("nudges.saved_entry.offer"))
    return "\n".join(parts)


def _offers(prompt: ReflectionPrompt | None, deps: Deps) -> list[Block]:
    if prompt is None:
        return [journal_button()]
    reading = button("Read about it", "source.open:read1", f"|{prompt.passage}")
    check = button("Quick self-check", f"selfcheck.start:{prompt.unit}")
    return [reading, *([check] if prompt.unit in deps.coach.knowledge.units else []), journal_button()]


# --- in the thread --------------------------------------------------------------------------------------------------


def in_thread(request: Message, deps: Deps) -> Reply | None:
    """A reply under a prompt that came is a reflection on it; several make one entry. None for any other message."""
    nudges = service(deps)
    nudge = nudges.sent_as(request.member, request.thread_ts) if request.thread_ts else None
    prompt = nudges.prompts.get(nudge.prompt_id or "") if nudge else None
    if nudge is None or prompt is None or not request.text:
        return None
    entry_id = key_for(nudge.id, "thread")
    if of(deps).entry(entry_id, request.member):
        of(deps).add_to(entry_id, request.member, request.text)
        home.publish(request.member, deps)
        text = deps.wording("nudges.thread.added")
        return say(text, [*sections(text), *actions(*_thread_buttons(entry_id, deps))], outcome="reflected")
    entry = Entry(request.text, prompt.text, prompt.unit, nudge_id=nudge.id)
    saved = nudges.reflect(request.member, entry, entry_id=entry_id)
    home.publish(request.member, deps)
    text = _saved_words(saved, request.member, deps)
    return say(plain_words(text), [*sections(text), *actions(*_thread_buttons(entry_id, deps))], outcome="reflected")


def _thread_buttons(entry_id: str, deps: Deps) -> list[Block]:
    wording = deps.wording
    sure = confirm(
        wording("nudges.journal.delete.title"), wording("nudges.journal.delete.confirm"), "Delete", "Keep it"
    )
    return [
        button("Add one thing to do", "journal.edit", entry_id, hint="Add a commitment to this entry, or change it"),
        journal_button(),
        button("Delete it", "journal.delete", entry_id, confirm=sure, hint="Delete this entry from my journal"),
    ]


# --- editing --------------------------------------------------------------------------------------------------------


def open_edit(request: Click, deps: Deps) -> Reply | None:
    """Change an entry, from the journal or from a reply."""
    entry = of(deps).entry(request.value, request.member)
    if entry is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    in_modal = request.on.view_type == "modal"
    back = {"view": request.on.view_id, "page": request.on.metadata} if in_modal else {}
    view = _edit_modal(entry, json.dumps({"entry": entry.id, **back}), _today(request.member, deps), deps)
    if in_modal:
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)
    return None


def _edit_modal(entry: Reflection, metadata: str, today: date, deps: Deps) -> View:
    asked = [plain_section(harmless(entry.prompt, deps.links))] if entry.prompt else []
    due = max(entry.commitment_due or today + _WEEK, today)
    blocks = [*asked, *_fields(entry, due, deps)]
    return modal("Edit this entry", blocks, callback_id=_EDIT, submit="Save", close="Cancel", metadata=metadata)


def edited(request: Submission, deps: Deps) -> Reply | None:
    """Keep the changed entry, and show the journal behind the form anew."""
    try:
        data = json.loads(request.metadata)
        entry_id = str(data["entry"])
    except (ValueError, KeyError, TypeError):
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    changed = of(deps).edit(
        entry_id,
        request.member,
        text=request.text("text"),
        commitment=request.text("commitment"),
        due=_date(request.text("due")),
        went=_went(request),
    )
    home.publish(request.member, deps)
    if changed is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    if data.get("view"):
        redraw(request.member, str(data["view"]), Page.read(str(data.get("page", ""))), deps)
        return None
    text = _saved_words(changed, request.member, deps)
    return say(plain_words(text), [*sections(text), *actions(journal_button())], outcome="edited")


# --- commitments --------------------------------------------------------------------------------------------------


def commitment_done(request: Click, deps: Deps) -> Reply:
    """It was done."""
    return _settled(of(deps).settle_commitment(request.value, request.member, "done"), "done", request, deps)


def commitment_dropped(request: Click, deps: Deps) -> Reply:
    """It won't be done."""
    return _settled(of(deps).settle_commitment(request.value, request.member, "dropped"), "dropped", request, deps)


def commitment_reopened(request: Click, deps: Deps) -> Reply:
    """Taken back: it stands again."""
    return _settled(of(deps).reopen_commitment(request.value, request.member), "reopened", request, deps)


def _settled(entry: Reflection | None, how: str, request: Click, deps: Deps) -> Reply:
    if entry is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    home.publish(request.member, deps)
    text = deps.wording(f"nudges.commitment.{how}", commitment=escape(entry.commitment))
    undo = [] if how == "reopened" else [button("Undo", "commitment.reopen", entry.id, hint="It is still open")]
    return say(plain_words(text), [*sections(text), *actions(*undo)], outcome=how)


def open_move(request: Click, deps: Deps) -> Reply | None:
    """Ask for another date."""
    entry = of(deps).entry(request.value, request.member)
    if entry is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    commitment = harmless(clip(entry.commitment, COMMITMENT), deps.links)
    blocks = [
        plain_section(deps.wording("nudges.commitment.move.explain", commitment=commitment)),
        _date_field(_today(request.member, deps) + _WEEK, deps, optional=False),
    ]
    view = modal("Move it", blocks, callback_id=_MOVE, submit="Move", close="Cancel", metadata=entry.id)
    deps.slack.open_view(request, view)
    return None


def move(request: Submission, deps: Deps) -> Reply:
    """Keep it, with the new date."""
    due = _date(request.text("due"))
    entry = of(deps).move_commitment(request.metadata, request.member, due) if due else None
    if entry is None or due is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    home.publish(request.member, deps)
    text = deps.wording("nudges.commitment.moved", due=day_words(due), commitment=escape(entry.commitment))
    return say(text, outcome="moved")


REGISTRATIONS: tuple[Registration, ...] = (
    on_click("reflect.open", open_reflection),
    on_click("reflect.now", open_now),
    on_submit(_SAVE, save, answer=check_entry),
    on_click("journal.edit", open_edit),
    on_submit(_EDIT, edited, answer=check_entry),
    on_click("commitment.done", commitment_done),
    on_click("commitment.drop", commitment_dropped),
    on_click("commitment.reopen", commitment_reopened),
    on_click("commitment.move", open_move),
    on_submit(_MOVE, move, answer=check_date),
)
