"""Which units a question is about: every signal's view fused into one ranking, and whether there is evidence at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.answer import Outcome
from bot.core.evidence import Hit, Neighbour, QuestionView
from bot.core.framework import PAPER_UNITS
from bot.core.questions import Reading

# Forms that the framework holds for every unit: a question that names the unit and asks for one has its answer.
_CERTAIN = frozenset({"definition", "levels", "list", "compare", "activities", "example"})
_FLOOR = 0.004  # a unit that the model doesn't see at all; also where an operator's document starts


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts. Fitted on questions of authors whose lines were not trained on."""

    model: float = 1.0  # log-probability of the trained head
    dense: float = 0.5  # best cosine of the unit's passages
    near: float = 0.5  # exemplars nearest in meaning
    words: float = 1.6  # best BM25 of the unit's passages, as a share of the best of all
    named: float = 1.0  # the question names the unit


@dataclass(frozen=True, slots=True)
class RankedUnit:
    """A unit with its score and its best passage for the question."""

    unit: str
    score: float  # higher is better; a log-linear sum
    share: float  # softmax over all units, 0 to 1
    passage_id: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What every signal says of one question."""

    reading: Reading
    view: QuestionView
    hits: Sequence[Hit]
    neighbours: Sequence[Neighbour]


def features(evidence: Evidence) -> dict[str, tuple[float, float, float, float, float]]:
    """(log-probability, dense, near, words, named) of each unit."""
    dense: dict[str, float] = {}
    lexical: dict[str, float] = {}
    view, reading = evidence.view, evidence.reading
    for hit in evidence.hits:
        unit = hit.passage.unit
        dense[unit] = max(dense.get(unit, 0.0), hit.dense)
        lexical[unit] = max(lexical.get(unit, 0.0), hit.lexical)
    top = max(lexical.values(), default=0.0) or 1.0
    near = _near(evidence.neighbours)
    units = dict.fromkeys([*PAPER_UNITS, *dense])
    return {
        u: (
            math.log(view.units.get(u, 0.0) + _FLOOR),
            dense.get(u, 0.0),
            near.get(u, 0.0),
            lexical.get(u, 0.0) / top,
            1.0 if u in reading.mentions else 0.0,
        )
        for u in units
    }


def rank(evidence: Evidence, best: Mapping[str, str], *, weights: Weights | None = None) -> tuple[RankedUnit, ...]:
    """All units, best first. `best` gives a passage id for units of which retrieval brought none."""
    w = weights or Weights()
    scores = {
        u: w.model * f[0] + w.dense * f[1] + w.near * f[2] + w.words * f[3] + w.named * f[4]
        for u, f in features(evidence).items()
    }
    passage = dict(best)
    for hit in reversed(evidence.hits):
        passage[hit.passage.unit] = hit.passage.id
    highest = max(scores.values())
    total = sum(math.exp(s - highest) for s in scores.values())
    ranked = sorted(scores, key=lambda u: -scores[u])
    return tuple(
        RankedUnit(u, scores[u], math.exp(scores[u] - highest) / total, passage[u]) for u in ranked if u in passage
    )


def _near(neighbours: Iterable[Neighbour]) -> dict[str, float]:
    """Each unit's share of the nearest exemplars, the closer the more."""
    votes: dict[str, float] = {}
    for n in neighbours:
        votes[n.unit] = votes.get(n.unit, 0.0) + max(n.similarity, 0.0) ** 2
    total = sum(votes.values()) or 1.0
    return {u: v / total for u, v in votes.items()}


def gate(view: QuestionView, ranked: Sequence[RankedUnit], reading: Reading) -> Outcome:
    """Whether there is evidence to answer from, decided before anything is written."""
    evidence = view.evidence or {"answered": 1.0}
    answered = evidence.get("answered", 0.0)
    if reading.form in _CERTAIN and (reading.mentions or reading.form == "list"):
        return "answered"
    if reading.mentions or reading.form == "who":
        answered += 0.2
    if ranked and ranked[0].unit.startswith("D-"):
        answered += 0.5  # an operator's document that outdoes the framework was put there to answer
    refused = max(("not_in_sources", "out_of_scope"), key=lambda k: evidence.get(k, 0.0))
    if answered >= evidence.get(refused, 0.0):
        return "answered"
    return "not_in_sources" if refused == "not_in_sources" else "out_of_scope"
