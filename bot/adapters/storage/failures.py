"""What a database driver raises, turned into StorageError with calm words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.core.errors import StorageError

BUSY = "The database is busy with other work just now. Please try again in a moment."
_FULL = "The disk that holds the database is full."
_READ_ONLY = "The database can't be written: its file, its disk or its server is read-only."
_CANT_OPEN = "The database file can't be opened."
_DAMAGED = "The database file is damaged. Restore it from a backup."
_UNREACHABLE = "The database can't be reached, or it refuses the login."  # the driver gives no code for either
_UNREADABLE = "The text holds characters that the database can't store."
_ANYTHING = "The database can't be used right now."

_SQLITE_WORDS = (
    ("SQLITE_BUSY", BUSY),
    ("SQLITE_LOCKED", BUSY),
    ("SQLITE_FULL", _FULL),
    ("SQLITE_IOERR_SHMSIZE", _FULL),  # no room for the log's index
    ("SQLITE_READONLY", _READ_ONLY),
    ("SQLITE_CANTOPEN", _CANT_OPEN),
    ("SQLITE_PERM", _CANT_OPEN),
    ("SQLITE_CORRUPT", _DAMAGED),
    ("SQLITE_NOTADB", _DAMAGED),
)
# PostgreSQL's SQLSTATE codes, longest first where one begins with another
_POSTGRESQL_WORDS = (
    ("53100", _FULL),
    ("25006", _READ_ONLY),
    ("55P03", BUSY),
    ("57014", BUSY),
    ("57P", _UNREACHABLE),
    ("53", BUSY),
    ("40", BUSY),
    ("08", _UNREACHABLE),
    ("22021", _UNREADABLE),
)


@contextmanager
def in_calm_words() -> Iterator[None]:
    """Raise StorageError for whatever the database raises inside; the cause stays in the chain."""
    try:
        yield
    except SQLAlchemyError as error:
        if isinstance(error, StatementError) and not isinstance(error, DBAPIError) and error.orig is not None:
            # Raised by one of our column types, not by the driver: a wrong key, or a mistake of our own in a value.
            raise error.orig from error
        raise StorageError(_words(error)) from error
    except UnicodeEncodeError as error:
        raise StorageError(_UNREADABLE) from error
    except (OSError, sqlite3.Error) as error:
        raise StorageError(_CANT_OPEN) from error


def _words(error: SQLAlchemyError) -> str:
    if isinstance(error, PoolTimeoutError):
        return BUSY
    if not isinstance(error, DBAPIError):
        return _ANYTHING
    if isinstance(error.orig, sqlite3.Error):
        return _first(_SQLITE_WORDS, getattr(error.orig, "sqlite_errorname", None))
    code = getattr(error.orig, "sqlstate", None)
    if code is None and (error.connection_invalidated or type(error.orig).__name__ == "OperationalError"):
        return _UNREACHABLE  # the driver names no code where it never got an answer
    return _first(_POSTGRESQL_WORDS, code)


def _first(table: tuple[tuple[str, str], ...], code: str | None) -> str:
    return next((words for start, words in table if (code or "").startswith(start)), _ANYTHING)
