"""Ratings typed behind a name: "C4 3 4 2 4 …", "barriers 3,4,2,4", "competency 4: 34243322". Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.selfcheck import HIGHEST, NOT_MINE

_NOT_MINE = frozenset({"-", "\u2013", "\u2014", "n/a", "x"})
_NUMBER = re.compile(r"\d{1,4}")
_RUN = re.compile(r"[0-5]{3,}")  # ratings without spaces between them
_LEADS_TO_A_NUMBER = re.compile(r"(?i)(?:^|\b)(?:c|competency|competence|function|number|no|nr|unit)[.:]?$|#$")


@dataclass(frozen=True, slots=True)
class Typed:
    """A name with what was typed behind it, in the order of the statements."""

    name: str
    ratings: tuple[str, ...] = ()  # wire values: "1" to "5", NOT_MINE's; and what is no rating, as it was typed

    @property
    def wrong(self) -> tuple[str, ...]:
        """What stands for no rating."""
        return tuple(r for r in self.ratings if not is_rating(r))


def is_rating(word: str) -> bool:
    """True for the wire value of a rating."""
    return len(word) == 1 and word.isascii() and word.isdigit() and NOT_MINE <= int(word) <= HIGHEST


def read_typed(text: str) -> Typed:
    """Part a name from the ratings behind it. A number right after "C" or "competency" belongs to the name."""
    words = re.sub(r"[\s,;|]+", " ", text).strip().split(" ")
    at = len(words)
    while at and _is_number(words[at - 1]):
        at -= 1
    at = _first_of_several(words, at)
    name, behind = " ".join(words[:at]), words[at:]
    if behind and behind[0].isdigit() and (not name or _LEADS_TO_A_NUMBER.search(name)):
        name, behind = f"{name} {behind[0]}".strip(), behind[1:]
    if len(behind) == 1 and _RUN.fullmatch(behind[0]):
        behind = list(behind[0])
    return Typed(name, tuple(str(NOT_MINE) if w.lower() in _NOT_MINE else w for w in behind))


def _first_of_several(words: Sequence[str], at: int) -> int:
    """Where the ratings begin where something else stands among them, as in "C4 3 4 two 4"; else `at`."""
    numbers = [n for n, w in enumerate(words) if _is_number(w) and not _LEADS_TO_A_NUMBER.search(" ".join(words[:n]))]
    among = [n for n in numbers if 0 < n < at]
    return among[0] if among and len(numbers) > 1 else at


def _is_number(word: str) -> bool:
    return word.lower() in _NOT_MINE or bool(_NUMBER.fullmatch(word)) or bool(_RUN.fullmatch(word))
