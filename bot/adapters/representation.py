"""One representation of a text for every model of ours: words, letters and meaning, fitted on the project's content.

Rows are sparse TF-IDF of stemmed words and word pairs beside TF-IDF of letter runs; `dense` projects them to a few
hundred dimensions by latent semantic analysis (Deerwester et al. 1990), which serves as the built-in embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import Stemmer
from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from bot.core.text import STOP_WORDS, clean, words

DIMENSIONS = 256
_WORD_FEATURES = 24_000
_LETTER_FEATURES = 24_000

_stemmer: Any = Stemmer.Stemmer("english")


def stems(text: str) -> list[str]:
    """Stems of a text's words; stop words stay out of single words but in word pairs ("why not", "no time")."""
    tokens = words(text)
    stemmed: list[str] = _stemmer.stemWords(tokens)
    singles = [s for s, w in zip(stemmed, tokens, strict=True) if w not in STOP_WORDS]
    return singles + [f"{a} {b}" for a, b in pairwise(stemmed)]


class Representation:
    """Fitted on texts; turns texts into sparse rows and dense vectors of unit length."""

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self._words = TfidfVectorizer(
            analyzer=stems, sublinear_tf=True, min_df=2, max_features=_WORD_FEATURES, dtype=np.float32
        )
        self._letters = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 5),
            sublinear_tf=True,
            min_df=3,
            max_features=_LETTER_FEATURES,
            dtype=np.float32,
        )
        self._svd = TruncatedSVD(dimensions, random_state=0, n_iter=4)

    def fit(self, texts: Sequence[str]) -> Representation:
        """Learn vocabulary, weights and dimensions from cleaned texts; the same texts give the same result."""
        lowered = [clean(t).lower() for t in texts]
        rows = self._join(self._words.fit_transform(lowered), self._letters.fit_transform(lowered))
        self._names: list[str] = self._words.get_feature_names_out().tolist()
        self._svd.n_components = min(self._svd.n_components, rows.shape[0] - 1, rows.shape[1] - 1)
        self._svd.fit(rows)
        self._projection = self._svd.components_.T.astype(np.float32)
        return self

    def sparse(self, texts: Sequence[str]) -> csr_matrix:
        """TF-IDF rows, float32: words beside letters."""
        lowered = [clean(t).lower() for t in texts]
        return self._join(self._words.transform(lowered), self._letters.transform(lowered))

    def dense(self, rows: csr_matrix) -> Any:
        """Rows projected to `dimensions`, float32, each of unit length (zero where a text has no known word)."""
        return normalize(rows @ self._projection)

    @staticmethod
    def stem_of(word: str) -> str:
        """The stem of one lower-case word."""
        stem: str = _stemmer.stemWord(word)
        return stem

    def word_names(self) -> list[str]:
        """The stem or stem pair behind each of the first columns."""
        return self._names

    @staticmethod
    def _join(word_rows: Any, letter_rows: Any) -> csr_matrix:
        return hstack([word_rows, 0.7 * letter_rows], format="csr", dtype=np.float32)
