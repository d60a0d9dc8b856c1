"""Row C7: thousands of questions in one process; memory and open files stay as they were."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from bot.core.answer import Question

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


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


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
    growth, opened = _resident() / memory - 1, _open_files() - files
    figure(f"{number} questions: memory {growth:+.1%} after the first {warm}, open files {opened:+d}")
    assert growth < 0.05
    assert opened <= 0
