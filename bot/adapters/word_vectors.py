"""What words mean, from a small table that ships with the project: built-in, no download, no model at run time.

The table holds a short vector for some ten thousand word stems, taken from all-MiniLM-L6-v2 by `tools/word_vectors.py`
(its recipe) and kept at four bits a number. A text's vector is the weighted mean of its words', rare ones weighing more
(Arora et al. 2017), so that a message in words that no exemplar uses still lies near those that mean the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import Stemmer

from bot.core.text import STOP_WORDS, clean, words

TABLE = Path(__file__).with_name("word_vectors.npz")
_LEVELS = 15  # of four bits, zero in the middle
_stemmer: Any = Stemmer.Stemmer("english")


class WordVectors:
    """Vectors of texts from vectors of word stems."""

    def __init__(self, stems: Sequence[str], vectors: Any, weights: Any) -> None:
        self._place = {stem: i for i, stem in enumerate(stems)}
        self._vectors = vectors * weights[:, None]
        self._weights = weights

    @property
    def dimensions(self) -> int:
        """Numbers a text."""
        return int(self._vectors.shape[1])

    def rows(self, texts: Sequence[str]) -> Any:
        """Vectors of texts, float32, of unit length; zero where a text has no known word."""
        out = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            found = self._places(text)
            if found:
                row[:] = self._vectors[found].sum(axis=0)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    def stem_rows(self, stems: Sequence[str]) -> Any:
        """Vectors of word stems, float32, of unit length; zero where one isn't known."""
        out = np.zeros((len(stems), self.dimensions), dtype=np.float32)
        for row, stem in zip(out, stems, strict=True):
            if stem in self._place:
                row[:] = self._vectors[self._place[stem]]
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    def _places(self, text: str) -> list[int]:
        said = [w for w in words(clean(text)) if w not in STOP_WORDS]
        return [self._place[s] for s in _stemmer.stemWords(said) if s in self._place]


def pack(vectors: Any) -> tuple[Any, Any]:
    """(packed, scale): four bits a number, two numbers a byte; one scale a dimension."""
    scale = np.quantile(np.abs(vectors), 0.995, axis=0) / (_LEVELS // 2)
    steps = np.clip(np.round(vectors / scale), -(_LEVELS // 2), _LEVELS // 2).astype(np.int8) + _LEVELS // 2
    steps = steps.astype(np.uint8)
    return (steps[:, 0::2] << 4) | steps[:, 1::2], scale.astype(np.float32)


def unpack(packed: Any, scale: Any) -> Any:
    """The numbers of `pack`, float32, as near as four bits allow."""
    steps = np.empty((packed.shape[0], packed.shape[1] * 2), dtype=np.float32)
    steps[:, 0::2], steps[:, 1::2] = packed >> 4, packed & 15
    return ((steps - _LEVELS // 2) * scale).astype(np.float32)


@cache
def load() -> WordVectors:
    """The table that ships with the project, read once."""
    with np.load(TABLE) as table:
        stems = bytes(table["stems"]).decode().split("\n")
        return WordVectors(stems, unpack(table["packed"], table["scale"]), table["weights"].astype(np.float32))
