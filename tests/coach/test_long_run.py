"""Row C7: thousands of questions in one process; memory and open files stay as they were."""

from __future__ import annotations

import contextlib
import gc
import os
from collections import Counter
from pathlib import Path

import pytest

from bot.core.answer import Question

POOL = 10  # lines that Chroma opens to its database at most, each with a log beside it
QUESTIONS = (
    "What is the difference between barriers and change strategies?",
    "How do I find out what is in the way on the ward?",
    "What are the ten competencies?",
    "The staff nod in the training, and then nothing changes.",
    "Who won the cup?",
    "How is the white paper cited?",
    "What does the advanced level of C8 look like?",
)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _open_files() -> Counter[str]:
    """Files that are open, by path. Sockets and pipes are other tests' in the same process; no question opens any."""
    found: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found[str(entry.readlink())] += 1
    return Counter({path: count for path, count in found.items() if path.startswith("/") and "/dev/" not in path})


def _pool(files: Counter[str]) -> int:
    """Lines of Chroma's own pool to its database, which it opens when several are wanted at once, ten at most."""
    return sum(count for path, count in files.items() if path.endswith(("chroma.sqlite3", "chroma.sqlite3-wal")))


@pytest.mark.fault("C7")
@pytest.mark.timeout(3000)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's own figures")
def test_memory_and_open_files_stay_as_they_are_after_the_warm_up(coach, full: bool, figure) -> None:
    number, warm = (10_000, 1_000) if full else (200, 60)
    for n in range(warm):
        coach.ask(Question(text=f"{QUESTIONS[n % len(QUESTIONS)]} ({n})"))
    gc.collect()
    memory, files = _resident(), _open_files()
    for n in range(number - warm):
        coach.ask(Question(text=f"{QUESTIONS[n % len(QUESTIONS)]} ({n + warm})"))
    gc.collect()
    growth, now = _resident() / memory - 1, _open_files()
    pool, opened = _pool(now), (now - files).total() - max(0, _pool(now) - _pool(files))
    figure(
        f"{number} questions: memory {growth:+.1%} after the first {warm}, open files {opened:+d}; "
        f"Chroma's own pool {_pool(files)} then, {pool} now"
    )
    assert growth < 0.05
    assert opened <= 0
    assert pool <= 2 * POOL
