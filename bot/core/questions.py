"""Reading a question: which units it names, what form of answer it wants, and what it means within a conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.answer import Turn
from bot.core.framework import COMPETENCIES, FUNCTIONS, Knowledge, Level
from bot.core.text import clean, content_words, words

# Words that are a unit's name only where the sentence says so: "the connect function", "what is Understand?".
_EVERYDAY_NAMES = frozenset(
    "connect connecting connection understand understanding inspire inspiring inspiration enable enabling transform "
    "transforming transformation spread scale scaling sustain sustaining adapting strategies facilitators".split()
)
_CODE = re.compile(r"\b(?:c(?:ompetency)?\s?#?(10|[1-9])|f(?:unction)?\s?-?([a-e]))\b", re.IGNORECASE)
_ORDINAL = re.compile(
    r"\b(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|\d{1,2}(?:st|nd|rd|th))\s+(one|competenc\w+|function)"
)
_ORDINALS = dict(
    zip("first second third fourth fifth sixth seventh eighth ninth tenth".split(), range(1, 11), strict=True)
)

_LEVEL = re.compile(
    r"\b(levels?|foundational|advanced|beginners?|novices?|level (?:1|2|one|two)|l[12]|more experienced|seasoned|starting out|next level|(?:two|both|which) (?:tiers?|grades?|rungs?)|(?:past|beyond) the basics|a step up|further along)\b"
)
_ADVANCED = re.compile(
    r"\b(advanced|level (?:2|two)|l2|seasoned|more experienced|experienced|(?:past|beyond) the basics|a step up|further along)\b"
)
_FOUNDATIONAL = re.compile(r"\b(foundational|basic|level (?:1|one)|l1|beginners?|novices?|starting out|entry)\b")
_COMPARE = re.compile(
    r"\b(differ\w*|versus|vs|compared? (?:to|with)|distinguish\w*|tell .{1,40} apart|same (?:thing )?as|distinction|overlap\w*|relate[sd]?)\b"
)
_LIST = re.compile(
    r"\b(?:(?:list|name|give|show|tell) (?:me )?(?:all |of )*(?:the |these )?|what are (?:all )?(?:the )?|which are the |all (?:the )?|how many )"
    r"(?:(?:ten|10|five|5|core) )*(?:isp )?(?P<what>competenc\w+|functions?)\b"
    r"|\b(?:list|name|show|give) (?:me )?(?:all )?(?:of )?(?:the )?(?:ten|10|five|5)\b(?! (?:\w+ )?(?:steps|ways|things|reasons|ideas|tips|examples))"
)
_DEFINITION = re.compile(
    r"^(?:so |and |ok |hi |please )*(?:what(?:'s| is| are| does| do)|whats|define|definition of|explain|describe|tell me (?:more )?about|meaning of|remind me what)\b"
)
_HOW = re.compile(
    r"\b(how (?:do|can|should|could|would|might|to)|what (?:should|can|could|do) (?:i|we)|where do (?:i|we) (?:start|begin)|any (?:tips|advice|ideas)|help me|help us|advice)\b"
)
_EQUITY = re.compile(
    r"\b(equit\w+|equal\w*|inclusi\w+|marginali[sz]ed|underserved|racis\w+|justice|fair(?:ness)?|left out|disparit\w+)\b"
)
_EXAMPLE = re.compile(r"\b(examples?|for instance|illustrat\w+|in practice|concrete(?:ly)?|look like)\b")
_ACTIVITIES = re.compile(
    r"\b(activit\w+|what (?:do|does|would|should) (?:an? )?(?:isps?|practitioners?|support\w*|they|it) (?:actually )?(?:do|involve|include|cover)|involved? in|tasks|day to day)\b"
)
_WHO = re.compile(
    r"\b(who (?:wrote|made|developed|created|published|are the authors)|authors?|publisher|cite|citation|apa|reference list|copyright)\b"
)
_PERSONAL = re.compile(r"\b(i|i'm|i've|i'd|my|me|we|we're|we've|our|us)\b")
# "Fine, and who …", "Thanks! But …": what precedes the question itself.
_NOD = (
    r"^(?:(?:fine|good|great|right|sure|yes|no|well|ok(?:ay)?|alright|thanks?|thank you|i see|got it|makes sense)\W+)*"
)
_ELLIPTIC = re.compile(
    _NOD
    + r"(?:(?:why|how|really|such as|like what|more|go on|which one|then what)\W*$|and|but|so|or|also|what about|how about|why so|how so|more (?:on|about)|tell me more|such as|like what|e\.?g|for example|(?:can|could|would) you (?:give|show|explain|elaborate|say more|tell me more|expand)|example|an example|really|is that|does that|which one|the other|then what|ok and)\b"
)
_POINTING = re.compile(
    r"\b(it|its|that|this|those|these|they|them|there|the same|one|both|either|former|latter|here)\b"
)


_HEARD = 40  # words of the last answer that say what it was about
_STUMP = 3  # words of "advanced level too?"
_BARE_QUESTION = 6  # words of "what is the connect function?"
_BARE_NAME = 4  # words of a message that is little more than a unit's name


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question says on its face."""

    text: str  # cleaned
    mentions: tuple[str, ...]  # unit codes named, in order
    form: str | None  # "definition", "levels", "list", "compare", "activities", "how_do_i", "equity", "example", "who"
    level: Level | None = None
    of_functions: bool = False  # a list or level question about the functions
    personal: bool = False  # the asker speaks of their own situation


@dataclass(frozen=True, slots=True)
class Names:
    """The names by which units are called, longest first."""

    by_name: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, knowledge: Knowledge) -> Names:
        """All names of the framework's units."""
        pairs = {n.lower(): u.code for u in knowledge.units.values() for n in (*u.also_called, u.title)}
        return cls(dict(sorted(pairs.items(), key=lambda p: -len(p[0]))))

    def mentioned(self, text: str) -> tuple[str, ...]:
        """Codes of the units that a text names, in the order of their first mention."""
        lowered = text.lower()
        found: list[tuple[int, str]] = []
        for match in _CODE.finditer(lowered):
            number, letter = match.groups()
            bare_letter = letter and not match.group().startswith("f")
            if not bare_letter:
                found.append((match.start(), f"C{number}" if number else f"F{letter.upper()}"))
        taken = [False] * len(lowered)
        for name, code in self.by_name.items():
            for match in re.finditer(rf"\b{re.escape(name)}\b", lowered):
                start, end = match.span()
                if any(taken[start:end]) or (name in _EVERYDAY_NAMES and not _is_named(lowered, start, end, code)):
                    continue
                taken[start:end] = [True] * (end - start)
                found.append((start, code))
        return tuple(dict.fromkeys(code for _, code in sorted(found)))


def _is_named(text: str, start: int, end: int, code: str) -> bool:
    """Whether an everyday word stands as the name of a unit here."""
    before, after = text[:start], text[end:]
    if re.match(r"[\"'”’*]?\s*(?:\(|function|competency)", after) or re.search(
        r"(?:function|competency|called|[\"“‘'*])\s*$", before
    ):
        return True
    around = re.search(
        r"(?:what is|what's|whats|what does|define|explain|about|versus|vs\.?|between|and|or|level of|levels of|in|is)\s+(?:the\s+)?$",
        before,
    )
    alone = re.match(r"\s*(?:$|[?.!,;]|and\b|vs\b|versus\b|or\b|at the\b|level|mean\b|about\b|do\b|involve)", after)
    if not before.strip() and not after.strip(" ?.!"):
        return True
    if code.startswith("F"):
        listed = sum(
            bool(re.search(rf"\b{w}\b", text)) for w in ("connect", "understand", "inspire", "enable", "transform")
        )
        return bool(around and alone) and (listed > 1 or len(words(text)) <= _BARE_QUESTION)
    return bool(alone and (around or len(words(text)) <= _BARE_NAME))


def read(text: str, names: Names) -> Reading:
    """Read a question on its face: the units that it names and the form of answer that it asks for."""
    text = clean(text)
    low = text.lower()
    mentions = names.mentioned(text)
    level: Level | None = None
    if _ADVANCED.search(low) and not _FOUNDATIONAL.search(low):
        level = "advanced"
    elif _FOUNDATIONAL.search(low) and not _ADVANCED.search(low):
        level = "foundational"
    of_functions = "function" in low and "competenc" not in low
    return Reading(text, mentions, _form(low, mentions), level, of_functions, bool(_PERSONAL.search(low)))


def _form(low: str, mentions: Sequence[str]) -> str | None:
    if _LIST.search(low) and len(mentions) == 0 and not _HOW.search(low) and not _LEVEL.search(low):
        return "list"
    if _COMPARE.search(low) and len(mentions) > 1:
        return "compare"
    checks = (
        ("who", _WHO),
        ("levels", _LEVEL),
        ("equity", _EQUITY),
        ("example", _EXAMPLE),
        ("activities", _ACTIVITIES),
    )
    for form, pattern in checks:
        if pattern.search(low) and (mentions or form in ("who", "levels")):
            return form
    if _HOW.search(low):
        return "how_do_i"
    if mentions and (_DEFINITION.search(low) or len(words(low)) <= _BARE_NAME + 2 * len(mentions)):
        return "definition"
    return None


# --- conversation -------------------------------------------------------------------------------------------------


def standalone(text: str, history: Sequence[Turn], names: Names, titles: Mapping[str, str]) -> str:
    """The question made whole from the conversation before it; unchanged where it stands on its own."""
    text = clean(text)
    if not history:
        return text
    asked, said = _last(history, "user"), _last(history, "assistant")
    addition = _addition(text, asked, said, names, titles)
    return f"{text} ({addition})" if addition else text


def before(history: Sequence[Turn]) -> str:
    """What a conversation was about last: the question, and how the answer began; "" where there was none."""
    said = " ".join(clean(_last(history, "assistant")).split()[:_HEARD])
    return f"{clean(_last(history, 'user'))} {said}".strip()


def _addition(text: str, asked: str, said: str, names: Names, titles: Mapping[str, str]) -> str | None:
    """What a question leaves to the conversation to say."""
    low = text.lower()
    ordinal = _ORDINAL.search(low)
    code = _ordinal_unit(ordinal.group(1), said) if ordinal and said else None
    if code:
        return titles[code]
    mentions = names.mentioned(text)
    if not _leans(low, mentions):
        return None
    if mentions:  # "what about spread and scale?": the earlier question, asked of this unit
        before, now = read(asked, names).form, read(text, names).form
        return _FORM_WORDS.get(before or "") if now in (None, "definition") else None
    return _topic(asked, said, names, titles)


_FORM_WORDS = {
    "levels": "foundational and advanced levels",
    "equity": "equity",
    "example": "an example",
    "activities": "activities involved",
}


def _leans(low: str, mentions: Sequence[str]) -> bool:
    """Whether a question leans on what was said before it."""
    count = len(content_words(low))
    if _ELLIPTIC.match(low):
        return count <= 8  # noqa: PLR2004 - a longer one says itself what it is about
    if mentions or _WHO.search(low):
        return False
    asks = "?" in low or len(words(low)) <= _BARE_QUESTION
    return len(words(low)) <= _STUMP or bool(asks and _POINTING.search(low) and count <= 7)  # noqa: PLR2004 - as above


def _topic(asked: str, said: str, names: Names, titles: Mapping[str, str]) -> str:
    """What the conversation is about: the unit last named by either side, else the last question's own words."""
    named = names.mentioned(asked) or tuple(_bold_units(said, titles)) or names.mentioned(said)[:1]
    if named:
        return " and ".join(titles[c] for c in named[:2])
    return " ".join(content_words(asked)[:14])


def _bold_units(said: str, titles: Mapping[str, str]) -> list[str]:
    at = sorted((said.find(title), code) for code, title in titles.items() if title in said)
    return [code for _, code in at][:1]


def _ordinal_unit(word: str, said: str) -> str | None:
    listed = FUNCTIONS if "Connect" in said and "Transform" in said and "Develop a team" not in said else COMPETENCIES
    if word == "last":
        return listed[-1]
    number = _ORDINALS.get(word) or int(re.sub(r"\D", "", word) or 0)
    return listed[number - 1] if 1 <= number <= len(listed) else None


def _last(history: Sequence[Turn], role: str) -> str:
    return next((t.text for t in reversed(history) if t.role == role), "")
