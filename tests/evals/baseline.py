"""The figures below which a change may not fall. `python -m tests.evals.baseline` writes them anew, after a look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.app import open_coach
from bot.core import evaluation as figures
from bot.services import evaluation
from bot.settings import Settings

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
KINDS: dict[str, tuple[type, Any]] = {
    "triage": (figures.TriageLine, evaluation.score_triage),
    "retrieval": (figures.RetrievalLine, evaluation.score_retrieval),
    "router": (figures.RouterLine, evaluation.score_router),
}


def lines(kind: str) -> list[Any]:
    """All lines of a kind, of every author."""
    model = KINDS[kind][0]
    texts = [text for path in sorted(HERE.glob(f"{kind}-*.jsonl")) for text in path.read_text("utf-8").splitlines()]
    return [model.model_validate_json(text) for text in texts if text.strip()]


def measure(coach: Any, kind: str) -> dict[str, float]:
    """The figures of a kind that don't depend on the machine's speed."""
    overall = KINDS[kind][1](coach, lines(kind)).overall
    plain = figures.as_json(overall)
    values = {name: (v["value"] if isinstance(v, dict) else v) for name, v in plain.items()}
    return {name: round(v, 4) for name, v in values.items() if v is not None and not name.endswith("_ms")}


def main() -> None:
    """Measure with the built-in embeddings and write the file."""
    coach = open_coach(Settings(embeddings="builtin"))
    found = {kind: measure(coach, kind) for kind in KINDS}
    BASELINE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
