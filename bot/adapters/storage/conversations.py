"""Short-lived memory of conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from bot.adapters.storage.database import Database, of, whose
from bot.adapters.storage.tables import conversations
from bot.core.records import Member, Remembered


class SqlConversations:
    """`bot.ports.ConversationRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, message: Remembered) -> None:
        """Keep a message."""
        row = {
            **whose(message.member),
            "conversation": message.conversation,
            "role": message.role,
            "text": message.text,
            "at": message.at,
        }
        with self._database.writing() as connection:
            connection.execute(insert(conversations).values(row))

    def recall(self, conversation: str, member: Member, *, since: datetime, limit: int = 8) -> list[Remembered]:
        """The latest messages between the bot and this member there, oldest first."""
        statement = (
            select(conversations)
            .where(of(conversations, member), conversations.c.conversation == conversation, conversations.c.at >= since)
            .order_by(conversations.c.at.desc(), conversations.c.seq.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            newest_first = [_message(row) for row in connection.execute(statement)]
        return newest_first[::-1]

    def sweep(self, *, before: datetime) -> int:
        """Forget what is older than that instant; how many messages."""
        with self._database.writing() as connection:
            return connection.execute(delete(conversations).where(conversations.c.at < before)).rowcount


def _message(row: Row[Any]) -> Remembered:
    return Remembered(
        conversation=row.conversation,
        member=Member(row.team_id, row.user_id),
        role=row.role,
        text=row.text,
        at=row.at,
    )
