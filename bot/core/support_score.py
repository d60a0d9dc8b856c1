"""The score of the support check: what it has learned, applied to the features of one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from bot.core import facts
from bot.core.support_weights import BIAS, HABITS, TREES
from bot.core.text import clean, words

# A node of a tree: feature, threshold, the node where it is at most that, the node where it is more; or a leaf's value.
_Node = tuple[int, float, int, int] | float


def _tree(line: str) -> list[_Node]:
    nodes: list[_Node] = []
    for word in line.split():
        parts = word.split(",")
        nodes.append(float(word) if len(parts) == 1 else (int(parts[0]), float(parts[1]), int(parts[2]), int(parts[3])))
    return nodes


FEATURES = (
    "cover", "near", "worst_clause", "last_clause", "worst_near", "gap", "exact_gap", "near_gap", "tail_gap",
    "inserted", "empty_clauses", "lead_near", "near_rank", "borrowed", "alien", "missing", "copied", "words",
    "clauses", "overclaims", "denies", "exchanges", "added_item", "soft", "soft_worst", "soft_last",
    "soft_gap", "soft_lead", "soft_rank", "soft_far", "soft_far2", "soft_lost", "rival_words", "back",
    "back_exact", "negates", "denied", "excludes", "obliges", "administers", "hedges", "contrasts", "orders",
    "turned", "to_you", "others_first", "others_do", "sequence", "sweeping", "ordered_off", "you_act", "habit",
)  # fmt: skip
HABIT = FEATURES[-1]  # the one that is learned first
_HABITS = {token: float(weight) for token, weight in (line.split() for line in HABITS.strip().splitlines())}
_TREES = [_tree(line) for line in TREES.strip().splitlines()]


def _leaf(tree: list[_Node], values: Sequence[float]) -> float:
    node = tree[0]
    while isinstance(node, tuple):
        feature, threshold, below, above = node
        node = tree[below if values[feature] <= threshold else above]
    return node


def score(features: Mapping[str, float]) -> float:
    """How likely a sentence with these features is supported, 0 to 1."""
    values = [features[name] for name in FEATURES]
    total = BIAS + sum(_leaf(tree, values) for tree in _TREES)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def habit(sentence: str, text: str) -> float:
    """What the words and pairs of words say that the passages don't have; learned from sentences by hand."""
    return sum(_HABITS.get(token, 0.0) for token in added_tokens(sentence, text))


def added_tokens(sentence: str, text: str) -> list[str]:
    """Stems and pairs of neighbouring stems of a sentence that a text doesn't have, small words among them."""
    mine, (known, pairs) = [facts.stem(w) for w in words(clean(sentence))], _known(text)
    return [s for s in mine if s not in known] + [f"{a}_{b}" for a, b in pairwise(mine) if (a, b) not in pairs]


@lru_cache(maxsize=2_000)
def _known(text: str) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    stems = [facts.stem(w) for w in words(clean(text))]
    return frozenset(stems), frozenset(pairwise(stems))
