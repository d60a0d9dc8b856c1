"""Ingest from end to end: what it keeps, what it leaves alone, and that it is all or nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.document_store import DocumentFolder
from bot.adapters.documents.reader import SourceReader
from bot.core.errors import DocumentError, IndexNotReady
from bot.core.ingest import IngestReport, make_document, slug_of
from bot.ports import Progress
from bot.services.ingest import Ingest
from tests.ingest.papers import FORMATS, Piece, as_docx, as_md, known_of, synthetic_paper, written

ROOT = Path(__file__).resolve().parents[2]
PAPER = synthetic_paper()
KNOWN = known_of(PAPER)
TITLES = {"C4": "Assess barriers and facilitators"}

HANDBOOK = [
    Piece("title", "Ward handbook"),
    Piece("heading", "Falls"),
    *(
        Piece("paragraph", f"Round {n}: a nurse walks the ward, looks at each bed and notes what she sees. " * 5)
        for n in range(5)
    ),
    Piece("heading", "Visitors"),
    Piece("entry", "Visitors come from two to eight."),
    Piece("entry", "Children are welcome."),
]


class Rebuilds:
    """Stands for the index: counts how often it was asked for, and can be made to fail."""

    def __init__(self, store: DocumentFolder) -> None:
        self.store, self.calls, self.fails = store, 0, None
        self.built: list[str] = []

    fails: type[BaseException] | None

    def __call__(self, progress: Progress) -> None:
        self.calls += 1
        progress("indexing", 1, 2)
        if self.fails:
            raise self.fails("The index can't be built now.")
        progress("indexing", 2, 2)
        self.built = [passage.id for passage in self.store.passages()]


@pytest.fixture
def store(tmp_path: Path) -> DocumentFolder:
    return DocumentFolder(tmp_path / "data" / "documents")


@pytest.fixture
def rebuild(store: DocumentFolder) -> Rebuilds:
    return Rebuilds(store)


@pytest.fixture
def use(store: DocumentFolder, rebuild: Rebuilds) -> Ingest:
    return Ingest(SourceReader(), store, KNOWN, lambda unit: TITLES.get(unit, unit), rebuild)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, bytes], str]:
    def write(name: str, body: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(body)
        return str(path)

    return write


File = Callable[[str, bytes], str]


def contents(store: DocumentFolder) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in store.folder.glob("*")}


def test_the_paper_becomes_passages_of_its_units_with_its_own_sentences(use: Ingest, file: File) -> None:
    report = use.ingest(file("paper.txt", written(PAPER, "txt")))
    assert (report.unit, report.status, report.unplaced, report.missing) == ("white-paper", "added", 0, ())
    assert report.paragraphs == report.placed == len(KNOWN)
    stored = use.store.get("white-paper")
    assert stored
    passages = {p.id: p for p in stored.passages}
    original = passages["C4/original-p1"]
    assert original.sentences[-1] == "Nothing in this paragraph comes from anywhere but a test."
    assert (original.verbatim, original.source, original.locators) == (True, "white-paper", ("C4:p1",))
    assert (original.title, original.tenant) == ("Assess barriers and facilitators", "*")
    assert {p.level for p in stored.passages if p.unit == "C4"} == {None, "foundational", "advanced"}


def test_a_list_goes_with_the_sentence_that_leads_it_in(use: Ingest, file: File) -> None:
    use.ingest(file("paper.txt", written(PAPER, "txt")))
    stored = use.store.get("white-paper")
    assert stored
    lists = [p for p in stored.passages if p.unit == "P-RESULTS" and len(p.locators) > 1]
    assert [len(p.locators) for p in lists] == [11, 6]
    assert lists[1].sentences[-1] == "Transform"


def test_the_same_twice_changes_nothing_and_says_so(use: Ingest, rebuild: Rebuilds, file: File) -> None:
    source = file("paper.txt", written(PAPER, "txt"))
    first = use.ingest(source)
    before, built = contents(use.store), rebuild.built  # type: ignore[arg-type]  # the folder is the store here
    second = use.ingest(source)
    assert (first.status, second.status) == ("added", "unchanged")
    assert replace(second, status="added") == first
    assert contents(use.store) == before  # type: ignore[arg-type]  # as above
    assert rebuild.built == built


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "txt"])
def test_the_paper_in_another_format_is_still_the_same_paper(form: str, use: Ingest, file: File) -> None:
    use.ingest(file("paper.txt", written(PAPER, "txt")))
    assert use.ingest(file(f"copy.{form}", written(PAPER, form))).status == "unchanged"


def test_an_operators_document_is_cut_along_its_headings(use: Ingest, file: File) -> None:
    report = use.ingest(file("Ward Handbook 2.docx", as_docx(HANDBOOK)))
    assert (report.unit, report.status, report.title) == ("D-ward-handbook-2", "added", "Ward handbook")
    stored = use.store.get("D-ward-handbook-2")
    assert stored
    assert [p.heading for p in stored.passages[-2:]] == ["Falls", "Visitors"]
    assert stored.passages[-1].sentences == ("Visitors come from two to eight.", "Children are welcome.")
    sizes = [len(p.text.split()) for p in stored.passages if p.heading == "Falls"]
    assert all(40 <= size <= 220 for size in sizes)
    assert {(p.source, p.unit, p.verbatim) for p in stored.passages} == {(stored.unit, stored.unit, True)}


def test_a_new_edition_replaces_the_old_and_keeps_the_ids_of_what_stayed(use: Ingest, file: File) -> None:
    source = file("handbook.md", as_md(HANDBOOK))
    use.ingest(source)
    old = use.store.get("D-handbook")
    file("handbook.md", as_md([*HANDBOOK, Piece("heading", "Night"), Piece("paragraph", "The lamps stay lit.")]))
    assert use.ingest(source).status == "replaced"
    new = use.store.get("D-handbook")
    assert old
    assert new
    assert {p.id for p in new.passages} > {p.id for p in old.passages}
    assert len(use.store.all()) == 1


def test_two_workspaces_may_have_a_document_of_the_same_name(use: Ingest, file: File) -> None:
    source = file("handbook.md", as_md(HANDBOOK))
    one, two = use.ingest(source, tenant="T1"), use.ingest(source, tenant="T2")
    assert (one.status, two.status) == ("added", "added")
    assert one.unit != two.unit
    ids = [p.id for d in use.store.all() for p in d.passages]
    assert len(ids) == len(set(ids))
    assert {p.tenant for d in use.store.all() for p in d.passages} == {"T1", "T2"}


def test_what_everybody_may_see_is_not_kept_again_for_one_workspace(use: Ingest, file: File) -> None:
    source = file("handbook.md", as_md(HANDBOOK))
    use.ingest(source, tenant="T1")
    assert use.ingest(source, tenant="*").status == "added"
    assert use.ingest(source, tenant="T1").status == "unchanged"
    assert [d.key for d in use.store.all()] == ["D-handbook"]


def test_nobody_in_particular_is_no_audience(use: Ingest, file: File) -> None:
    with pytest.raises(DocumentError, match="whom the document is for"):
        use.ingest(file("a.md", as_md(HANDBOOK)), tenant=" ")


@pytest.mark.parametrize("fails", [IndexNotReady, MemoryError, KeyboardInterrupt])
def test_where_the_index_fails_everything_stays_as_it_was(
    fails: type[BaseException], use: Ingest, store: DocumentFolder, rebuild: Rebuilds, file: File
) -> None:
    source = file("handbook.md", as_md(HANDBOOK))
    use.ingest(source)
    use.ingest(file("other.md", as_md(HANDBOOK[:3])), tenant="T1")
    before = {name: body for name, (body, _) in contents(store).items()}
    built = rebuild.built
    rebuild.fails = fails
    file("handbook.md", as_md(HANDBOOK[:4]))
    for again in (source, file("new.md", as_md(HANDBOOK[2:]))):
        with pytest.raises(fails):
            use.ingest(again)
    assert {name: body for name, (body, _) in contents(store).items()} == before
    assert rebuild.built == built


def test_a_bad_source_leaves_store_and_index_alone(
    use: Ingest, store: DocumentFolder, rebuild: Rebuilds, file: File
) -> None:
    use.ingest(file("handbook.md", as_md(HANDBOOK)))
    before, calls = contents(store), rebuild.calls
    for name, body in (("empty.md", b""), ("only.md", b"# A heading\n\n## And another\n"), ("x.pdf", b"%PDF-1.4 no")):
        with pytest.raises(DocumentError, match=name):
            use.ingest(file(name, body))
    assert (contents(store), rebuild.calls) == (before, calls)


def test_progress_is_told_from_reading_to_indexing(use: Ingest, file: File) -> None:
    heard: list[tuple[str, int, int]] = []
    use.ingest(file("handbook.md", as_md(HANDBOOK)), progress=lambda *step: heard.append(step))
    assert heard == [("reading", 0, 1), ("reading", 1, 1), ("indexing", 1, 2), ("indexing", 2, 2)]


def test_a_document_can_be_taken_out_again(use: Ingest, rebuild: Rebuilds, file: File) -> None:
    use.ingest(file("handbook.md", as_md(HANDBOOK)))
    assert use.remove("D-handbook")
    assert not use.remove("D-handbook")
    assert rebuild.built == []


_KILLED = """
import sys
from pathlib import Path
from bot.adapters.document_store import DocumentFolder
from bot.adapters.documents.reader import SourceReader
from bot.services.ingest import Ingest

folder, sources = Path(sys.argv[1]), sys.argv[2:]
store = DocumentFolder(folder)
def rebuild(progress):
    (folder.parent / "indexing").touch()
    for _ in range(2_000):
        list(store.all())
use = Ingest(SourceReader(), store, {}, str, rebuild)
while True:
    for source in sources:
        use.ingest(source)
"""


@pytest.mark.fault("C1")
@pytest.mark.parametrize("wait", [0.0, 0.011, 0.023, 0.05])
def test_killed_in_the_middle_the_folder_opens_and_a_second_run_completes_it(
    wait: float, store: DocumentFolder, use: Ingest, rebuild: Rebuilds, file: File
) -> None:
    source = file("handbook.md", as_md(HANDBOOK))
    command = [sys.executable, "-c", _KILLED, str(store.folder), source]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while not (store.folder.parent / "indexing").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    assert store.damaged() == []
    assert use.ingest(source).status == "unchanged"
    passages = list(rebuild.built)
    assert passages
    assert use.ingest(source).status == "unchanged"
    assert rebuild.built == passages


def test_a_file_cut_short_by_a_kill_is_never_seen(store: DocumentFolder, use: Ingest, file: File) -> None:
    use.ingest(file("handbook.md", as_md(HANDBOOK)))
    whole = (store.folder / "D-handbook.json").read_bytes()
    (store.folder / ".D-handbook.99999.tmp").write_bytes(whole[:500])
    assert [d.key for d in store.all()] == ["D-handbook"]
    use.ingest(file("other.md", as_md(HANDBOOK[:3])))
    assert sorted(p.name for p in store.folder.iterdir()) == ["D-handbook.json", "D-other.json"]


def test_a_damaged_file_is_named_the_others_are_used_and_the_next_ingest_mends_it(
    store: DocumentFolder, use: Ingest, file: File
) -> None:
    source = file("handbook.md", as_md(HANDBOOK))
    use.ingest(source)
    use.ingest(file("other.md", as_md(HANDBOOK[:3])))
    path = store.folder / "D-handbook.json"
    body = path.read_bytes()
    renamed = json.dumps({**json.loads(body), "key": "D-elsewhere"}).encode()
    for damage in (b"", body[:200], body.replace(b'"form": 1', b'"form": 9'), b"[1]", renamed, b"\xff\xfe"):
        path.write_bytes(damage)
        assert store.damaged() == ["D-handbook.json"]
        assert [d.key for d in store.all()] == ["D-other"]
    assert use.ingest(source).status == "added"
    assert store.damaged() == []


def test_documents_change_the_fingerprint_and_taking_them_out_restores_it(
    store: DocumentFolder, use: Ingest, file: File
) -> None:
    empty = store.fingerprint()
    use.ingest(file("handbook.md", as_md(HANDBOOK)))
    assert store.fingerprint() != empty
    use.remove("D-handbook")
    assert store.fingerprint() == empty


@pytest.mark.parametrize("key", ["../secrets", "a/b", "", ".hidden", "a.json"])
def test_a_key_never_leads_out_of_the_folder(key: str, store: DocumentFolder) -> None:
    with pytest.raises(DocumentError, match="no document's key"):
        store.get(key)


def test_the_folder_and_its_files_are_whole_for_their_owner_only(
    store: DocumentFolder, use: Ingest, file: File
) -> None:
    use.ingest(file("handbook.md", as_md(HANDBOOK)))
    assert (store.folder / "D-handbook.json").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, use: Ingest, file: File) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    stuck = replace(use, store=DocumentFolder(tmp_path / "taken"))
    with pytest.raises(DocumentError, match="data folder can't be written"):
        stuck.ingest(file("handbook.md", as_md(HANDBOOK)))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ward Handbook (final) v2.PDF", "ward-handbook-final-v2"),
        ("https://www.example.org/a/guide.html", "example-org-a-guide"),
        ("Überblick für alle.docx", "uberblick-fur-alle"),
        ("notes", "notes"),
    ],
)
def test_a_slug_comes_from_the_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_names_without_a_latin_letter_or_without_end_have_slugs_of_their_own() -> None:
    slugs = {slug_of(name) for name in ("手册.pdf", "指南.pdf", "x" * 300, "x" * 301, "…")}
    assert len(slugs) == 5
    assert all(slug.replace("-", "").isalnum() and len(slug) <= 48 for slug in slugs)


def test_a_sentence_without_end_is_cut_and_no_word_is_lost() -> None:
    words = [f"word{n}" for n in range(1_000)]
    document = make_document(
        name="long.txt",
        title="Long",
        blocks=[" ".join(words)],
        headings=(),
        tenant="*",
        known={},
        title_of=str,
    )
    assert [word for p in document.passages for word in p.text.split()] == words
    assert max(len(p.text.split()) for p in document.passages) <= 220


def test_a_report_says_what_a_copy_of_the_paper_lacks(use: Ingest, file: File) -> None:
    cut = [p for p in PAPER if not ("“inspire”" in p.text and p.text.startswith("Point 3"))]
    report: IngestReport = use.ingest(file("paper.txt", written(cut, "txt")))
    assert (report.missing, report.unplaced) == (("FC:p3",), 0)
