"""Coaching turns: when a person tells a situation, goes on with it, or has had enough of questions. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.core.answer import Turn
from bot.core.text import clean, content_words, words

_DIRECT = re.compile(
    r"\b(?:just|simply|please|can you|could you|would you|only) (?:just )?(?:tell|give|say|answer) (?:it )?(?:to )?me\b|\bjust (?:tell|say|answer)\b|"
    r"\b(?:straight|direct|plain|short|quick) answer\b|\b(?:stop|no more|enough with the|enough|skip the|without the) "
    r"(?:asking|questions?)\b|\bwhat (?:should|do|would) (?:i|we|you) (?:actually |really )?(?:do|suggest|recommend|advise)\b|"
    r"\b(?:tell me what (?:to do|you think)|what's your (?:advice|answer)|get to the point|give me the answer)\b"
)
_QUESTION = re.compile(
    r"\?\s*$|^(?:so |and |but |ok |please )*(?:what|who|which|when|where|why|how|is|are|do|does|did|can|could|should|"
    r"define|explain|list|name|describe|compare|tell me)\b"
)
_TELLS = re.compile(r"\b(?:i|i'm|i've|we|we're|we've|my|our|me|us|they|he|she)\b")
_LEAST_WORDS = 8  # of a situation told in one message
_TURNS_BACK = 4  # messages of the person that make up the situation
_MOST_CHARS = 1200


def wants_it_direct(text: str) -> bool:
    """Whether somebody has had enough of questions: "just tell me"."""
    return bool(_DIRECT.search(clean(text).lower()))


def is_question(text: str) -> bool:
    """Whether a message asks something outright."""
    return bool(_QUESTION.search(clean(text).lower()))


def tells(text: str) -> bool:
    """Whether a message tells a situation rather than asking."""
    low = clean(text).lower()
    return not is_question(low) and len(words(low)) >= _LEAST_WORDS and bool(_TELLS.search(low))


def is_coached(text: str, history: Sequence[Turn]) -> bool:
    """Whether a message is a turn of coaching: it tells a situation, or goes on after the coach's question."""
    if is_question(text) or wants_it_direct(text):
        return False
    return tells(text) or (any(tells(t.text) for t in _own(history)) and _was_asked(history))


def situation(text: str, history: Sequence[Turn]) -> str:
    """What the person told so far, this message last: the ground on which passages are looked for."""
    told = [t.text for t in _own(history) if not wants_it_direct(t.text) and len(content_words(clean(t.text))) > 1]
    parts = [*told[-_TURNS_BACK:], *(() if wants_it_direct(text) and told else (text,))]
    return clean(" ".join(p if p.rstrip().endswith((".", "!", "?")) else f"{p.rstrip()}." for p in parts))[
        -_MOST_CHARS:
    ]


def _own(history: Sequence[Turn]) -> list[Turn]:
    return [t for t in history if t.role == "user"]


def _was_asked(history: Sequence[Turn]) -> bool:
    last = next((t for t in reversed(history) if t.role == "assistant"), None)
    return last is not None and "?" in last.text[-250:]
