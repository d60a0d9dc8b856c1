"""What retrieval and the trained models say of a text: the evidence on which answers and triage rest."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.framework import Passage


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that retrieval brought, with what each signal said of it."""

    passage: Passage
    score: float  # fused, higher is better; comparable within one search only
    dense: float  # cosine similarity, -1 to 1
    lexical: float  # BM25 score, 0 and up


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An exemplar near to a query."""

    unit: str  # unit code; for an unanswerable question the reason
    kind: str  # "question", "message", "words" or "unanswerable"
    similarity: float  # cosine, -1 to 1


@dataclass(frozen=True, slots=True)
class Classification:
    """A classifier's view of a message; probabilities are calibrated."""

    competencies: dict[str, float]  # all ten, summing to 1: given that it is about one of them
    p_none: float
    functions: dict[str, float]  # all five, each 0 to 1
    p_advanced: float
    why: tuple[str, ...]  # words or phrases of the message that speak for the first competency
    unknown: float = 0.0  # share of its words that stand nowhere in the content


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A model's view of a question, each part a distribution; empty where nothing was trained for it."""

    units: dict[str, float]  # every unit of the framework and the paper
    evidence: dict[str, float]  # "answered", "not_in_sources", "out_of_scope"
    intents: dict[str, float]  # "definition", "levels", "how_do_i", …
    kinds: dict[str, float]  # what a direct message wants: "ask", "triage", "selfcheck", …
    unknown: float = 0.0  # share of its words that stand nowhere in the content
    outside: float = 0.0  # share of its words that stand in no passage
    foreign: bool = False  # it names something by an acronym that stands in no passage
    strangers: int = 0  # names in it, of places and bodies too, that stand in no passage
