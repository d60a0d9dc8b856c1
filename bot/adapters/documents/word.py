"""Word documents (docx): paragraphs, list entries, headings by style or outline level, table rows."""

from __future__ import annotations

import io
import re
import zipfile

import docx
import docx.opc.exceptions
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from bot.adapters.documents.parts import Parsed, Unreadable

_HEADING = re.compile(r"^(?:heading|überschrift|titre|título|titolo|kop)\s*\d|^(?:title|subtitle)$", re.IGNORECASE)
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BODY_TEXT = 9  # the outline level that means "no heading"


def parse_docx(raw: bytes) -> Parsed:
    """Blocks and headings of a docx. Raises Unreadable where it is damaged."""
    try:
        document = docx.Document(io.BytesIO(raw))
        parsed = Parsed()
        for part in document.iter_inner_content():
            if isinstance(part, Paragraph):
                parsed.add(part.text, heading=_is_heading(part))
            else:
                _add_table(parsed, part)
        parsed.title = document.core_properties.title or _first_heading(parsed)
    except (
        docx.opc.exceptions.OpcError,
        zipfile.BadZipFile,
        etree.LxmlError,
        KeyError,
        ValueError,
        AttributeError,
        OSError,
    ) as error:
        raise Unreadable("is a Word document that is damaged.") from error
    return parsed


def _add_table(parsed: Parsed, table: Table) -> None:
    for row in table.rows:
        cells: list[str] = []
        for cell in row.cells:
            words = " ".join(cell.text.split())
            if words and words not in cells[-1:]:  # a merged cell is given once for each column that it spans
                cells.append(words)
        parsed.add(" | ".join(cells))


def _is_heading(paragraph: Paragraph) -> bool:
    style = paragraph.style
    if style is not None and _HEADING.match(style.name or ""):
        return True
    level = paragraph._p.find(f"{_W}pPr/{_W}outlineLvl")  # noqa: SLF001 - python-docx has no public door to it
    return level is not None and level.get(f"{_W}val", str(_BODY_TEXT)) != str(_BODY_TEXT)


def _first_heading(parsed: Parsed) -> str:
    return parsed.blocks[parsed.headings[0]] if parsed.headings else ""
