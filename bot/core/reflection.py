"""Reflection prompts and which one comes next: a pure function of the profile, the history and the date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.core.framework import FRAMEWORK_UNITS, Content, Level
from bot.core.records import Stage
from bot.core.selfcheck import Reached

NO_REPEAT_WEEKS = 26
ROLE, STAGE = "ROLE", "STAGE"  # topics beside the units: one's own role, and the stage of the work
TOPICS = (*FRAMEWORK_UNITS, ROLE, STAGE)
_DAYS_A_WEEK = 7
_HEAD_START = 8  # turns, for a topic that was never asked
_FOCUS, _STARTING, _UNCHECKED, _FOUNDATIONAL, _OTHER = 5.0, 3.0, 1.5, 1.5, 1.0  # how much faster a unit's turn comes
_OVERDUE = 2  # times as many turns as there are topics: then a topic's turn has come whatever else weighs

# Why a reflection comes, and why a self-check is suggested.
Because = Literal[
    "focus", "starting", "unchecked", "turn", "chosen", "role", "stage", "again", "team", "oldest", "told", "asked"
]
TopicCode = Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E]|ROLE|STAGE)$")]
PromptId = Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E]|ROLE|STAGE)-r\d{2,3}$")]
PassageId = Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E]|P-[A-Z]+)/[a-z0-9-]+$")]
PromptText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=25, max_length=320)]


class ReflectionPrompt(Content):
    """One question to think about for a minute."""

    id: PromptId
    level: Level
    passage: Annotated[
        str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E]|P-[A-Z]+)/[a-z0-9-]+$")
    ]  # it rests on this
    text: PromptText
    topic: Annotated[str, StringConstraints(pattern=r"^[a-z-]+$")] | None = None  # of the stage or the role, which part
    alone: bool = False  # about oneself, or about how others behave: for one person, not for a channel

    @cached_property
    def unit(self) -> str:
        """The code of the unit that it is about, ROLE or STAGE."""
        return self.id.partition("-")[0]


class ReflectionFile(Content):
    """One file of prompts/reflections/."""

    unit: TopicCode
    prompts: tuple[ReflectionPrompt, ...] = Field(min_length=8)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt that a person had before."""

    prompt_id: str
    on: date  # the local day


@dataclass(frozen=True, slots=True)
class Topics:
    """What decides the prompts of a person, or of a channel."""

    seed: str  # the person, so that not everybody gets the same one
    levels: Mapping[str, Reached | None] = field(default_factory=dict)  # of the units they checked
    focus: str | None = None
    mode: Literal["suggested", "rotate", "chosen"] = "suggested"
    units: tuple[str, ...] = ()  # with "chosen"
    role: tuple[str, ...] = FRAMEWORK_UNITS  # what belongs to the person's role
    stage: Stage | None = None  # of their main piece of work
    team: bool = False  # a channel: only what can be asked in front of everybody


@dataclass(frozen=True, slots=True)
class Choice:
    """The prompt to send, and why."""

    prompt: ReflectionPrompt
    because: Because
    repeated: bool  # came within the last 26 weeks already: the chosen units hold no other


def choose(prompts: Sequence[ReflectionPrompt], topics: Topics, history: Iterable[Asked], on: date) -> Choice:
    """The prompt for a day. The same arguments give the same prompt. Raises ValueError where there are no prompts.

    Each topic's turn draws nearer with the prompts sent since it was asked, faster for the focus and for weak spots;
    one that has waited twice as long as a full round goes first, so that `coverage` holds. Within the topic: a prompt
    not asked for 26 weeks, of the fitting level first.
    """
    allowed = _allowed(prompts, topics)
    if not allowed:
        raise ValueError("there are no reflection prompts to choose from")
    asked = sorted(history, key=lambda a: a.on)
    last = {a.prompt_id: a.on for a in asked}
    fresh = [p for p in allowed if p.id not in last or (on - last[p.id]).days >= NO_REPEAT_WEEKS * _DAYS_A_WEEK]
    if not fresh:
        oldest = min(allowed, key=lambda p: (last[p.id], _draw(topics.seed, p.id)))
        return Choice(oldest, reason(topics, oldest.unit), repeated=True)
    unit = _next_topic(sorted({p.unit for p in fresh}), len({p.unit for p in allowed}), topics, asked)
    wanted: Level = "advanced" if topics.levels.get(unit) in {"foundational", "advanced"} else "foundational"
    best = min(
        (p for p in fresh if p.unit == unit),
        key=lambda p: (p.level != wanted, last.get(p.id, date.min), _draw(topics.seed, p.id)),
    )
    return Choice(best, reason(topics, unit), repeated=False)


def coverage(prompts: Sequence[ReflectionPrompt], topics: Topics) -> int:
    """Within how many prompts each topic comes at least once, whatever the focus and the weak spots are.

    Of n topics, one that has waited 2n prompts goes before all that have waited less; at most n - 1 have waited
    longer, and each of those goes once. Without weights the longest waiting always goes first.
    """
    count = len({p.unit for p in _allowed(prompts, topics)})
    return count if topics.mode != "suggested" or topics.team else (_OVERDUE + 1) * count - 1


def _allowed(prompts: Sequence[ReflectionPrompt], topics: Topics) -> list[ReflectionPrompt]:
    chosen = topics.mode == "chosen" and topics.units
    units = set(topics.units if chosen else topics.role) or set(FRAMEWORK_UNITS)
    if topics.team:
        return [p for p in prompts if p.unit in units and not p.alone]
    beside = [] if chosen else [p for p in prompts if p.unit == ROLE or (p.unit == STAGE and p.topic == topics.stage)]
    return [p for p in prompts if p.unit in units] + beside


def _next_topic(fresh: Sequence[str], count: int, topics: Topics, asked: Sequence[Asked]) -> str:
    waited = {unit: _turns_since(unit, asked) for unit in fresh}
    overdue = [unit for unit in fresh if asked and waited[unit][0] >= _OVERDUE * count]
    if overdue:
        return max(overdue, key=lambda u: (waited[u][0], _draw(topics.seed, u)))

    def debt(unit: str) -> tuple[float, str]:
        turns, never = waited[unit]
        return (turns + (_HEAD_START if never else 0)) * _weight(topics, unit), _draw(topics.seed, unit)

    return max(fresh, key=debt)


def _turns_since(unit: str, asked: Sequence[Asked]) -> tuple[int, bool]:
    """How many prompts came since this topic was asked, and whether it never was."""
    for turns, one in enumerate(reversed(asked)):
        if one.prompt_id.partition("-")[0] == unit:
            return turns + 1, False
    return len(asked), True


def _weight(topics: Topics, unit: str) -> float:
    if topics.mode != "suggested" or topics.team or unit in {ROLE, STAGE}:
        return _OTHER
    if unit == topics.focus:
        return _FOCUS
    if unit not in topics.levels:
        return _UNCHECKED if topics.levels else _OTHER
    return {"starting": _STARTING, "foundational": _FOUNDATIONAL}.get(topics.levels[unit] or "", _OTHER)


def reason(topics: Topics, unit: str) -> Because:
    """Why a prompt on this topic comes, as things stand."""
    because: Because = "turn"
    if topics.team:
        because = "team"
    elif topics.mode == "chosen" and topics.units:
        because = "chosen"
    elif unit in {ROLE, STAGE}:
        because = "role" if unit == ROLE else "stage"
    elif topics.mode == "rotate":
        because = "turn"
    elif unit == topics.focus:
        because = "focus"
    elif unit not in topics.levels:
        because = "unchecked" if topics.levels else "turn"
    elif topics.levels[unit] == "starting":
        because = "starting"
    return because


def _draw(seed: str, name: str) -> str:
    """A fixed order that differs from person to person."""
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()
