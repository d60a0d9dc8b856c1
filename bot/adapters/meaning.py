"""How near words and texts are in meaning, for the support check: from the word vectors that ship with the project.

What is known of the passages is worked out once; a sentence then costs one product of small matrices. Thread-safe.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from bot.adapters.word_vectors import WordVectors, load
from bot.core.facts import content_stems
from bot.core.framework import Passage

_KEPT = 20_000  # vectors of texts and words kept
_KEPT_STEMS = 5_000  # rows of stems, one number a passage


class PassageMeaning:
    """`bot.core.support.Meaning` over one body of passages."""

    def __init__(self, passages: Sequence[Passage], vectors: WordVectors | None = None) -> None:
        self._vectors = vectors or load()
        self._kept: dict[str, Any] = {}
        self._best: dict[str, Any] = {}
        stems = [list(dict.fromkeys(content_stems(p.text))) or [""] for p in passages]
        every = list(dict.fromkeys(s for own in stems for s in own))
        place = {s: i for i, s in enumerate(every)}
        self._words = self._vectors.stem_rows(every)
        self._at = np.array([place[s] for own in stems for s in own])
        self._starts = np.cumsum([0, *(len(own) for own in stems[:-1])])

    def nearness(self, texts: Sequence[str], others: Sequence[str]) -> list[list[float]]:
        """See Meaning."""
        found: list[list[float]] = (self._rows(texts) @ self._rows(others).T).tolist()
        return found

    def held(self, stems: Sequence[str], weights: Sequence[float], places: Sequence[Collection[int]]) -> list[float]:
        """See Meaning."""
        near = np.array([self._nearest(s) for s in stems])
        for row, known in zip(near, places, strict=True):
            row[list(known)] = 1.0
        found: list[float] = (np.array(weights) @ near / sum(weights)).tolist()
        return found

    def _nearest(self, stem: str) -> Any:
        """How near the nearest word of each passage is."""
        row = self._best.get(stem)
        if row is None:
            near = np.maximum(self._words @ self._vectors.stem_rows([stem])[0], 0.0)
            row = np.maximum.reduceat(near[self._at], self._starts)
            if len(self._best) > _KEPT_STEMS:
                self._best = {}
            self._best[stem] = row
        return row

    def _rows(self, texts: Sequence[str]) -> Any:
        missing = [t for t in dict.fromkeys(texts) if t not in self._kept]
        if len(self._kept) + len(missing) > _KEPT:
            self._kept = {}
            missing = list(dict.fromkeys(texts))
        self._kept |= zip(missing, self._vectors.rows(missing), strict=True)
        kept = self._kept
        return np.array([kept[t] for t in texts])
