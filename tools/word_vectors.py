"""Write bot/adapters/word_vectors.npz anew, from MiniLM's ONNX file: `python -m tools.word_vectors MODEL_FOLDER`.

Each whole word of the model's vocabulary, and of our content, is read by the model on its own; the vectors of one stem
are averaged, reduced to their main directions, and kept at four bits a number. The model is all-MiniLM-L6-v2
(sentence-transformers), under the Apache License 2.0; NOTICE names it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import Stemmer

from bot.adapters.content import load_exemplars, load_knowledge
from bot.adapters.embeddings import MiniLmEmbeddings
from bot.adapters.word_vectors import TABLE, pack
from bot.core.text import STOP_WORDS, clean, words

DIMENSIONS = 128
MOST_STEMS = 13_500
SMOOTH = 1e-3  # of the weights that rare words get (Arora et al. 2017)
ROOT = Path(__file__).parents[1]


def content_counts() -> Counter[str]:
    """How often each word stands in the content."""
    knowledge, exemplars = load_knowledge(ROOT), load_exemplars(ROOT)
    texts = [p.text for p in knowledge.passages()]
    texts += [m.text for m in (*exemplars.messages, *exemplars.negatives, *exemplars.wishes)]
    texts += [q.question for q in (*exemplars.questions, *exemplars.unanswerable)]
    return Counter(w for t in texts for w in words(clean(t)))


def stems_of(vocabulary: list[str], counts: Counter[str]) -> dict[str, list[str]]:
    """Stem -> its words: those of the content that stand there twice, then the model's own, which come by frequency."""
    stemmer = Stemmer.Stemmer("english")
    plain = [w for w in vocabulary if w.isascii() and w.isalpha() and len(w) > 2]  # noqa: PLR2004 - no fragments
    ordered = dict.fromkeys([w for w, n in counts.most_common() if n > 1 and w.isalpha()] + plain)
    found: dict[str, list[str]] = {}
    for word in ordered:
        stem = stemmer.stemWord(word)
        if word in STOP_WORDS or (stem not in found and len(found) >= MOST_STEMS):
            continue
        found.setdefault(stem, []).append(word)
    return found


def main() -> None:
    """Read every word, reduce, pack, write."""
    folder = Path(sys.argv[1])
    model = MiniLmEmbeddings(folder)
    counts = content_counts()
    found = stems_of((folder / "vocab.txt").read_text("utf-8").split("\n"), counts)
    every = [w for group in found.values() for w in group]
    rows: Any = dict(zip(every, model.rows(every), strict=True))
    means = np.array([np.mean([rows[w] for w in group], axis=0) for group in found.values()])
    centred = means - means.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:DIMENSIONS]
    packed, scale = pack(centred @ directions.T)
    total = sum(counts.values())
    share = np.array([sum(counts[w] for w in group) / total for group in found.values()])
    weights = (SMOOTH / (SMOOTH + share)).astype(np.float16)
    stems = np.frombuffer("\n".join(found).encode(), dtype=np.uint8)
    np.savez_compressed(TABLE, stems=stems, packed=packed, scale=scale, weights=weights)
    print(f"{len(found)} stems, {TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
