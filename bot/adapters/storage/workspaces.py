"""What a workspace's admins chose, and how long each kind of data is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, not_, select

from bot.adapters.storage.database import Database, insert_into
from bot.adapters.storage.exchanges import SHARED
from bot.adapters.storage.tables import checks, conversations, exchanges, focuses, journal, nudges, workspaces
from bot.core.records import KeptKind, Workspace


class SqlWorkspaces:
    """`bot.ports.WorkspaceRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, team_id: str) -> Workspace:
        """A workspace's choices; the defaults where nobody chose."""
        with self._database.reading() as connection:
            return _read(connection, team_id)

    def all(self) -> list[Workspace]:
        """The workspaces where somebody chose."""
        with self._database.reading() as connection:
            rows = connection.execute(select(workspaces).order_by(workspaces.c.team_id)).all()
        return [_workspace(row.team_id, row.choices) for row in rows]

    def change(self, team_id: str, change: Callable[[Workspace], Workspace]) -> Workspace:
        """Change the choices as they stand; the changed ones."""
        with self._database.writing() as connection:
            changed = change(_read(connection, team_id))
            choices = {name: value for name, value in asdict(changed).items() if name != "team_id"}
            row = {"choices": choices, "changed_at": self._database.now()}
            connection.execute(
                insert_into(connection, workspaces)
                .values(team_id=team_id, **row)
                .on_conflict_do_update(index_elements=["team_id"], set_=row)
            )
        return changed


def sweep(
    database: Database, kind: KeptKind, *, before: datetime, team_id: str | None = None, but: Collection[str] = ()
) -> int:
    """Drop what is older than that instant of one kind, in one workspace or in all but some; how many rows."""
    with database.writing() as connection:
        dropped = 0
        for table, old in _old(kind, before):
            where = table.c.team_id == team_id if team_id is not None else table.c.team_id.not_in(list(but))
            dropped += connection.execute(delete(table).where(and_(old, where))).rowcount
    return dropped


def _old(kind: KeptKind, before: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
    """Which rows of which tables are past their time. What is under way stays: an open focus, a due reminder."""
    return {
        "conversations": [(conversations, conversations.c.at < before)],
        "questions": [(exchanges, and_(exchanges.c.created_at < before, not_(SHARED)))],
        "selfchecks": [
            (checks, checks.c.created_at < before),
            (focuses, and_(focuses.c.closed_at.is_not(None), focuses.c.closed_at < before)),
        ],
        "reflections": [(journal, journal.c.created_at < before)],
        "reminders": [(nudges, and_(nudges.c.due_at < before, nudges.c.state.not_in(["due", "claimed"])))],
    }[kind]


def _read(connection: Connection, team_id: str) -> Workspace:
    row = connection.execute(select(workspaces).where(workspaces.c.team_id == team_id)).first()
    return Workspace(team_id) if row is None else _workspace(team_id, row.choices)


def _workspace(team_id: str, choices: dict[str, object]) -> Workspace:
    known = {name: value for name, value in choices.items() if name in Workspace.__dataclass_fields__}
    if isinstance(known.get("channels"), list):
        known["channels"] = tuple(known["channels"])  # type: ignore[arg-type] # a list of ids, as JSON has it
    return Workspace(team_id, **known)  # type: ignore[arg-type] # written by `change` from a Workspace
