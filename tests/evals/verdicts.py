"""What independent readers say of key points. `python -m tests.evals.verdicts FILE…` takes up their files.

Verdicts on answers that have changed since are dropped, so that the file holds what the figures rest on and no more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bot.app import open_coach
from bot.core.evaluation import RetrievalResult
from bot.core.key_points import Stating, Verdict, points_of
from bot.services.evaluation import retrieval_results
from bot.settings import Settings
from tests.evals import baseline

FILE = Path(__file__).parent / "verdicts.jsonl"
STATING = Path(__file__).parent / "key-point-passages.jsonl"


def load(*paths: Path) -> list[Verdict]:
    """All verdicts of some files."""
    texts = [text for path in paths if path.is_file() for text in path.read_text("utf-8").splitlines()]
    return [Verdict.model_validate_json(text) for text in texts if text.strip()]


def stating() -> list[Stating]:
    """Which passages state the key points of the project's own questions."""
    return [Stating.model_validate_json(text) for text in STATING.read_text("utf-8").splitlines()]


def results(coach: Any) -> list[RetrievalResult]:
    """The answers to the project's own questions, as they are today."""
    return retrieval_results(coach, baseline.lines("retrieval"))


def main() -> None:
    """Merge the files named into ours; each reader's latest word on a key stands."""
    alive = {key for r in results(open_coach(Settings(embeddings="builtin"))) for key, _ in points_of(r)}
    kept = {(v.key, v.reader): v for v in load(FILE, *map(Path, sys.argv[1:])) if v.key in alive}
    ordered = sorted(kept.values(), key=lambda v: (v.key, v.reader))
    FILE.write_text("".join(json.dumps(v.model_dump()) + "\n" for v in ordered), encoding="utf-8")
    sys.stdout.write(f"{len({v.key for v in ordered})} of {len(alive)} key points have a verdict.\n")


if __name__ == "__main__":
    main()
