"""Row C4 for documents: what was taken out stands in no file any more, however it was taken out."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import json
import os
import shutil
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bot.adapters.content as content_files
from bot.adapters.classifier import TrainedClassifier
from bot.adapters.distress import DistressReader
from bot.adapters.document_store import DocumentFolder
from bot.adapters.forgetting import drop_forgotten, drop_others, drop_workspace
from bot.adapters.removal import remove_folder
from bot.adapters.retrieval import collection_name, fingerprint
from bot.adapters.unused_bytes import clear_unused
from bot.adapters.vectors import open_store
from bot.app import Content, LateCoach, connect_to, forget_document, rebuild_index
from bot.core.errors import DocumentError, IndexMismatch
from bot.core.framework import Passage
from bot.core.ingest import StoredDocument
from bot.core.records import Member
from bot.ports import NO_METRICS
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from tests.fakes.chroma import chroma_server
from tests.storage.rows import fill

pytestmark = pytest.mark.timeout(600)

CANARY, OTHERS = "kestrel over ward seven", "plover below ward nine"
HERE = "T0SANDBOX"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _thin() -> Iterator[None]:
    """Few exemplars and nothing learned from them, so that an index is built in seconds: only what is stored counts."""
    exemplars = content_files.load_exemplars(ROOT)
    thin = exemplars.model_copy(update={name: value[::20] for name, value in exemplars if isinstance(value, tuple)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content_files, "load_exemplars", lambda _root: thin)
        patch.setattr(TrainedClassifier, "train", lambda *_: None)
        patch.setattr(DistressReader, "train", lambda reader, _: reader)
        yield


def settings_in(folder: Path) -> Settings:
    return Settings(_env_file=None, data_dir=folder / "data", embeddings="builtin", minilm_dir=folder / "none")


@pytest.fixture(scope="module")
def built(_thin: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two documents and their index, to be copied."""
    settings = settings_in(tmp_path_factory.mktemp("built"))
    documents = Content(settings).documents
    documents.put(document("ours", HERE, CANARY))
    documents.put(document("theirs", "T0OTHER", OTHERS))
    Content(settings).open_index().close()
    return settings.data_dir


@pytest.fixture
def settings(built: Path, tmp_path: Path) -> Settings:
    copied = settings_in(tmp_path)
    shutil.copytree(built, copied.data_dir)
    return copied


def document(slug: str, tenant: str, words: str) -> StoredDocument:
    passages = tuple(
        Passage(
            id=f"D-{slug}/{n}",
            unit=f"D-{slug}",
            part=str(n),
            title="Handbook",
            heading=f"Part {n}",
            sentences=(f"Rule {n}: {words} is asked first.",),
            source=f"D-{slug}",
            tenant=tenant,
            verbatim=True,
        )
        for n in range(40)
    )
    return StoredDocument(
        key=f"D-{slug}",
        unit=f"D-{slug}",
        name=f"{slug}.md",
        title="Handbook",
        tenant=tenant,
        digest=slug,
        paragraphs=40,
        placed=0,
        unplaced=40,
        passages=passages,
    )


@pytest.fixture
def store(settings: Settings) -> DocumentFolder:
    """A document of this workspace and one of another."""
    return Content(settings).documents


def times(folder: Path, words: str) -> int:
    """How often words stand in the files below a folder; what is deleted meanwhile counts no more."""
    found = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found += Path(place, name).read_bytes().count(words.encode())
    return found


def loaded(settings: Settings) -> LateCoach:
    coach = LateCoach(Content(settings), NO_METRICS)
    coach.patience = 0.0
    coach.load()
    return coach


@pytest.mark.fault("C4")
@pytest.mark.parametrize("order", [("app_uninstalled", "tokens_revoked"), ("tokens_revoked", "app_uninstalled")])
def test_a_workspace_that_leaves_takes_its_documents_and_rows_along_in_either_order_of_events(
    order: tuple[str, str], settings: Settings, store: DocumentFolder, full: bool, figure: Any
) -> None:
    if order[0] == "tokens_revoked" and not full:
        pytest.skip("the other order under make faults ROW=C4; tests/slack/test_privacy.py has both for rows")
    with Sandbox(retry_scale=0.01) as sandbox:
        bot = connect_to(sandbox, settings)
        bot.coach.patience = 0.0
        try:
            bot.start()
            bot.coach.load()
            sandbox.wait_connected()
            fill(bot.repositories, Member(HERE, "U0ANA"), CANARY)
            fill(bot.repositories, Member("T0OTHER", "U0ANA"), OTHERS)
            assert bot.coach.passage("D-ours/3", HERE) is not None
            before = times(settings.data_dir, CANARY)
            for name in order:
                bot.slack.dispatch(_payload(name))
                sandbox.wait_for(lambda: not store.get("D-ours"), what="the document's end")
            sandbox.wait_for(lambda: bot.coach.passage("D-ours/3", HERE) is None, 120, "the new index")
            left = sandbox.wait_for(lambda: times(settings.data_dir, CANARY) == 0, 60, "the last of its words") and 0
            sandbox.wait_idle()
            assert bot.coach.passage("D-theirs/3", "T0OTHER") is not None
            assert times(settings.data_dir, OTHERS) > 0
        finally:
            bot.stop()
    vectors = _vectors_of(settings, HERE)
    figure(f"{order[0]} first: {before} times a workspace's words in the files before, {left} after; {vectors} vectors")
    assert before > 40
    assert times(settings.data_dir, CANARY) == 0
    assert vectors == 0


def _vectors_of(settings: Settings, team: str) -> int:
    """Rows of a workspace's collections in every index that there is."""
    rows = 0
    for folder in Content(settings).index_place().root.iterdir():
        with open_store(folder, None) as client:
            rows += sum(c.count() for c in client.list_collections() if c.name == collection_name(folder.name, team))
    return rows


def _payload(name: str) -> dict[str, Any]:
    return copy.deepcopy(json.loads((ROOT / "tests/slack/payloads" / f"{name}.json").read_text("utf-8")))


@pytest.mark.fault("C4")
def test_a_run_that_ended_before_the_index_was_renewed_is_made_up_for_at_the_next_start(
    settings: Settings, store: DocumentFolder, figure: Any
) -> None:
    loaded(settings)
    assert times(settings.data_dir, CANARY) > 40
    assert store.remove_all(lambda d: d.tenant == HERE) == 1  # and here the process is killed
    again = loaded(settings)
    left = times(settings.data_dir, CANARY)
    figure(f"killed between store and index: {left} times a workspace's words after the next start")
    assert left == 0
    assert again.passage("D-theirs/3", "T0OTHER") is not None
    kept = {p.name for p in Content(settings).index_place().root.iterdir()}
    loaded(settings)
    assert {p.name for p in Content(settings).index_place().root.iterdir()} == kept


@pytest.mark.fault("C4")
def test_forget_takes_out_one_document_and_says_so_where_there_is_none(
    settings: Settings, store: DocumentFolder, figure: Any
) -> None:
    loaded(settings)
    steps: list[str] = []
    assert forget_document(settings, "D-ours", lambda step, _done, _total: steps.append(step)) == 1
    left = times(settings.data_dir, CANARY)
    figure(f"isp-coach forget: {left} times the document's words in the files, {_vectors_of(settings, HERE)} vectors")
    assert left == 0
    assert _vectors_of(settings, HERE) == 0
    assert _vectors_of(settings, "T0OTHER") == 40
    assert steps != []
    with pytest.raises(DocumentError, match="no such document"):
        forget_document(settings, "D-ours", lambda *_: None)
    assert store.get("D-theirs") is not None


@pytest.fixture
def server(settings: Settings) -> Iterator[Settings]:
    with chroma_server() as running:
        yield settings.model_copy(update={"chroma_url": running.url})


def _collections(settings: Settings) -> set[str]:
    with open_store(settings.data_dir, settings.chroma_url) as client:
        return {collection.name for collection in client.list_collections()}


@pytest.mark.fault("C4")
def test_on_a_chroma_server_a_workspaces_collections_go_and_the_indexes_of_others_stay(
    server: Settings, store: DocumentFolder, figure: Any
) -> None:
    before = Content(server).open_index()
    before.close()
    old = before.fingerprint
    assert collection_name(old, HERE) in _collections(server)
    store.remove_all(lambda d: d.tenant == HERE)
    fresh = Content(server)
    index = fresh.open_index()
    index.close()
    drop_workspace(fresh.index_place(), index.fingerprint, HERE, store.all())
    left = _collections(server)
    figure(f"Chroma server: {sum(name.endswith('-t0sandbox') for name in left)} collections of the workspace left")
    assert not any(name.endswith("-t0sandbox") for name in left)
    assert collection_name(old, "*") in left  # another replica may still serve the index of before
    assert collection_name(index.fingerprint, "T0OTHER") in left
    drop_others(fresh.index_place(), index.fingerprint)
    assert all(name.startswith(f"coach-{index.fingerprint}-") for name in _collections(server))


@pytest.mark.fault("C4")
def test_after_a_kill_the_next_start_also_takes_a_workspaces_collections_off_the_server(
    server: Settings, store: DocumentFolder, figure: Any
) -> None:
    place = Content(server).index_place()
    before = Content(server).open_index()
    before.close()
    store.remove_all(lambda d: d.tenant == HERE)  # and here the process is killed
    away = dataclasses.replace(place, chroma_url="http://127.0.0.1:9")
    assert drop_forgotten(away, "another", store.all()) == 0
    assert (place.root / before.fingerprint).is_dir()  # what tells the next start that something is left
    assert drop_forgotten(place, "another", store.all()) == 1
    left = _collections(server)
    figure(f"Chroma server after a kill: {sum(name.endswith('-t0sandbox') for name in left)} collections left")
    assert not any(name.endswith("-t0sandbox") for name in left)
    assert {collection_name(before.fingerprint, "*"), collection_name(before.fingerprint, "T0OTHER")} <= left
    assert times(server.data_dir, CANARY) == 0


def _keeps_writing(folder: Path, started: threading.Event) -> None:
    """A file more each time, until there is no such folder."""
    with contextlib.suppress(FileNotFoundError):
        for n in itertools.count():
            (folder / "chroma" / f"journal-{n % 50}").write_text(CANARY)
            started.set()


@pytest.mark.fault("C4")
def test_what_is_written_while_an_index_is_removed_goes_with_it(tmp_path: Path, figure: Any) -> None:
    for n in range(20):
        folder = tmp_path / "index" / f"of-turn-{n}"
        (folder / "chroma").mkdir(parents=True)
        started = threading.Event()
        writer = threading.Thread(target=_keeps_writing, args=(folder, started), daemon=True)
        writer.start()
        assert started.wait(10)
        remove_folder(folder)
        writer.join(10)
        assert not writer.is_alive()
    left = times(tmp_path, CANARY)
    figure(f"20 folders removed while somebody wrote in them: {left} files left")
    assert list((tmp_path / "index").iterdir()) == []


@pytest.mark.fault("C4")
def test_what_chroma_writes_of_its_memory_is_cleared_at_every_opening(settings: Settings, figure: Any) -> None:
    """It writes room for vectors out as the allocator gave it; here that room is filled with words in advance."""
    loaded(settings)._index.close()
    files = [f for f in settings.data_dir.rglob("*.bin") if f.name in {"data_level0.bin", "length.bin"}]
    empty = [f for f in files if struct.unpack("<3Q", (f.parent / "header.bin").read_bytes()[4:28])[2] == 0]
    assert len(empty) >= 2  # of small collections, whose vectors stand in the database
    whole = {f: f.read_bytes() for f in files if f not in empty}
    assert len(whole) >= 2
    for file in empty:
        file.write_bytes((CANARY.encode() * 5000)[: file.stat().st_size])
    before = times(settings.data_dir, CANARY)
    again = loaded(settings)
    left = sum(f.read_bytes().count(CANARY.encode()) for f in empty)
    figure(f"memory of the process in {len(empty)} vector files: {before} times the words before, {left} after")
    assert left == 0
    assert not any(f.read_bytes().strip(b"\0") for f in empty)
    assert {f: f.read_bytes() for f in whole} == whole  # what vectors use stays as it was
    assert again._index.search("kestrel ward rule", tenant=HERE)
    again._index.close()


@pytest.mark.fault("C4")
def test_vector_files_of_another_layout_are_left_alone(tmp_path: Path) -> None:
    for n, header in enumerate((b"", b"\x02" + bytes(99), struct.pack("<i4Q", 1, 0, 10, 11, 8))):
        (tmp_path / str(n)).mkdir()
        (tmp_path / str(n) / "header.bin").write_bytes(header)
        (tmp_path / str(n) / "data_level0.bin").write_bytes(b"words")
    assert clear_unused(tmp_path) == 0
    assert {f.read_bytes() for f in tmp_path.rglob("data_level0.bin")} == {b"words"}


@pytest.mark.fault("C4")
def test_a_removal_that_was_interrupted_is_finished_at_the_next_start(
    settings: Settings, store: DocumentFolder
) -> None:
    place = Content(settings).index_place()
    [folder] = place.root.iterdir()
    folder.rename(place.root / ".leaving-1")
    assert drop_forgotten(place, "another", store.all()) == 1  # though every document in it is still there
    assert list(place.root.iterdir()) == []


# --- C3: what is stored must be of the model, width and metric that are used now ---


def _another_model(folder: Path) -> None:
    seal = json.loads((folder / "sealed.json").read_text("utf-8"))
    (folder / "sealed.json").write_text(json.dumps(seal | {"embeddings": "minilm"}), "utf-8")


def _made_anew(folder: Path, space: str, width: int) -> None:
    """The workspace's collection with as many rows as before, of another kind."""
    name = collection_name(folder.name, HERE)
    with open_store(folder, None) as client:
        number = client.get_collection(name, embedding_function=None).count()
        client.delete_collection(name)
        made = client.create_collection(name, configuration={"hnsw": {"space": space}}, embedding_function=None)
        made.upsert(ids=[str(n) for n in range(number)], embeddings=[[1.0] * width] * number, documents=["x"] * number)


@pytest.mark.fault("C3")
def test_an_index_of_another_model_width_or_metric_stops_the_start_with_the_command_that_mends_it(
    settings: Settings, figure: Any
) -> None:
    content = Content(settings)
    [folder] = content.index_place().root.iterdir()
    assert folder.name == fingerprint(content.index_source(), content.index_place())  # else another one is opened
    seal = (folder / "sealed.json").read_bytes()
    refused = []
    for what, damage in (
        ("embedding model", lambda: _another_model(folder)),
        ("metric", lambda: _made_anew(folder, "l2", 256)),
        ("width of vectors", lambda: _made_anew(folder, "cosine", 3)),
    ):
        damage()
        with pytest.raises(IndexMismatch, match=what) as caught:
            LateCoach(Content(settings), NO_METRICS).load()
        assert "isp-coach setup --no-model --rebuild" in str(caught.value)
        refused.append(what)
        (folder / "sealed.json").write_bytes(seal)
    rebuild_index(settings, lambda *_: None)
    assert loaded(settings).passage("D-ours/3", HERE) is not None
    assert _vectors_of(settings, HERE) == 40
    figure(f"another {', '.join(refused)}: start refused with the command; after it the index opens")
