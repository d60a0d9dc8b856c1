"""`make bench`: start-up and answers, each beside its baseline in the same run.

Questions are those of the project's exemplars; each is asked once a subject, turn about, after a warm-up. A figure that
this machine cannot give is printed as not measured, never left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.core.evaluation import percentile

NOT_MEASURED = "not measured"
_STARTS = 5
_MEDIAN, _SLOW = 50, 95  # percentiles
_ASK_BOUNDS_MS = {"builtin": 25.0, "minilm": 35.0}
_WARM_UP = 20
_SPOKEN = 40  # questions with a model
_OVERHEAD_MS, _FIRST_MS = 50.0, 300.0
_PAGE_DEADLINE = 120.0
_READY_DEADLINE = 300.0


@dataclass(frozen=True)
class Row:
    """One figure beside its baseline, in the same unit."""

    name: str
    ours: float | None
    baseline_name: str
    baseline: float | None
    unit: str
    bound: float | None = None  # what it must stay under
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the baseline's."""
        return self.ours / self.baseline if self.ours is not None and self.baseline else None


# --- start-up ---------------------------------------------------------------------------------------------------------


def _import_seconds(*command: str) -> float:
    """What `-X importtime` adds up to: the imports' own times."""
    done = subprocess.run([sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True)
    return sum(int(us) for us in re.findall(r"^import time:\s+(\d+) \|", done.stderr, flags=re.MULTILINE)) / 1e6


def _wall_seconds(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *command], capture_output=True, check=True)
    return time.perf_counter() - began


def startup() -> Iterator[Row]:
    """The help beside a bare interpreter: imports, and the whole process."""
    ours, bare = ("-m", "bot", "--help"), ("-c", "pass")
    for name, seconds, bound in (("imports of --help", _import_seconds, 0.5), ("--help, whole", _wall_seconds, 0.5)):
        seconds(*ours)
        medians = [statistics.median(seconds(*command) for _ in range(_STARTS)) for command in (ours, bare)]
        yield Row(name, medians[0] * 1000, "bare interpreter", medians[1] * 1000, "ms", bound * 1000)


_BASELINES = {
    "bare": "bare Chroma query, same embedding",
    "kept": "Chroma's default embedding, kept open",
    "shipped": "Chroma's default embedding, as shipped",
}


# --- answers ----------------------------------------------------------------------------------------------------------


def _milliseconds(work: Callable[[str], Any], question: str) -> float:
    began = time.perf_counter()
    work(question)
    return (time.perf_counter() - began) * 1000


def _side_by_side(subjects: dict[str, Callable[[str], Any]], questions: list[str]) -> dict[str, list[float]]:
    """Every subject on every question, turn about, so that a busy moment meets all alike."""
    for question in questions[:_WARM_UP]:
        for work in subjects.values():
            work(question)
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for question in questions[_WARM_UP:]:
        for name, work in subjects.items():
            times[name].append(_milliseconds(work, question))
    return times


def answers(count: int) -> Iterator[Row]:
    """One warm `ask` in this process, passages mode, beside bare Chroma."""
    from bot.adapters.content import load_exemplars
    from bot.app import Content
    from bot.core.answer import Question
    from bot.settings import Settings

    content = Content(Settings())
    index = content.open_index()
    coach = content.coach(index)
    asked = [q.question for q in load_exemplars(content.root).questions]
    step = max(1, len(asked) // (count + _WARM_UP))
    questions = asked[::step][: count + _WARM_UP]
    chroma = _bare_chroma([p.text for p in content.knowledge.passages()], index._embeddings)
    subjects: dict[str, Callable[[str], Any]] = {
        "ask": lambda text: coach.ask(Question(text=text)),
        "bare": chroma,
        "triage": coach.triage,
    }
    subjects |= _chroma_defaults(content.settings.minilm_dir, [p.text for p in content.knowledge.passages()])
    times = _side_by_side(subjects, questions)
    name = index.embeddings_name
    for percent, bound in ((_MEDIAN, _ASK_BOUNDS_MS.get(name)), (_SLOW, None)):
        ours = percentile(times["ask"], percent)
        for key, words in _BASELINES.items():
            found = percentile(times[key], percent) if key in times else None
            note = "" if key in times else "the MiniLM file is not on this machine"
            yield Row(f"ask p{percent}, {name}", ours, words, found, "ms", bound, note)
    yield Row(f"triage p50, {name}", percentile(times["triage"], 50), "-", None, "ms")
    index.close()


def _bare_chroma(texts: list[str], embeddings: Any) -> Callable[[str], Any]:
    """The same passages in a plain Chroma collection, asked with the same embedding."""
    return _collection("bare", texts, embeddings.rows(texts), embeddings.embed_query)


def _collection(name: str, texts: list[str], vectors: Any, embed: Callable[[str], Any]) -> Callable[[str], Any]:
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    client = chromadb.EphemeralClient(ChromaSettings(anonymized_telemetry=False))
    collection = client.create_collection(name, embedding_function=None)
    collection.add(ids=[str(n) for n in range(len(texts))], embeddings=vectors, documents=texts)
    return lambda text: collection.query(query_embeddings=[embed(text)], n_results=10)


def _chroma_defaults(minilm_dir: Path, texts: list[str]) -> dict[str, Callable[[str], Any]]:
    """Chroma's MiniLM function, as it ships (the model opened at every call) and kept open; none without its file."""
    from bot.adapters.embeddings import MiniLmEmbeddings, has_minilm

    if not has_minilm(minilm_dir):
        return {}
    from chromadb.utils.embedding_functions import DefaultEmbeddingFunction
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    vectors = MiniLmEmbeddings(minilm_dir).rows(texts)
    shipped, kept = DefaultEmbeddingFunction(), ONNXMiniLM_L6_V2()
    return {
        "kept": _collection("kept", texts, vectors, lambda text: kept([text])[0]),
        "shipped": _collection("shipped", texts, vectors, lambda text: shipped([text])[0]),
    }


# --- with a model -----------------------------------------------------------------------------------------------------


def model() -> Iterator[Row]:
    """Answers with a model that takes no time, over the real protocol: what our own code adds."""
    from bot.adapters.content import load_exemplars
    from bot.adapters.generation import open_model
    from bot.app import Content
    from bot.core.answer import Question
    from bot.settings import Settings
    from tests.fakes.model_server import model_server

    content = Content(Settings())
    index = content.open_index()
    questions = [q.question for q in load_exemplars(content.root).questions[::40]][:_SPOKEN]
    with model_server() as server:
        given = {"model": "openai:bench", "model_base_url": server.url, "model_api_key": "none"}
        coach = content.any_coach(index, model=open_model(Settings(**given)))
        overheads, delays = [], []
        for question in questions:
            server.sent.clear()
            heard: list[float] = []
            began = time.monotonic()
            answer = coach.ask(Question(text=question), hear=lambda _, h=heard: h.append(time.monotonic()))
            if answer.mode == "model" and heard and server.sent:
                overheads.append((time.monotonic() - began - (max(server.sent.values()) - server.came)) * 1000)
                delays.append((heard[0] - min(server.sent.values())) * 1000)
    index.close()
    yield Row("model: own code an answer, p50", percentile(overheads, 50), "-", None, "ms", _OVERHEAD_MS)
    yield Row("model: first sentence after its end, p95", percentile(delays, 95), "-", None, "ms", _FIRST_MS)


# --- from start to page -----------------------------------------------------------------------------------------------


@contextmanager
def _sandbox(data_dir: str) -> Iterator[tuple[subprocess.Popen[str], float]]:
    hidden = {"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "", "ISP_COACH_DATA_DIR": data_dir}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **hidden},
    )
    try:
        yield process, began
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _start(data_dir: str) -> tuple[float | None, float | None]:
    """Seconds until the page answers, and until the coach is ready; None where that took too long."""
    with _sandbox(data_dir) as (process, began):
        assert process.stdout is not None
        address, page = None, None
        for line in process.stdout:
            if address is None and (found := re.search(r"http://\S+", line)):
                address = found[0]
                page = _answers(address, began)
            if "is ready" in line:
                return page, time.perf_counter() - began
            if time.perf_counter() - began > _READY_DEADLINE:
                break
        return page, None


def _answers(address: str, began: float) -> float | None:
    while time.perf_counter() - began < _PAGE_DEADLINE:
        try:
            with urllib.request.urlopen(address, timeout=2) as response:  # noqa: S310 - the address is the sandbox's own
                response.read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
        else:
            return time.perf_counter() - began
    return None


def page() -> Iterator[Row]:
    """From the command to the page, and to a ready coach: with an empty data folder, and once more."""
    with tempfile.TemporaryDirectory() as folder:
        cold_page, cold_ready = _start(folder)
        warm_page, warm_ready = _start(folder)
    bare = statistics.median(_wall_seconds("-c", "pass") for _ in range(_STARTS))
    for name, seconds, bound in (
        ("page answers, cold", cold_page, None),
        ("page answers, warm", warm_page, 2.0),
        ("coach ready, cold", cold_ready, 180.0),
        ("coach ready, warm", warm_ready, 8.0),
    ):
        yield Row(name, seconds, "bare interpreter", bare, "s", bound)


# --- printing ---------------------------------------------------------------------------------------------------------


def _number(value: float | None, unit: str) -> str:
    return NOT_MEASURED if value is None else f"{value:,.2f} {unit}" if unit == "s" else f"{value:,.1f} {unit}"


def _table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2))
    table.add_column("")
    table.add_column("ours", justify="right")
    table.add_column("bound", justify="right")
    table.add_column("baseline")
    table.add_column("", justify="right")
    table.add_column("ratio", justify="right")
    for row in rows:
        bound = "" if row.bound is None else f"< {row.bound:g} {row.unit}"
        baseline = "" if row.baseline_name == "-" else _number(row.baseline, row.unit)
        ratio = "" if row.ratio is None else f"{row.ratio:,.2f}"
        table.add_row(row.name, _number(row.ours, row.unit), bound, row.baseline_name, baseline, ratio)
    Console(width=max(Console().width, 120)).print(table)


def main() -> None:
    """Measure and print; exit status 1 where a bound is not met."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=["startup", "answers", "model", "page"], help="measure only this part")
    parser.add_argument("--questions", type=int, default=150, help="how many questions are timed")
    wanted = parser.parse_args()
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "startup": startup,
        "answers": lambda: answers(wanted.questions),
        "model": model,
        "page": page,
    }
    rows = [row for name, part in parts.items() if wanted.only in {None, name} for row in part()]
    if wanted.json:
        print(json.dumps({"cores": os.cpu_count(), "rows": [{**asdict(r), "ratio": r.ratio} for r in rows]}, indent=2))
    else:
        _table(rows)
    missed = missed_bounds(rows)
    for name in missed:
        print(f"Over its bound: {name}", file=sys.stderr)
    sys.exit(1 if missed else 0)


def missed_bounds(rows: list[Row]) -> list[str]:
    """The names of the figures that are over their bound, or could not be had; each once."""
    missed = (row.name for row in rows if row.bound is not None and (row.ours is None or row.ours >= row.bound))
    return list(dict.fromkeys(missed))


if __name__ == "__main__":
    main()
