"""Reflection prompts and which one comes next: a pure function of the profile, the history and the date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.core.framework import FRAMEWORK_UNITS, Content, Level, UnitCode
from bot.core.selfcheck import Reached

NO_REPEAT_WEEKS = 26
_DAYS_A_WEEK = 7
_HEAD_START = 8  # weeks, for a unit that was never asked
_FOCUS, _STARTING, _UNCHECKED, _FOUNDATIONAL, _OTHER = 5.0, 3.0, 1.5, 1.5, 1.0  # how much faster a unit's turn comes

Because = Literal["focus", "starting", "unchecked", "turn", "chosen"]
PromptId = Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E])-r\d{2,3}$")]
PromptText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=25, max_length=320)]


class ReflectionPrompt(Content):
    """One question to think about for a minute."""

    id: PromptId
    level: Level
    passage: Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E])/[a-z0-9-]+$")]  # what it rests on
    text: PromptText

    @property
    def unit(self) -> str:
        """The code of the unit that it is about."""
        return self.passage.partition("/")[0]


class ReflectionFile(Content):
    """One file of prompts/reflections/."""

    unit: UnitCode
    prompts: tuple[ReflectionPrompt, ...] = Field(min_length=8)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt that a person had before."""

    prompt_id: str
    on: date  # the local day


@dataclass(frozen=True, slots=True)
class Topics:
    """What decides a person's prompts."""

    seed: str  # the person, so that not everybody gets the same one
    levels: Mapping[str, Reached | None] = field(default_factory=dict)  # of the units they checked
    focus: str | None = None
    mode: Literal["suggested", "rotate", "chosen"] = "suggested"
    units: tuple[str, ...] = ()  # with "chosen"


@dataclass(frozen=True, slots=True)
class Choice:
    """The prompt to send, and why."""

    prompt: ReflectionPrompt
    because: Because
    repeated: bool  # came within the last 26 weeks already: the chosen units hold no other


def choose(prompts: Sequence[ReflectionPrompt], topics: Topics, history: Iterable[Asked], on: date) -> Choice:
    """The prompt for a day. The same arguments give the same prompt. Raises ValueError where there are no prompts.

    Each unit's turn draws nearer with the weeks since it was asked, faster for the focus and for weak spots, so every
    unit comes within a bounded time. Within the unit: a prompt not asked for 26 weeks, of the fitting level first.
    """
    allowed = _allowed(prompts, topics)
    if not allowed:
        raise ValueError("there are no reflection prompts to choose from")
    last = _last_asked(history)
    fresh = [p for p in allowed if p.id not in last or (on - last[p.id]).days >= NO_REPEAT_WEEKS * _DAYS_A_WEEK]
    if not fresh:
        oldest = min(allowed, key=lambda p: (last[p.id], _draw(topics.seed, p.id)))
        return Choice(oldest, _because(topics, oldest.unit), repeated=True)
    unit = max(sorted({p.unit for p in fresh}), key=lambda u: (_debt(topics, u, last, on), _draw(topics.seed, u)))
    wanted: Level = "advanced" if topics.levels.get(unit) in {"foundational", "advanced"} else "foundational"
    best = min(
        (p for p in fresh if p.unit == unit),
        key=lambda p: (p.level != wanted, last.get(p.id, date.min), _draw(topics.seed, p.id)),
    )
    return Choice(best, _because(topics, unit), repeated=False)


def _allowed(prompts: Sequence[ReflectionPrompt], topics: Topics) -> list[ReflectionPrompt]:
    units = set(topics.units) if topics.mode == "chosen" and topics.units else set(FRAMEWORK_UNITS)
    return [p for p in prompts if p.unit in units]


def _last_asked(history: Iterable[Asked]) -> dict[str, date]:
    last: dict[str, date] = {}
    for asked in history:
        last[asked.prompt_id] = max(asked.on, last.get(asked.prompt_id, asked.on))
    return last


def _weight(topics: Topics, unit: str) -> float:
    if topics.mode != "suggested":
        return _OTHER
    if unit == topics.focus:
        return _FOCUS
    if unit not in topics.levels:
        return _UNCHECKED if topics.levels else _OTHER
    return {"starting": _STARTING, "foundational": _FOUNDATIONAL}.get(topics.levels[unit] or "", _OTHER)


def _debt(topics: Topics, unit: str, last: Mapping[str, date], on: date) -> float:
    """How near a unit's turn is: weeks since it was asked, times its weight.

    One never asked counts from the first prompt of all, with a start; so it grows, and nothing holds it off for good.
    """
    asked = [day for prompt, day in last.items() if prompt.partition("-")[0] == unit]
    since = max(asked) if asked else min(last.values(), default=on)
    weeks = max(0, (on - since).days // _DAYS_A_WEEK) + (0 if asked else _HEAD_START)
    return weeks * _weight(topics, unit)


def _because(topics: Topics, unit: str) -> Because:
    if topics.mode == "chosen" and topics.units:
        return "chosen"
    if topics.mode == "rotate":
        return "turn"
    if unit == topics.focus:
        return "focus"
    if unit not in topics.levels:
        return "unchecked" if topics.levels else "turn"
    return "starting" if topics.levels[unit] == "starting" else "turn"


def _draw(seed: str, name: str) -> str:
    """A fixed order that differs from person to person."""
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()
