"""The folder that holds the database and the index, and the lock that keeps one writing process to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bot.core.errors import DataFolderInUse, SettingsError

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


class DataFolder:
    """A data folder; it is made, readable by its owner only, where it isn't there. Raises SettingsError."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        try:
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"The data folder {self.path} can't be made ({error.strerror}). Choose another with ISP_COACH_DATA_DIR."
            ) from error

    @property
    def database_path(self) -> Path:
        """Where the SQLite database is."""
        return self.path / "coach.db"

    @property
    def index_root(self) -> Path:
        """Where the index folders are."""
        return self.path / "index"

    @contextmanager
    def serve_lock(self, doing: str) -> Iterator[None]:
        """Hold the folder for one serving or writing process; `doing` says what for, e.g. "running the bot".

        Raises DataFolderInUse at once where another holds it. The system frees the lock when a process ends, however
        it ends; readers beside it need no lock.
        """
        with self._open_lock_file() as file:
            if not _try_lock(file):
                raise DataFolderInUse(_who_holds(file, self.path))
            try:
                _write_holder(file, doing)
                yield
            finally:
                # The file stays: removing it would let two processes lock two files of the same name.
                _write_holder(file, None)
                _unlock(file)

    def _open_lock_file(self) -> IO[str]:
        path = self.path / "serving.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        except OSError as error:
            raise SettingsError(
                f"The data folder {self.path} can't be written ({error.strerror}). "
                "Choose another with ISP_COACH_DATA_DIR."
            ) from error
        return os.fdopen(descriptor, "r+", encoding="utf-8")


def _write_holder(file: IO[str], doing: str | None) -> None:
    file.seek(0)
    file.truncate()
    if doing is not None:
        file.write(f"{os.getpid()}\n{doing}\n")
    file.flush()


def _who_holds(file: IO[str], folder: Path) -> str:
    file.seek(0)
    lines = file.read().splitlines()
    holder = f"process {lines[0]}, {lines[1]}" if len(lines) > 1 else "another process"
    return (
        f"The data folder {folder} is in use ({holder}). "
        "Stop that one first, or choose another folder with ISP_COACH_DATA_DIR."
    )


if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading what is locked, so a byte far behind the text is locked instead.
    _FAR = 1 << 30

    def _try_lock(file: IO[str]) -> bool:
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[str]) -> None:
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
