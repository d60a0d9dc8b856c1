"""What each signal gains, on authors whose lines were not trained on: `python -m tools.ablation [MODEL_FOLDER]`.

Prints docs/evaluation.md's triage table anew, by leave-one-author-out; and the choice of passages by leave-one-ask-out.
With the folder of MiniLM's ONNX file its rows are measured too. Takes some minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from bot.adapters import word_vectors
from bot.adapters.classifier import competency_lines
from bot.adapters.content import load_exemplars, load_knowledge
from bot.adapters.embeddings import MiniLmEmbeddings
from bot.adapters.heads import CONTENT, Meaning
from bot.adapters.representation import Representation
from bot.core.exemplars import Exemplars
from bot.core.framework import Knowledge

ROOT = Path(__file__).parents[1]
SHARES = (0.2, 0.3, 0.4, 0.5, 0.7)  # of the second expert beside the first; the best is shown


class Triage:
    """The competency of every training message, as said by experts that saw no line of its author."""

    def __init__(self, knowledge: Knowledge, exemplars: Exemplars, representation: Representation) -> None:
        data = competency_lines(knowledge, exemplars)
        self.texts, self.groups = data.texts, np.array(data.groups)
        self.weights = np.array(data.weights)
        self.classes = sorted(set(data.labels))
        self.truth = np.searchsorted(self.classes, data.labels)
        self.labels = np.array(data.labels)
        self.rows = representation.sparse(data.texts)
        first = {text: n for n, text in reversed(list(enumerate(data.texts)))}
        self.tested = [(first[m.text], set(m.acceptable)) for m in exemplars.messages]

    def words(self, rows: Any) -> Any:
        """Scores of the linear expert."""
        out = np.zeros((len(self.texts), len(self.classes)))
        for author in sorted(set(self.groups) - {CONTENT}):
            held = self.groups == author
            model = LinearSVC(C=0.3).fit(rows[~held], self.labels[~held], sample_weight=self.weights[~held])
            out[held] = model.decision_function(rows[held])
        return out

    def meaning(self, rows: Any) -> Any:
        """Scores of the kernel expert."""
        targets = np.eye(len(self.classes), dtype=np.float32)[self.truth] * 2 - 1
        expert = Meaning(rows, targets, self.weights.astype(np.float32))
        out = np.zeros(targets.shape)
        for author in sorted(set(self.groups) - {CONTENT}):
            held = np.flatnonzero(self.groups == author)
            out[held] = expert.without(held)
        return out

    def right(self, scores: Any) -> float:
        """The share of messages whose best competency is acceptable."""
        return float(np.mean([self.classes[int(scores[n].argmax())] in fine for n, fine in self.tested]))

    def together(self, one: Any, other: Any) -> float:
        """The best share of both experts added up."""
        return max(self.right(one / one.std() + share * other / other.std()) for share in SHARES)


def show_triage(triage: Triage, word_columns: int, dense: dict[str, Any]) -> None:
    """Triage, signal by signal."""
    both = triage.words(triage.rows)
    table = {
        "words": triage.right(triage.words(triage.rows[:, :word_columns])),
        "letters": triage.right(triage.words(triage.rows[:, word_columns:])),
        "words and letters": triage.right(both),
    }
    for name, rows in dense.items():
        said = triage.meaning(rows)
        table[f"{name} alone"] = triage.right(said)
        table[f"words and letters, and {name}"] = triage.together(both, said)
    for name, value in table.items():
        print(f"| {name} | {value:.3f} |")


def show_passages(knowledge: Knowledge, representation: Representation) -> None:
    """Whether the passage for which an ask was written is first, or among four, of its unit's; the ask itself aside."""
    passages = knowledge.passages()
    entries = [(n, t) for n, p in enumerate(passages) for t in (f"{p.heading}. {p.text}", *p.asks)]
    owners, texts = np.array([n for n, _ in entries]), [t for _, t in entries]
    starts = np.r_[True, owners[1:] != owners[:-1]]
    rows = normalize(representation.sparse(texts))
    near = word_vectors.load().rows(texts)
    latent = representation.dense(rows)
    for name, weight, vectors in (("words", 0.0, near), ("and latent", 0.5, latent), ("and word vectors", 0.8, near)):
        first = four = 0
        asked = np.flatnonzero(~starts)
        for i in asked:
            scores = np.asarray((rows @ rows[i].T).todense()).ravel() + weight * np.maximum(vectors @ vectors[i], 0)
            scores[i] = -1
            unit = passages[owners[i]].unit
            best = {n: scores[owners == n].max() for n in set(owners) if passages[n].unit == unit}
            ranked = sorted(best, key=lambda n: -best[n])
            first += ranked[0] == owners[i]
            four += owners[i] in ranked[:4]
        print(f"| {name} | {first / len(asked):.3f} | {four / len(asked):.3f} |")


def main() -> None:
    """Measure and print."""
    knowledge, exemplars = load_knowledge(ROOT), load_exemplars(ROOT)
    lines = competency_lines(knowledge, exemplars)
    questions = [q.question for q in (*exemplars.questions, *exemplars.unanswerable)]
    representation = Representation().fit([p.text for p in knowledge.passages()] + lines.texts + questions)
    triage = Triage(knowledge, exemplars, representation)
    dense = {"word vectors": word_vectors.load().rows(triage.texts), "latent": representation.dense(triage.rows)}
    if len(sys.argv) > 1:
        dense["MiniLM"] = MiniLmEmbeddings(Path(sys.argv[1])).rows(triage.texts)
    show_triage(triage, len(representation.word_names()), dense)
    show_passages(knowledge, representation)


if __name__ == "__main__":
    main()
