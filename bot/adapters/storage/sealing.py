"""The operator's key and the database it belongs to: checked at start, changed without losing a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    Text,
    delete,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)

from bot.adapters.crypto import FreeJson, FreeText, TextCipher
from bot.adapters.storage.database import Database, insert_into
from bot.adapters.storage.tables import canaries, metadata

Progress = Callable[[str, int, int], None]

_CANARY = "tweet"
_BATCH = 500


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


def check_key(database: Database, cipher: TextCipher) -> None:
    """Raise SettingsError where rows may be there that the keys don't open; else note the key that seals from now on.

    Each key that ever sealed here has left a row sealed with it. So the check is quick and misses none.
    """
    with database.reading() as connection:
        known = connection.execute(select(canaries)).all()  # reading opens each one, which is the check
    if cipher.fingerprint is None or any(row.fingerprint == cipher.fingerprint for row in known):
        return
    with database.writing() as connection:
        connection.execute(
            insert_into(connection, canaries)
            .values(fingerprint=cipher.fingerprint, sealed=_CANARY)
            .on_conflict_do_nothing()
        )


def reseal(database: Database, cipher: TextCipher, progress: Progress = _silent) -> int:
    """Bring all stored free text under the newest key, plain text too; how many rows changed.

    `progress` hears after each batch how many of all rows were looked at; they count from zero in a second go, too.

    Afterwards earlier keys can be taken out of the settings, provided that every process already sealed with the new
    one. Works beside a running bot, in short transactions, and can be repeated after a crash. No key: nothing to do.
    """
    if not cipher.enabled:
        return 0
    tables = [table for table in metadata.sorted_tables if table is not canaries and _sealed_columns(table)]
    with database.reading() as connection:
        total = sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    seen = changed = 0
    for table in tables:
        for looked_at, in_batch in _reseal_table(database, cipher, table):
            seen, changed = seen + looked_at, changed + in_batch
            progress("rows", min(seen, total), total)
    with database.writing() as connection:
        connection.execute(delete(canaries).where(canaries.c.fingerprint != cipher.fingerprint))
    database.clear_log()
    return changed


def _reseal_table(database: Database, cipher: TextCipher, table: Table) -> Iterator[tuple[int, int]]:
    """Reseal a table batch by batch, each in a transaction of its own: rows looked at and rows changed of each."""
    last: tuple[object, ...] | None = None
    while True:
        with database.writing() as connection:
            last, looked_at, changed = _reseal_batch(connection, cipher, table, last)
        yield looked_at, changed
        if last is None:
            return


def _reseal_batch(
    connection: Connection, cipher: TextCipher, table: Table, after: tuple[object, ...] | None
) -> tuple[tuple[object, ...] | None, int, int]:
    """Reseal the next rows by key; the last key (None: that was all), rows looked at and rows changed."""
    keys = list(table.primary_key.columns)
    stored = [type_coerce(column, Text).label(column.name) for column in _sealed_columns(table)]
    statement = select(*keys, *stored).order_by(*keys).limit(_BATCH).with_for_update()
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*map(literal, after)))
    rows = connection.execute(statement).mappings().all()
    changed = 0
    for row in rows:
        anew = _resealed(cipher, row, [label.name for label in stored])
        if anew:
            its_key = [key == row[key.name] for key in keys]
            connection.execute(update(table).where(*its_key).values(anew))
            changed += 1
    last = tuple(rows[-1][key.name] for key in keys) if len(rows) == _BATCH else None
    return last, len(rows), changed


def _resealed(cipher: TextCipher, row: RowMapping, names: list[str]) -> dict[str, ColumnElement[str]]:
    old = {name: row[name] for name in names if row[name] is not None and not cipher.is_current(row[name])}
    return {name: literal(cipher.seal(cipher.open(value)), Text) for name, value in old.items()}


def _sealed_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, FreeText | FreeJson)]
