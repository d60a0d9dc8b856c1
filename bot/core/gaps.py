"""What the sources leave open: refused and disliked questions by the nearest unit, for whoever keeps the content.

Counts only, save for questions whose askers agreed to share them: a number of people and questions tells where to
write, and nobody's words are needed for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.core.records import Exchange, Member

REFUSED = ("not_in_sources", "out_of_scope", "unverified")
DISLIKED = "disliked"
NOWHERE = "none"  # the unit of a question that lies near nothing
_FEW = 3  # fewer people than this are not told apart: "fewer than 3"


@dataclass(frozen=True, slots=True)
class Gap:
    """One unit's refused and disliked questions."""

    unit: str
    counts: dict[str, int]  # by "not_in_sources", "out_of_scope", "unverified", "disliked"
    people: int
    shared: tuple[str, ...]  # the questions whose askers agreed, newest first

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; few people are not counted out."""
        people = self.people if self.people >= _FEW else f"fewer than {_FEW}"
        return {"unit": self.unit, "total": self.total, **self.counts, "people": people, "shared": list(self.shared)}


@dataclass(slots=True)
class _Heap:
    counts: dict[str, int] = field(default_factory=dict)
    people: set[Member] = field(default_factory=set)
    shared: dict[str, None] = field(default_factory=dict)


def gaps(exchanges: Iterable[Exchange]) -> list[Gap]:
    """The gaps that questions show, the largest first. Answered ones that nobody disliked count nothing."""
    heaps: dict[str, _Heap] = {}
    for exchange in sorted(exchanges, key=lambda e: e.created_at, reverse=True):
        kind = _kind(exchange)
        if kind is None:
            continue
        heap = heaps.setdefault(_unit(exchange.result), _Heap())
        heap.counts[kind] = heap.counts.get(kind, 0) + 1
        heap.people.add(exchange.member)
        if exchange.may_share:
            heap.shared[" ".join(exchange.asked.split())] = None
    found = [Gap(unit, heap.counts, len(heap.people), tuple(heap.shared)) for unit, heap in heaps.items()]
    return sorted(found, key=lambda gap: (-gap.total, gap.unit))


def _kind(exchange: Exchange) -> str | None:
    if exchange.kind != "ask":
        return None
    outcome = exchange.result.get("outcome")
    if outcome in REFUSED:
        return str(outcome)
    return DISLIKED if exchange.helpful is False else None


def _unit(result: dict[str, Any]) -> str:
    """The unit of the first source shown, else of the nearest passage."""
    for place in (*result.get("citations", ()), *result.get("passages", ())):
        if isinstance(place, dict) and place.get("unit"):
            return str(place["unit"])
    return NOWHERE
