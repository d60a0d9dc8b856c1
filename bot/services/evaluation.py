"""Scoring anyone's set of questions, messages or direct messages against the coach."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

from bot.core import evaluation as figures
from bot.core import key_points
from bot.core.answer import Answer, Question, Turn
from bot.core.conversation import Route
from bot.core.errors import CoachError
from bot.core.evaluation import Figures
from bot.core.framework import Passage
from bot.core.support import Verdict
from bot.core.triage import Triage

Kind = Literal["retrieval", "triage", "router", "support", "distress"]
Stopwatch = Callable[[], float]  # seconds
L = TypeVar("L", bound=figures.EvaluationLine)


class Coach(Protocol):
    """What an evaluation needs of the coach."""

    def ask(self, question: Question) -> Answer: ...
    def triage(self, text: str) -> Triage: ...
    def route(self, text: str, history: Sequence[Turn] = ()) -> Route: ...
    def in_distress(self, text: str) -> bool: ...


class Advance(Protocol):
    """Hears how far the run is."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Miss:
    """A line whose first answer was not the wanted one."""

    id: str | int
    wanted: tuple[str, ...]
    got: str


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation's figures: over all lines, and by each field that tells lines apart."""

    kind: Kind
    lines: int
    overall: Figures
    groups: dict[str, dict[str, Figures]]  # field -> value -> figures
    misses: tuple[Miss, ...] = ()
    failed: tuple[tuple[str | int, str], ...] = ()  # lines without a result: their id and why, for people
    to_judge: tuple[dict[str, Any], ...] = ()  # answers whose key points no reader has judged (see core.key_points)

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return {
            "kind": self.kind,
            "lines": self.lines,
            "figures": figures.as_json(self.overall),
            **{
                f"by_{by}": {value: figures.as_json(found) for value, found in group.items()}
                for by, group in self.groups.items()
            },
            "misses": [{"id": m.id, "wanted": list(m.wanted), "got": m.got} for m in self.misses],
            "failed": [{"id": line_id, "error": why} for line_id, why in self.failed],
        }


@dataclass(slots=True)
class _Run:
    """Lines worked one after another, each with its time; a failure of one leaves the others standing."""

    advance: Advance
    stopwatch: Stopwatch
    failed: list[tuple[str | int, str]] = field(default_factory=list)

    def over(self, lines: Sequence[L], work: Callable[[L], Any]) -> list[tuple[L, Any, float]]:
        out = []
        for done, line in enumerate(lines, start=1):
            began = self.stopwatch()
            try:
                result = work(line)
            except CoachError as error:
                self.failed.append((line.id, str(error)))
            except Exception:  # noqa: BLE001 - a fault on one line is part of the result, not the end of it
                self.failed.append((line.id, "Something went wrong with this line."))
            else:
                out.append((line, result, (self.stopwatch() - began) * 1000))
            self.advance("scoring", done, len(lines))
        return out


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


def score_retrieval(
    coach: Coach,
    lines: Sequence[figures.RetrievalLine],
    *,
    advance: Advance = _silent,
    stopwatch: Stopwatch = time.perf_counter,
    verdicts: Mapping[str, bool] | None = None,
) -> Report:
    """Ask every question and count; with readers' verdicts also the key points that answers state."""
    run = _Run(advance, stopwatch)
    results = _asked(coach, lines, run)
    counted = partial(figures.retrieval_figures, verdicts=verdicts)
    return Report(
        "retrieval",
        len(lines),
        counted(results),
        {
            "type": figures.grouped(results, "type", counted),
            "difficulty": figures.grouped(results, "difficulty", counted),
        },
        tuple(miss for r in results if (miss := _retrieval_miss(r))),
        tuple(run.failed),
        tuple(key_points.to_judge(results, verdicts or {})),
    )


def retrieval_results(coach: Coach, lines: Sequence[figures.RetrievalLine]) -> list[figures.RetrievalResult]:
    """What comes of every question that can be asked."""
    return _asked(coach, lines, _Run(_silent, time.perf_counter))


def _asked(coach: Coach, lines: Sequence[figures.RetrievalLine], run: _Run) -> list[figures.RetrievalResult]:
    worked = run.over(lines, lambda line: coach.ask(Question(text=line.question, history=line.history)))
    return [
        figures.RetrievalResult(
            line=line,
            units=tuple(p.unit for p in answer.passages),
            cited=answer.citations[0].unit if answer.citations else None,
            outcome=answer.outcome,
            latency_ms=took,
            answer=answer.answer,
            sources=tuple(c.passage_id for c in answer.citations),
        )
        for line, answer, took in worked
    ]


def _retrieval_miss(result: figures.RetrievalResult) -> Miss | None:
    line = result.line
    if not line.answerable:
        right = result.outcome in figures.REFUSALS
        return None if right else Miss(line.id, ("a refusal",), result.outcome)
    wanted = (*line.gold_units, *line.acceptable_units)
    first = result.units[0] if result.units else "nothing"
    if result.outcome != "answered":
        return Miss(line.id, wanted, f"{result.outcome} ({first} first)")
    return None if not line.gold_units or first in wanted else Miss(line.id, wanted, first)


def score_triage(
    coach: Coach,
    lines: Sequence[figures.TriageLine],
    *,
    advance: Advance = _silent,
    stopwatch: Stopwatch = time.perf_counter,
) -> Report:
    """Triage every message and count."""
    run = _Run(advance, stopwatch)
    results = [
        figures.TriageResult(
            line, found.outcome, found.competency, found.ranking, found.functions, found.level, latency_ms=took
        )
        for line, found, took in run.over(lines, lambda line: coach.triage(line.text))
    ]
    return Report(
        "triage",
        len(lines),
        figures.triage_figures(results),
        {
            "difficulty": figures.grouped(results, "difficulty", figures.triage_figures),
            "setting": figures.grouped(results, "setting", figures.triage_figures),
        },
        tuple(miss for r in results if (miss := _triage_miss(r))),
        tuple(run.failed),
    )


def _triage_miss(result: figures.TriageResult) -> Miss | None:
    line = result.line
    first = result.ranking[0][0] if result.ranking else "nothing"
    if not line.in_scope:
        return None if result.outcome == "none" else Miss(line.id, ("none",), f"{result.outcome} {first}")
    if result.outcome == "none":
        return Miss(line.id, tuple(sorted(line.right)), f"none ({first} first)")
    return None if result.within(1) else Miss(line.id, tuple(sorted(line.right)), f"{result.outcome} {first}")


def score_router(
    coach: Coach,
    lines: Sequence[figures.RouterLine],
    *,
    advance: Advance = _silent,
    stopwatch: Stopwatch = time.perf_counter,
) -> Report:
    """Route every direct message and count."""
    run = _Run(advance, stopwatch)
    results = [
        figures.RouterResult(line, route.intent, route.unsure, route.other, latency_ms=took)
        for line, route, took in run.over(lines, lambda line: coach.route(line.text, line.history))
    ]
    return Report(
        "router",
        len(lines),
        figures.router_figures(results),
        {
            "intent": figures.grouped(results, "intent", figures.router_figures),
            "difficulty": figures.grouped(results, "difficulty", figures.router_figures),
        },
        tuple(Miss(r.line.id, (r.line.intent,), r.intent) for r in results if r.intent != r.line.intent),
        tuple(run.failed),
    )


class Judge(Protocol):
    """What an evaluation needs of the support check."""

    def judge(self, sentence: str, cited: Sequence[Passage]) -> Verdict: ...


def score_support(
    support: Judge,
    passage: Callable[[str], Passage | None],
    lines: Sequence[figures.SupportLine],
    *,
    advance: Advance = _silent,
    stopwatch: Stopwatch = time.perf_counter,
) -> Report:
    """Put every sentence to the check and count what it cuts."""
    run = _Run(advance, stopwatch)

    def cut(line: figures.SupportLine) -> str:
        cited = [p for p in (passage(i) for i in line.passage_ids) if p is not None]
        if len(cited) < len(line.passage_ids):
            return "marker"
        return support.judge(line.sentence, cited).reason

    results = [figures.SupportResult(line, reason, latency_ms=took) for line, reason, took in run.over(lines, cut)]
    return Report(
        "support",
        len(lines),
        figures.support_figures(results),
        {"kind": figures.grouped(results, "kind", figures.support_figures)},
        tuple(
            Miss(r.line.id, ("kept" if r.line.true else "cut",), f"cut: {r.reason}" if r.reason else "kept")
            for r in results
            if r.line.true == bool(r.reason)
        ),
        tuple(run.failed),
    )


def score_distress(
    coach: Coach,
    lines: Sequence[figures.DistressLine],
    *,
    advance: Advance = _silent,
    stopwatch: Stopwatch = time.perf_counter,
) -> Report:
    """Listen to every message and count who was heard."""
    run = _Run(advance, stopwatch)
    results = [
        figures.DistressResult(line, heard, latency_ms=took)
        for line, heard, took in run.over(lines, lambda line: coach.in_distress(line.text))
    ]
    return Report(
        "distress",
        len(lines),
        figures.distress_figures(results),
        {"saying": figures.grouped(results, "saying", figures.distress_figures)},
        tuple(
            Miss(r.line.id, ("care" if r.line.distress else "no care",), "care" if r.heard else "no care")
            for r in results
            if r.heard != r.line.distress
        ),
        tuple(run.failed),
    )
