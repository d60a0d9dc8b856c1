"""Figures of an evaluation (contracts.md): pure functions from lines and what came of them to shares and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from bot.core import key_points
from bot.core.answer import Outcome, Turn
from bot.core.framework import Level
from bot.core.triage import TriageOutcome

_Z95 = 1.959963984540054  # two-sided 95 %
REFUSALS = frozenset({"not_in_sources", "out_of_scope", "unverified", "declined", "care"})  # "failed" is no refusal


class EvaluationLine(BaseModel):
    """What every line of an evaluation set has."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str | int
    difficulty: str = "unspecified"


class RetrievalLine(EvaluationLine):
    """A question and the units that answer it."""

    question: str
    history: tuple[Turn, ...] = ()
    gold_units: tuple[str, ...] = ()
    acceptable_units: tuple[str, ...] = ()
    key_points: tuple[str, ...] = ()  # what a good answer states
    answerable: bool = True
    type: str = "unspecified"


class TriageLine(EvaluationLine):
    """A message and the competencies that it may be said to be about."""

    text: str
    primary: str  # a competency or "none"
    acceptable: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    level: Level | None = None
    setting: str = "unspecified"

    @property
    def in_scope(self) -> bool:
        """True where the message is about a competency."""
        return self.primary != "none"

    @property
    def right(self) -> frozenset[str]:
        """The competencies that count as right."""
        return frozenset({self.primary, *self.acceptable} - {"none"}) if self.in_scope else frozenset()


class RouterLine(EvaluationLine):
    """A direct message and what it wants."""

    text: str
    history: tuple[Turn, ...] = ()
    intent: str


class SupportLine(EvaluationLine):
    """A sentence with the passages that it cites: does it say what they say."""

    sentence: str
    passage_ids: tuple[str, ...]
    true: bool
    kind: str = "unspecified"  # how it was doctored, where it was


@dataclass(frozen=True, slots=True)
class SupportResult:
    """What the check did with a sentence."""

    line: SupportLine
    reason: str  # why it was cut; empty where it was kept
    latency_ms: float


class DistressLine(EvaluationLine):
    """A message, and whether somebody in distress wrote it."""

    text: str
    distress: bool
    indirect: bool = False  # it isn't said in so many words

    @property
    def saying(self) -> str:
        """How the line says what it says, to tell figures apart."""
        return ("indirect" if self.indirect else "direct") if self.distress else "work"


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """What came of a question."""

    line: RetrievalLine
    units: tuple[str, ...]  # of the passages, best first
    cited: str | None  # the unit of the first citation shown
    outcome: Outcome
    latency_ms: float
    answer: str = ""
    sources: tuple[str, ...] = ()  # ids of the passages that the answer cites


@dataclass(frozen=True, slots=True)
class TriageResult:
    """What came of a message."""

    line: TriageLine
    outcome: TriageOutcome
    competency: str | None
    ranking: tuple[tuple[str, float], ...]
    functions: tuple[tuple[str, float], ...]
    level: Level | None
    latency_ms: float

    def within(self, places: int) -> bool:
        """True where one of the first places is right."""
        return any(code in self.line.right for code, _ in self.ranking[:places])


@dataclass(frozen=True, slots=True)
class RouterResult:
    """What came of a direct message."""

    line: RouterLine
    intent: str
    unsure: bool
    other: str | None
    latency_ms: float


@dataclass(frozen=True, slots=True)
class DistressResult:
    """What came of a message."""

    line: DistressLine
    heard: bool
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % Wilson interval; `value` is None where there was nothing to count."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound, 0 to 1."""
        return wilson(self.hits, self.of)


Figure = Share | float | None
Figures = dict[str, Figure]
# A TypeVar of the old kind: Python 3.11 has no other.
R = TypeVar("R", RetrievalResult, TriageResult, RouterResult, SupportResult, DistressResult)
Grouping = Literal["type", "difficulty", "setting", "intent", "kind", "saying"]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share; (0, 1) where nothing was counted."""
    if not of:
        return 0.0, 1.0
    p, zz = hits / of, _Z95**2
    centre = (p + zz / (2 * of)) / (1 + zz / of)
    half = _Z95 / (1 + zz / of) * math.sqrt(p * (1 - p) / of + zz / (4 * of * of))
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == of else centre + half)


def share(outcomes: Iterable[bool]) -> Share:
    """How many of the outcomes are true."""
    found = list(outcomes)
    return Share(sum(found), len(found))


def percentile(values: Sequence[float], percent: float) -> float | None:
    """A percentile by linear interpolation; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean(values: Sequence[float]) -> float | None:
    """The arithmetic mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def reciprocal_rank(units: Sequence[str], gold: Iterable[str]) -> float:
    """One over the place of the first gold unit; 0 where there is none."""
    wanted = set(gold)
    return next((1 / place for place, unit in enumerate(units, start=1) if unit in wanted), 0.0)


def calibration_error(pairs: Iterable[tuple[float, bool]], bins: int = 10) -> float | None:
    """Expected calibration error: how far confidence is from being right, over bins of equal width; None of nothing."""
    by_bin: dict[int, list[tuple[float, bool]]] = {}
    count = 0
    for confidence, right in pairs:
        by_bin.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, right))
        count += 1
    if not count:
        return None
    gaps = (abs(sum(c for c, _ in entries) - sum(r for _, r in entries)) for entries in by_bin.values())
    return math.fsum(gaps) / count


def retrieval_figures(results: Sequence[RetrievalResult], verdicts: Mapping[str, bool] | None = None) -> Figures:
    """The figures of questions. Those of ranking count the answerable lines that name gold units.

    With readers' verdicts (see key_points) also the share of key points `stated`, of those `judged`.
    """
    answerable = [r for r in results if r.line.answerable]
    ranked = [r for r in answerable if r.line.gold_units]
    fine = [{*r.line.gold_units, *r.line.acceptable_units} for r in ranked]
    times = [r.latency_ms for r in results]
    points: Figures = {}
    if verdicts is not None:
        stated, count = key_points.judged(results, verdicts)
        points = {"stated": share(stated), "judged": Share(len(stated), count)}
    return {
        "acc@1": share(bool(r.units) and r.units[0] in ok for r, ok in zip(ranked, fine, strict=True)),
        "cited@1": share(r.cited in ok for r, ok in zip(ranked, fine, strict=True)),
        "gold@1": share(bool({*r.units[:1]} & {*r.line.gold_units}) for r in ranked),
        "gold@3": share(bool({*r.units[:3]} & {*r.line.gold_units}) for r in ranked),
        "mrr": mean([reciprocal_rank(r.units, r.line.gold_units) for r in ranked]),
        "answered": share(r.outcome == "answered" for r in answerable),
        "refused": share(r.outcome in REFUSALS for r in results if not r.line.answerable),
        **points,
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
    }


def triage_figures(results: Sequence[TriageResult]) -> Figures:
    """The figures of messages. Ranking, calibration and `false_none` count the lines that are about a competency."""
    in_scope = [r for r in results if r.line.in_scope]
    matches = [r for r in results if r.outcome == "match"]
    times = [r.latency_ms for r in results]
    return {
        "acc@1": share(r.within(1) for r in in_scope),
        "acc@2": share(r.within(2) for r in in_scope),
        "acc@3": share(r.within(3) for r in in_scope),
        "none_recall": share(r.outcome == "none" for r in results if not r.line.in_scope),
        "false_none": share(r.outcome == "none" for r in in_scope),
        "match_precision": share(r.competency in r.line.right for r in matches),
        "match_share": Share(len(matches), len(results)),
        "functions": share(r.functions[0][0] in r.line.functions for r in results if r.line.functions and r.functions),
        "level": share(r.level == r.line.level for r in results if r.line.level is not None),
        "ece": calibration_error((r.ranking[0][1], r.within(1)) for r in in_scope if r.ranking),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
    }


def router_figures(results: Sequence[RouterResult]) -> Figures:
    """The figures of direct messages; `acc@2` counts the second reading that is offered where the bot is unsure."""
    times = [r.latency_ms for r in results]
    return {
        "acc@1": share(r.intent == r.line.intent for r in results),
        "acc@2": share(r.line.intent in (r.intent, r.other) for r in results),
        "unsure": share(r.unsure for r in results),
        "sure_precision": share(r.intent == r.line.intent for r in results if not r.unsure),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
    }


def support_figures(results: Sequence[SupportResult]) -> Figures:
    """The figures of the support check: how much of what is false it cuts, and of what is true."""
    times = [r.latency_ms for r in results]
    return {
        "false_cut": share(bool(r.reason) for r in results if not r.line.true),
        "true_cut": share(bool(r.reason) for r in results if r.line.true),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
    }


def distress_figures(results: Sequence[DistressResult]) -> Figures:
    """Who was heard among those in distress, and how often work was taken for it."""
    times = [r.latency_ms for r in results]
    return {
        "recall": share(r.heard for r in results if r.line.distress),
        "recall_indirect": share(r.heard for r in results if r.line.distress and r.line.indirect),
        "false_alarms": share(r.heard for r in results if not r.line.distress),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
    }


def grouped(results: Sequence[R], by: Grouping, figures: Callable[[Sequence[R]], Figures]) -> dict[str, Figures]:
    """The same figures for each value of a field of the lines, in alphabetical order."""
    groups: dict[str, list[R]] = {}
    for result in results:
        groups.setdefault(str(getattr(result.line, by)), []).append(result)
    return {name: figures(groups[name]) for name in sorted(groups)}


def as_json(figures: Mapping[str, Figure]) -> dict[str, object]:
    """Figures as plain JSON: a share with its bounds and counts, a number rounded to four places."""
    return {name: _figure_json(figure) for name, figure in figures.items()}


def _figure_json(figure: Figure) -> object:
    if not isinstance(figure, Share):
        return None if figure is None else round(figure, 4)
    low, high = figure.interval
    value = None if figure.value is None else round(figure.value, 4)
    return {"value": value, "low": round(low, 4), "high": round(high, 4), "hits": figure.hits, "of": figure.of}
