"""The messages that come by themselves: a reflection, a self-check, a team's question; pure, from a letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.core.framework import Knowledge
from bot.core.records import Reflection
from bot.core.reflection import ROLE, STAGE, ReflectionPrompt
from bot.core.schedule import ago_words, day_words
from bot.core.wording import Wording
from bot.services.delivery import Compose
from bot.services.nudges import Letter
from bot.slack import plans
from bot.slack.blocks import actions, button, context, divider, sections
from bot.slack.mrkdwn import clip, escape, plain_words
from bot.slack.replies import Block

COMMITMENT = 400  # characters


def composer(knowledge: Knowledge, wording: Wording) -> Compose:
    """What turns a letter into a message, for `bot.services.delivery.Delivery`."""
    return lambda letter: nudge_message(letter, knowledge, wording)


def topic_title(unit: str | None, knowledge: Knowledge, wording: Wording) -> str:
    """What a prompt or an entry is about, as people know it."""
    if unit is None:
        return wording("nudges.journal.no_unit")
    return wording(f"nudges.topic.{unit}") if unit in {ROLE, STAGE} else knowledge.title(unit)


def nudge_message(letter: Letter, knowledge: Knowledge, wording: Wording) -> tuple[str, Sequence[dict[str, Any]]]:
    """A nudge: the open commitment first, then the question, why this one, and the ways out."""
    texts: list[str] = []
    blocks: list[Block] = []
    if letter.commitment:
        asked = _commitment_words(letter.commitment, letter.tone, wording)
        texts.append(asked)
        blocks += [*sections(asked), *actions(*commitment_buttons(letter.commitment)), divider()]
    if letter.prompt is None:
        body, small = _check_words(letter, knowledge, wording)
        row = _check_buttons(letter, knowledge)
    else:
        body, small = _prompt_words(letter, letter.prompt, knowledge, wording)
        row = _team_buttons() if letter.kind == "team" else _prompt_buttons(f"{letter.nudge.id}|{letter.prompt.id}")
    texts += [body.replace("\n", ": ", 1), small]
    blocks += [*sections(body), context(small), *actions(*row)]
    return plain_words("\n\n".join(texts)), blocks


def _prompt_words(letter: Letter, prompt: ReflectionPrompt, knowledge: Knowledge, wording: Wording) -> tuple[str, str]:
    title = escape(topic_title(prompt.unit, knowledge, wording))
    if letter.kind == "team":
        lead, ends = wording("nudges.team.lead", title=title), wording("nudges.team.small")
    else:
        lead = wording(f"nudges.nudge.lead.{letter.tone}", title=title)
        ends = wording("nudges.nudge.private")
    why = [] if letter.kind == "team" else [_sentence(wording(f"nudges.nudge.because.{letter.because}"))]
    small = [*why, *([wording("nudges.nudge.repeated")] if letter.repeated else []), ends]
    return f"{lead}\n{escape(prompt.text)}", " ".join(small)


def _check_words(letter: Letter, knowledge: Knowledge, wording: Wording) -> tuple[str, str]:
    title = escape(topic_title(letter.unit, knowledge, wording))
    lead = wording(f"nudges.check.lead.{letter.tone}", title=title)
    fields = {"ago": _ago(letter.last, letter.nudge.due_at)} if letter.because == "oldest" else {}
    because = _sentence(wording(f"nudges.check.because.{letter.because}", **fields))
    small = [because, wording("nudges.check.small", weeks=letter.weeks or 0), wording("nudges.check.private")]
    return f"{lead}\n{wording('nudges.check.takes')}", " ".join(small)


def _ago(last: datetime | None, now: datetime) -> str:
    return ago_words(last, now) if last else "some time ago"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _prompt_buttons(value: str) -> list[Block]:
    return [
        button("Reflect", "reflect.open", value, style="primary", hint="Write your reflection down"),
        *_later(value),
        button("Skip this week", "nudge.skip", value),
        button("Pause", "nudge.pause", hint="Pause all nudges"),
        plans.stop_button(),
    ]


def _check_buttons(letter: Letter, knowledge: Knowledge) -> list[Block]:
    value = f"{letter.nudge.id}|"
    title = knowledge.title(letter.unit or "")
    return [
        button("Check now", f"selfcheck.start:{letter.unit}", style="primary", hint=f"Self-check: {title}"),
        *_later(value),
        button("Not this one", "nudge.decline", value, hint="Another competency or function next time"),
        button("Pause", "nudge.pause", hint="Pause all nudges"),
        plans.stop_button(),
    ]


def _later(value: str) -> list[Block]:
    return [
        button("In 2 hours", "nudge.snooze", value, hint="Ask me again in two hours"),
        button("Tomorrow", "nudge.snooze:tomorrow", value, hint="Ask me again tomorrow at my hour"),
    ]


def _team_buttons() -> list[Block]:
    return [
        button("Change", "team.settings", hint="Change day, time and topics of this channel's question"),
        button("Pause", "team.pause", hint="Pause this channel's question"),
        button("Stop", "team.stop", hint="Stop this channel's question"),
    ]


def _commitment_words(entry: Reflection, tone: str, wording: Wording) -> str:
    due = day_words(entry.commitment_due) if entry.commitment_due else "now"
    return wording(f"nudges.nudge.commitment.{tone}", due=due, commitment=escape(clip(entry.commitment, COMMITMENT)))


def commitment_buttons(entry: Reflection) -> list[Block]:
    """What became of it."""
    return [
        button("Done", "commitment.done", entry.id, hint="I did what I meant to do"),
        button("Move it", "commitment.move", entry.id, hint="Give it another date"),
        button("Let it go", "commitment.drop", entry.id, hint="I won't do it"),
    ]
