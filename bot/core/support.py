"""Whether the passages that a sentence cites support it: hard facts first, then a calibrated score over clauses.

Hard: a number, level, unit or name that no cited passage has ends the matter. Soft: how much of each clause the
passages cover in words and meaning, whether another unit or the other level covers it better, and whether polarity,
scope or duty changed on the way. The weights were fitted on sentences of our own (tests/evals/support-*.jsonl).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from bot.core import facts, support_score, support_words
from bot.core.framework import FRAMEWORK_UNITS, Knowledge, Passage
from bot.core.support_weights import BAR, HIGH, LOW
from bot.core.text import clean, content_words, words


class Meaning(Protocol):
    """How near in meaning words and texts are, -1 to 1."""

    def nearness(self, texts: Sequence[str], others: Sequence[str]) -> list[list[float]]:
        """Of each of the first texts to each of the second."""

    def held(self, stems: Sequence[str], weights: Sequence[float], places: Sequence[Collection[int]]) -> list[float]:
        """How much of the stems, by weight, each passage holds, 0 to 1, in the order that it was made with.

        A stem counts whole in passages at its `places`, elsewhere by its nearness to the nearest word there.
        """


_CLAUSE = re.compile(
    r"\s*(?:[;:]|,? (?:and then|and|but|while|whereas|because|so that|provided that|if|unless|until|before|after|"
    r"which|instead of|rather than|without|although|though|since|where|when|or|as long as)\b|,)\s*"
)
_LEAST_WORDS = 2  # content words that make a clause
_NEAR_WEIGHT, _LEVEL_LEAD = 8.0, 1.0  # how far a text must lean to the other level's passage
_FAR, _SAME = 0.3, 0.55  # nearness of two words that have nothing to do with each other; that may retell one another
_NOBODY: frozenset[int] = frozenset()
_ALIGNED = (
    "soft", "soft_worst", "soft_last", "soft_gap", "soft_lead", "soft_rank", "soft_far", "soft_far2", "soft_lost",
    "rival_words", "back", "back_exact",
)  # fmt: skip
_RARE = 6.0  # weight of a word that stands in no passage at all


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check says of one sentence."""

    ok: bool
    reason: str  # empty where it is supported: "number", "level", "unit", "name", "swap" or "support"
    score: float = 1.0  # how likely the passages support it, 0 to 1
    open: bool = (
        False  # whether a second opinion could say otherwise: no hard fact speaks against it, and no score for it
    )


@dataclass(frozen=True)
class Support:
    """The check over one body of knowledge; made once, used for every sentence."""

    knowledge: Knowledge
    passages: tuple[Passage, ...]
    meaning: Meaning
    bar: float = BAR
    _cache: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    # --- what is known of all passages

    @cached_property
    def names(self) -> facts.UnitNames:
        """How units are named."""
        return facts.UnitNames.of(self.knowledge)

    @cached_property
    def _own_words(self) -> tuple[str, ...]:
        units = self.knowledge.units.values()
        titles = (t for u in units for t in (u.title, u.plain_title))
        return (*titles, "ISP Coach", "The Center for Implementation")

    @cached_property
    def _weight(self) -> dict[str, float]:
        seen: Counter[str] = Counter(s for p in self.passages for s in set(facts.content_stems(p.text)))
        total = len(self.passages)
        return {s: math.log((total + 1) / (n + 0.5)) for s, n in seen.items()}

    @cached_property
    def _typical(self) -> dict[str, frozenset[str]]:
        """For each stem the units in whose passages it stands; of those that stand in few units only."""
        where: dict[str, set[str]] = {}
        for p in self.passages:
            for s in set(facts.content_stems(p.text)):
                where.setdefault(s, set()).add(p.unit)
        return {s: frozenset(units) for s, units in where.items() if len(units) <= 3}  # noqa: PLR2004 - typical of few

    def weight(self, stem: str) -> float:
        """How much a stem says: rare ones much, those of no passage most."""
        return min(self._weight.get(stem, _RARE), _RARE)

    def _stems(self, text: str) -> frozenset[str]:
        found = self._cache.get(text)
        if found is None:
            found = self._cache[text] = frozenset(facts.content_stems(text))
        return found

    def vocabulary(self, passage: Passage) -> frozenset[str]:
        """The stems with which a passage may be retold: its words, its unit's names, what it is asked by, synonyms."""
        key = f"\0{passage.id}"
        found = self._cache.get(key)
        if found is None:
            unit = self.knowledge.units.get(passage.unit)
            plain = f"{unit.title} {unit.plain_title}" if unit else passage.title
            own = self._stems(f"{passage.text} {passage.heading} {plain} {' '.join(passage.asks)}")
            found = self._cache[key] = own | support_words.synonyms(own)
        return found

    # --- the check

    def judge(self, sentence: str, cited: Sequence[Passage], said: str | None = None) -> Verdict:
        """Whether the cited passages support a sentence. Without any nothing is supported.

        `said`: what the person said, whose own numbers and names may be given back; None where nobody knows.
        """
        if not cited:
            return Verdict(ok=False, reason="support", score=0.0)
        hard = self.hard_problem(sentence, cited, said)
        if hard:
            return Verdict(ok=False, reason=hard, score=0.0)
        if not self._is_grounded(sentence, cited):
            return Verdict(ok=False, reason="support", score=0.0)
        score = self.score(sentence, cited)
        ok = score >= self.bar
        return Verdict(ok=ok, reason="" if ok else "support", score=score, open=LOW <= score < HIGH)

    def _is_grounded(self, sentence: str, cited: Sequence[Passage]) -> bool:
        """Whether the passages have two of a sentence's words, or one where it has no more than two."""
        theirs = frozenset().union(*(self.vocabulary(p) for p in cited))
        own = self._stems(sentence) - support_words.FRAME
        least = 2 if len(own) > 2 else 1  # noqa: PLR2004 - as said
        return len(own & theirs) >= least if own else bool(self._stems(sentence) & theirs)

    def hard_problem(self, sentence: str, cited: Sequence[Passage], said: str | None = None) -> str | None:
        """A number, level, unit or name in a sentence that its passages don't have."""
        text = " ".join(f"{p.title}. {p.heading}. {p.text}" for p in cited)
        if facts.number_problem(sentence, " ".join(p.text for p in cited), said):
            return "number"
        named = facts.levels_named(sentence)
        if named - {p.level for p in cited if p.level} - facts.levels_named(text):
            return "level"
        if named and self._level_swapped(sentence, cited):
            return "level"
        if support_words.added_item(sentence, text):
            return "list"
        return self._unit_problem(sentence, cited, text) or self._name_problem(sentence, text, said)

    def _level_swapped(self, sentence: str, cited: Sequence[Passage]) -> bool:
        """Whether what a sentence says of a level is nearer to what its unit says of the other one."""
        parts = facts.by_level(sentence)
        for p in cited:
            if p.level is None or p.level not in parts:
                continue
            other = self._partners.get((p.unit, p.level))
            if other is not None and self._prefers(parts[p.level], other, p):
                return True
        return False

    def _prefers(self, said: str, one: Passage, other: Passage) -> bool:
        """Whether a text is clearly nearer to one of two passages, in words that only one of them has."""
        stems = self._stems(said) - support_words.FRAME
        here, there = self.vocabulary_of_text(one), self.vocabulary_of_text(other)
        words_lead = sum(self.weight(s) for s in stems & (here - there)) - sum(
            self.weight(s) for s in stems & (there - here)
        )
        near = self.meaning.nearness([said], [one.text, other.text])[0]
        return words_lead + _NEAR_WEIGHT * (near[0] - near[1]) > _LEVEL_LEAD

    def vocabulary_of_text(self, passage: Passage) -> frozenset[str]:
        """The stems of a passage's own text, and those that may stand for them."""
        own = self._stems(passage.text) - support_words.FRAME
        return own | support_words.synonyms(own)

    @cached_property
    def _partners(self) -> dict[tuple[str, str], Passage]:
        """The passage on a unit's other level."""
        found = {(p.unit, p.level): p for p in self.passages if p.level is not None}
        other = {"foundational": "advanced", "advanced": "foundational"}
        return {(unit, level): found[unit, other[level]] for unit, level in found if (unit, other[level]) in found}  # type: ignore[index] # two levels, each the other's

    def _unit_problem(self, sentence: str, cited: Sequence[Passage], text: str) -> str | None:
        named = self.names.named(sentence)
        known = {p.unit for p in cited} | {code for _, code in self.names.named(text)}
        if any(code not in known for _, code in named):
            return "unit"
        both = {code for _, code in named}
        if len(both) == 2 and any(p.part.startswith("versus-") for p in cited):  # noqa: PLR2004 - a pair
            return "swap" if self._swapped(sentence, cited, named) else None
        return None

    def _name_problem(self, sentence: str, text: str, said: str | None) -> str | None:
        strange = facts.strange_names(sentence, text, self._own_words)
        if strange and not facts.refers(sentence):  # a place of the person's own, and no source
            strange -= facts.places(sentence, said)
        return "name" if strange else None

    def _swapped(self, sentence: str, cited: Sequence[Passage], named: Sequence[tuple[int, str]]) -> bool:
        """Whether what is said of each of two units is what a passage says of the other."""
        said = _by_unit(sentence, named)
        for p in cited:
            there = _by_unit(p.text, self.names.named(p.text))
            if set(said) != set(there) or len(said) != 2:  # noqa: PLR2004 - a pair
                continue
            a, b = said
            straight = self._overlap(said[a], there[a]) + self._overlap(said[b], there[b])
            crossed = self._overlap(said[a], there[b]) + self._overlap(said[b], there[a])
            if crossed > straight:
                return True
        return False

    def _overlap(self, one: str, other: str) -> float:
        mine, theirs = self._stems(one), self._stems(other)
        near = self.meaning.nearness([one], [other])[0][0]
        return self._share(mine, theirs | support_words.synonyms(theirs)) + 0.5 * near

    # --- the score

    def score(self, sentence: str, cited: Sequence[Passage]) -> float:
        """How likely the passages support the sentence, 0 to 1, hard facts apart."""
        found = self.features(sentence, cited)
        return support_score.score(found)

    def features(self, sentence: str, cited: Sequence[Passage]) -> dict[str, float]:
        """What the score is made of, by name."""
        clauses = self.clauses(sentence)
        theirs = [s for p in cited for s in (*p.sentences, p.text)]
        rivals = self._rivals(cited)
        near = self.meaning.nearness([sentence, *clauses], [*theirs, *(self.passages[i].text for i in rivals)])
        own = len(theirs)
        allowed = frozenset().union(*(self.vocabulary(p) for p in cited))
        exact = frozenset().union(*(self._stems(p.text) for p in cited))
        stems = self._stems(sentence) - support_words.FRAME
        each = [self._stems(c) - support_words.FRAME for c in clauses]
        covers, exacts = ([self._share(c, known) for c in each] for known in (allowed, exact))
        nears = [max(row[:own]) for row in near[1:]]
        mine, copied = max(near[0][:own]), self._share(stems, exact)
        strange = stems - allowed
        text = " ".join(p.text for p in cited)
        turned = support_words.turned_claim(sentence, text)
        return {
            "cover": self._share(stems, allowed),
            "near": mine,
            "worst_clause": min(covers),
            "last_clause": covers[-1],
            "worst_near": min(nears),
            "gap": max(covers) - min(covers),
            "exact_gap": max(exacts) - min(exacts),
            "near_gap": max(nears) - min(nears),
            "tail_gap": max(exacts[:-1], default=exacts[-1]) - exacts[-1],
            "inserted": copied * len(strange) / (len(stems) or 1),
            "empty_clauses": float(sum(1 for c, share in zip(each, covers, strict=True) if share == 0 and c)),
            "lead_near": mine - max(near[0][own:], default=0.0),
            "near_rank": math.log1p(sum(v > mine for v in near[0][own:])),
            "borrowed": self._borrowed(stems, allowed, cited),
            "alien": sum(1.0 for s in strange if s not in self._weight),
            "missing": len(strange) / (len(stems) or 1),
            "copied": copied,
            "words": float(len(stems)),
            "clauses": float(len(clauses)),
            "overclaims": float(turned == "overclaim"),
            "denies": float(turned == "negation"),
            "exchanges": float(turned == "role"),
            "added_item": float(support_words.added_item(sentence, text)),
            **self._aligned(sorted(stems), [sorted(c) for c in each], cited, rivals, allowed),
            **support_words.tone(sentence, text),
            **support_words.actors(sentence, text),
            support_score.HABIT: support_score.habit(sentence, text),
        }

    def _aligned(
        self,
        stems: Sequence[str],
        each: Sequence[Sequence[str]],
        cited: Sequence[Passage],
        rivals: Sequence[int],
        allowed: frozenset[str],
    ) -> dict[str, float]:
        """How well the words find their like in the cited passages, clause by clause, and in others; and back."""
        if not stems:
            return dict.fromkeys(_ALIGNED, 0.0)
        theirs = sorted(frozenset().union(*(self._stems(p.text) for p in cited)) - support_words.FRAME) or [""]
        pairs = self.meaning.nearness(stems, theirs)
        mine = {s: 1.0 if s in allowed else max(0.0, *row) for s, row in zip(stems, pairs, strict=True)}
        weights = {s: self.weight(s) for s in stems}
        total = sum(weights.values())
        whole = sum(weights[s] * mine[s] for s in stems) / total
        by_clause = [(sum(weights[s] * mine[s] for s in c) / sum(weights[s] for s in c)) if c else 1.0 for c in each]
        other = self._elsewhere(stems, weights)
        best, at = max(((other[i], i) for i in rivals), default=(0.0, -1))
        elsewhere = self.vocabulary(self.passages[at]) if at >= 0 else frozenset()
        back = [max((row[n] for row in pairs), default=0.0) for n in range(len(theirs))]
        far = sorted(mine.values())
        return {
            "soft": whole,
            "soft_worst": min(by_clause),
            "soft_last": by_clause[-1],
            "soft_gap": max(by_clause) - min(by_clause),
            "soft_lead": whole - best,
            "soft_rank": math.log1p(sum(other[i] > whole for i in rivals)),
            "soft_far": far[0],
            "soft_far2": far[min(1, len(far) - 1)],
            "soft_lost": sum(weights[s] for s in stems if mine[s] < _FAR) / total,
            "rival_words": sum(weights[s] for s in stems if s in elsewhere and s not in allowed) / total,
            "back": sum(back) / len(back),
            "back_exact": sum(v > _SAME for v in back) / len(back),
        }

    def _elsewhere(self, stems: Sequence[str], weights: Mapping[str, float]) -> list[float]:
        """How well the words find their like in each passage, by its place."""
        places = [self._holders.get(s, _NOBODY) for s in stems]
        return self.meaning.held(stems, [weights[s] for s in stems], places)

    @cached_property
    def _holders(self) -> dict[str, frozenset[int]]:
        """For each stem the places of the passages that may be retold with it."""
        found: dict[str, set[int]] = {}
        for i, p in enumerate(self.passages):
            for s in self.vocabulary(p):
                found.setdefault(s, set()).add(i)
        return {s: frozenset(places) for s, places in found.items()}

    def clauses(self, sentence: str) -> list[str]:
        """The clauses of a sentence that say something; at least one."""
        out: list[str] = []
        for part in (p for p in _CLAUSE.split(clean(sentence)) if p and p.strip()):
            if out and (len(content_words(part)) < _LEAST_WORDS or len(content_words(out[-1])) < _LEAST_WORDS):
                out[-1] = f"{out[-1]} {part}"
            else:
                out.append(part)
        return out or [sentence]

    def _share(self, stems: frozenset[str], allowed: frozenset[str]) -> float:
        total = sum(self.weight(s) for s in stems)
        return sum(self.weight(s) for s in stems & allowed) / total if total else 1.0

    def _rivals(self, cited: Sequence[Passage]) -> list[int]:
        """Places of what the sentence might rather be about: all that other units say, and the other level here."""
        ids, units = {p.id for p in cited}, {p.unit for p in cited}
        locators = {loc for p in cited for loc in p.locators}
        named = {f"versus-{u.lower()}" for u in units}
        return [
            i
            for i in self._framework
            if (p := self.passages[i]).id not in ids
            and p.part not in named
            and not locators & set(p.locators)
            and (p.unit not in units or p.level is not None)
        ]

    @cached_property
    def _framework(self) -> tuple[int, ...]:
        return tuple(
            i for i, p in enumerate(self.passages) if p.unit in FRAMEWORK_UNITS and not p.part.startswith("example-")
        )

    def _borrowed(self, stems: frozenset[str], allowed: frozenset[str], cited: Sequence[Passage]) -> float:
        """Weight of words typical of few other units that don't stand here."""
        units = {p.unit for p in cited}
        return sum(self.weight(s) for s in stems - allowed if s in self._typical and not units & self._typical[s])


def _by_unit(text: str, named: Sequence[tuple[int, str]]) -> dict[str, str]:
    """What a text says of each unit that it names: from one name to the next."""
    out: dict[str, str] = {}
    ends = [*(at for at, _ in named[1:]), len(text)]
    for (at, code), end in zip(named, ends, strict=True):
        out[code] = f"{out.get(code, '')} {text[at:end]}".strip()
    return {code: _without_names(said) for code, said in out.items()}


def _without_names(text: str) -> str:
    return re.sub(r"\b(?:C(?:10|[1-9])|F[A-E])\b", " ", text)


def word_overlap(sentence: str, passage: str) -> float:
    """Share of a sentence's content words that stand in a passage as they are."""
    mine = set(content_words(clean(sentence).lower()))
    return len(mine & set(words(clean(passage).lower()))) / len(mine) if mine else 0.0
