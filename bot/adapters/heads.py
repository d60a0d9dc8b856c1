"""One trained head: two experts that read a text in different ways, weighed and calibrated on authors held out.

The first is a linear support vector machine over TF-IDF of words and letters: it knows what was said before. The second
is kernel ridge regression over vectors of meaning: it knows what lies near to it. Side by side in one row of features
they gained a point or none; each on its own, added up, they gain two and a half (docs/evaluation.md).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

_EVERY = 3  # every third author calibrates the heads that the others train
_CERTAIN = 0.5  # weight of a line from which on it counts in calibration; below stand second labels and side lines
_NARROW = 2.0  # of the kernel: how fast nearness falls with distance
_RIDGE = 0.5  # of the kernel expert: how much a single line may bend it
CONTENT = "content"  # the group of lines that are always trained on, never held out


@dataclass
class Labelled:
    """Texts with labels, weights and authors, growing while training data is gathered."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def add(self, text: str, label: str, *, weight: float = 1.0, group: str = CONTENT) -> None:
        """One line more."""
        self.texts.append(text)
        self.labels.append(label)
        self.weights.append(weight)
        self.groups.append(group)


class Meaning:
    """Kernel ridge regression over dense rows, a column a class."""

    def __init__(self, rows: Any, mean: Any) -> None:
        """Over rows, in the order in which they are fitted, and targets with this mean."""
        self._centre, self._mean = rows.mean(axis=0), mean
        self._rows = self._placed(rows)
        self._pull: Any = None

    @classmethod
    def fitted(cls, rows: Any, targets: Any, weights: Any, held: Any) -> tuple[Meaning, Any]:
        """The expert fitted on all rows; and what it would say of those `held` (a mask), had it seen only the others.

        One factor serves both: its first block belongs to the rows that aren't held.
        """
        order, known = np.argsort(held, kind="stable"), int((~held).sum())
        whole = cls(rows[order], targets.mean(axis=0))
        apart = np.asfortranarray((targets - whole._mean)[order], dtype=np.float32)
        factor = _factor(whole._kernel(whole._rows), _RIDGE / weights[order])
        whole._pull = _solved(factor, apart)
        return whole, whole._mean + factor[:known, known:].T @ _solved(factor[:known, :known], apart[:known])

    def __call__(self, rows: Any) -> Any:
        """Scores of new rows, about -1 to 1, a column a class."""
        return self._mean + self._kernel(self._placed(rows)) @ self._pull

    def _placed(self, rows: Any) -> Any:
        centred = rows - self._centre
        return (centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    def _kernel(self, rows: Any) -> Any:
        return np.exp(_NARROW * (rows @ self._rows.T - 1.0), dtype=np.float32)


def _factor(kernel: Any, ridge: Any) -> Any:
    """The lower Cholesky factor of a kernel with its ridge; above the diagonal the kernel stays as it was."""
    kernel[np.diag_indices_from(kernel)] += ridge
    factor, failed = lapack.spotrf(kernel.T, lower=1, clean=0, overwrite_a=1)
    assert not failed, "a kernel with a ridge is positive definite"
    return factor


def _solved(factor: Any, right: Any) -> Any:
    """The solution of a factored system for each column."""
    found, failed = lapack.spotrs(factor, right, lower=1)
    assert not failed, "the shapes fit"
    return found


class Head:
    """Class probabilities from both experts; without dense rows the first stands alone."""

    def __init__(self, strength: float = 0.3, *, balanced: bool = False) -> None:
        self._strength = strength
        self._balanced = balanced
        self._slopes = np.array([1.0, 0.0, 0.0])  # of words, of meaning; a shift where there are two classes
        self._meaning: Meaning | None = None

    def fit(self, rows: csr_matrix, data: Labelled, dense: Any = None) -> Head:
        """Fit on all lines; weights and calibration come from authors held out of a first fit."""
        labels, weights, groups = np.array(data.labels), np.array(data.weights), np.array(data.groups)
        self.classes: list[str] = sorted(set(data.labels))
        place, held = _places(data), self._held_out(labels, weights, groups)
        unseen = None
        if dense is not None:
            self._meaning, unseen = self._reader(dense, labels, weights, place, held)
        if held.any():
            self._calibrate(rows, labels, weights, place=place, held=held, unseen=unseen)
        self._model = self._new().fit(rows, labels, sample_weight=weights)
        return self

    def _reader(self, dense: Any, labels: Any, weights: Any, place: Any, held: Any) -> tuple[Meaning, Any]:
        """See Meaning.fitted; over each text once: its lines' weights added up, its target their weighted mean.

        That is the same regression as over the lines themselves, for a fraction of the work.
        """
        weights = self._balance(labels, weights)
        lines = csr_matrix((weights, (place, np.arange(len(place)))))
        total = np.bincount(place, weights)
        targets = np.eye(len(self.classes))[np.searchsorted(self.classes, labels)] * 2 - 1
        first = np.unique(place, return_index=True)[1]
        targets = (lines @ targets) / total[:, None]
        return Meaning.fitted(dense[first], targets.astype(np.float32), total.astype(np.float32), held[first])

    def probabilities(self, rows: csr_matrix, dense: Any = None) -> Any:
        """Calibrated probabilities, one row a text, columns as `classes`."""
        meaning = self._meaning(dense) if self._meaning is not None else None
        return _probabilities(_margins(self._model, rows), meaning, self._slopes)

    def weights_of(self, label: str) -> Any:
        """The weight of each feature in words for a class, above the average class."""
        coefficients = self._model.coef_
        if len(self.classes) == 2:  # noqa: PLR2004 - scikit-learn keeps one row for two classes
            return coefficients[0] if label == self.classes[1] else -coefficients[0]
        return coefficients[self.classes.index(label)] - coefficients.mean(axis=0)

    def _new(self) -> LinearSVC:
        # Looser than the usual 1e-4: margins differ by less than 0.001, and the fits take half the time.
        return LinearSVC(C=self._strength, tol=0.01, class_weight="balanced" if self._balanced else None)

    def _balance(self, labels: Any, weights: Any) -> Any:
        """Weights of the lines, so that each class weighs as much as another where the head is balanced."""
        if not self._balanced:
            return weights
        share = {c: weights[labels == c].sum() for c in self.classes}
        return weights * np.array([weights.sum() / (len(share) * share[c]) for c in labels])

    def _held_out(self, labels: Any, weights: Any, groups: Any) -> Any:
        """Which lines calibrate: those of every third author, such that the others have all classes; else none.

        The authors stand in the order of what they wrote of the rarest class, so that most of it stays to be learnt.
        """
        rarest = min(self.classes, key=lambda c: (weights[labels == c].sum(), c))
        wrote = Counter(groups[labels == rarest])
        authors = np.array(sorted(set(groups) - {CONTENT}, key=lambda author: (-wrote[author], author)))
        for first in (1, 2, 0) if len(authors) > 1 else ():
            out = np.isin(groups, authors[first::_EVERY])
            if sorted(set(labels[~out])) == self.classes and (weights[out] >= _CERTAIN).any():
                return out
        return np.zeros(len(labels), dtype=bool)

    def _calibrate(self, rows: csr_matrix, labels: Any, weights: Any, *, place: Any, held: Any, unseen: Any) -> None:
        right = np.zeros((place.max() + 1, len(self.classes)), dtype=bool)  # every label that a text has, is right
        right[place, np.searchsorted(self.classes, labels)] = True
        tested = np.flatnonzero(held & (weights >= _CERTAIN))
        model = self._new().fit(rows[~held], labels[~held], sample_weight=weights[~held])
        near = None if unseen is None else unseen[np.searchsorted(np.unique(place[held]), place[tested])]
        self._slopes = _calibration(_margins(model, rows[tested]), near, right[place[tested]])


def _places(data: Labelled) -> Any:
    """A number for each line, the same for lines of one text in one group."""
    seen: dict[tuple[str, str], int] = {}
    return np.array([seen.setdefault(line, len(seen)) for line in zip(data.texts, data.groups, strict=True)])


def _margins(model: LinearSVC, rows: csr_matrix) -> Any:
    """Distances from each class's plane, one column a class; one column where there are two classes."""
    found = model.decision_function(rows)
    return found.reshape(-1, 1) if found.ndim == 1 else found


def _probabilities(margins: Any, meaning: Any, slopes: Any) -> Any:
    words, near, shift = slopes
    if margins.shape[1] == 1:
        scores = words * margins[:, 0] + shift
        if meaning is not None:
            scores = scores + near * (meaning[:, 1] - meaning[:, 0]) / 2
        upper = 1.0 / (1.0 + np.exp(-np.clip(scores, -30, 30)))
        return np.column_stack([1.0 - upper, upper])
    return _softmax(words * margins if meaning is None else words * margins + near * meaning)


def _calibration(margins: Any, meaning: Any, right: Any) -> Any:
    """Weights of both experts by maximum likelihood: Platt's method for two classes, a temperature each for more."""

    def loss(at: Any) -> float:
        chances = (_probabilities(margins, meaning, at) * right).sum(axis=1)
        return float(-np.log(np.maximum(chances, 1e-9)).mean())

    start = [2.0, 0.0 if meaning is None else 2.0, 0.0]
    return minimize(loss, x0=start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-5}).x


def _softmax(scores: Any) -> Any:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
