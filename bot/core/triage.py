"""The wire forms of a triage (contracts.md, `triage`), and how probabilities become an outcome."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.core.evidence import Classification
from bot.core.framework import Knowledge, Level

_BUTTON = 75  # Slack's limit for a button's text

TriageOutcome = Literal["match", "close_call", "none"]


class NextStep(BaseModel):
    """Where to go from a triage."""

    model_config = ConfigDict(frozen=True)

    question: str  # one coaching question of the first competency
    read: tuple[str, ...]  # passage ids
    self_check: str | None  # unit code for a quick self-check


class Settling(BaseModel):
    """The question that settles a close call, with a button label for each side."""

    model_config = ConfigDict(frozen=True)

    question: str
    options: tuple[tuple[str, str], ...]  # (competency code, button label), two of them


class TriageView(BaseModel):
    """One view of a message, as it was before the two were brought together."""

    model_config = ConfigDict(frozen=True)

    by: Literal["local", "model"]
    outcome: TriageOutcome
    competency: str | None
    second: str | None = None
    prompt: str | None = None  # which prompt spoke


class Triage(BaseModel):
    """Which competency a situation is about, in the form of contracts.md (and `settling` for the buttons)."""

    model_config = ConfigDict(frozen=True)

    outcome: TriageOutcome
    competency: str | None
    confidence: float
    ranking: tuple[tuple[str, float], ...]  # all ten, best first, summing to 1
    functions: tuple[tuple[str, float], ...]  # all five, best first, each 0 to 1
    p_none: float
    level: Level | None
    why: tuple[str, ...]  # words or phrases that stand in the message
    next: NextStep | None
    ask_back: str | None = None
    settling: Settling | None = None
    mode: Literal["local", "model"] = "local"
    latency_ms: float = 0.0
    model: str | None = None  # "provider:name" where a model was asked
    views: tuple[TriageView, ...] = ()  # both views, where a model was asked


@dataclass(frozen=True, slots=True)
class Bars:
    """Where an outcome begins. Set on messages of authors whose lines were not trained on."""

    none: float = 0.4  # p_none from here on: not about supporting implementation
    unknown: float = 0.75  # share of words never seen from here on: nothing to go by
    match: float = 0.7  # confidence of the first competency from here on, with `lead`
    lead: float = 0.3  # and this far ahead of the second


def decide(view: Classification, bars: Bars) -> TriageOutcome:
    """The outcome that calibrated probabilities have earned."""
    if view.p_none >= bars.none or view.unknown >= bars.unknown:
        return "none"
    first, second, *_ = sorted(view.competencies.values(), reverse=True)
    return "match" if first >= bars.match and first - second >= bars.lead else "close_call"


def compose(view: Classification, knowledge: Knowledge, bars: Bars, text: str) -> Triage:
    """The triage of a message: outcome, ranking, and the next move from the first competency's own content."""
    ranking = tuple(sorted(view.competencies.items(), key=lambda p: -p[1]))
    functions = tuple(sorted(view.functions.items(), key=lambda p: -p[1]))
    outcome = decide(view, bars)
    p_none = max(view.p_none, bars.none, view.unknown) if outcome == "none" else view.p_none
    base = Triage(
        outcome=outcome,
        competency=None if outcome == "none" else ranking[0][0],
        confidence=p_none if outcome == "none" else ranking[0][1],
        ranking=ranking,
        functions=functions,
        p_none=p_none,
        level=None,
        why=(),
        next=None,
    )
    if outcome == "none":
        return base
    first = knowledge.units[ranking[0][0]]
    level: Level = "advanced" if view.p_advanced >= 0.5 else "foundational"  # noqa: PLR2004 - calibrated, so a half
    settling = settle(knowledge, ranking[0][0], ranking[1][0]) if outcome == "close_call" else None
    return base.model_copy(
        update={
            "level": level,
            "why": view.why,
            "next": NextStep(
                question=first.coach_questions[zlib.crc32(text.encode()) % len(first.coach_questions)],
                read=(f"{first.code}/definition", f"{first.code}/levels-{level}"),
                self_check=first.code,
            ),
            "ask_back": settling.question if settling else None,
            "settling": settling,
        }
    )


def settle(knowledge: Knowledge, first: str, second: str) -> Settling:
    """The question that settles between two competencies: the pair's own, else one made from their plain titles."""
    for here, there in ((first, second), (second, first)):
        for q in knowledge.units[here].settling_questions:
            if q.versus == there:
                return Settling(question=q.question, options=((here, q.this_if), (there, q.other_if)))
    return Settling(
        question="Which is nearer to what you need right now?",
        options=tuple((code, _label(knowledge.units[code].plain_title)) for code in (first, second)),
    )


def _label(text: str) -> str:
    return text if len(text) <= _BUTTON else text[: _BUTTON - 1].rstrip() + "…"
