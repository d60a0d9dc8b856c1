"""The whole profile under way, and the development plan."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select, update

from bot.adapters.storage.database import Database, insert_into, of, whose
from bot.adapters.storage.tables import focuses, profile_runs
from bot.core.records import Focus, Member, ProfileRun


class SqlRuns:
    """`bot.ports.RunRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, member: Member) -> ProfileRun | None:
        """The profile that a person has under way."""
        with self._database.reading() as connection:
            row = connection.execute(select(profile_runs).where(of(profile_runs, member))).first()
        return ProfileRun(row.id, member, tuple(row.units), row.started_at) if row else None

    def put(self, run: ProfileRun) -> None:
        """Begin one in place of any other; the same one again changes nothing."""
        said = {"id": run.id, "units": list(run.units), "started_at": run.started_at}
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, profile_runs)
                .values(**whose(run.member), **said)
                .on_conflict_do_update(
                    index_elements=["team_id", "user_id"], set_=said, where=profile_runs.c.id != run.id
                )
            )

    def end(self, member: Member, run_id: str) -> bool:
        """Forget it; False where it isn't the one under way."""
        statement = delete(profile_runs).where(of(profile_runs, member), profile_runs.c.id == run_id)
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount > 0


class SqlFocuses:
    """`bot.ports.FocusRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, focus: Focus) -> None:
        """Write a focus down and close any other open one as replaced; the same one again changes nothing."""
        row = {
            **whose(focus.member),
            "id": focus.id,
            "unit": focus.unit,
            "action": focus.action,
            "due": focus.due,
            "state": focus.state,
            "created_at": focus.created_at,
            "closed_at": focus.closed_at,
        }
        others = update(focuses).where(of(focuses, focus.member), focuses.c.state == "open", focuses.c.id != focus.id)
        with self._database.writing() as connection:
            adding = insert_into(connection, focuses).values(row).on_conflict_do_nothing().returning(focuses.c.seq)
            if connection.execute(adding).first():
                connection.execute(others.values(state="replaced", closed_at=focus.created_at))

    def current(self, member: Member) -> Focus | None:
        """The open focus."""
        statement = (
            select(focuses)
            .where(of(focuses, member), focuses.c.state == "open")
            .order_by(focuses.c.seq.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return _focus(row, member) if row else None

    def get(self, focus_id: str, member: Member) -> Focus | None:
        """One focus of this member."""
        with self._database.reading() as connection:
            row = connection.execute(select(focuses).where(of(focuses, member), focuses.c.id == focus_id)).first()
        return _focus(row, member) if row else None

    def update(self, focus: Focus) -> bool:
        """Change date, state or action; False where the row is gone."""
        statement = (
            update(focuses)
            .where(of(focuses, focus.member), focuses.c.id == focus.id)
            .values(action=focus.action, due=focus.due, state=focus.state, closed_at=focus.closed_at)
        )
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount > 0


def _focus(row: Row[Any], member: Member) -> Focus:
    return Focus(
        id=row.id,
        member=member,
        unit=row.unit,
        action=row.action,
        due=row.due,
        created_at=row.created_at,
        state=row.state,
        closed_at=row.closed_at,
    )
