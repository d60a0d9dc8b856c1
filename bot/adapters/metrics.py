"""The figures of one process in Prometheus's form. Labels are words of ours, never ids and never what people wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bot.ports import Metrics

_ACKNOWLEDGED = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
_ANSWERED = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_THOUGHT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

K = TypeVar("K")
Gauges = Callable[[], Mapping[str, float]]
Nudges = Callable[[], Mapping[tuple[str, str], float]]  # by outcome and kind


class PrometheusMetrics(Metrics):
    """Counts in memory; `exposition` is what a scrape gets. Safe from any number of threads."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._taken = Histogram(
            "coach_acknowledgement_seconds",
            "Time until a delivery of Slack's was acknowledged or refused.",
            ["over", "status"],
            buckets=_ACKNOWLEDGED,
            registry=registry,
        )
        self._worked = Histogram(
            "coach_delivery_seconds",
            "Time from taking a delivery in until its end, by kind and outcome.",
            ["kind", "outcome"],
            buckets=_ANSWERED,
            registry=registry,
        )
        self._asked = Histogram(
            "coach_answer_seconds",
            "Time for the answer to a question, by outcome (what isn't answered is a refusal and its reason).",
            ["outcome", "mode", "fallback"],
            buckets=_THOUGHT,
            registry=registry,
        )
        self._triaged = Histogram(
            "coach_triage_seconds",
            "Time for placing a situation, by outcome.",
            ["outcome", "mode"],
            buckets=_THOUGHT,
            registry=registry,
        )
        self._rated = Counter("coach_feedback", "Answers that people rated.", ["helpful"], registry=registry)
        self._stopped = Histogram(
            "coach_stop_seconds",
            "Time from taking in that somebody pressed Stop until the work on the answer ended.",
            buckets=_ACKNOWLEDGED,
            registry=registry,
        )
        self._spent = Counter(
            "coach_model_tokens", "Tokens of a language model.", ["model", "direction"], registry=registry
        )

    def watch(self, *, nudges: Nudges, levels: Gauges) -> None:
        """Show also what is asked for at each scrape: nudges by outcome so far, and levels (waiting, overdue, …)."""
        self._registry.register(_Asked(nudges, levels))

    def exposition(self) -> tuple[bytes, str]:
        """The text for a scrape and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    # --- Metrics

    def taken_in(self, over: str, status: int, seconds: float) -> None:
        """See Metrics."""
        self._taken.labels(over, str(status)).observe(seconds)

    def worked(self, kind: str, outcome: str, seconds: float) -> None:
        """See Metrics."""
        self._worked.labels(kind, outcome).observe(seconds)

    def asked(self, outcome: str, mode: str, fallback: str | None, seconds: float) -> None:
        """See Metrics."""
        self._asked.labels(outcome, mode, fallback or "").observe(seconds)

    def triaged(self, outcome: str, mode: str, seconds: float) -> None:
        """See Metrics."""
        self._triaged.labels(outcome, mode).observe(seconds)

    def rated(self, *, helpful: bool) -> None:
        """See Metrics."""
        self._rated.labels("yes" if helpful else "no").inc()

    def stopped(self, seconds: float) -> None:
        """See Metrics."""
        self._stopped.observe(seconds)

    def spent(self, model: str, direction: str, tokens: int) -> None:
        """See Metrics."""
        self._spent.labels(model, direction).inc(max(0, tokens))


class _Asked(Collector):
    """What is looked up when somebody asks; a source that fails is left out of that scrape."""

    def __init__(self, nudges: Nudges, levels: Gauges) -> None:
        self._nudges, self._levels = nudges, levels

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: registering must not look anything up."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The families of this scrape."""
        nudges = CounterMetricFamily("coach_nudges", "Nudges by outcome since the start.", labels=["outcome", "kind"])
        for labels, number in _quietly(self._nudges).items():
            nudges.add_metric(labels, number)
        yield nudges
        for name, value in _quietly(self._levels).items():
            yield GaugeMetricFamily(f"coach_{name}", name.replace("_", " ").capitalize() + ".", value=value)


def _quietly(source: Callable[[], Mapping[K, float]]) -> dict[K, float]:
    try:
        return dict(source())
    except Exception:  # noqa: BLE001 - the database may be away; the other figures are wanted all the more
        return {}
