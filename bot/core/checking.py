"""The check that stands between a model's draft and a reader: a sentence passes whole, or it is cut.

A statement needs passages that were given, and their support (`bot.core.support`). Without passages a sentence may
give back the person's own words, and nothing else. No link, mention, marker or piece of the instructions passes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core import facts
from bot.core.drafts import Sentence
from bot.core.framework import Passage, sentences_of
from bot.core.prompts import grams
from bot.core.support import Support
from bot.core.support_words import FRAME, synonyms
from bot.core.text import clean

MAX_SENTENCE = 420  # characters
_MAX_UNMARKED, _MAX_QUESTION = 200, 220
_OWN_SHARE = 0.85  # of an unmarked sentence's words that the person said, or that only carry talk
_QUESTION_SHARE = 0.6  # of a question's words that the conversation or the passages hold

_LIVE = re.compile(
    r"(?i)://|\bwww\.|\b(?:mailto|javascript|data|tel):(?=\S)|[@<>]|\]\s*\(|\]\s*\[|!\[|\[\s*\d+(?:\s*,\s*\d+)*\s*\]|"
    r"(?<![\w.])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|ai|co|dev|app|edu|gov|info|biz|example|test|xyz|ly|me|ru|cn|uk|de|ca|to|link|site|"
    r"online|top|tv|cc|us|eu|fr|in|nl|invalid|local)\b|\\\\|`|\bhxxps?\b|\[dot\]|\(dot\)|\b\w+ dot (?:com|org|net|io)\b|"
    r"\bU[0-9A-Z]{8,}\b|\b[a-z0-9]+\.(?:php|exe|png|jpg|gif|svg|html?)\b"
)
_CODE = re.compile(r"[{}=$^|~\\]|\w\(|\('|\s--|(?i:\b(?:select|drop|insert|delete)\b.{0,20}\b(?:from|table|into)\b)")
# A sentence that gives back what was said: it speaks to the person, and of nothing that the coach does.
_MIRRORS = re.compile(r"(?i)^(?!.*\b(?:i|me|my|we)\b(?! hear)).*\b(?:you|your|yours|sounds|seems|that's)\b")
_MARKUP = re.compile(r"^\s*(?:[-*+>#|]+|\d+[.)])\s+|[*_~#|]{1,3}(?=\S)|(?<=\S)[*_~|]{1,3}(?=\W|$)")
_PAPER = re.compile(
    r"(?i)\b(?:paper|framework|sources?|passages?|authors?|competenc\w+|functions?|isps?|practitioners?|levels?|research|"
    r"stud(?:y|ies)|evidence|instructions?|prompt|system|model|polic(?:y|ies)|rules?|json|ignore|password|token|secret|key)\b"
)
# Words that carry talk and state nothing: they may stand in an unmarked sentence and in a question.
_TALK = frozenset(
    facts.stem(w)
    for w in (
        """
    sound sounds hear heard hearing feel feels felt feeling seem seems like tell told telling say
    said mention mentioned describe described notice noticed noticing think thinking thought wonder
    wondering sure clear hard tough difficult frustrating frustrated tiring stuck heavy
    understandable thank thanks glad good great okay ok fine happen happens happening happened today
    tomorrow week next step time while moment far back right left big small new old real really
    stand stands start starting begin move moves moving yet still already before after now then here
    there someone anyone everyone somebody something anything everything nothing else first last one
    ones question questions answer honest open lot little long short ago once again each other
    others own whole side place situation story people person work working team help helping matters
    matter mean means want wants wanted need needs find found look looks looking see seen ask asked
    asking talk talked try tried trying learn learned going gone come came change changes changed
    making made take taken give given keep kept let put set get got bring brought call called point
    kind sort way ways thing things day days bit might could would hope hoped worry worried expect
    expected believe missing voice room
    """.split()
    )
)


@dataclass(frozen=True, slots=True)
class Passed:
    """A sentence that may be shown, and the passages whose numbers stand behind it."""

    text: str
    passages: tuple[Passage, ...]
    point: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A sentence that the check alone isn't sure of: a second opinion may let it pass, or cut it."""

    passed: Passed
    reason: str  # why the check alone would cut it; empty where it would not


@dataclass(slots=True)
class DraftCheck:
    """Checks one draft, sentence by sentence."""

    support: Support
    given: Mapping[str, Passage]  # the passages that the model was given, by id
    said: str  # what the person said: the question and their earlier messages
    leaks: frozenset[tuple[str, ...]] = frozenset()  # runs of words of the instructions
    unmarked_most: int = 0  # sentences without a source that may pass: where a person is coached, they are heard first
    kept: int = 0  # sentences with sources that passed
    cut: Counter[str] = field(default_factory=Counter)  # how many were cut, by reason
    _unmarked: int = 0

    def sentence(self, draft: Sentence) -> Passed | None:
        """The sentence as it may be shown, or None where it is cut: what the check alone says."""
        found = self.weigh(draft)
        return self.settle(found, None) if isinstance(found, Held) else found

    def weigh(self, draft: Sentence) -> Passed | Held | None:
        """The same, where a second opinion is to be had: what is in doubt is held for `settle`."""
        text = tidy(draft.text)
        reason, doubt = self._reason(text, draft)
        if reason and not doubt:
            self.cut[reason] += 1
            return None
        passed = Passed(text, tuple(self.given[i] for i in draft.passages), draft.point)
        if doubt:
            return Held(passed, reason or "")
        self._count(passed)
        return passed

    def settle(self, held: Held, supported: bool | None) -> Passed | None:
        """What becomes of a sentence in doubt; without a second opinion (None) the check alone decides."""
        reason = held.reason if supported is None else "" if supported else "second opinion"
        if reason:
            self.cut[reason] += 1
            return None
        self._count(held.passed)
        return held.passed

    def question(self, text: str) -> str | None:
        """The closing question as it may be shown, or None: the coach has questions of its own."""
        asked = tidy(text)
        if not asked:
            return None
        reason = self._question_reason(asked)
        if reason:
            self.cut[f"question: {reason}"] += 1
        return None if reason else asked

    @property
    def enough(self) -> bool:
        """Whether what is left is an answer."""
        lost = sum(n for reason, n in self.cut.items() if not reason.startswith("question"))
        return self.kept > 0 and (self.kept > 1 or lost <= self.kept)

    # --- inside

    def _count(self, passed: Passed) -> None:
        self.kept += bool(passed.passages)
        self._unmarked += not passed.passages

    def _reason(self, text: str, draft: Sentence) -> tuple[str | None, bool]:
        """Why a sentence is cut, None where it passes; and whether that may be doubted."""
        form = self._form_reason(text, draft)
        if form:
            return form, False
        cited = [self.given[i] for i in draft.passages]
        return self._unsupported(text, cited) if cited else (self._unmarked_reason(text), False)

    def _form_reason(self, text: str, draft: Sentence) -> str | None:
        """What no source could make good."""
        if not text or len(text) > MAX_SENTENCE:
            return "length"
        if any(i not in self.given for i in draft.passages):
            return "marker"
        if self._is_live(text, [self.given[i] for i in draft.passages]):
            return "link"
        if _CODE.search(text):
            return "code"
        return "leak" if grams(text) & self.leaks else None

    @staticmethod
    def _is_live(text: str, cited: list[Passage]) -> bool:
        """A link, mention or marker of the model's making; an address that stands in a cited passage is none."""
        bare = text
        for address in (a.rstrip(".,;") for p in cited for a in re.findall(r"https://\S+", p.text)):
            bare = bare.replace(address, " ")
        return bool(_LIVE.search(bare))

    def _unsupported(self, text: str, cited: list[Passage]) -> tuple[str | None, bool]:
        verdicts = [self.support.judge(one, cited, self.said) for one in sentences_of(text)]
        certain = [v for v in verdicts if not v.ok and not v.open]
        reason = next((v.reason for v in (*certain, *verdicts) if not v.ok), None)
        return reason, not certain and any(v.open for v in verdicts)

    def _names_something(self, text: str) -> str | None:
        """What an unmarked sentence names that needs a source."""
        said = clean(self.said)
        if facts.levels_named(text):
            return "level"
        if self.support.names.named(text):
            return "unit"
        if any(n.value != "1" for n in facts.numbers(text)):
            return "number"
        return "name" if facts.strange_names(text, said, ()) else None

    def _unmarked_reason(self, text: str) -> str | None:
        if len(text) > _MAX_UNMARKED or self._unmarked >= self.unmarked_most or not _MIRRORS.search(text):
            return "unmarked"
        named = self._names_something(text)
        if named or _PAPER.search(text):
            return "unmarked" if not named else f"unmarked {named}"
        own = frozenset(facts.content_stems(self.said))
        return None if self._share(text, own | synonyms(own)) >= _OWN_SHARE else "unmarked"

    def _question_reason(self, text: str) -> str | None:
        if len(text) > _MAX_QUESTION or not text.endswith("?") or len(sentences_of(text)) != 1:
            return "form"
        if _LIVE.search(text):
            return "link"
        named = self._names_something(text)
        if named or grams(text) & self.leaks:
            return named or "leak"
        known = frozenset(facts.content_stems(self.said)).union(
            *(self.support.vocabulary(p) for p in self.given.values())
        )
        return None if self._share(text, known) >= _QUESTION_SHARE else "strange"

    @staticmethod
    def _share(text: str, known: frozenset[str]) -> float:
        stems = set(facts.content_stems(text))
        return len(stems & (known | _TALK | FRAME)) / len(stems) if stems else 1.0


def tidy(text: str) -> str:
    """A sentence as plain text: nothing hidden, no marks of formatting, white space single."""
    return " ".join(_MARKUP.sub("", clean(text)).split())
