"""Which competency or function a person means by what they typed: codes, names, short forms, with slips forgiven."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA

from bot.core.framework import FRAMEWORK_UNITS, FUNCTIONS, Unit

_FILLERS = frozenset(
    re.findall(
        r"\w+",
        """a an the on my me for about of in at to and how am i im is are with do doing please want would like
        check selfcheck self quick unit competency competencies function functions number no nr level levels""",
    )
)
_CODE = re.compile(r"^c\s*[-.]?\s*0?(10|[1-9])$")
_FUNCTION = re.compile(r"^f?\s*[-.]?\s*([a-e])$")
_WRITTEN = re.compile(r"(?i)\b(?:c[-.]?0?(10|[1-9])|f[-.]?([a-e]))\b")
_COUNTED = dict(
    zip(re.findall(r"\w+", "one two three four five six seven eight nine ten"), map(str, range(1, 11)), strict=True)
)
_LONG, _SHORT = 8, 4  # letters from which two slips, and one, are forgiven
_VAGUE = 3  # units that a name may mean, from which on a code beside it says more


class UnitNames:
    """The names of the units, ready to be looked up. Pure; build once."""

    def __init__(self, units: Mapping[str, Unit]) -> None:
        self._by_name: dict[tuple[str, ...], set[str]] = {}
        self._loose: set[tuple[str, ...]] = set()  # names of which one word alone says too little
        self._words: dict[str, set[str]] = {}  # a word of a name -> the units that have it
        for code, unit in units.items():
            for name in (unit.title, *unit.also_called):
                words = _words_of(name)
                self._by_name.setdefault(words, set()).add(code)
                for word in words:
                    self._words.setdefault(word, set()).add(code)
            plain = _words_of(unit.plain_title)
            self._loose |= {plain} - self._by_name.keys()
            self._by_name.setdefault(plain, set()).add(code)

    def find(self, text: str) -> list[str]:
        """The units that may be meant, in the framework's order: one where it is clear, none where nothing fits.

        A code beside a name of another unit means that both may be meant.
        """
        code = code_in(text)
        if code:
            return [code]
        codes = {f"C{m[1]}" if m[1] else f"F{m[2].upper()}" for m in _WRITTEN.finditer(text)}
        words = _words_of(_WRITTEN.sub(" ", text))
        found = self._lookup(words) if words else set()
        if codes and (codes & found or len(found) >= _VAGUE):
            found = set()
        return sorted(codes | found, key=FRAMEWORK_UNITS.index)

    def _lookup(self, words: tuple[str, ...]) -> set[str]:
        return self._named(words) or self._named(tuple(self._corrected(w) for w in words)) or self._mentioned(words)

    def _named(self, words: tuple[str, ...]) -> set[str]:
        """Units of exactly that name, else units one of whose names holds all the words."""
        if words in self._by_name:
            return self._by_name[words]
        wanted = set(words)
        held = ((name, codes) for name, codes in self._by_name.items() if wanted <= set(name))
        return {code for name, codes in held if len(wanted) > 1 or name not in self._loose for code in codes}

    def _mentioned(self, words: tuple[str, ...]) -> set[str]:
        """Units whose name stands within a longer sentence, the longest name first."""
        corrected = tuple(self._corrected(w) for w in words)
        for length in range(min(len(corrected), 6), 0, -1):
            spans = (corrected[n : n + length] for n in range(len(corrected) - length + 1))
            found = {code for span in spans for code in self._by_name.get(span, ())}
            if found:
                return found
        return set()

    def _corrected(self, word: str) -> str:
        if word in self._words:
            return word
        forgiven = 2 if len(word) >= _LONG else 1 if len(word) >= _SHORT else 0
        near = [(OSA.distance(word, known, score_cutoff=forgiven), known) for known in self._words]
        best = min(near, default=(forgiven + 1, word))
        return best[1] if forgiven and best[0] <= forgiven else word


def code_in(text: str) -> str | None:
    """The code of a unit written as such: "C4", "c 4", "4", "competency four", "FB", "function B", "function 2"."""
    low = text.lower()
    bare = re.sub(r"\b(competency|competence|function|number|no\.?|nr\.?|unit)\b|#", "", low).strip(" .:?!()[]\"'")
    bare = _COUNTED.get(bare, bare)
    if bare.isdigit() and "function" in low:
        return FUNCTIONS[int(bare) - 1] if bare.isascii() and 1 <= int(bare) <= len(FUNCTIONS) else None
    if found := _CODE.match(bare if not bare.isdigit() else f"c{bare}"):
        return f"C{found[1]}"
    if (found := _FUNCTION.match(bare)) and "compet" not in low:
        return f"F{found[1].upper()}"
    return None


def _words_of(text: str) -> tuple[str, ...]:
    words = re.findall(r"[a-z]+", re.sub(r"[\u2019']s\b|[\u2019']", "", text.lower()))
    kept = tuple(_stem(w) for w in words if w not in _FILLERS)
    return kept or tuple(words)


_ENDINGS = (
    *(("ing", 4), ("ations", 4), ("ation", 4), ("ions", 4), ("ion", 4), ("ments", 4), ("ment", 4)),
    *(("ies", 3), ("es", 4), ("s", 4)),
)


def _stem(word: str) -> str:
    """Plural and -ing forms as one word: a rough cut that only has to be the same on both sides."""
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=4)
def _cached(units: tuple[Unit, ...]) -> UnitNames:
    return UnitNames({u.code: u for u in units})


def find_units(text: str, units: Iterable[Unit]) -> list[str]:
    """The units that may be meant by a text, in the framework's order."""
    return _cached(tuple(units)).find(text)
