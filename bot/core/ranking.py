"""Which units a question is about: every signal's view fused into one ranking, and whether there is evidence at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.answer import Outcome
from bot.core.evidence import Hit, Neighbour, QuestionView
from bot.core.framework import PAPER_UNITS
from bot.core.questions import Reading
from bot.core.text import words

# Forms that the framework holds for every unit: a question that names the unit and asks for one has its answer.
_CERTAIN = frozenset({"definition", "levels", "list", "compare", "activities", "example", "equity"})
_HALF = 0.5
_SHORT = 14  # words; in a longer story an acronym is part of the scene
_REFUSED = 0.93  # a trained view this sure that the sources don't hold it is taken at its word
_HELD, _SURE = 0.2, 0.9  # trained views this sure, that the sources hold it and of the unit, need no other sign
_NAMED = 1.0  # for the gate: the question names one of the units
_CONTINUED = 0.5  # likewise: it goes on with what was answered before
_FIGURE = re.compile(
    r"\b(?:how (?:many|much|long|often|big|old)|what (?:percent|share|number|size|score|cost|price|ratio)"
    r"|which (?:version|edition|country|software))\b"
)
_FLOOR = 0.004  # a unit that the model doesn't see at all; also where an operator's document starts


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts. Fitted on questions of authors whose lines were not trained on."""

    model: float = 1.0  # log-probability of the trained head
    dense: float = 1.0  # best cosine of the unit's passages
    near: float = 1.0  # exemplars nearest in meaning
    words: float = 1.0  # best BM25 of the unit's passages, as a share of the best of all
    named: float = 1.5  # the question names the unit
    leant: float = 0.8  # log-probability for what was said before, where the question leans on it
    before: float = 0.4  # the same, where it could stand alone


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
    continued: bool = False  # the conversation before it says what it is about
    before: Mapping[str, float] = field(default_factory=dict)  # the trained view of what was said last, if anything was


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
    if evidence.before:
        kept = w.leant if evidence.continued else w.before
        scores = {u: s + kept * math.log(evidence.before.get(u, 0.0) + _FLOOR) for u, s in scores.items()}
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


@dataclass(frozen=True, slots=True)
class GateWeights:
    """How much each sign of evidence counts. Fitted, like `Weights`, on questions of authors not trained on."""

    start: float = -3.0  # set so that some 19 of 20 answerable questions of an unseen author are answered
    not_held: float = 0.91  # log odds of answered against not in the sources, by the trained view
    not_ours: float = 0.12  # log odds of answered against out of scope
    unit: float = 2.56  # how sure the trained view is of one unit
    second: float = 0.62  # and of the next
    unknown: float = -3.63  # share of words that stand nowhere in the content
    outside: float = -1.93  # share of words that stand in no passage
    known: float = 2.58  # how near the question comes to what passages say or answer
    foreign: float = -2.0  # a short question that names a framework or a body which no passage names
    strangers: float = -1.22  # each other name that no passage has, up to three
    figure: float = -1.48  # it asks for a number, a size, a price or a product, of which the paper has few

    def score(self, evidence: Evidence, known: float) -> float:
        """Above 0: there is evidence to answer from."""
        view = evidence.view
        held = {k: math.log(view.evidence.get(k, 0.0) + 1e-3) for k in ("answered", "not_in_sources", "out_of_scope")}
        first, second = sorted((0.0, 0.0, *view.units.values()), reverse=True)[:2]
        return (
            self.start
            + self.not_held * (held["answered"] - held["not_in_sources"])
            + self.not_ours * (held["answered"] - held["out_of_scope"])
            + self.unit * first
            + self.second * second
            + self.unknown * view.unknown
            + self.outside * view.outside
            + self.known * known
            + self.foreign * (view.foreign and len(words(evidence.reading.text)) <= _SHORT)
            + self.strangers * min(view.strangers, 3)
            + self.figure * bool(_FIGURE.search(evidence.reading.text.lower()))
        )


def gate(
    evidence: Evidence, ranked: Sequence[RankedUnit], known: float, *, weights: GateWeights | None = None
) -> Outcome:
    """Whether there is evidence to answer from, decided before anything is written.

    `known`: how near the question comes to what the brought passages say or are known to answer.
    """
    reading, view = evidence.reading, evidence.view
    held, ours = (view.evidence.get(k, 0.0) for k in ("not_in_sources", "out_of_scope"))
    elsewhere = view.foreign and held > _HALF  # "List the ERIC strategies" names our word, and means another's list
    if reading.form in _CERTAIN and (reading.mentions or reading.form == "list") and not elsewhere:
        return "answered"
    if ranked and ranked[0].unit.startswith("D-"):
        return "answered"  # an operator's document that outdoes the framework was put there to answer
    named = _NAMED if reading.mentions else _CONTINUED if evidence.continued else 0.0
    if view.evidence and view.outside == 1.0 and not named and ours > held:
        return "out_of_scope"  # not a word of it stands in any source, and what it asks sounds like another field
    if view.evidence and held + ours < _HELD and max(view.units.values(), default=0.0) > _SURE:
        return "answered"
    if not view.evidence or (held < _REFUSED and (weights or GateWeights()).score(evidence, known) + named >= 0):
        return "answered"
    return "not_in_sources" if held >= ours or reading.mentions else "out_of_scope"
