"""PDF files: wrapped lines joined to paragraphs, headings told by size or weight, page numbers and running heads out.

A PDF knows glyphs and places, no paragraphs. So the lines are laid out again from the places: a paragraph ends where
the next line is further away than usual, is set differently, begins a list entry, or follows a short last line.
"""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from statistics import median
from typing import Any

import pypdf
from pypdf.errors import PyPdfError

from bot.adapters.documents.parts import MAX_CHARACTERS, Parsed, Unreadable, clean

_MAX_PAGES = 2_000
_LIST = re.compile(r"^(?:[•●▪◦‣·–—*-]|\d{1,2}[.)]|[A-Ea-e][.)])\s+\S")
_MARK_ONLY = re.compile(r"^(?:[•●▪◦‣·]|\d{1,2}[.)]|[A-Ea-e][.)])$")
_NUMBER_ONLY = re.compile(r"^(?:page\s*)?[-–—]?\s*\d{1,4}\s*[-–—]?(?:\s*(?:of|/)\s*\d{1,4})?$", re.IGNORECASE)
_ENDS = re.compile(r"[.!?:;…][\"'”’)\]]*$")
_WIDER = 1.25  # times the usual distance of lines: a new paragraph
_LARGER = 1.08  # times the size: another kind of text
_SHORT = 0.75  # of the usual length of a line: a paragraph's last line
_HEADING_WORDS = 16
_EDGE_LINES = 2  # at the top and bottom of a page, where running heads stand


@dataclass(slots=True)
class Line:
    """One line of a page."""

    text: str
    x: float
    y: float
    size: float
    bold: bool
    page: int


def parse_pdf(raw: bytes) -> Parsed:
    """Blocks and headings of a PDF. Raises Unreadable for one that is protected, damaged or a scan."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(raw), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("is protected by a password. Save it without one and try again.")
        if len(reader.pages) > _MAX_PAGES:
            raise Unreadable(f"has more than {_MAX_PAGES:,} pages. Ingest the part that matters.")
        lines = _lines(reader)
        title = reader.metadata.title if reader.metadata else None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, AssertionError) as error:
        # pypdf raises the built-in kinds too when a damaged file's objects are not what they should be.
        raise Unreadable("is a PDF that is damaged.") from error
    except RecursionError as error:
        raise Unreadable("is a PDF that is damaged: its parts contain one another.") from error
    if not lines:
        raise Unreadable("is a PDF without text, likely a scan. Run text recognition (OCR) over it and try again.")
    parsed = to_blocks(without_running_heads(lines))
    parsed.title = str(title or "") or (parsed.blocks[parsed.headings[0]] if parsed.headings else "")
    return parsed


def _lines(reader: pypdf.PdfReader) -> list[Line]:
    lines: list[Line] = []
    size = 0
    for number, page in enumerate(reader.pages):
        found = _page_lines(page, number)
        size += sum(len(line.text) for line in found)
        if size > MAX_CHARACTERS:
            raise Unreadable("holds far more text than a coach can use. Ingest the part that matters.")
        lines += found
    return lines


def _page_lines(page: pypdf.PageObject, number: int) -> list[Line]:
    """The lines of one page in reading order."""
    pieces: list[Line] = []

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], font: dict[str, Any] | None, size: float) -> None:
        if not text.strip():
            if pieces and text:
                pieces[-1].text += text
            return
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        scale = hypot(tm[0], tm[1]) * hypot(cm[0], cm[1])
        name = str((font or {}).get("/BaseFont", "")).lower()
        bold = any(word in name for word in ("bold", "black", "heavy", "semibold"))
        pieces.append(Line(text, x, y, round(size * scale, 2), bold, number))

    page.extract_text(visitor_text=visit)
    return _join_pieces(pieces)


def _join_pieces(pieces: list[Line]) -> list[Line]:
    """Pieces on the same height become one line; a piece that breaks within becomes several."""
    lines: list[Line] = []
    fresh = True
    for piece in pieces:
        parts = piece.text.split("\n")
        for n, part in enumerate(parts):
            same = lines and not fresh and n == 0 and abs(lines[-1].y - piece.y) < 0.5 * max(lines[-1].size, piece.size)
            if not part.strip():
                if same:
                    lines[-1].text += part
            elif same:
                _extend(lines[-1], part, piece)
                fresh = False
            else:
                lines.append(Line(part, piece.x, piece.y, piece.size, piece.bold, piece.page))
                fresh = False
            if n + 1 < len(parts):
                fresh = not (
                    lines and round(lines[-1].y - piece.y, 1) == 0 and _MARK_ONLY.match(lines[-1].text.strip())
                )
    for line in lines:
        line.text = clean(line.text)
    return [line for line in lines if line.text]


def _extend(line: Line, text: str, piece: Line) -> None:
    line.text += text
    line.bold = line.bold and piece.bold
    line.size = max(line.size, piece.size)


def without_running_heads(lines: Sequence[Line]) -> list[Line]:
    """Lines without page numbers and without what stands at the edge of many pages."""
    pages: dict[int, list[int]] = defaultdict(list)
    for n, line in enumerate(lines):
        pages[line.page].append(n)
    edges = {n for found in pages.values() for n in (*found[:_EDGE_LINES], *found[-_EDGE_LINES:])}

    def shape(line: Line) -> str:
        short = len(line.text.split()) <= _HEADING_WORDS
        return re.sub(r"\d+", "#", line.text.lower()) if short else line.text

    seen = Counter(shape(lines[n]) for n in edges)
    often = max(3, len(pages) // 3)
    return [
        line
        for n, line in enumerate(lines)
        if not (n in edges and (_NUMBER_ONLY.match(line.text) or seen[shape(line)] >= often))
    ]


def to_blocks(lines: Sequence[Line]) -> Parsed:
    """Lines joined to paragraphs."""
    parsed = Parsed()
    if not lines:
        return parsed
    page_setting = _Setting(lines)
    vocabulary = Counter(word for line in lines for word in re.findall(r"[^\W\d_]+", line.text.lower()))
    group = [lines[0]]
    for before, line in pairwise(lines):
        if page_setting.breaks(before, line):
            parsed.add(_joined(group, vocabulary), heading=page_setting.is_heading(group))
            group = []
        group.append(line)
    parsed.add(_joined(group, vocabulary), heading=page_setting.is_heading(group))
    return parsed


class _Setting:
    """How a document is set: its usual size, distance and length of lines."""

    def __init__(self, lines: Sequence[Line]) -> None:
        weights: Counter[float] = Counter()
        for line in lines:
            weights[line.size] += len(line.text)
        self.body = weights.most_common(1)[0][0] or 1.0
        self.mostly_bold = sum(len(li.text) for li in lines if li.bold) * 2 > sum(len(li.text) for li in lines)
        distances = sorted(
            before.y - line.y
            for before, line in pairwise(lines)
            if before.page == line.page
            and 0 < before.y - line.y < 3 * max(line.size, 1)
            and _alike(before, line)
            and _alike_size(line.size, self.body)
        )
        # The lower half: in a text of one-line paragraphs the usual distance is that between paragraphs.
        lower = distances[: len(distances) // 2 + 1]
        self.leading = median(lower) / self.body if lower else 1.2  # times the size of the type
        lengths = sorted(len(line.text) for line in lines if _alike_size(line.size, self.body))
        self.length = lengths[int(len(lengths) * 0.9)] if lengths else 80

    def breaks(self, before: Line, line: Line) -> bool:
        """True where a paragraph ends between two lines."""
        if not _alike(before, line) or _LIST.match(line.text) or _MARK_ONLY.match(line.text):
            return True
        if before.page != line.page or line.y > before.y:  # a new page or column: the sentence may go on
            short = len(before.text) < _SHORT * self.length
            return bool(_ENDS.search(before.text)) or (short and line.text[:1].isupper())
        if before.y - line.y > _WIDER * self.leading * line.size:
            return True
        if line.text.startswith(("http://", "https://")):
            return False  # an address is put on a line of its own, its entry's line before left short
        indented = line.x > before.x + 0.8 * line.size and not _LIST.match(before.text)
        return bool(_ENDS.search(before.text)) and (indented or len(before.text) < _SHORT * self.length)

    def is_heading(self, group: Sequence[Line]) -> bool:
        """True for a short text set larger than the body, or bolder."""
        words = sum(len(line.text.split()) for line in group)
        large = all(line.size > _LARGER * self.body for line in group)
        bold = all(line.bold for line in group) and not self.mostly_bold
        return words <= _HEADING_WORDS and (large or bold) and not _MARK_ONLY.match(group[0].text)


def _alike_size(one: float, other: float) -> bool:
    return max(one, other) <= _LARGER * max(min(one, other), 0.01)


def _alike(before: Line, line: Line) -> bool:
    return _alike_size(before.size, line.size) and before.bold == line.bold


def _joined(group: Sequence[Line], vocabulary: Counter[str]) -> str:
    """One paragraph's text; a word hyphenated at a line's end is put together where the document has it whole."""
    text = group[0].text
    for line in group[1:]:
        cut = re.search(r"([^\W\d_]+)-$", text)
        rest = re.match(r"[^\W\d_]+", line.text)
        if cut and rest and line.text[0].islower():
            whole = (cut[1] + rest[0]).lower()
            text = (text[:-1] if vocabulary[whole] else text) + line.text
        elif text.endswith(("/", "-")) and "://" in text.rsplit(" ", 1)[-1]:
            text += line.text  # an address goes on without a space
        else:
            text = f"{text} {line.text}"
    return text
