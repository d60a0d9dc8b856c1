"""Plain text and Markdown, by one reader: Markdown is what has its headings marked."""

from __future__ import annotations

import re
from statistics import median

from bot.adapters.documents.parts import Parsed
from bot.core.paper import paragraphs_of

_ATX = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*(?:\{#?[^}]*\})?\s*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{3,})\s*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_RULE = re.compile(r"^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$")
_LIST = re.compile(r"^\s*(?:[-*+•●▪]|\d{1,3}[.)])\s+")
_TABLE_LINE = re.compile(r"^\s*\|?[\s:|-]+\|[\s:|-]*$")
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"!?\[([^\]]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\[[^\]]*\]"), r"\1"),
    (re.compile(r"<((?:https?://|mailto:)[^>\s]+)>"), r"\1"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])([*_])(?=\S)(.+?)(?<=\S)\1(?![\w*])"), r"\2"),
    (re.compile(r"`+([^`]+)`+"), r"\1"),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)
_LONG_LINE = 150  # characters of a usual line: then a line is a paragraph
_HEADING_WORDS = 10


def parse_text(text: str) -> Parsed:
    """Blocks and headings of plain text or Markdown."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").split("\n")
    marked = sum(1 for line in lines if _ATX.match(line) and line.lstrip("# "))
    return _parse_markdown(lines) if marked else _parse_plain(lines)


def _parse_plain(lines: list[str]) -> Parsed:
    filled = [line for line in lines if line.strip()]
    if filled and median(len(line) for line in filled) > _LONG_LINE:
        lines = [piece for line in lines for piece in (line, "")]
    parsed = Parsed()
    for block in paragraphs_of("\n".join(lines)):
        parsed.add(block, heading=_reads_as_heading(block))
    parsed.title = parsed.blocks[0] if parsed.headings[:1] == [0] else ""
    return parsed


def _reads_as_heading(block: str) -> bool:
    """True for a few words on their own that begin like a title and end like one."""
    words = block.split()
    return (
        len(words) <= _HEADING_WORDS
        and not _LIST.match(block)
        and block[0].isupper()
        and not block.endswith((".", ",", ";", ":", "!"))
    )


def inline(text: str) -> str:
    """Markdown's inline marks taken away, the words left."""
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text


class _Markdown:
    """Gathers lines to blocks."""

    def __init__(self) -> None:
        self.parsed = Parsed()
        self.current: list[str] = []

    def close(self, *, heading: bool = False, code: bool = False) -> None:
        if self.current:
            text = " ".join(self.current)
            self.parsed.add(text if code else inline(text), heading=heading)
            self.current = []

    def one(self, text: str, *, heading: bool = False) -> None:
        self.close()
        self.current = [text]
        self.close(heading=heading)


def _parse_markdown(lines: list[str]) -> Parsed:
    doc = _Markdown()
    fenced = False
    for raw in _without_front_matter(lines):
        if _FENCE.match(raw):
            doc.close(code=fenced)
            fenced = not fenced
            continue
        line = re.sub(r"^(?:\s*>)+\s?", "", raw)
        if fenced:
            doc.current.append(line)
        else:
            _markdown_line(doc, line)
    doc.close()
    parsed = doc.parsed
    parsed.title = parsed.blocks[parsed.headings[0]] if parsed.headings else ""
    return parsed


def _markdown_line(doc: _Markdown, line: str) -> None:
    stripped = line.strip()
    if heading := _ATX.match(line):
        doc.one(heading[2], heading=True)
    elif doc.current and _SETEXT.match(line) and not _LIST.match(doc.current[0]):
        doc.close(heading=True)
    elif not stripped or _RULE.match(line) or _TABLE_LINE.match(line):
        doc.close()
    elif stripped.startswith("|"):
        doc.one(" | ".join(cell.strip() for cell in stripped.strip("|").split("|")))
    else:
        if _LIST.match(line):
            doc.close()
        doc.current.append(stripped)


def _without_front_matter(lines: list[str]) -> list[str]:
    if lines and lines[0].strip() == "---":
        for n, line in enumerate(lines[1:60], start=1):
            if line.strip() == "---":
                return lines[n + 1 :]
    return lines
