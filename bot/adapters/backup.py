"""A backup of everything that can't be built again, taken while the bot runs, and the way back.

A backup is one tar file: the database (`coach.db`, or `coach.dump` of PostgreSQL), the ingested documents, and
`backup.json`, which says what it is. The index is not in it, for it is built from these; nor is the key, without which
sealed text stays sealed.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url, text

from bot.adapters.crypto import TextCipher
from bot.adapters.data_folder import DataFolder
from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.migrating import current_revision
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.errors import SettingsError, StorageError
from bot.settings import Settings

_FORM = 1
_SQLITE, _POSTGRES, _ABOUT, _DOCUMENTS = "coach.db", "coach.dump", "backup.json", "documents/"
_PRIVATE = 0o600


def write_backup(settings: Settings, target: Path, *, now: datetime) -> dict[str, Any]:
    """Write a backup beside a running bot; what it says of itself. Raises StorageError; a failed one leaves no file."""
    if target.exists():
        raise StorageError(f"{target} is there already; name a new file.")
    folder = DataFolder(settings.data_dir)
    url = settings.database_url or sqlite_url(folder.database_path)
    with _private_folder(target.parent) as work:
        name = _dump(url, folder, work)
        about = {"form": _FORM, "made_at": now.isoformat(), "database": name, "revision": _revision(url)}
        documents = sorted((folder.path / "documents").glob("*.json"))
        about["documents"] = len(documents)
        draft = work / "backup.tar"
        with tarfile.open(draft, "w") as package:
            _add(package, _ABOUT, json.dumps(about, indent=1).encode())
            package.add(work / name, arcname=name)
            for document in documents:
                package.add(document, arcname=f"{_DOCUMENTS}{document.name}")
        draft.chmod(_PRIVATE)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(target)
    return about


def restore_backup(settings: Settings, source: Path, *, now: datetime, replace: bool = False) -> dict[str, Any]:
    """Put a backup in the data folder's place; what it says of itself. The bot must not run.

    What is there goes aside, not away; without `replace` it stops the restore. A backup that can't be read, is newer
    than this version, or is sealed with a key that isn't set, changes nothing. Raises StorageError, SettingsError.
    """
    folder = DataFolder(settings.data_dir)
    url = settings.database_url or sqlite_url(folder.database_path)
    with _private_folder(folder.path) as work:
        about = _unpack(source, work)
        if about["database"] == _SQLITE:
            _put_sqlite(settings, url, work, now, replace=replace)
        else:
            _put_postgres(url, work, replace=replace)
        _put_documents(folder.path / "documents", work / "documents", now)
    _look_before_sending(settings)
    return about


# --- taking ---------------------------------------------------------------------------------------------------------


def _dump(url: str, folder: DataFolder, work: Path) -> str:
    if make_url(url).get_backend_name() != "sqlite":
        _run_postgres("pg_dump", url, "--format=custom", f"--file={work / _POSTGRES}")
        return _POSTGRES
    path = Path(str(make_url(url).database))
    if not path.exists():
        raise StorageError(f"There is no database at {path} yet.")
    # One transaction that only reads: writers go on, and the copy is as the database was at one instant.
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", [str(work / _SQLITE)])
    except sqlite3.Error as error:
        raise StorageError(f"The database in {folder.path} can't be copied now.") from error
    return _SQLITE


def _revision(url: str) -> str | None:
    engine = make_engine(url)
    try:
        return current_revision(engine)
    finally:
        engine.dispose()


def _add(package: tarfile.TarFile, name: str, body: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(body), _PRIVATE
    package.addfile(info, io.BytesIO(body))


@contextmanager
def _private_folder(beside: Path) -> Iterator[Path]:
    """A folder for unfinished work on the same disk, for its owner only, gone afterwards."""
    try:
        work = Path(tempfile.mkdtemp(prefix=".backup-", dir=beside))
    except OSError as error:
        raise StorageError(f"{beside} can't be written ({error.strerror}).") from error
    try:
        yield work
    except OSError as error:
        raise StorageError(f"The backup could not be written ({error.strerror}).") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


# --- putting back ---------------------------------------------------------------------------------------------------


def _unpack(source: Path, work: Path) -> dict[str, Any]:
    """The files of a backup, by name: nothing else in the tar is touched."""
    try:
        with tarfile.open(source) as package:
            for member in package:
                name = member.name
                plain = name in {_SQLITE, _POSTGRES, _ABOUT} or (
                    name.startswith(_DOCUMENTS) and "/" not in name.removeprefix(_DOCUMENTS) and name.endswith(".json")
                )
                if not (plain and member.isfile()):
                    raise StorageError(f"{source} holds something that no backup of ours holds; it isn't used.")
                target = work / name
                target.parent.mkdir(exist_ok=True)
                body = package.extractfile(member)
                assert body is not None  # a regular file
                with body, target.open("wb") as out:
                    shutil.copyfileobj(body, out)
                target.chmod(_PRIVATE)
        about: dict[str, Any] = json.loads((work / _ABOUT).read_text("utf-8"))
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        raise StorageError(f"{source} can't be read as a backup.") from error
    if about.get("form") != _FORM or not (work / str(about.get("database"))).is_file():
        raise StorageError(f"{source} is a backup of another form, or cut off; it isn't used.")
    return about


def _put_sqlite(settings: Settings, url: str, work: Path, now: datetime, *, replace: bool) -> None:
    if make_url(url).get_backend_name() != "sqlite":
        raise SettingsError("That backup is of a SQLite database, and ISP_COACH_DATABASE_URL names another kind.")
    path = Path(str(make_url(url).database))
    if path.exists() and not replace:
        raise StorageError(
            f"There is a database at {path}. With --replace it is put aside, and the backup in its place."
        )
    copy = work / _SQLITE
    with closing(sqlite3.connect(copy)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise StorageError("The database in that backup is damaged; it isn't used.")
    # Opened once where it lies: a wrong key or a newer version is told before anything is moved.
    SqlRepositories(sqlite_url(copy), cipher=TextCipher.from_settings(settings)).close()
    aside = path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%S}")
    for ending in ("", "-wal", "-shm"):
        old = path.with_name(path.name + ending)
        if old.exists():
            old.rename(aside.with_name(aside.name + ending))
        fresh = copy.with_name(copy.name + ending)
        if fresh.exists():
            fresh.rename(old)


def _put_postgres(url: str, work: Path, *, replace: bool) -> None:
    if make_url(url).get_backend_name() == "sqlite":
        raise SettingsError("That backup is of a PostgreSQL database; set ISP_COACH_DATABASE_URL to one.")
    if _revision(url) is not None and not replace:
        raise StorageError("That database holds tables. With --replace they give way to the backup.")
    arguments = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
    _run_postgres("pg_restore", url, *arguments, f"--dbname={_without_password(url)}", str(work / _POSTGRES))


def _put_documents(folder: Path, fresh: Path, now: datetime) -> None:
    if folder.exists():
        folder.rename(folder.with_name(f"documents.before-{now:%Y%m%dT%H%M%S}"))
    if fresh.exists():
        fresh.rename(folder)


def _look_before_sending(settings: Settings) -> None:
    """What was open when the backup was made may be out by now: it counts as begun, so that the history is asked."""
    repositories = SqlRepositories.open(settings, upgrade=True)
    try:
        with repositories.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE nudges SET attempt = CASE WHEN attempt < 1 THEN 1 ELSE attempt END, sending = :yes, "
                    "state = 'due', owner = NULL, lease_until = NULL WHERE state IN ('due', 'claimed')"
                ),
                {"yes": True},
            )
            connection.execute(text("UPDATE inbox SET sending = :yes WHERE state = 'received'"), {"yes": True})
    finally:
        repositories.close()


# --- PostgreSQL's own tools -------------------------------------------------------------------------------------------


def _run_postgres(tool: str, url: str, *arguments: str) -> None:
    program = shutil.which(tool) or _debians(tool)
    if program is None:
        raise SettingsError(f"{tool} is not on this machine: install PostgreSQL's client programs.")
    target = [] if tool == "pg_restore" else [f"--dbname={_without_password(url)}"]
    secret = {"PGPASSWORD": str(make_url(url).password)} if make_url(url).password else {}
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's own, found by name; no shell
        [program, *target, *arguments], env={**os.environ, **secret}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StorageError(f"{tool} did not succeed (exit status {done.returncode}); is its version the server's?")


def _without_password(url: str) -> str:
    """The address as PostgreSQL's programs take it; a password would show in the list of processes."""
    address: URL = make_url(url).set(drivername="postgresql", password=None)
    return address.render_as_string(hide_password=False).replace("://:@", "://")


def _debians(tool: str) -> str | None:
    """Debian keeps them in a folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}"), key=lambda p: int(p.parts[-3]))
    return str(found[-1]) if found else None
