"""Where each paragraph of the white paper belongs: pure recognition of its headings.

The paper itself never ships with the project. A locator such as ``C4:p3`` (third paragraph of the section on
competency C4) lets our own statements, and an ingested original, point at the same place.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.core.framework import Content, Locator

TITLE = "Core Competencies and Functions of Implementation Support Practitioners"

# The paper's headings in the order in which they stand, each with the unit that it opens.  The order matters: the
# titles of competencies and functions stand twice in the paper, first as entries of the two lists in the results.
_HEADINGS: tuple[tuple[str, str], ...] = (
    ("key takeaways", "P-TAKEAWAYS"),
    ("introduction", "P-INTRO"),
    ("building on the implementation practice core competencies", "P-BACKGROUND"),
    ("methods", "P-METHODS"),
    ("results", "P-RESULTS"),
    ("core competencies of an implementation support practitioner", "P-RESULTS"),
    ("develop a team", "C1"),
    ("unearth the problem", "C2"),
    ("select the thing", "C3"),
    ("assess barriers and facilitators", "C4"),
    ("select and build change strategies", "C5"),
    ("adapt to the local context", "C6"),
    ("plan for implementation and implement", "C7"),
    ("engage in continuous learning for improvement", "C8"),
    ("plan for sustainability and sustain", "C9"),
    ("plan for and enact spread and scale", "C10"),
    ("functions of an implementation support practitioner", "P-FUNCTIONS"),
    ("connect", "FA"),
    ("understand", "FB"),
    ("inspire", "FC"),
    ("enable", "FD"),
    ("transform", "FE"),
    ("discussion", "P-DISCUSSION"),
    ("references", "P-REFS"),
    ("how to cite this white paper", "P-CITE"),
)
# Sub-headings and labels that carry no statement of their own.
_LABELS = frozenset(
    {
        "how did we develop the core competencies",
        "the implementation core competencies",
        "practitioner levels",
    }
)
# What the publisher's page shows around the paper; after the citation everything is page furniture.
_FURNITURE = re.compile(r"^\d+-min read$|^other resources on\b|^previous$|^next$", re.IGNORECASE)
_LIST_MARK = re.compile(r"^(?:[•●▪·*\-–—]|\d{1,2}[.)]|[a-e][.)])\s+", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+")
_NAMES = sorted({name for name, _ in _HEADINGS} | _LABELS, key=len, reverse=True)
_BETWEEN = re.compile(rf"(?:(?:{'|'.join(_NAMES)}|apa format|\d{{1,3}}( min read)?|[a-e])(?: |$))*")
_MOST_BETWEEN = 60  # words; no run of headings is longer


@dataclass(frozen=True, slots=True)
class PaperParagraph:
    """One paragraph of the white paper, in the unit to which its headings assign it."""

    locator: str  # "<unit>:p<n>", n counted from 1 within the unit
    unit: str  # unit code, e.g. "C4" or "P-METHODS"
    text: str  # the paragraph without its bullet or number

    @property
    def digest(self) -> str:
        """A short hash of the words alone, so that line breaks and typography of a format don't change it."""
        return digest(self.text)


@dataclass(frozen=True, slots=True)
class KnownParagraph:
    """What the committed list keeps of a paragraph of the paper: enough to know it again, nothing to read."""

    locator: str
    digest: str
    words: int


class LocatorEntry(Content):
    """One paragraph in the committed list."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    words: Annotated[int, Field(ge=1)]


class LocatorFile(Content):
    """knowledge/white_paper/locators.yaml: the paper's paragraphs in reading order."""

    title: str
    paragraphs: dict[Locator, LocatorEntry] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What recognising a document as the white paper gave."""

    paragraphs: tuple[PaperParagraph, ...]
    headings_found: int  # of the paper's headings, in their order
    unplaced: tuple[str, ...]  # what is no paragraph of the paper and no title, byline or page furniture
    by_hash: int = 0  # paragraphs known again by the hash of their words
    missing: tuple[str, ...] = ()  # locators of the committed list that the document doesn't hold

    @property
    def is_white_paper(self) -> bool:
        """True where nearly all of the paper's headings stand in their order, or most paragraphs are the paper's."""
        return self.headings_found >= len(_HEADINGS) - 2 or self.by_hash > len(self.missing)


def is_between(words: Sequence[str]) -> bool:
    """True where words are only what stands between paragraphs: headings, labels, numbers, the page's furniture."""
    return len(words) <= _MOST_BETWEEN and bool(_BETWEEN.fullmatch(" ".join(words)))


def words_of(text: str) -> list[str]:
    """The lower-case words and numbers of a text, typography folded."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def digest(text: str) -> str:
    """The first 16 hex digits of SHA-256 over the words of a text."""
    return digest_of_words(words_of(text))


def digest_of_words(words: Sequence[str]) -> str:
    """The same over words that `words_of` gave."""
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def _as_heading(block: str) -> str:
    bare = _LIST_MARK.sub("", block.lstrip("# ").strip(" *_"))
    bare = re.sub(r"\s*\(apa format\)\s*$", "", bare, flags=re.IGNORECASE)
    return " ".join(words_of(bare))


def paragraphs_of(text: str) -> list[str]:
    """The blocks of a plain text: runs of lines between blank lines, a list entry being a block of its own."""
    blocks: list[str] = []
    current: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        if current and (not stripped or _LIST_MARK.match(stripped)):
            blocks.append(" ".join(current))
            current = []
        if stripped:
            current.append(stripped)
    return blocks


def recognise(blocks: Sequence[str] | Iterable[str]) -> Recognition:
    """Assign each block of a document (paragraph, list entry or heading) to the paper's units, by its headings.

    Blocks are in reading order. A heading is only taken in the paper's own order, so the two lists of titles in
    the results stay paragraphs of the results.
    """
    next_heading = 0
    found = 0
    unit = ""
    counts: dict[str, int] = {}
    placed: list[PaperParagraph] = []
    unplaced: list[str] = []
    ended = False

    def place(code: str, body: str) -> None:
        counts[code] = counts.get(code, 0) + 1
        placed.append(PaperParagraph(f"{code}:p{counts[code]}", code, body))

    for raw in blocks:
        block = " ".join(raw.split())
        if not block or ended:
            continue
        bare = _as_heading(block)
        if not bare or bare in _LABELS:
            continue
        if _FURNITURE.match(block):
            ended = unit == "P-CITE"
            continue
        ahead = [k for k in range(next_heading, min(next_heading + 3, len(_HEADINGS))) if _HEADINGS[k][0] == bare]
        # "References" and the like may be skipped over by a poor conversion, but competency titles only count
        # once the section that describes them has begun.
        if ahead and (ahead[0] == next_heading or _HEADINGS[ahead[0]][1].startswith("P-") or unit[:1] in ("C", "F")):
            next_heading = ahead[0] + 1
            unit = _HEADINGS[ahead[0]][1]
            found += 1
            continue
        body = _LIST_MARK.sub("", block) if unit != "P-REFS" else block.lstrip("•● ")
        if unit:
            place(unit, body)
        elif bare.endswith(_as_heading(TITLE)) or bare.startswith("by drs"):
            place("P-CITE", body)
        else:
            unplaced.append(block)
    return Recognition(tuple(placed), found, tuple(unplaced))
