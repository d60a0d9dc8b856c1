"""Engines for SQLite and PostgreSQL, set up so that nothing committed is lost and nothing waits for ever."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from bot.adapters.crypto import TextCipher, bind_cipher
from bot.adapters.storage.failures import in_calm_words
from bot.core.errors import SettingsError

READ_ONLY = "coach_read_only"  # execution option of a connection that will not write
_SETTING = "ISP_COACH_DATABASE_URL"
_BUSY_TIMEOUT_MS = 30_000
_STALE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")
_POOL = {"pool_size": 8, "max_overflow": 72, "pool_timeout": 30}  # more than the most workers, so none waits for one


def make_engine(url: str, cipher: TextCipher | None = None, *, busy_timeout_ms: int = _BUSY_TIMEOUT_MS) -> Engine:
    """An engine for a SQLite file or PostgreSQL, whose free-text columns use the cipher (none: plain text).

    `busy_timeout_ms` is how long SQLite waits for another writer. Raises SettingsError for an address that can't be
    used, StorageError where the file can't be made. Dispose of it when done.
    """
    address = _parse(url)
    engine = _sqlite(address, busy_timeout_ms) if address.get_backend_name() == "sqlite" else _postgresql(address)
    bind_cipher(engine, cipher or TextCipher())
    return engine


def sqlite_url(path: Path) -> str:
    """The address of a database file."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def _parse(url: str) -> URL:
    if url.startswith("postgres://"):  # as some hosts still write it; SQLAlchemy no longer reads it
        url = "postgresql://" + url.removeprefix("postgres://")
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # the cause repeats the address, and with it the password
        raise SettingsError(f"{_SETTING} is not an address of a database.") from None
    backend = address.get_backend_name()
    if backend == "sqlite" and address.database in {None, "", ":memory:"}:
        raise SettingsError(f"{_SETTING} names no file: a database in memory forgets everything.")
    if backend not in {"sqlite", "postgresql"}:
        raise SettingsError(f"{_SETTING} names a database of kind {backend}; use sqlite or postgresql.")
    return address.set(drivername="sqlite+pysqlite" if backend == "sqlite" else "postgresql+psycopg")


# --- SQLite ----------------------------------------------------------------------------------------------------


def _sqlite(address: URL, busy_timeout_ms: int) -> Engine:
    _make_private_file(Path(str(address.database)))
    engine = create_engine(address, hide_parameters=True, **_POOL)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        _prepare_sqlite(connection, busy_timeout_ms)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # In WAL a read that turns into a write fails at once, whatever the time-out: a writer says so from the start.
        read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    @event.listens_for(engine, "handle_error")
    def _reopen(context: ExceptionContext) -> None:
        # A connection that found the file or its disk read-only stays so after the disk is well again.
        name = getattr(context.original_exception, "sqlite_errorname", None) or ""
        if name.startswith(_STALE):
            context.is_disconnect = True

    return engine


def _make_private_file(path: Path) -> None:
    """SQLite would make the file readable by all; its WAL and shared memory take over the file's permissions."""
    if path.exists():
        return
    with in_calm_words():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, busy_timeout_ms: int) -> None:
    connection.isolation_level = None  # the driver starts no transaction of its own; the `begin` event does
    connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
    _use_wal(connection, busy_timeout_ms)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what a person deletes is overwritten, not only unlinked


def _use_wal(connection: sqlite3.Connection, busy_timeout_ms: int) -> None:
    """Switch to WAL, once a file. SQLite does not wait for others in this one step, so it is tried until it holds."""
    deadline = time.monotonic() + busy_timeout_ms / 1000
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


# --- PostgreSQL --------------------------------------------------------------------------------------------------

_SESSION = (
    "SET TIME ZONE 'UTC'",
    "SET statement_timeout = '30s'",
    "SET lock_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '60s'",
)


def _postgresql(address: URL) -> Engine:
    engine = create_engine(
        address,
        hide_parameters=True,
        pool_pre_ping=True,  # a restarted server costs a new connection, not a failed request
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 10,
            "application_name": "isp-coach",
            "keepalives_idle": 30,
            "tcp_user_timeout": 30_000,  # a server that vanished without a word is noticed
            "prepare_threshold": None,  # connection poolers in front of the server can't follow prepared statements
        },
        **_POOL,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        with connection.cursor() as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
        connection.commit()

    return engine
