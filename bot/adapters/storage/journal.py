"""Private reflections."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Integer, Row, bindparam, delete, select, update

from bot.adapters.storage.database import Database, given, insert_into, of, theirs, whose
from bot.adapters.storage.tables import journal
from bot.core.records import Member, Reflection


class SqlJournal:
    """`bot.ports.JournalRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, reflection: Reflection) -> None:
        """Append an entry; the same one again, as from a repeated delivery, changes nothing."""
        row = {**whose(reflection.member), "id": reflection.id, **_content(reflection)}
        with self._database.writing() as connection:
            connection.execute(insert_into(connection, journal).values(row).on_conflict_do_nothing())

    def entries(self, member: Member, *, limit: int = 50) -> list[Reflection]:
        """Newest first."""
        with self._database.reading() as connection:
            return [_reflection(row) for row in connection.execute(_ENTRIES, {**given(member), "at_most": limit})]

    def get(self, reflection_id: str, member: Member) -> Reflection | None:
        """An entry of this member; somebody else's is None."""
        statement = select(journal).where(of(journal, member), journal.c.id == reflection_id)
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else _reflection(row)

    def update(self, reflection: Reflection) -> bool:
        """Replace an entry; False where this member has none with its id."""
        statement = (
            update(journal)
            .where(of(journal, reflection.member), journal.c.id == reflection.id)
            .values(_content(reflection))
        )
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount == 1

    def delete(self, reflection_id: str, member: Member) -> bool:
        """Remove an entry; False where this member has none with that id."""
        statement = delete(journal).where(of(journal, member), journal.c.id == reflection_id)
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount == 1

    def open_commitment(self, member: Member, *, before: date) -> Reflection | None:
        """The latest entry with a commitment still open, made before that day began (UTC)."""
        asked = {**given(member), "made_before": datetime.combine(before, time(), UTC)}
        with self._database.reading() as connection:
            row = connection.execute(_OPEN_COMMITMENT, asked).first()
        return None if row is None else _reflection(row)


_NEWEST_FIRST = (journal.c.created_at.desc(), journal.c.seq.desc())
_ENTRIES = select(journal).where(theirs(journal)).order_by(*_NEWEST_FIRST).limit(bindparam("at_most", type_=Integer))
_OPEN_COMMITMENT = (
    select(journal)
    .where(theirs(journal), journal.c.commitment_state == "open", journal.c.created_at < bindparam("made_before"))
    .order_by(*_NEWEST_FIRST)
    .limit(1)
)


def _content(reflection: Reflection) -> dict[str, Any]:
    return {
        "unit": reflection.unit,
        "prompt": reflection.prompt,
        "text": reflection.text,
        "commitment": reflection.commitment,
        "commitment_due": reflection.commitment_due,
        "created_at": reflection.created_at,
        "nudge_id": reflection.nudge_id,
        "commitment_state": reflection.commitment_state,
        "went": reflection.went,
    }


def _reflection(row: Row[Any]) -> Reflection:
    return Reflection(
        id=row.id,
        member=Member(row.team_id, row.user_id),
        unit=row.unit,
        prompt=row.prompt,
        text=row.text,
        commitment=row.commitment,
        commitment_due=row.commitment_due,
        created_at=row.created_at,
        nudge_id=row.nudge_id,
        commitment_state=row.commitment_state,
        went=row.went,
    )
