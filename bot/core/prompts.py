"""Model prompts as typed values: filled with exactly the variables that they declare; data in them can't speak."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from bot.core.answer import Turn
from bot.core.drafts import ModelRequest, Purpose
from bot.core.framework import Content, Passage, Slug, Text
from bot.core.text import clean

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_GRAM = 6  # words in a row that are no longer chance
_TURN_CHARS = 700  # of an earlier message

Output = Literal["draft", "triage", "verdicts"]

# The prompts that the bot speaks with: what each gives back, and what it is given.
PROMPTS: dict[str, tuple[Output, frozenset[str]]] = {
    "answer": ("draft", frozenset({"question", "conversation", "passages"})),
    "coach": ("draft", frozenset({"question", "conversation", "passages"})),
    "triage": ("triage", frozenset({"message", "competencies"})),
    "verify": ("verdicts", frozenset({"claims"})),
}


class PromptHead(Content):
    """The front matter of a prompt file."""

    name: Slug
    version: Annotated[int, Field(ge=1)]
    output: Output
    variables: tuple[Text, ...]
    max_tokens: Annotated[int, Field(ge=50, le=8000)]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One checked prompt: `system` has no variables, so that no data stands among the instructions."""

    head: PromptHead
    system: str
    user: str

    @property
    def label(self) -> str:
        """Name and version: what is noted with an answer."""
        return f"{self.head.name}@{self.head.version}"

    def request(self, purpose: Purpose, **values: str) -> ModelRequest:
        """The call of a model with this prompt. Raises KeyError for a wrong set of variables."""
        if set(values) != set(self.head.variables):
            msg = f"{self.label} takes {sorted(self.head.variables)}, not {sorted(values)}"
            raise KeyError(msg)
        user = _SLOT.sub(lambda m: values[m[1]], self.user)
        return ModelRequest(purpose, self.label, self.system, user, self.head.max_tokens)

    def fingerprints(self) -> frozenset[tuple[str, ...]]:
        """Runs of words of the instructions: a draft that holds one repeats them."""
        return grams(self.system) | grams(_SLOT.sub(" ", self.user))


def slots(text: str) -> set[str]:
    """The variables that stand in a text."""
    return set(_SLOT.findall(text))


def grams(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of six words of a text."""
    found = re.findall(r"[\w']+", clean(text).lower())
    return frozenset(tuple(found[i : i + _GRAM]) for i in range(len(found) - _GRAM + 1))


# --- data as data -----------------------------------------------------------------------------------------------------


def fenced(text: str) -> str:
    """A text that can stand between tags: without hidden characters, and without brackets that could close them."""
    return text_without_tags(clean(text))


def text_without_tags(text: str) -> str:
    """Angle brackets as look-alikes, slots broken: data neither closes its fence nor fills another variable."""
    return text.replace("<", "‹").replace(">", "›").replace("{{", "{ {").replace("}}", "} }")


def passages_block(passages: Sequence[Passage]) -> str:
    """The passages that a draft may rest on, each fenced with its id."""
    return "\n".join(
        f'<passage id="{fenced(p.id)}" from="{fenced(p.title)}"{_level(p)}>{fenced(p.text)}</passage>' for p in passages
    )


def claims_block(claims: Sequence[tuple[str, Sequence[Passage]]]) -> str:
    """Sentences with the passages that each rests on, numbered from 1 and fenced."""
    return "\n".join(
        f'<claim n="{n}">\n<sentence>{fenced(text)}</sentence>\n{passages_block(cited)}\n</claim>'
        for n, (text, cited) in enumerate(claims, start=1)
    )


def _level(passage: Passage) -> str:
    return f' level="{passage.level}"' if passage.level else ""


def conversation_block(history: Sequence[Turn]) -> str:
    """The conversation so far, oldest first, each message fenced."""
    return "\n".join(
        f'<message from="{"person" if t.role == "user" else "coach"}">{fenced(t.text)[:_TURN_CHARS]}</message>'
        for t in history
    )
