"""Turns a document's blocks into passages, and decides what an ingest has to change: pure.

The white paper is known again by its paragraphs and headings; its passages join the paper's units and carry their
locators. Any other document is a unit of its own, `D-<slug>`, cut along its headings.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.core.framework import FRAMEWORK_UNITS, Level, Passage, sentences_of
from bot.core.paper import KnownParagraph, PaperParagraph, Recognition, words_of
from bot.core.placing import place

WHITE_PAPER = "white-paper"  # the key, unit and source of the original
EVERYBODY = "*"
Status = Literal["added", "unchanged", "replaced"]

_LEAST, _MOST = 80, 180  # words of a passage of an operator's document
_TAIL = 40  # words; a section's last passage that is shorter joins the one before
_ENTRY = 10  # words; shorter paragraphs after a colon are the entries of a list
_SLUG = 48  # characters
_LEVEL = re.compile(r"^The (foundational|advanced)\b")
_BULLET = re.compile(r"^[•●▪◦‣·*–—-]\s+")


class StoredDocument(BaseModel):
    """A document as it is kept beside the index, which is built from the content and these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal[1] = 1
    key: str  # its file's name: the unit, or "white-paper", with a mark of the workspace that it belongs to
    unit: str  # "D-<slug>", or "white-paper", whose passages have units of their own
    name: str  # file name or address, for people
    title: str
    tenant: str  # "*" for everybody, else the workspace that may see it
    digest: str  # SHA-256 of what the passages say
    paragraphs: int
    placed: int
    unplaced: int
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did."""

    document: str  # name, for people
    title: str
    unit: str  # "white-paper" or "D-<slug>"
    tenant: str
    status: Status
    paragraphs: int  # of the document, headings and furniture not counted
    placed: int  # in passages
    unplaced: int  # of the white paper: what stands in none of its units
    missing: tuple[str, ...]  # of the white paper: locators that this copy doesn't hold
    passages: int


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What to change in the store."""

    status: Status
    write: StoredDocument | None
    remove: tuple[str, ...] = ()  # keys of copies that the new one stands for


def plan_ingest(new: StoredDocument, stored: Sequence[StoredDocument]) -> IngestPlan:
    """New, unchanged or replaced, by content. What everybody may see isn't kept again for one workspace."""
    own = next((old for old in stored if old.key == new.key), None)
    if own is not None and (own.digest, own.title) == (new.digest, new.title):
        return IngestPlan("unchanged", None)
    if any(old.tenant == EVERYBODY and old.digest == new.digest for old in stored if old.key != new.key):
        return IngestPlan("unchanged", None)
    copies = tuple(
        old.key for old in stored if new.tenant == EVERYBODY and old.tenant != EVERYBODY and old.digest == new.digest
    )
    return IngestPlan("replaced" if own else "added", new, copies)


def report(document: StoredDocument, status: Status, known: Collection[str]) -> IngestReport:
    """The report on a document. `known`: the paper's locators."""
    held = {locator for passage in document.passages for locator in passage.locators}
    missing = tuple(locator for locator in known if locator not in held) if document.unit == WHITE_PAPER else ()
    return IngestReport(
        document=document.name,
        title=document.title,
        unit=document.unit,
        tenant=document.tenant,
        status=status,
        paragraphs=document.paragraphs,
        placed=document.placed,
        unplaced=document.unplaced,
        missing=missing,
        passages=len(document.passages),
    )


def make_document(
    *,
    name: str,
    title: str,
    blocks: Sequence[str],
    headings: Collection[int],
    tenant: str,
    known: Mapping[str, KnownParagraph],
    title_of: Callable[[str], str],
) -> StoredDocument:
    """A read document as passages. `known`: the paper's paragraphs by locator; `title_of`: a unit's title."""
    found = place(blocks, known)
    if found.is_white_paper:
        return _white_paper(found, name=name, tenant=tenant, title_of=title_of)
    unit = f"D-{slug_of(name)}{_mark(tenant)}"
    passages = tuple(_document_passages(unit, title, blocks, frozenset(headings), tenant))
    paragraphs = sum(1 for n in range(len(blocks)) if n not in headings)
    return StoredDocument(
        key=unit,
        unit=unit,
        name=name,
        title=title,
        tenant=tenant,
        digest=_digest(passages),
        paragraphs=paragraphs,
        placed=paragraphs,
        unplaced=0,
        passages=passages,
    )


def slug_of(name: str) -> str:
    """A document's slug from its file name or address: small letters, digits and hyphens, and never empty.

    The name decides, not the title, so that a new edition under the old name replaces the old one.
    """
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://(?:www\.)?", "", name.strip(), flags=re.IGNORECASE).rstrip("/")
    bare = re.sub(r"\.(?:txt|text|md|markdown|html?|xhtml|pdf|docx)$", "", bare, flags=re.IGNORECASE)
    plain = unicodedata.normalize("NFKD", bare).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(slug) > _SLUG or not slug:
        slug = f"{slug[: _SLUG - 7]}-{_short_hash(bare, 6)}".strip("-")
    return slug


def _short_hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _mark(tenant: str) -> str:
    """What keeps one workspace's documents apart from another's of the same name."""
    return "" if tenant == EVERYBODY else f"-{_short_hash(tenant, 6)}"


def _digest(passages: Sequence[Passage]) -> str:
    """A hash of what passages say, whoever may see them."""
    said = [
        [p.unit if p.verbatim and p.locators else "", p.heading, p.sentences, p.locators, p.level] for p in passages
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


# --- the white paper ---------------------------------------------------------------------------------------------


def _white_paper(found: Recognition, *, name: str, tenant: str, title_of: Callable[[str], str]) -> StoredDocument:
    passages = tuple(_original(group, tenant, title_of(group[0].unit)) for group in _with_their_lists(found.paragraphs))
    return StoredDocument(
        key=f"{WHITE_PAPER}{_mark(tenant)}",
        unit=WHITE_PAPER,
        name=name,
        title="White paper (the original)",
        tenant=tenant,
        digest=_digest(passages),
        paragraphs=len(found.paragraphs) + len(found.unplaced),
        placed=len(found.paragraphs),
        unplaced=len(found.unplaced),
        passages=passages,
    )


def _with_their_lists(paragraphs: Sequence[PaperParagraph]) -> Iterator[list[PaperParagraph]]:
    """Paragraphs one by one; a paragraph that ends in a colon together with the short entries that follow it."""
    group: list[PaperParagraph] = []
    for paragraph in paragraphs:
        entry = (
            group
            and group[0].unit == paragraph.unit
            and group[0].text.endswith(":")
            and len(words_of(paragraph.text)) < _ENTRY
            and not paragraph.text.endswith(":")
        )
        if group and not entry:
            yield group
            group = []
        group.append(paragraph)
    if group:
        yield group


def _original(group: Sequence[PaperParagraph], tenant: str, title: str) -> Passage:
    first = group[0]
    part = f"original-{first.locator.partition(':')[2]}{_mark(tenant)}"
    level = _level_of(first)
    return Passage(
        id=f"{first.unit}/{part}",
        unit=first.unit,
        part=part,
        title=title,
        heading=f"{level.capitalize()} level, in the paper's words" if level else f"{title}, in the paper's words",
        sentences=tuple(sentence for paragraph in group for sentence in sentences_of(paragraph.text)),
        source=WHITE_PAPER,
        locators=tuple(paragraph.locator for paragraph in group),
        verbatim=True,
        level=level,
        tenant=tenant,
    )


def _level_of(paragraph: PaperParagraph) -> Level | None:
    found = _LEVEL.match(paragraph.text) if paragraph.unit in FRAMEWORK_UNITS else None
    if found is None:
        return None
    return "foundational" if found[1] == "foundational" else "advanced"


# --- any other document ------------------------------------------------------------------------------------------


def _document_passages(
    unit: str, title: str, blocks: Sequence[str], headings: frozenset[int], tenant: str
) -> Iterator[Passage]:
    seen: set[str] = set()
    for heading, bodies in _sections(blocks, headings, title):
        for sentences in _cut(bodies):
            part = f"p-{_short_hash(' '.join(words_of(' '.join(sentences))) or ' '.join(sentences), 12)}"
            if part in seen:
                continue  # the same words again, such as a notice on every page
            seen.add(part)
            yield Passage(
                id=f"{unit}/{part}",
                unit=unit,
                part=part,
                title=title,
                heading=heading or title,
                sentences=tuple(sentences),
                source=unit,
                verbatim=True,
                tenant=tenant,
            )


def _sections(blocks: Sequence[str], headings: frozenset[int], title: str) -> Iterator[tuple[str, list[str]]]:
    """Each heading with the blocks under it; a heading right under another goes along with it."""
    heading, bodies = "", list[str]()
    for n, block in enumerate(blocks):
        if n not in headings:
            bodies.append(_BULLET.sub("", block))
            continue
        if bodies:
            yield heading, bodies
            bodies = []
            heading = block
        else:
            heading = block if heading in {"", title} or n - 1 not in headings else f"{heading}: {block}"
    if bodies:
        yield heading, bodies


def _cut(bodies: Sequence[str]) -> list[list[str]]:
    """A section's blocks as passages of about 80 to 180 words, never within a sentence of that length."""
    passages: list[list[str]] = []
    current: list[str] = []
    count = 0
    for body in bodies:
        size = len(body.split())
        if current and count + size > _MOST and count >= _LEAST:
            passages.append(current)
            current, count = [], 0
        for sentence in _short_enough(body):
            length = len(sentence.split())
            if current and count + length > _MOST:
                passages.append(current)
                current, count = [], 0
            current.append(sentence)
            count += length
    if current and passages and count < _TAIL:
        passages[-1] += current
    elif current:
        passages.append(current)
    return passages


def _short_enough(body: str) -> Iterator[str]:
    """The sentences of a block; one without an end is cut at 180 words."""
    for sentence in sentences_of(body):
        words = sentence.split()
        for start in range(0, len(words), _MOST):
            yield " ".join(words[start : start + _MOST])
