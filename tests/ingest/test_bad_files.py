"""Files that are not what they seem: a calm reason that names them, soon, and nothing else happens."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import docx
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.documents.parts import Unreadable
from bot.adapters.documents.plain import parse_text
from bot.adapters.documents.reader import SourceReader
from bot.adapters.documents.sniff import decode, sniff
from bot.core.errors import DocumentError
from tests.ingest.papers import PAGE_TEXT, Piece, as_docx, as_html, as_pdf, pdf_of

SMALL = [Piece("title", "Falls on ward four"), Piece("paragraph", "Nine people fell in March. Two of them at night.")]


def protected_pdf(user_password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(as_pdf(SMALL)))
    writer.encrypt(user_password=user_password, owner_password="owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def zipped(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in names.items():
            archive.writestr(name, body)
    return out.getvalue()


def bomb_docx() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as entry:
        for _ in range(210):
            entry.write(bytes(1_000_000))
    return out.getvalue()


def entity_bomb_docx() -> bytes:
    body = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12)
    )
    good = zipfile.ZipFile(io.BytesIO(as_docx(SMALL)))
    parts = {entry: good.read(entry) for entry in good.namelist()}
    start = parts["word/document.xml"].decode()
    parts["word/document.xml"] = (body + "]>" + start[start.index("<w:document") :].replace("Nine", "&m;")).encode()
    return zipped(parts)


BAD = {
    "empty.txt": (b"", "is empty"),
    "blank.md": (b" \n\t\n", "is empty"),
    "secret.pdf": (protected_pdf("1234"), "protected by a password"),
    "cut.pdf": (as_pdf(SMALL)[:300], "damaged"),
    "junk.pdf": (b"%PDF-1.7\n" + os.urandom(4000), "damaged"),
    "scan.pdf": (pdf_of(["0 0 m 100 100 l S"]), "without text, likely a scan"),
    "pages.pdf": (pdf_of(["BT ET"], kids=[0] * 2_001), "more than 2,000 pages"),
    "bomb.docx": (bomb_docx(), "left closed"),
    "cut.docx": (as_docx(SMALL)[:2_000], "damaged"),
    "hollow.docx": (zipped({"word/document.xml": b"<w:document/>"}), "damaged"),
    "entities.docx": (entity_bomb_docx(), "damaged"),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Office file"),
    "sheet.xlsx": (zipped({"xl/workbook.xml": b"<a/>"}), "a spreadsheet"),
    "all.zip": (zipped({"a.txt": b"a"}), "a compressed folder (zip)"),
    "book.epub": (zipped({"META-INF/container.xml": b"<a/>"}), "an e-book"),
    "photo.png": (b"\x89PNG\r\n\x1a\n" + bytes(90), "a picture (PNG)"),
    "noise.bin": (bytes(range(256)) * 40, "binary data"),
    "noise.txt": (b"\x01\x02\x03\x04\x05\x06abc" * 60, "binary data"),
    "letter.rtf": (rb"{\rtf1 hello}", "a rich text file"),
    "data.txt": (b"<?xml version='1.0'?><rows/>", "an XML file"),
    "page.pdf": (as_html(SMALL), "named like a PDF but is a web page (HTML)"),
    "paper.docx": (as_pdf(SMALL), "named like a Word document (docx) but is a PDF"),
    "notes.txt": (as_docx(SMALL), "named like plain text but is a Word document (docx)"),
    "site.html": (b"just some words", "named like a web page (HTML) but is plain text"),
    "bare.html": (b"<!doctype html><html><body><script>1</script></body></html>", "holds no text"),
}


@pytest.mark.fault("L7")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_name_with_a_reason(name: str, tmp_path: Path, figure) -> None:
    figure(f"{len(BAD)} bad files: each refused by name with a reason")
    body, reason = BAD[name]
    path = tmp_path / name
    path.write_bytes(body)
    began = time.monotonic()
    with pytest.raises(DocumentError) as told:
        SourceReader().read(str(path))
    assert str(told.value).startswith(f"{name} ")
    assert reason in str(told.value)
    assert "Traceback" not in str(told.value)
    assert time.monotonic() - began < 30


def test_a_file_over_50_mb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(50_000_001)
    with pytest.raises(DocumentError, match=r"huge\.txt is larger than 50 MB"):
        SourceReader().read(str(path))


@pytest.mark.fault("L6")
def test_a_file_of_nearly_50_mb_of_words_is_answered_in_time(tmp_path: Path, figure) -> None:
    figure("50 MB of words: read or refused within the time for one document")
    path = tmp_path / "long.txt"
    path.write_bytes(b"word and another word that goes on and on\n\n" * 1_150_000)
    began = time.monotonic()
    with pytest.raises(DocumentError, match="far more text than a coach can use"):
        SourceReader().read(str(path))
    assert time.monotonic() - began < 30


@pytest.mark.fault("L6")
def test_a_pdf_that_takes_for_ever_is_left_closed(tmp_path: Path, figure) -> None:
    figure("a PDF that takes for ever: left closed in time, told plainly")
    path = tmp_path / "slow.pdf"
    path.write_bytes(pdf_of([PAGE_TEXT * 40], kids=[0] * 1_900))
    began = time.monotonic()
    with pytest.raises(DocumentError, match=r"slow\.pdf takes longer than 1 seconds to open"):
        SourceReader(seconds=1).read(str(path))
    assert time.monotonic() - began < 5


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source, reason in (
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "pipe"), "is no file but a device or a pipe"),
        ("/dev/zero", "is no file but a device or a pipe"),
        (str(tmp_path / "nothing.txt"), "isn't there"),
        ("a\0b.txt", "can't be opened"),
        ("x" * 5_000, "can't be opened"),
        ("", "is a folder"),
    ):
        with pytest.raises(DocumentError, match=reason):
            SourceReader().read(source)


def test_a_link_to_another_folder_is_refused_and_one_within_is_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text("The door code is in the blue book.")
    (inside / "plan.txt").write_text("The plan stands here. It is short.")
    (inside / "linked.txt").symlink_to(outside / "secret.txt")
    (inside / "same.txt").symlink_to(inside / "plan.txt")
    (inside / "loop.txt").symlink_to(inside / "loop.txt")
    with pytest.raises(DocumentError, match=r"linked\.txt is a link to a place elsewhere"):
        SourceReader().read(str(inside / "linked.txt"))
    with pytest.raises(DocumentError, match=r"loop\.txt can't be opened"):
        SourceReader().read(str(inside / "loop.txt"))
    assert SourceReader().read(str(inside / "same.txt")).blocks == ("The plan stands here. It is short.",)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "closed.txt"
    path.write_text("closed")
    path.chmod(0)
    with pytest.raises(DocumentError, match="not allowed"):
        SourceReader().read(str(path))


def test_a_pdf_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    path = tmp_path / "open.pdf"
    path.write_bytes(protected_pdf(""))
    assert "Nine people fell in March. Two of them at night." in SourceReader().read(str(path)).blocks


SAID = "Übung – “naïve” café, naturally: it costs 5 pounds."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_in_any_usual_encoding_reads_the_same(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(SAID.encode(encoding))
    assert SourceReader().read(str(path)).blocks == (SAID,)


def test_a_web_page_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "old.html"
    text = "<html><head><meta charset='koi8-r'></head><body><p>Хорошо, что вы здесь.</p></body></html>"
    path.write_bytes(text.encode("koi8-r"))
    assert SourceReader().read(str(path)).blocks == ("Хорошо, что вы здесь.",)


def test_hidden_and_endless_titles_are_made_safe_to_show(tmp_path: Path) -> None:
    path = tmp_path / "poison.docx"
    document = docx.Document(io.BytesIO(as_docx(SMALL)))
    document.core_properties.title = "Ward \u202enalp\u202c\U000e0041\U000e0042 " + "x" * 200
    document.save(str(path))
    title = SourceReader().read(str(path)).title
    assert title.startswith("Ward nalp xxx")
    assert len(title) == 120
    assert title.isprintable()


def test_a_page_number_or_running_head_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(as_pdf([Piece("paragraph", " ".join(f"word{n}x{k}" for k in range(90)) + ".") for n in range(40)]))
    blocks = SourceReader().read(str(path)).blocks
    assert not [block for block in blocks if "A paper for the tests" in block or "Page " in block]
    assert len(blocks) == 40


@settings(deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_as_text_or_refused(raw: bytes) -> None:
    try:
        kind, text = sniff(raw)
        if kind == "text":
            parsed = parse_text(text)
            assert all(block.strip() for block in parsed.blocks)
            assert all(0 <= n < len(parsed.blocks) for n in parsed.headings)
    except Unreadable as problem:
        assert str(problem).endswith(".")  # noqa: PT017 - being read is as good an outcome


@settings(deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_utf_8_is_read_as_it_stands_or_refused_as_binary(text: str) -> None:
    try:
        assert decode(text.encode()) in {text, text.removeprefix("\ufeff")}
    except Unreadable as problem:
        assert "binary" in str(problem)  # noqa: PT017 - both ends are checked


MARKDOWN = """---
title: left out
---
# Ward **four**

Some *plain* words, a [link](https://example.org/a_(b)) and `code`; an
escaped \\* star, snake_case_name and <https://example.org/x_y_z>.

Second heading
--------------
> quoted words

* one
  goes on
* two

| a | b |
|---|---|
| 1 | 2 |

***
```
raw *text*
```
"""


def test_markdown_marks_go_and_the_words_stay() -> None:
    parsed = parse_text(MARKDOWN)
    assert parsed.blocks == [
        "Ward four",
        "Some plain words, a link and code; an escaped * star, snake_case_name and https://example.org/x_y_z.",
        "Second heading",
        "quoted words",
        "* one goes on",
        "* two",
        "a | b",
        "1 | 2",
        "raw *text*",
    ]
    assert [parsed.blocks[n] for n in parsed.headings] == ["Ward four", "Second heading"]
    assert parsed.title == "Ward four"
