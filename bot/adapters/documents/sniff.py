"""What a document really is: told by its bytes, and held against what its name says."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePosixPath
from typing import Literal

from bot.adapters.documents.parts import Unreadable

Kind = Literal["text", "html", "pdf", "docx"]

_NAMES = {
    "text": "plain text",
    "html": "a web page (HTML)",
    "pdf": "a PDF",
    "docx": "a Word document (docx)",
}
_ENDINGS: dict[str, str] = {
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".markdown": "text",
    ".htm": "html",
    ".html": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"RIFF", "a picture, sound or film"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"BZh", "a compressed file (bzip2)"),
    (b"\xfd7zXZ\x00", "a compressed file (xz)"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed folder (7z)"),
    (b"Rar!", "a compressed folder (rar)"),
    (b"{\\rtf", "a rich text file (RTF)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"ID3", "a sound file"),
    (b"%!PS", "a PostScript file"),
)
_READABLE = "Plain text, Markdown, HTML, PDF and docx can be read."
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_UNPACKED = 200_000_000  # bytes; the cap of a packed file is a quarter of it
_MAX_ENTRIES = 5_000
_HEAD = 4_096
_HTML = re.compile(
    r"^\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_ZIP_KINDS = {
    "xl/": "a spreadsheet (xlsx)",
    "ppt/": "a slide deck (pptx)",
    "META-INF/container.xml": "an e-book (epub)",
    "content.xml": "an OpenDocument file",
}


def sniff(raw: bytes) -> tuple[Kind, str]:
    """The kind of a document and, for text and HTML, its decoded text. Raises Unreadable for any other kind."""
    if not raw.strip():
        raise Unreadable("is empty.")
    if b"%PDF-" in raw[:1024]:
        return "pdf", ""
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_zip(raw), ""
    if raw.startswith(_OLE):
        raise Unreadable(
            "is an old Office file, or a new one under a password. Save it as docx without a password and try again."
        )
    for magic, name in _MAGIC:
        # Short marks in plain letters could begin a text too; the real thing has a zero byte near them.
        if raw.startswith(magic) and (len(magic) > 4 or not magic.isalnum() or 0 in raw[:_HEAD]):  # noqa: PLR2004 - a magic number this short could be text
            raise Unreadable(f"is {name}, which holds no text that can be read. {_READABLE}")
    text = decode(raw)
    if _HTML.match(text[:_HEAD]):
        return "html", text
    if text.lstrip().startswith("<?xml"):
        raise Unreadable(f"is an XML file. {_READABLE}")
    return "text", text


def check_name(name: str, kind: Kind) -> None:
    """Raise Unreadable where a name's ending says something else than the bytes; it is likely the wrong file."""
    ending = PurePosixPath(name.lower()).suffix
    said = _ENDINGS.get(ending)
    if said and said != kind:
        fitting = next(end for end, meant in _ENDINGS.items() if meant == kind)
        raise Unreadable(f"is named like {_NAMES[said]} but is {_NAMES[kind]}. Rename it to end in {fitting}.")


def _sniff_zip(raw: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable("looks like a Word document or a compressed folder, but is damaged.") from error
    names = {entry.filename for entry in entries}
    if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
        raise Unreadable("unpacks to far more than its size promises, so it is left closed.")
    if "word/document.xml" in names:
        if any(entry.flag_bits & 0x1 for entry in entries):
            raise Unreadable("is protected by a password. Save it without one and try again.")
        return "docx"
    for mark, name in _ZIP_KINDS.items():
        if any(entry.startswith(mark) for entry in names):
            raise Unreadable(f"is {name}. {_READABLE}")
    raise Unreadable(f"is a compressed folder (zip). Unpack it and ingest its documents. {_READABLE}")


_BOMS: tuple[tuple[bytes, str], ...] = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROLS = re.compile("[\u0000-\u0008\u000e-\u001a\u001c-\u001f]")


def decode(raw: bytes) -> str:
    """The text of bytes in UTF-8, UTF-16, UTF-32 or Windows-1252. Raises Unreadable for what is no text."""
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return _decoded(raw, encoding)
    nulls = raw[:_HEAD].count(0)
    if nulls:
        # UTF-16 without a mark: every other byte of Western text is zero, always on the same side.
        odd = raw[1:_HEAD:2].count(0)
        if nulls > 0.3 * len(raw[:_HEAD]) and max(odd, nulls - odd) > 0.9 * nulls:
            return _decoded(raw, "utf-16-le" if odd * 2 > nulls else "utf-16-be")
        raise Unreadable(f"is no text but binary data. {_READABLE}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = _html_declared(raw) or raw.decode("cp1252", errors="replace")
    return _refuse_binary(text)


def _html_declared(raw: bytes) -> str | None:
    """The text in the encoding that a web page declares in its head, where Python knows it."""
    declared = re.search(rb"<meta[^>]+charset=[\"']?\s*([\w-]+)", raw[:_HEAD], re.IGNORECASE)
    try:
        return raw.decode(declared[1].decode("ascii"), errors="replace") if declared else None
    except LookupError:
        return None


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return _refuse_binary(raw.decode(encoding))
    except UnicodeDecodeError as error:
        raise Unreadable("begins like text but is damaged or binary.") from error


def _refuse_binary(text: str) -> str:
    odd = len(_CONTROLS.findall(text)) + text.count("\ufffd")
    if odd > 0.01 * len(text) + 2:
        raise Unreadable(f"is no text but binary data. {_READABLE}")
    return text
