"""Ingested documents, one JSON file each in the data folder; the index is built from the content and these."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import ValidationError

from bot.core.errors import DocumentError
from bot.core.framework import Passage
from bot.core.ingest import StoredDocument

log = structlog.get_logger()

_KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]{0,99}$")


@dataclass(frozen=True, slots=True)
class DocumentFolder:
    """The folder `documents/` of a data folder. A file there is whole or not there: it is renamed into place."""

    folder: Path

    def all(self) -> list[StoredDocument]:
        """All documents by key; a damaged file is passed over and named by `damaged`."""
        return [document for path in self._paths() if (document := self._load(path)) is not None]

    def damaged(self) -> list[str]:
        """Names of files that can't be read; ingesting those documents again mends them."""
        return [path.name for path in self._paths() if self._load(path) is None]

    def get(self, key: str) -> StoredDocument | None:
        """One document, None where it isn't there or is damaged."""
        path = self._path(key)
        return self._load(path) if path.exists() else None

    def put(self, document: StoredDocument) -> None:
        """Write or replace a document, in one step. Raises DocumentError where the folder can't be written."""
        target = self._path(document.key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for left in self.folder.glob(".*.tmp"):  # of a run that was killed
                left.unlink(missing_ok=True)
            temporary = self.folder / f".{document.key}.{os.getpid()}.tmp"
            _write_through(temporary, document.model_dump_json(indent=1).encode())
            temporary.replace(target)
            _sync_folder(self.folder)
        except OSError as error:
            raise DocumentError(f"The data folder can't be written ({error.strerror}).") from error

    def remove(self, key: str) -> bool:
        """Take a document out; False where there is none."""
        path = self._path(key)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise DocumentError(f"The data folder can't be written ({error.strerror}).") from error
        _sync_folder(self.folder)
        return True

    def remove_all(self, gone: Callable[[StoredDocument], bool]) -> int:
        """Take out every document that is meant; how many. Raises DocumentError."""
        return sum(self.remove(document.key) for document in self.all() if gone(document))

    def passages(self) -> tuple[Passage, ...]:
        """The passages of all documents, those of all workspaces; a search filters by tenant."""
        return tuple(passage for document in self.all() for passage in document.passages)

    def fingerprint(self) -> str:
        """SHA-256, in hex, over all documents: part of the index's own."""
        total = hashlib.sha256()
        for document in self.all():
            total.update(f"{document.key}\0{document.tenant}\0{document.title}\0{document.digest}\0".encode())
        return total.hexdigest()

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.json") if not path.name.startswith("."))

    def _path(self, key: str) -> Path:
        if not _KEY.match(key):
            raise DocumentError(f"{key!r} is no document's key.")
        return self.folder / f"{key}.json"

    def _load(self, path: Path) -> StoredDocument | None:
        try:
            document = StoredDocument.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            log.warning("documents.damaged", file=path.name, error=type(error).__name__)
            return None
        if document.key != path.stem:
            log.warning("documents.damaged", file=path.name, error="key")
            return None
        return document


def _write_through(path: Path, body: bytes) -> None:
    """Write a file, private to its owner, and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
