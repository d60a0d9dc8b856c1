"""What a sentence states that can be looked up: numbers with what they count, levels, units, names and years."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import Stemmer

from bot.core.framework import FUNCTIONS, Knowledge, Level
from bot.core.text import STOP_WORDS, clean, words

_TEXTS = 2_000  # texts whose facts are kept: passages come again and again
_stemmer: Any = Stemmer.Stemmer("english")

_UNITS_OF_TEN = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_OTHER = {
    "hundred": "100", "thousand": "1000", "million": "1000000", "dozen": "12", "dozens": "12", "half": "1/2",
    "halves": "1/2", "quarter": "1/4", "quarters": "1/4", "quarterly": "1/4", "twice": "2", "thrice": "3",
    "double": "2", "triple": "3", "pair": "2", "couple": "2", "both": "2", "percent": "%", "percentage": "%",
    "majority": ">1/2", "decade": "10y", "decades": "10y", "annually": "1y", "annual": "1y", "yearly": "1y",
    "monthly": "1m", "weekly": "1w", "biweekly": "2w",
    "second": "#2", "third": "#3", "fourth": "#4", "fifth": "#5", "sixth": "#6", "seventh": "#7", "eighth": "#8",
    "ninth": "#9", "tenth": "#10",
}  # fmt: skip
# Ways of speaking that count nothing: "one another", "on the one side", "at first".
_NO_NUMBER = re.compile(
    r"\b(?:one another|the one side|no one|one'?s|some ?one|any ?one|every ?one|one is|one has|one can|one may|"
    r"one must|one should|on one side|one or more|one by one|one day|one of (?:them|us|you)|each one|the other one|"
    r"another one|this one|that one|the one|which one|one thing|not one|as one|at one|one person|one place|one way|"
    r"first and second hand|in the first place|second nature|one in which|half[- ]heart\w*|one to|"
    r"one (?:level|step) (?:up|down)|a second time|second[- ]hand|number of|both|"
    r"level (?:1|2|one|two)|(?:first|second) level|half an hour|half the (?:battle|work)|half[- ](?:time|done)|"
    r"(?:which of |weigh |hold |keep |tell )?the two(?=\s*(?:$|[^\w\s]|apart|together|from|when|clash|are|go)))\b"
)
# The framework's ten and five, named by their count alone: "some of the ten".
_BY_COUNT = re.compile(
    r"\b(?:the|all|these|of) (?:ten|five)\b(?=\s*(?:$|[^\w\s]|are|is|say|still|may|can|have|look|and|that|depending|as|"
    r"in|which|at|with|apply))"
)
_TOKEN = re.compile(r"\d[\d,.]*\d|\d|%|[a-z]+(?:'[a-z]+)?", re.IGNORECASE)

FOUNDATIONAL, ADVANCED = "foundational", "advanced"
_LEVEL_WORDS: tuple[tuple[Level, re.Pattern[str]], ...] = (
    (
        "foundational",
        re.compile(
            r"\b(?:foundational(?:ly)?|(?:foundation|basic|beginner'?s?|entry|introductory|lower|starter|starting|"
            r"junior|initial|novice)(?:[- ]level| level| grade| stage of practice)|novices?|beginners?|newcomers?|"
            r"newer (?:practitioner|isp|coach)\w*|first (?:of the two )?(?:level|tier)|first level|level (?:1|one)\b|"
            r"starting out|(?:isp|practitioner|coach)\w* (?:who (?:is|are) )?new to (?:the role|this)|"
            r"early[- ](?:career|stage) (?:isp|practitioner)\w*|less experienced)"
        ),
    ),
    (
        "advanced",
        re.compile(
            r"\b(?:advanced|(?:higher|upper|senior|expert|top|second|deeper)[- ](?:level|tier|grade)\b|experts?\b|"
            r"(?:experienced|seasoned|veteran|senior) (?:isp|practitioner|coach|support|one|colleague|hand)\w*|"
            r"more (?:experienced|seasoned|senior)|level (?:2|two)\b|with (?:more |greater |growing )experience|"
            r"further (?:on|along)|at the far end|(?:grown|grow) in(?:to)? the role)"
        ),
    ),
)
_CODE = re.compile(r"\b(C(?:10|[1-9])|F[A-E])\b")
_FRAMEWORK_COUNTS = frozenset(  # true of the framework itself, wherever they are said
    {("2", "level"), ("10", "compet"), ("10", "core"), ("5", "function")}
)
_SMALL_YEAR, _LATE_YEAR = 1900, 2100
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]{1,}(?:-[A-Z0-9]+)*s?\b")
_NAME = re.compile(r"(?<![\w'])[A-Z][\w'’.-]*[a-z][\w'’-]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|[“\"'(]\s*|\*\*|- )$")
# Capitalised words that name nothing outside the framework.
_COMMON = frozenset(
    """
    i isp isps thing things why slack monday tuesday wednesday thursday friday saturday sunday
    january february march april may june july august september october november december english ok
    competency competencies function functions level foundational advanced coach dr mr mrs ms
    """.split()
)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of one lower-case word."""
    found: str = _stemmer.stemWord(word)
    return found


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order."""
    return list(_content_stems(text))


@lru_cache(maxsize=_TEXTS)
def _content_stems(text: str) -> tuple[str, ...]:
    return tuple(stem(w) for w in words(clean(text)) if w not in STOP_WORDS and (len(w) > 1 or w.isdigit()))


# --- numbers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text, and the stems of the words right after it: what it counts."""

    value: str
    counts: tuple[str, ...]


def numbers(text: str) -> list[Number]:
    """The numbers of a text, in figures or words, in order."""
    return list(_numbers(text))


@lru_cache(maxsize=_TEXTS)
def _numbers(text: str) -> tuple[Number, ...]:
    low = clean(text).lower()
    low = re.sub(r"\bhalf a dozen\b", "6", low)
    low = _NO_NUMBER.sub(lambda m: " " * len(m[0]), _BY_COUNT.sub(lambda m: " " * len(m[0]), low))
    low = _CODE_LOW.sub(lambda m: " " * len(m[0]), low)
    low = re.sub(r"\b(\w+)-(?=\w)", r"\1 ", low)
    tokens = _TOKEN.findall(low)
    found: list[Number] = []
    i = 0
    while i < len(tokens):
        value, used = _value(tokens, i)
        if value is not None:
            found.append(Number(value, _counted(tokens[i + used : i + used + 4])))
        i += used
    return tuple(found)


_CODE_LOW = re.compile(r"\b(?:c(?:10|[1-9])|f[a-e])\b")


def _value(tokens: Sequence[str], i: int) -> tuple[str | None, int]:
    token = tokens[i]
    if token[0].isdigit():
        return token.replace(",", "").rstrip("."), 1
    if token in _TENS:
        following = _UNITS_OF_TEN.get(tokens[i + 1]) if i + 1 < len(tokens) else None
        if following and following < 10:  # noqa: PLR2004 - twenty-nine at most
            return str(_TENS[token] + following), 2
        return str(_TENS[token]), 1
    if token in _UNITS_OF_TEN:
        return str(_UNITS_OF_TEN[token]), 1
    return (_OTHER[token], 1) if token in _OTHER else (None, 1)


def _counted(tokens: Sequence[str]) -> tuple[str, ...]:
    out: list[str] = []
    for token in tokens:
        if token in {"and", "or", "but", "of", "in", "to", "with", "for", "at"} and out:
            break
        if token.isalpha() and token not in STOP_WORDS:
            out.append(stem(token))
    return tuple(out[:3])


def _is_year(value: str) -> bool:
    return value.isdigit() and _SMALL_YEAR < int(value) < _LATE_YEAR


def number_problem(sentence: str, passages: str, said: str | None = "") -> str | None:
    """The first number of a sentence that stands in none of its passages, or counts something else there.

    A number of the person's own affairs may be given back: "your three schools", where `said` has three schools. Where
    nobody knows what was said (None), one that counts what only the person's side can have is no problem.
    """
    known = numbers(passages)
    values = {n.value for n in known}
    by_value: dict[str, set[str]] = {}
    by_thing: dict[str, set[str]] = {}
    for n in known:
        by_value.setdefault(n.value, set()).update(n.counts)
        for thing in n.counts[:1] + n.counts[-1:]:
            by_thing.setdefault(thing, set()).add(n.value)
    for n in numbers(sentence):
        if n.value == "1" or (n.value, *n.counts[:1]) in _FRAMEWORK_COUNTS:
            continue  # "one" is an article more often than a count
        if n.value not in values and not _implied(n.value, values):
            if _of_ones_own(n, sentence, passages, said):
                continue
            return n.value
        if _is_year(n.value) and _is_bare(n.value, sentence) and not _is_bare(n.value, passages):
            return n.value
        if n.counts and not _is_year(n.value) and _counts_another(n, by_value, by_thing):
            return n.value
    return _swapped_years(sentence, passages)


def _counts_another(n: Number, by_value: Mapping[str, set[str]], by_thing: Mapping[str, set[str]]) -> bool:
    """Whether a number counts something of which the passages have another number."""
    if set(n.counts) & by_value.get(n.value, set()):
        return False
    elsewhere = [by_thing[t] for t in n.counts if t in by_thing]
    return bool(elsewhere) and all(n.value not in there for there in elsewhere)


_MINE = re.compile(r"\b(?:you|your|you're|you've|you'll|those|on the ward)\b")
_COUNTED_BY_SOURCES = frozenset(
    stem(w)
    for w in (
        """
    percent % competency competencies function functions level levels principle principles domain domains step steps
    group groups kind kinds sort sorts type types task tasks activity activities side sides stage stages stretch phase
    phases document documents author authors source sources part parts capacity capacities way ways thing things
    strategy strategies barrier barriers area areas element elements pillar pillars rule rules question questions layer
    layers method methods theory theories study studies paper papers report reports publication year years month months
    week weeks day days edition page pages role roles skill skills criterion criteria aspect aspects
    """.split()
    )
)


def _of_ones_own(n: Number, sentence: str, passages: str, said: str | None) -> bool:
    """Whether a number counts something of the person's own, of which the passages say nothing."""
    if not n.counts or _is_year(n.value) or set(n.counts[:1]) & _COUNTED_BY_SOURCES:
        return False
    if set(n.counts[:1]) & set(content_stems(passages)):
        return False
    if said is None:
        return bool(_MINE.search(clean(sentence).lower()))
    return any(n.value == m.value and set(n.counts) & set(m.counts) for m in numbers(said))


_CITED = re.compile(
    r"[A-Z][\w'-]+(?:,? (?:&|and) [A-Z][\w'-]+)*(?:,? et al\.?| and colleagues)?,? \(?(?:19|20)\d\d[a-z]?\b\)?"
)
_MONTHS = frozenset(
    "january february march april may june july august september october november december spring summer autumn winter "
    "in from of since until by".split()
)


def _is_bare(year: str, text: str) -> bool:
    """Whether a year dates something, rather than standing with a name as a reference."""
    rest = _CITED.sub(lambda m: m[0] if m[0].split()[0].lower() in _MONTHS else " ", text)
    return bool(re.search(rf"\b{year}\b", rest))


def _implied(value: str, values: set[str]) -> bool:
    """Whether a number follows from another: “the second” of two, “three” where a third is named."""
    if value.startswith("#"):
        return value[1:] in values
    return f"#{value}" in values


def _swapped_years(sentence: str, passages: str) -> str | None:
    """A year that stands beside another month or name than in the passages."""

    def pairs(text: str) -> set[tuple[str, str]]:
        return {
            (m[1].lower(), m[2])
            for m in re.finditer(r"\b([A-Z][a-z]+)(?: et al\.?| and colleagues)?,? \(?((?:19|20)\d\d)\b", text)
        }

    theirs = pairs(passages)
    known = {word for word, _ in theirs}
    return next((year for word, year in pairs(sentence) if word in known and (word, year) not in theirs), None)


# --- levels -----------------------------------------------------------------------------------------------------------


def levels_named(text: str) -> set[Level]:
    """The levels that a text names, in any of the words for them."""
    low = clean(text).lower()
    return {level for level, pattern in _LEVEL_WORDS if pattern.search(low)}


def by_level(text: str) -> dict[Level, str]:
    """What a text says of each level that it names: from one name to the next, the start belonging to the first."""
    low = clean(text).lower()
    found = sorted((m.start(), level) for level, pattern in _LEVEL_WORDS for m in pattern.finditer(low))
    out: dict[Level, str] = {}
    for n, (at, level) in enumerate(found):
        start = 0 if n == 0 else at
        end = found[n + 1][0] if n + 1 < len(found) else len(low)
        out[level] = f"{out.get(level, '')} {low[start:end]}".strip()
    return out


# --- units ------------------------------------------------------------------------------------------------------------


_LOOSE_TITLES = {
    "C1": r"\b(?:developing a team|team development)\b",
    "C2": r"\bunearth(?:ing|s)? (?:the|a|your|their) problem",
    "C3": r"\bselect(?:ing|s)? (?:the|a) (?:thing|program|right program)\b",
    "C4": r"\bassess(?:ing|es)? (?:the )?barriers\b|\bbarriers? assessment\b",
    "C5": r"\b(?:select(?:ing|s)?|choos(?:e|es|ing)) and build(?:ing|s)? (?:the )?(?:change )?strateg",
    "C6": r"\badapt(?:ing|s|ation)? (?:[\w ]{0,20})?to (?:the |a |your )?local context",
    "C7": r"\bplan(?:ning|s)? for implementation\b|\bimplementation planning\b",
    "C8": r"\bcontinuous learning\b|\blearning for improvement\b",
    "C9": r"\bplan(?:ning|s)? for sustainability\b|\bsustainability planning\b",
    "C10": r"\bspread(?:ing)? and scal(?:e|ing)\b|\bscal(?:e|ing) and spread(?:ing)?\b",
}


@dataclass(frozen=True)
class UnitNames:
    """How the units of the framework are named."""

    titles: Mapping[str, str]  # lower-case title or plain title -> code

    @classmethod
    def of(cls, knowledge: Knowledge) -> UnitNames:
        """Titles of all competencies and functions."""
        titles = {unit.title.lower(): code for code, unit in knowledge.units.items()}
        return cls(titles)

    @cached_property
    def _loose(self) -> re.Pattern[str]:
        """Titles as they bend in a sentence; the group's name is the code."""
        return re.compile("|".join(f"(?P<{code}>{pattern})" for code, pattern in _LOOSE_TITLES.items()))

    @cached_property
    def _long(self) -> re.Pattern[str]:
        names = sorted((t for t in self.titles if " " in t), key=len, reverse=True)
        return re.compile(r"\b(?:" + "|".join(re.escape(n) for n in names) + r")\b")

    @cached_property
    def _short(self) -> dict[str, str]:
        return {title: code for title, code in self.titles.items() if " " not in title}

    def named(self, text: str) -> list[tuple[int, str]]:
        """(position, code) of each competency and function that a text names, by code, title or function name."""
        found = [(m.start(), m[1]) for m in _CODE.finditer(text)]
        found += [(m.start(), self.titles[m[0]]) for m in self._long.finditer(text.lower())]
        found += [(m.start(), str(m.lastgroup)) for m in self._loose.finditer(text.lower())]
        for m in re.finditer(r"\b[A-Z][a-z]+\b", text):
            code = self._short.get(m[0].lower())
            if code and (not _SENTENCE_START.search(text[: m.start()]) or _is_subject(text[m.end() :])):
                found.append((m.start(), code))
        for m in re.finditer(r"\bfunctions? (?:of )?[“\"'*]*([a-z]+)", text):
            if m[1] in self._short:
                found.append((m.start(1), self._short[m[1]]))
        return sorted(found)


def _is_subject(rest: str) -> bool:
    """Whether a function's name at the start of a sentence is its subject: "Inspire is about …"."""
    return bool(
        re.match(r"\W*(?:\([A-Z]+\) )?(?:is|means|looks|gives|lifts|asks|covers|makes|was|has|works|deals)\b", rest)
    )


# --- names ------------------------------------------------------------------------------------------------------------


def names(text: str) -> set[str]:
    """Lower-case names in a text: people, bodies, tools, acronyms. A word that only begins a sentence is none."""
    found = {m[0].lower().removesuffix("s") for m in _ACRONYM.finditer(text) if not _CODE.fullmatch(m[0])}
    for m in _NAME.finditer(text):
        word = m[0].rstrip(".").removesuffix("'s").removesuffix("’s")
        if _SENTENCE_START.search(text[: m.start()]) and not re.match(
            r" (?:et al|and (?:his |her |their )?colleagues|& )", text[m.end() :]
        ):
            continue
        found.add(word.lower())
    return {n for n in found if n not in _COMMON and n.removesuffix("s") not in _COMMON}


_REFERS = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:paper|authors?|according|cit(?:e|es|ed)|quot\w+|by|tools?|lists?|frameworks?|models?|methods?|"
    r"scales?|ind(?:ex|ices)|stud(?:y|ies)|reports?|journals?|guides?|guidelines?|compilation|et al|colleagues|tables?|"
    r"directs?|names?|uses|recommend\w*|develop\w*|sources?|taken|comes?|says?|research\w*|works?|publi\w+|edition|book|"
    r"approach|theory|checklist|certif\w+|professors?|universit\w+|institutes?|organi[sz]ation)\b"
)


_OWNER = re.compile(r"\b(?!ISP)[A-Z][\w-]+'s\b")


def refers(text: str) -> bool:
    """Whether a sentence with a name in it may be giving somebody's work as its source."""
    return bool(_REFERS.search(clean(text).lower()) or _OWNER.search(clean(text)))


_PLACE = re.compile(r"\b(?:in|at|from|for|your|an?|leaves?) (?:an? |the )?([A-Z][\w-]+)")


def places(sentence: str, said: str | None) -> set[str]:
    """Names in a sentence, lower-case, of a place or service of one's own; that was said, where that is known."""
    found = {m[1].lower().removesuffix("s") for m in _PLACE.finditer(clean(sentence))}
    found |= {name + "s" for name in found}
    return found if said is None else found & (names(said) | set(words(clean(said))))


def strange_names(sentence: str, passages: str, own: Iterable[str]) -> set[str]:
    """Names in a sentence that stand neither in its passages nor among the framework's own words."""
    found = names(sentence)
    if not found:
        return found
    known = set(words(clean(passages)))
    allowed = known | {w for text in own for w in words(clean(text).lower())} | {f.lower() for f in FUNCTIONS}
    folded = {w.removesuffix("'s").removesuffix("s") for w in allowed} | allowed
    return {n for n in found if not all(part in folded or part.removesuffix("s") in folded for part in words(n))}
