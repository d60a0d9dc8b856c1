"""Health, readiness and metrics, as an operator's machines see them."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.adapters.health import Health, State, health_app
from bot.adapters.metrics import PrometheusMetrics
from bot.adapters.web import WebServer
from bot.core.errors import SettingsError, StorageError
from tests.scale.conftest import Served
from tests.scale.requests import event

OK = State(ok=True, detail="fine")


@pytest.fixture
def get(request) -> Iterator:
    servers = []

    def make(checks, exposition=lambda: (b"", "text/plain")):
        health = Health(checks)
        server = WebServer(health_app(health, exposition), host="127.0.0.1", port=0, setting="ISP_COACH_HEALTH_PORT")
        server.start()
        servers.append((server, health))
        return lambda path: _get(f"http://127.0.0.1:{server.port}{path}")

    yield make
    for server, health in servers:
        server.stop()
        health.close()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_ready_says_of_each_part_how_it_is(get) -> None:
    ask = get({"database": lambda: OK, "index": lambda: State(ok=False, detail="being read")})
    assert ask("/healthz") == (200, "ok")
    status, body = ask("/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "checks": {"database": {"ok": True, "detail": "fine"}, "index": {"ok": False, "detail": "being read"}},
    }


def test_a_part_that_raises_or_hangs_is_not_ok_and_shows_no_text_of_the_error(get) -> None:
    def broken() -> State:
        raise StorageError("a secret inside")

    def hanging() -> State:
        time.sleep(5)
        return OK

    begun = time.monotonic()
    status, body = get({"database": broken, "index": hanging})("/readyz")
    assert time.monotonic() - begun < 4.5
    assert status == 503
    assert "secret" not in body
    assert json.loads(body)["checks"]["index"]["detail"] == "no answer in time"


def test_what_is_not_vital_is_shown_and_keeps_nobody_away(get) -> None:
    status, body = get({"nudges": lambda: State(ok=False, detail="late", vital=False)})("/readyz")
    assert status == 200
    assert json.loads(body)["checks"]["nudges"]["ok"] is False


def test_many_watchers_cost_one_look_a_second(get) -> None:
    looks = []
    ask = get({"database": lambda: (looks.append(1), OK)[1]})
    for _ in range(10):
        ask("/readyz")
    assert len(looks) <= 2


def test_a_taken_port_is_told_with_the_setting_to_change() -> None:
    first = WebServer(health_app(Health({}), lambda: (b"", "")), host="127.0.0.1", port=0, setting="X")
    first.start()
    second = WebServer(
        health_app(Health({}), lambda: (b"", "")), host="127.0.0.1", port=first.port, setting="THE_SETTING"
    )
    with pytest.raises(SettingsError, match="THE_SETTING"):
        second.start()
    first.stop()


def test_the_figures_count_what_happened_and_hold_no_ids_and_no_words(served: Served) -> None:
    served.metrics.watch(nudges=lambda: {("sent", "reflection"): 3}, levels=lambda: {"answers_waiting": 2})
    client = served.client()
    client.post(event("Ev1", "a canary question"))
    client.send(b"x", {})
    assert served.slack.wait_for(lambda: bool(served.slack.said["D0ANA"]))
    _until(lambda: "coach_delivery_seconds_count{" in served.metrics.exposition()[0].decode())
    served.metrics.asked("not_in_sources", "passages", None, 0.01)
    served.metrics.triaged("match", "local", 0.01)
    served.metrics.rated(helpful=False)
    served.metrics.spent("provider:x", "in", 120)
    text = served.metrics.exposition()[0].decode()
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    assert value("coach_acknowledgement_seconds_count", over="http", status="200") == 1
    assert value("coach_acknowledgement_seconds_count", over="http", status="401") == 1
    assert value("coach_delivery_seconds_count", kind="message", outcome="answered") == 1
    assert value("coach_answer_seconds_count", outcome="not_in_sources", mode="passages", fallback="") == 1
    assert value("coach_triage_seconds_count", outcome="match", mode="local") == 1
    assert value("coach_feedback_total", helpful="no") == 1
    assert value("coach_model_tokens_total", model="provider:x", direction="in") == 120
    assert value("coach_nudges_total", outcome="sent", kind="reflection") == 3
    assert value("coach_answers_waiting") == 2
    assert value("process_resident_memory_bytes") > 0
    assert not any(word in text for word in ("canary", "U0ANA", "T0ONE"))


def test_a_source_of_figures_that_fails_leaves_the_others(served: Served) -> None:
    metrics = PrometheusMetrics()

    def broken() -> dict[str, float]:
        raise StorageError("away")

    metrics.watch(nudges=broken, levels=lambda: {"answers_waiting": 1})
    assert b"coach_answers_waiting 1.0" in metrics.exposition()[0]


def _until(true) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
