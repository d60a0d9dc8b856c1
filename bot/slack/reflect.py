"""Reflections: the nudge itself, writing an answer down, commitments taken up again, and the private journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from typing import Any

from bot.core.framework import Knowledge
from bot.core.records import Member, Reflection
from bot.core.reflection import ReflectionPrompt
from bot.core.schedule import day_words
from bot.core.wording import Wording
from bot.services.delivery import Compose
from bot.services.nudges import Entry, Letter, Nudges
from bot.slack import home, plans
from bot.slack.blocks import (
    actions,
    button,
    context,
    divider,
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
from bot.slack.mrkdwn import clip, escape, harmless, plain_words
from bot.slack.payloads import Click, Command, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_submit
from bot.slack.replies import Block, Reply, View, say

_SAVE, _MOVE = "reflect.save", "commitment.moved"
_COMMITMENT = 400  # characters
_SHOWN = 900  # characters of an entry in the journal
_ENTRIES = 10
_WEEK = timedelta(weeks=1)
WENT = (("5", "Very well"), ("4", "Well"), ("3", "Mixed"), ("2", "Hard going"), ("1", "Badly"))


def _service(deps: Deps) -> Nudges:
    assert deps.nudges is not None, "build_slack(nudges=…) is missing"
    return deps.nudges


def journal_button() -> Block:
    """The way to the journal."""
    return button("My journal", "reflect.journal")


# --- the nudge ----------------------------------------------------------------------------------------------------


def composer(knowledge: Knowledge, wording: Wording) -> Compose:
    """What turns a letter into a message, for `bot.services.delivery.Delivery`."""
    return lambda letter: nudge_message(letter, knowledge, wording)


def nudge_message(letter: Letter, knowledge: Knowledge, wording: Wording) -> tuple[str, Sequence[dict[str, Any]]]:
    """A nudge: the open commitment first, then the prompt, why this one, and the ways out."""
    prompt = letter.prompt
    assert prompt is not None
    lead = wording("nudges.nudge.lead", title=escape(knowledge.title(prompt.unit)))
    because = wording(f"nudges.nudge.because.{letter.because}")
    small = [because[:1].upper() + because[1:] + ".", *([wording("nudges.nudge.repeated")] if letter.repeated else [])]
    small.append(wording("nudges.nudge.private"))
    blocks: list[Block] = []
    texts: list[str] = []
    if letter.commitment:
        asked = _commitment_words(letter.commitment, wording)
        texts.append(asked)
        blocks += [*sections(asked), *actions(*_commitment_buttons(letter.commitment)), divider()]
    texts += [f"{lead}: {escape(prompt.text)}", " ".join(small)]
    blocks += [*sections(f"{lead}\n{escape(prompt.text)}"), context(" ".join(small))]
    blocks += actions(*_nudge_buttons(f"{letter.nudge.id}|{prompt.id}"))
    return plain_words("\n\n".join(texts)), blocks


def _nudge_buttons(value: str) -> list[Block]:
    return [
        button("Reflect", "reflect.open", value, style="primary", hint="Write your reflection down"),
        button("In 2 hours", "nudge.snooze", value, hint="Ask me again in two hours"),
        button("Skip this week", "nudge.skip", value),
        plans.stop_button(),
    ]


def _commitment_words(entry: Reflection, wording: Wording) -> str:
    due = day_words(entry.commitment_due) if entry.commitment_due else "now"
    return wording("nudges.nudge.commitment", due=due, commitment=escape(clip(entry.commitment, _COMMITMENT)))


def _commitment_buttons(entry: Reflection) -> list[Block]:
    return [
        button("Done", "commitment.done", entry.id, hint="I did what I meant to do"),
        button("Move it", "commitment.move", entry.id, hint="Give it another date"),
        button("Let it go", "commitment.drop", entry.id, hint="I won't do it"),
    ]


# --- writing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a reflection answers."""

    nudge_id: str
    prompt: ReflectionPrompt | None


def _subject(value: str, nudges: Nudges) -> _Subject:
    nudge_id, _, prompt_id = value.partition("|")
    return _Subject(nudge_id, nudges.prompts.get(prompt_id))


def open_reflection(request: Click, deps: Deps) -> None:
    """Reflect, on a nudge of any age."""
    _open(request, request.value, deps)


def open_now(request: Click | Command, deps: Deps) -> None:
    """Reflect without a nudge."""
    _open(request, f"|{_service(deps).prompt_now(request.member).id}", deps)


def _open(request: Click | Command, value: str, deps: Deps) -> None:
    prompt = _subject(value, _service(deps)).prompt
    zone = plans.plan_of(request.member, _service(deps)).zone_info
    today = deps.clock.now().astimezone(zone).date()
    view = reflection_modal(value, prompt, today, deps.coach.knowledge, deps.wording)
    deps.slack.open_view(request, view)


def reflection_modal(
    value: str, prompt: ReflectionPrompt | None, today: date, knowledge: Knowledge, wording: Wording
) -> View:
    """The question and room for an answer, with one thing to do if there is one."""
    blocks: list[Block] = []
    if prompt:
        blocks += [plain_section(prompt.text), plain_context(knowledge.title(prompt.unit))]
    blocks += [
        field(
            "text",
            wording("nudges.reflect.text"),
            text_input("text", multiline=True),
            hint=wording("nudges.reflect.text.hint"),
        ),
        field(
            "went",
            wording("nudges.reflect.went"),
            select("went", [option(label, number) for number, label in WENT], placeholder="Only if you like"),
            optional=True,
        ),
        field(
            "commitment",
            wording("nudges.reflect.commitment"),
            text_input("commitment", max_length=_COMMITMENT),
            optional=True,
            hint=wording("nudges.reflect.commitment.hint"),
        ),
        _date_field(today + _WEEK, wording, optional=True),
        plain_context(wording("nudges.reflect.private")),
    ]
    return modal("Reflect", blocks, callback_id=_SAVE, submit="Save", close="Not now", metadata=value)


def _date_field(initial: date, wording: Wording, *, optional: bool) -> Block:
    picker = {"type": "datepicker", "action_id": "due", "initial_date": initial.isoformat()}
    return field("due", wording("nudges.reflect.due"), picker, optional=optional)


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
    nudges = _service(deps)
    subject = _subject(request.metadata, nudges)
    prompt = subject.prompt
    default = deps.clock.now().date() + _WEEK
    entry = Entry(
        text=request.text("text"),
        prompt=prompt.text if prompt else "",
        unit=prompt.unit if prompt else None,
        commitment=request.text("commitment"),
        commitment_due=_date(request.text("due")) or default,
        went=int(request.text("went")) if request.text("went").isdigit() else None,
        nudge_id=subject.nudge_id or None,
    )
    saved = nudges.reflect(request.member, entry, entry_id=key_for(request.key, "entry"))
    home.publish(request.member, deps)
    text = _saved_words(saved, request.member, deps)
    return say(plain_words(text), [*sections(text), *actions(*_offers(prompt))], outcome="reflected")


def _saved_words(entry: Reflection, member: Member, deps: Deps) -> str:
    wording = deps.wording
    if entry.unit:
        parts = [wording("nudges.saved_entry", title=escape(deps.coach.knowledge.title(entry.unit)))]
    else:
        parts = [wording("nudges.saved_entry.no_unit")]
    if entry.commitment and entry.commitment_due:
        asked = plans.plan_of(member, _service(deps)).state == "active"
        key = "nudges.saved_entry.commitment" if asked else "nudges.saved_entry.commitment_unasked"
        parts.append(wording(key, commitment=escape(entry.commitment), due=day_words(entry.commitment_due)))
    if entry.unit:
        parts.append(wording("nudges.saved_entry.offer"))
    return "\n".join(parts)


def _offers(prompt: ReflectionPrompt | None) -> list[Block]:
    if prompt is None:
        return [journal_button()]
    return [
        button("Read about it", "source.open:read1", f"|{prompt.passage}"),
        button("Quick self-check", f"selfcheck.start:{prompt.unit}"),
        journal_button(),
    ]


# --- commitments --------------------------------------------------------------------------------------------------


def commitment_done(request: Click, deps: Deps) -> Reply:
    """It was done."""
    return _settled(_service(deps).settle_commitment(request.value, request.member, "done"), "done", request, deps)


def commitment_dropped(request: Click, deps: Deps) -> Reply:
    """It won't be done."""
    entry = _service(deps).settle_commitment(request.value, request.member, "dropped")
    return _settled(entry, "dropped", request, deps)


def _settled(entry: Reflection | None, how: str, request: Click, deps: Deps) -> Reply:
    if entry is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    home.publish(request.member, deps)
    return say(deps.wording(f"nudges.commitment.{how}", commitment=escape(entry.commitment)), outcome=how)


def open_move(request: Click, deps: Deps) -> Reply | None:
    """Ask for another date."""
    entry = _service(deps).entry(request.value, request.member)
    if entry is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    zone = plans.plan_of(request.member, _service(deps)).zone_info
    initial = deps.clock.now().astimezone(zone).date() + _WEEK
    commitment = harmless(entry.commitment, deps.links)
    blocks = [
        plain_section(deps.wording("nudges.commitment.move.explain", commitment=commitment)),
        _date_field(initial, deps.wording, optional=False),
    ]
    view = modal("Move it", blocks, callback_id=_MOVE, submit="Move", close="Cancel", metadata=entry.id)
    deps.slack.open_view(request, view)
    return None


def move(request: Submission, deps: Deps) -> Reply:
    """Keep it, with the new date."""
    due = _date(request.text("due"))
    entry = _service(deps).move_commitment(request.metadata, request.member, due) if due else None
    if entry is None or due is None:
        return say(deps.wording("nudges.commitment.gone"), outcome="gone")
    home.publish(request.member, deps)
    text = deps.wording("nudges.commitment.moved", due=day_words(due), commitment=escape(entry.commitment))
    return say(text, outcome="moved")


# --- the journal --------------------------------------------------------------------------------------------------


def journal(member: Member, deps: Deps) -> Reply:
    """The latest entries, to the person alone."""
    text, blocks = journal_blocks(member, deps)
    return say(text, blocks, outcome="journal")


def open_journal(request: Click, deps: Deps) -> None:
    """The latest entries in a modal."""
    _, blocks = journal_blocks(request.member, deps)
    view = modal("My journal", [b for b in blocks if b["type"] != "actions"])
    if request.on.view_type == "modal":
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)


def journal_blocks(member: Member, deps: Deps) -> tuple[str, list[Block]]:
    """The latest entries as text and as blocks."""
    wording = deps.wording
    entries = _service(deps).entries(member, limit=_ENTRIES)
    if not entries:
        text = wording("nudges.journal.empty")
        return text, [*sections(text), *actions(button("Reflect now", "reflect.now"))]
    zone = plans.plan_of(member, _service(deps)).zone_info
    shown = [_entry_words(e, zone, deps) for e in entries]
    lead, more = wording("nudges.journal.lead"), wording("nudges.journal.more", command=deps.commands.coach)
    blocks = [*sections(lead), *(block for words in shown for block in sections(words)), context(more)]
    blocks += actions(button("Reflect now", "reflect.now"))
    return plain_words("\n\n".join([lead, *shown, more])), blocks


def _entry_words(entry: Reflection, zone: tzinfo, deps: Deps) -> str:
    wording = deps.wording
    title = deps.coach.knowledge.title(entry.unit) if entry.unit else wording("nudges.journal.no_unit")
    day = day_words(entry.created_at.astimezone(zone).date())
    lines = [wording("nudges.journal.entry", day=day, title=escape(title))]
    if entry.prompt:
        lines.append(f"_{escape(entry.prompt)}_")
    lines.append(escape(clip(entry.text, _SHOWN)))
    if entry.commitment and entry.commitment_state:
        state = entry.commitment_state if entry.commitment_state in {"done", "dropped"} else "open"
        fields = {"commitment": escape(entry.commitment)}
        if state == "open":
            fields["due"] = day_words(entry.commitment_due) if entry.commitment_due else "some day"
        lines.append(wording(f"nudges.journal.commitment.{state}", **fields))
    return "\n".join(lines)


REGISTRATIONS: tuple[Registration, ...] = (
    on_click("reflect.open", open_reflection),
    on_click("reflect.now", open_now),
    on_click("reflect.journal", open_journal),
    on_submit(_SAVE, save, answer=check_entry),
    on_click("commitment.done", commitment_done),
    on_click("commitment.drop", commitment_dropped),
    on_click("commitment.move", open_move),
    on_submit(_MOVE, move, answer=check_date),
)
