"""Deliveries from Slack, each worked once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, tuple_, update

from bot.adapters.storage.database import Database, insert_into, whose
from bot.adapters.storage.tables import inbox
from bot.core.records import InboxItem, Member


class SqlInbox:
    """`bot.ports.InboxRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, item: InboxItem) -> bool:
        """Write a delivery; False where its key is there already."""
        row = {
            **whose(item.member),
            "key": item.key,
            "kind": item.kind,
            "payload": item.payload,
            "received_at": item.received_at,
            "attempts": item.attempts,
            "sending": item.sending,
            "state": item.state,
            "outcome": item.outcome,
        }
        with self._database.writing() as connection:
            statement = insert_into(connection, inbox).values(row).on_conflict_do_nothing().returning(inbox.c.key)
            return connection.execute(statement).first() is not None

    def begin(self, key: str, *, attempts: int | None = None) -> InboxItem | None:
        """Count an attempt and give the item; None where it is done, unknown, or begun more than `attempts` times."""
        statement = (
            update(inbox)
            .where(inbox.c.key == key, inbox.c.state == "received")
            .values(attempts=inbox.c.attempts + 1, begun_at=self._database.now())
            .returning(inbox)
        )
        if attempts is not None:
            statement = statement.where(inbox.c.attempts == attempts)
        with self._database.writing() as connection:
            row = connection.execute(statement).first()
        return None if row is None else _item(row)

    def sending(self, key: str, *, attempts: int | None = None) -> bool:
        """Note that an answer is about to be sent; False where the item is done, or somebody else began it since.

        True where there is none: it went with everything else of a person who asked for that.
        """
        noted = update(inbox).where(inbox.c.key == key, inbox.c.state == "received")
        if attempts is not None:
            noted = noted.where(inbox.c.attempts == attempts)
        with self._database.writing() as connection:
            if connection.execute(noted.values(sending=True, begun_at=self._database.now())).rowcount:
                return True
            return connection.execute(select(inbox.c.key).where(inbox.c.key == key)).first() is None

    def keep(self, working: Mapping[str, int]) -> None:
        """Let items that are still worked on count as begun a moment ago."""
        if not working:
            return
        mine = tuple_(inbox.c.key, inbox.c.attempts).in_(list(working.items()))
        with self._database.writing() as connection:
            connection.execute(
                update(inbox).where(mine, inbox.c.state == "received").values(begun_at=self._database.now())
            )

    def done(self, key: str, outcome: str) -> None:
        """Close an item. Only its key is still needed, to know the delivery again, so what it said goes."""
        with self._database.writing() as connection:
            connection.execute(
                update(inbox)
                .where(inbox.c.key == key, inbox.c.state == "received")
                .values(state="done", outcome=outcome, done_at=self._database.now(), payload={})
            )

    def unfinished(self, *, received_before: datetime | None = None) -> list[InboxItem]:
        """What a crash left behind: neither received nor begun since that instant, oldest first."""
        statement = select(inbox).where(inbox.c.state == "received").order_by(inbox.c.received_at, inbox.c.key)
        if received_before is not None:
            statement = statement.where(func.coalesce(inbox.c.begun_at, inbox.c.received_at) < received_before)
        with self._database.reading() as connection:
            return [_item(row) for row in connection.execute(statement)]

    def sweep(self, *, done_before: datetime) -> int:
        """Drop items closed before that instant; how many."""
        with self._database.writing() as connection:
            return connection.execute(
                delete(inbox).where(inbox.c.state == "done", inbox.c.done_at < done_before)
            ).rowcount


def _item(row: Row[Any]) -> InboxItem:
    return InboxItem(
        key=row.key,
        kind=row.kind,
        member=Member(row.team_id, row.user_id),
        payload=row.payload,
        received_at=row.received_at,
        attempts=row.attempts,
        sending=row.sending,
        state=row.state,
        outcome=row.outcome,
    )
