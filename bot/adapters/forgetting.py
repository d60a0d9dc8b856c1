"""What was taken out of the sources stands in no index: neither in a folder nor on a Chroma server.

A deleted vector stays in the files of the index that it was deleted from, so no row is deleted: whole indexes go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import structlog

from bot.adapters.removal import LEAVING, remove_folder, remove_quietly
from bot.adapters.retrieval import COLLECTION_MARK, EVERYBODY, IndexPlace, collection_name
from bot.adapters.vectors import open_store
from bot.core.framework import Passage
from bot.core.ingest import WHITE_PAPER, StoredDocument

log = structlog.get_logger()


def drop_others(place: IndexPlace, keep: str) -> int:
    """Remove every index but one, folders and a server's collections; how many folders.

    Raises IndexNotReady where a server is away or a folder can't be removed.
    """
    others = _folders(place.root, keep)
    for folder in others:
        remove_folder(folder)
    _drop_collections(place, keep, lambda _name: True)
    return len(others)


def drop_one(place: IndexPlace, mark: str) -> None:
    """Remove one index, so that it is built anew. Raises IndexNotReady as above."""
    remove_folder(place.root / mark)
    _drop_collections(place, "", lambda name: name.startswith(f"{COLLECTION_MARK}{mark}-"))


def drop_forgotten(place: IndexPlace, keep: str, documents: Iterable[StoredDocument]) -> int:
    """Remove every other index that holds a passage of a document no longer there; how many folders.

    For the start: a run that was killed between taking a document out and this left its vectors. On a server the
    collections of workspaces without any document go; the others may serve another replica. Never raises for a server
    that is away: the folders stay until a start finds it.
    """
    held = list(documents)
    stale = _stale(place.root, keep, held)
    marks = {folder.name for folder in stale}
    shared = {_ending(tenant) for tenant in (EVERYBODY, "exemplars", *(d.tenant for d in held))}
    try:
        if stale:
            _drop_collections(place, keep, lambda name: _mark(name) in marks and not name.endswith(tuple(shared)))
    except Exception as error:  # noqa: BLE001 - a server fails in many ways; the next start tries again
        log.warning("chroma.left", error=type(error).__name__)
        return 0
    return _remove(stale)


def drop_workspace(place: IndexPlace, keep: str, team_id: str, documents: Iterable[StoredDocument]) -> None:
    """Remove what other indexes hold of a workspace that is gone. Raises IndexNotReady where a server is away."""
    _drop_collections(place, keep, lambda name: name.endswith(_ending(team_id)))
    _remove(_stale(place.root, keep, documents))


def _ending(tenant: str) -> str:
    return collection_name("", tenant).removeprefix(COLLECTION_MARK)


def _mark(name: str) -> str:
    return name.removeprefix(COLLECTION_MARK).split("-", 1)[0]


def _stale(root: Path, keep: str, documents: Iterable[StoredDocument]) -> list[Path]:
    known = {(p.id, p.tenant, p.text) for document in documents for p in document.passages}
    return [folder for folder in _folders(root, keep) if _holds_others(folder, known)]


def _remove(folders: list[Path]) -> int:
    for folder in folders:
        remove_quietly(folder)
    return len(folders)


def _folders(root: Path, keep: str) -> list[Path]:
    return [folder for folder in root.iterdir() if folder.is_dir() and folder.name != keep] if root.is_dir() else []


def _holds_others(folder: Path, known: Collection[tuple[str, str, str]]) -> bool:
    """Whether a folder holds an ingested passage that isn't known; also where that can't be read any more."""
    if folder.name.startswith(LEAVING):  # a removal that was interrupted
        return True
    try:
        passages = [Passage.model_validate(p) for p in json.loads((folder / "passages.json").read_text("utf-8"))]
    except (OSError, ValueError):
        return not (folder / "sealed.json").exists() and not folder.name.startswith(".building-")
    return any((p.id, p.tenant, p.text) not in known for p in passages if _is_ingested(p))


def _is_ingested(passage: Passage) -> bool:
    return (
        passage.tenant != EVERYBODY
        or passage.unit.startswith("D-")
        or (passage.source == WHITE_PAPER and passage.verbatim)
    )


def _drop_collections(place: IndexPlace, keep: str, gone: Callable[[str], bool]) -> None:
    if not place.chroma_url:
        return
    with open_store(place.root, place.chroma_url) as client:
        names = [collection.name for collection in client.list_collections()]
        kept = f"{COLLECTION_MARK}{keep}-" if keep else None
        for name in names:
            if name.startswith(COLLECTION_MARK) and not (kept and name.startswith(kept)) and gone(name):
                client.delete_collection(name)
                log.info("chroma.dropped", collection=name)
