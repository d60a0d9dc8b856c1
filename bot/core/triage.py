"""The wire forms of a triage (contracts.md, `triage`), and how probabilities become an outcome."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.core.framework import Level

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
