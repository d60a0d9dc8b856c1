"""Exemplars: what practitioners say and ask, labelled by hand. They train triage and widen retrieval."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bot.core.framework import Content, Level, Slug

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]  # people type "ok" and "?"
CompetencyCode = Annotated[str, StringConstraints(pattern=r"^C([1-9]|10)$")]
FunctionCode = Annotated[str, StringConstraints(pattern=r"^F[A-E]$")]
PaperUnitCode = Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E]|P-[A-Z]+)$")]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]  # people say "ok", too
Setting = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$")]
Difficulty = Literal["easy", "medium", "hard"]
NegativeKind = Literal[
    "smalltalk", "unrelated", "clinical", "it", "statistics", "hr", "management", "research", "personal", "bot"
]
Wanted = Literal[
    "ask", "triage", "selfcheck", "reflect", "smalltalk", "help", "other_person", "distress", "privacy"
]  # as bot.core.conversation.Intent
Intent = Literal[
    "definition",
    "levels",
    "list",
    "compare",
    "about_paper",
    "how_do_i",
    "situation",
    "who",
    "reference",
    "equity",
    "example",
]


class Message(Content):
    """A practitioner's message and the unit that it is about."""

    id: Slug
    text: Words
    primary: CompetencyCode
    acceptable: tuple[CompetencyCode, ...] = Field(min_length=1)  # what careful readers could defend, primary included
    functions: tuple[FunctionCode, ...] = Field(min_length=1, max_length=3)  # what the moment calls for, main one first
    level: Level | None = None
    setting: Setting
    difficulty: Difficulty
    author: str = ""  # filled in from the file: tests hold out whole writers

    @model_validator(mode="after")
    def _primary_is_acceptable(self) -> Self:
        if self.primary not in self.acceptable:
            raise ValueError("acceptable must hold the primary")
        return self


class Negative(Content):
    """A message that is not about supporting implementation."""

    id: Slug
    text: Words
    kind: NegativeKind
    author: str = ""


class ExemplarQuestion(Content):
    """A question that the sources answer."""

    id: Slug
    question: Words
    units: tuple[PaperUnitCode, ...] = Field(min_length=1)  # the unit(s) that hold the answer, best first
    intent: Intent
    author: str = ""


class Unanswerable(Content):
    """A question that the sources do not answer, and of which kind."""

    id: Slug
    question: Words
    reason: Literal["not_in_sources", "out_of_scope"]
    author: str = ""


class Wish(Content):
    """A direct message to the bot and what it wants. They train the router."""

    id: Slug
    text: Said
    intent: Wanted
    author: str = ""


class Signal(Content):
    """A message of somebody in distress, or one about work that only sounds like it."""

    id: Slug
    text: Said
    distress: bool
    author: str = ""


class ExemplarFile(Content):
    """One writer's file: messages with negatives, questions with unanswerable ones, wishes, or signals."""

    author: Slug
    settings: tuple[Setting, ...] = ()
    messages: tuple[Message, ...] = ()
    negatives: tuple[Negative, ...] = ()
    questions: tuple[ExemplarQuestion, ...] = ()
    unanswerable: tuple[Unanswerable, ...] = ()
    wishes: tuple[Wish, ...] = ()
    signals: tuple[Signal, ...] = ()


class Exemplars(Content):
    """All exemplars, in the order of the files' names; ids are unique over all files."""

    messages: tuple[Message, ...]
    negatives: tuple[Negative, ...]
    questions: tuple[ExemplarQuestion, ...]
    unanswerable: tuple[Unanswerable, ...]
    wishes: tuple[Wish, ...] = ()
    signals: tuple[Signal, ...] = ()
