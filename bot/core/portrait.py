"""A person's profile as a picture says it: which figure stands where, and the words around it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.core.framework import COMPETENCIES, FUNCTIONS
from bot.core.progress import Bar


@dataclass(frozen=True, slots=True)
class Spoke:
    """One competency or function of the picture."""

    label: str  # "C4 Assess barriers and facilitators"
    foundational: int | None  # per cent of the level's statements that aren't open; None: nothing of it was rated
    advanced: int | None
    note: str = ""  # said in place of the figures where there are none


@dataclass(frozen=True, slots=True)
class Portrait:
    """Everything that a picture of a profile shows. No word in it was written by a person."""

    title: str
    subtitle: str
    levels: tuple[str, str]  # the names of the two series, foundational first
    heads: tuple[str, str]  # above the competencies and above the functions
    competencies: tuple[Spoke, ...]  # ten
    functions: tuple[Spoke, ...]  # five
    footer: str


def spokes(
    bars: Sequence[Bar], role: Collection[str], titles: Callable[[str], str], notes: Mapping[str, str]
) -> tuple[tuple[Spoke, ...], tuple[Spoke, ...]]:
    """The competencies and the functions, each in the framework's order, checked or not.

    `notes` holds the words for "unchecked" and for "not_role".
    """
    known = {bar.unit: bar for bar in bars}

    def spoke(code: str) -> Spoke:
        label, bar = f"{code} {titles(code)}", known.get(code)
        if bar is None:
            return Spoke(label, None, None, notes["unchecked" if code in role else "not_role"])
        return Spoke(label, bar.foundational, bar.advanced)

    return tuple(map(spoke, COMPETENCIES)), tuple(map(spoke, FUNCTIONS))
