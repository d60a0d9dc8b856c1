"""Documents for the ingest tests: a paper with the white paper's headings in words of its own, in every format."""

from __future__ import annotations

import html
import io
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docx

from bot.core import paper as headings
from bot.core.paper import KnownParagraph, digest, paragraphs_of, recognise, words_of

Kind = Literal["title", "heading", "label", "entry", "paragraph"]
FORMATS = ("txt", "md", "html", "pdf", "docx")


@dataclass(frozen=True)
class Piece:
    kind: Kind
    text: str


def real_paper() -> Path | None:
    """The original, where the machine has it: it never ships with the project."""
    given = os.environ.get("ISP_COACH_WHITE_PAPER")
    path = Path(given) if given else Path(__file__).resolve().parents[3] / "shared" / "white-paper.txt"
    return path if path.is_file() else None


_SCENES = (
    "a bakery that bakes before dawn and sells out by nine",
    "a choir whose tenors never read the notes sent round",
    "a ferry crew who learn the tides from older hands",
    "a bicycle shop that lends its tools to the whole street",
    "a seed library in the back room of a village post office",
    "a chess club that meets where the heating works",
)


def _body(unit_title: str, n: int) -> str:
    scene = _SCENES[(len(unit_title) + n) % len(_SCENES)]
    return (
        f"Point {n} under “{unit_title}” tells of {scene}, and of the people who keep it going when nobody looks. "
        f"They write down what they tried (number {n * 7 + len(unit_title)} so far), ask who was missing, and go on. "
        "Nothing in this paragraph comes from anywhere but a test."
    )


def synthetic_paper() -> list[Piece]:
    """A paper whose headings, lists and labels stand as in the white paper, with other words between them."""
    titles = [name for name, unit in headings._HEADINGS if unit[0] in "CF"]
    pieces = [
        Piece("title", f"White Paper: {headings.TITLE}"),
        Piece("paragraph", "By Drs. Ada Pine, Bo Reed, and Cy Marsh"),
        Piece("paragraph", "35-min read"),
    ]
    for name, unit in headings._HEADINGS:
        number = titles.index(name) + 1 if name in titles else 0
        mark = f"{'ABCDE'[number - 11]}. " if number > 10 else f"{number}. " if number else ""
        pieces.append(Piece("heading", f"{mark}{name.capitalize()}"))
        if unit == "P-METHODS":
            pieces.append(Piece("label", "How did we develop the core competencies?"))
        if name == "results":
            pieces += [Piece("label", "The Implementation Core Competencies"), *_lists(titles)]
        pieces += [Piece("paragraph", _body(name, n)) for n in range(1, 4)]
        if number:
            pieces.append(Piece("label", "Practitioner Levels:"))
            pieces.append(Piece("entry", f"The foundational level of {name} means to watch, ask and lend a hand."))
            pieces.append(Piece("entry", f"The advanced level of {name} means to see far, and to hold many threads."))
    return pieces


def _lists(titles: list[str]) -> list[Piece]:
    return [
        Piece("paragraph", "Here are ten things that the people named above took up:"),
        *(Piece("entry", title.capitalize()) for title in titles[:10]),
        Piece("paragraph", "And five ways in which they went about them:"),
        *(Piece("entry", title.capitalize()) for title in titles[10:]),
        Piece("paragraph", _body("both lists", 9)),
    ]


def pieces_of(text: str) -> list[Piece]:
    """The pieces of a plain text of the real paper, so that it can be written in the other formats."""
    names = {name for name, _ in headings._HEADINGS}
    listed: set[str] = set()
    pieces: list[Piece] = []
    for n, block in enumerate(paragraphs_of(text)):
        bare, marked = headings._as_heading(block), bool(headings._LIST_MARK.match(block))
        plain = headings._LIST_MARK.sub("", block)
        if n == 0:
            pieces.append(Piece("title", block))
        elif bare in headings._LABELS:
            pieces.append(Piece("label", block))
        elif bare in names and not (marked and bare not in listed):
            pieces.append(Piece("heading", block))
        elif marked:
            listed.add(bare)
            pieces.append(Piece("entry", plain))
        else:
            pieces.append(Piece("paragraph", block))
    return pieces


def known_of(pieces: list[Piece]) -> dict[str, KnownParagraph]:
    """What a committed list of locators would keep of a paper."""
    found = recognise(paragraphs_of(as_txt(pieces).decode())).paragraphs
    return {p.locator: KnownParagraph(p.locator, digest(p.text), len(words_of(p.text))) for p in found}


def written(pieces: list[Piece], form: str) -> bytes:
    return {"txt": as_txt, "md": as_md, "html": as_html, "pdf": as_pdf, "docx": as_docx}[form](pieces)


def as_txt(pieces: list[Piece]) -> bytes:
    lines = [f"  • {p.text}" if p.kind == "entry" else p.text for p in pieces]
    return ("\n\n".join(lines) + "\n").encode()


def as_md(pieces: list[Piece]) -> bytes:
    marks = {"title": "# ", "heading": "## ", "label": "### ", "entry": "- ", "paragraph": ""}
    wrapped = [textwrap.fill(p.text, 78, break_on_hyphens=False, break_long_words=False) for p in pieces if p]
    out = [
        marks[p.kind] + (text if p.kind in {"paragraph", "entry"} else p.text).replace("\n", "\n  ")
        for p, text in zip(pieces, wrapped, strict=True)
    ]
    return "\n\n".join(out).encode()


def as_html(pieces: list[Piece]) -> bytes:
    tags = {"title": "h1", "heading": "h2", "label": "h3", "entry": "li", "paragraph": "p"}
    body: list[str] = []
    for n, piece in enumerate(pieces):
        listed = piece.kind == "entry"
        if listed and (n == 0 or pieces[n - 1].kind != "entry"):
            body.append("<ul>")
        body.append(f"<{tags[piece.kind]}>{html.escape(piece.text)}</{tags[piece.kind]}>")
        if listed and (n + 1 == len(pieces) or pieces[n + 1].kind != "entry"):
            body.append("</ul>")
    menu = "<nav><ul><li><a href='/'>Home</a></li><li><a href='/shop'>Shop</a></li></ul></nav>"
    page = f"<body>{menu}<main><article>{''.join(body)}</article></main><footer>Made with care</footer></body>"
    return f"<!doctype html><html><head><meta charset='utf-8'><title>A paper</title></head>{page}</html>".encode()


def as_docx(pieces: list[Piece]) -> bytes:
    document = docx.Document()
    for piece in pieces:
        if piece.kind in {"title", "heading", "label"}:
            document.add_heading(piece.text, {"title": 0, "heading": 1, "label": 2}[piece.kind])
        else:
            document.add_paragraph(piece.text, style="List Bullet" if piece.kind == "entry" else None)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


# --- a PDF writer, as small as it can be ---------------------------------------------------------------------------

_PAGE_HEIGHT, _MARGIN, _LEADING = 792, 72, 14


def as_pdf(pieces: list[Piece]) -> bytes:
    """Lines wrapped at 88 characters, headings in bold, a running head and a page number on each page."""
    pages: list[list[str]] = [[]]
    y = _PAGE_HEIGHT - _MARGIN
    for piece in pieces:
        head = piece.kind in {"title", "heading", "label"}
        font, size = ("F2", 16 if piece.kind == "title" else 14) if head else ("F1", 11)
        lines = textwrap.wrap(piece.text, 60 if head else 88, break_on_hyphens=False, break_long_words=False)
        if head and y < _MARGIN + 60:
            pages.append([])
            y = _PAGE_HEIGHT - _MARGIN
        for n, line in enumerate(lines):
            if y < _MARGIN + 20:
                pages.append([])
                y = _PAGE_HEIGHT - _MARGIN
            mark = "• " if piece.kind == "entry" and n == 0 else ""
            pages[-1].append(_show(font, size, _MARGIN, y, mark + line))
            y -= _LEADING * size / 11
        y -= 9
    for number, page in enumerate(pages, start=1):
        page.insert(0, _show("F1", 8, _MARGIN, _PAGE_HEIGHT - 30, "A paper for the tests"))
        page.append(_show("F1", 8, 300, 30, f"Page {number} of {len(pages)}"))
    return pdf_of(["\n".join(page) for page in pages])


def _show(font: str, size: float, x: float, y: float, text: str) -> str:
    safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{font} {size} Tf 1 0 0 1 {x} {y:.2f} Tm ({safe}) Tj ET"


def pdf_of(contents: list[str], kids: list[int] | None = None) -> bytes:
    """A PDF of pages with these content streams; `kids` names the pages (from 0) that stand in the tree."""
    first = 5
    count = len(contents)
    tree = " ".join(f"{first + 2 * k} 0 R" for k in (kids if kids is not None else range(count)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{tree}] /Count {len(kids) if kids is not None else count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for n, content in enumerate(contents):
        stream = content.encode("cp1252", "replace")
        resources = "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 {_PAGE_HEIGHT}] {resources} "
            f"/Contents {first + 2 * n + 1} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream")
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


PAGE_TEXT = "".join(
    _show("F1", 11, _MARGIN, 700 - 2 * n, f"line {n} of words that fill the page") + "\n" for n in range(60)
)
