"""The wire forms of an answer (contracts.md, `ask`): what the coach gives back to a question."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Outcome = Literal["answered", "not_in_sources", "out_of_scope", "unverified", "declined", "care", "failed"]


class Turn(BaseModel):
    """One earlier message of a conversation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: Literal["user", "assistant"]
    text: str


class Question(BaseModel):
    """A question with the conversation before it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    history: tuple[Turn, ...] = ()
    tenant: str = "*"  # the workspace whose documents may be read beside those for everybody
    asker: str = ""  # the person in that workspace, on whose budget a model is called; empty on the command line


class Citation(BaseModel):
    """A numbered source of an answer."""

    model_config = ConfigDict(frozen=True)

    marker: int  # the n of its [n] in the answer
    unit: str
    passage_id: str
    title: str
    quote: str
    verbatim: bool  # True where the quote stands so in the source, False where it is our wording of it
    source: str  # "framework", "white-paper" or "D-…"


class PassageScore(BaseModel):
    """One ranked unit's best passage."""

    model_config = ConfigDict(frozen=True)

    unit: str
    passage_id: str
    score: float


class Answer(BaseModel):
    """The coach's answer to a question, in the form of contracts.md."""

    model_config = ConfigDict(frozen=True)

    question: str
    standalone_question: str
    answer: str  # Markdown with [1]-style markers
    outcome: Outcome
    reason: str | None = None  # one line, for people, where it was not answered
    citations: tuple[Citation, ...] = ()
    passages: tuple[PassageScore, ...] = ()
    mode: Literal["passages", "model"] = "passages"
    model: str | None = None
    fallback: Literal["model_error", "check_failed"] | None = None
    coach_question: str | None = None
    search: Literal["full", "words"] = "full"  # "words": while the search by meaning was away
    latency_ms: float = 0.0
    prompt: str | None = None  # which prompt spoke, "answer@1"; None where no model was called
    cut: int = 0  # sentences of the model's draft that the check kept back
