"""One door to the database for all repositories: short transactions, calm errors, writers in line."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from bot.adapters.storage.engine import READ_ONLY
from bot.adapters.storage.failures import BUSY, in_calm_words
from bot.core.errors import StorageError
from bot.core.records import Member
from bot.ports import Clock

_BRIEFLY_MS = 1000
_PATIENCE_SECONDS = 60

log = structlog.get_logger()


class Database:
    """Transactions on one engine. Safe from any number of threads; each transaction has a connection of its own."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self._clock = clock
        # SQLite lets one write at a time and makes the others poll for it; threads of one process wait in line
        # instead, which is fairer and quicker.
        self._line = _Line() if engine.dialect.name == "sqlite" else None

    def now(self) -> datetime:
        """The present instant."""
        return self._clock.now()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises StorageError."""
        with in_calm_words(), self.engine.connect() as connection:
            connection.execution_options(**{READ_ONLY: True})
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; committed at the end, rolled back on an error. Raises StorageError."""
        with in_calm_words(), self._in_turn(), self.engine.begin() as connection:
            yield connection

    def clear_log(self) -> None:
        """Empty SQLite's write-ahead log, which still holds pages as they were before something was deleted.

        A reader in the middle of something can be in the way; the log is then overwritten in the course of time.
        """
        if self._line is None:
            return
        try:
            with in_calm_words(), self._in_turn(), closing(self.engine.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute("PRAGMA busy_timeout")
                (patience,) = cursor.fetchone() or (0,)
                cursor.execute(f"PRAGMA busy_timeout = {_BRIEFLY_MS}")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.execute(f"PRAGMA busy_timeout = {patience}")
        except StorageError as error:
            log.warning("storage.log_not_cleared", error=str(error))

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self._line is None:
            yield
            return
        if not self._line.enter(timeout=_PATIENCE_SECONDS):
            raise StorageError(BUSY)
        try:
            yield
        finally:
            self._line.leave()


class _Line:
    """A lock that is given in the order of asking; a plain one lets a quick thread overtake for a second and more."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False

    def enter(self, timeout: float) -> bool:
        """Wait for one's turn; False where it did not come within that many seconds."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            my_turn = threading.Event()
            self._waiting.append(my_turn)
        if my_turn.wait(timeout):
            return True
        with self._guard:
            if my_turn.is_set():  # it came in this very moment
                return True
            self._waiting.remove(my_turn)
            return False

    def leave(self) -> None:
        """Give the turn to whoever has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, which SQLAlchemy has only by database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def of(table: Table, member: Member) -> ColumnElement[bool]:
    """The condition that a row is this person's."""
    return and_(table.c.team_id == member.team_id, table.c.user_id == member.user_id)


def theirs(table: Table) -> ColumnElement[bool]:
    """The condition that a row is a person's, for statements built once: `given(member)` says whose."""
    return and_(table.c.team_id == bindparam("their_team"), table.c.user_id == bindparam("their_user"))


def given(member: Member) -> dict[str, str]:
    """The parameters of `theirs`. A statement built once costs a fifth of one that is built for each call."""
    return {"their_team": member.team_id, "their_user": member.user_id}


def whose(member: Member) -> dict[str, str]:
    """The columns that say whose a row is."""
    return {"team_id": member.team_id, "user_id": member.user_id}
