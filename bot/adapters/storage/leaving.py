"""What goes when a person or a workspace leaves, and what a person takes along; by the list in `tables.BELONGS`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from bot.adapters.storage.database import Database, of
from bot.adapters.storage.tables import BELONGS, PARTS, Belongs, checks, subscriptions
from bot.core.records import PARTS as ALL_PARTS
from bot.core.records import Member, Part, Tally


def erase(database: Database, member: Member, parts: Collection[Part] | None = None) -> dict[str, int]:
    """Delete everything of a person, or only some parts of it, wholly or not at all; rows by table."""
    tables = [t for t in _tables(Belongs.PERSON) if parts is None or PARTS[t] in parts]
    with database.writing() as connection:
        counts = {table.name: _delete(connection, table, of(table, member)) for table in tables}
    database.clear_log()
    return counts


def counts_of(database: Database, member: Member) -> dict[Part, int]:
    """How many rows each part of a person's data has."""
    counts = dict.fromkeys(ALL_PARTS, 0)
    with database.reading() as connection:
        for table, part in PARTS.items():
            if part is not None:
                rows = select(func.count()).select_from(table).where(of(table, member))
                counts[part] += connection.execute(rows).scalar_one()
    return counts


def counts_of_team(database: Database, team_id: str) -> dict[str, int]:
    """How many rows a workspace has by table, and how many people have any; never what stands in them."""
    found: dict[str, int] = {}
    people: set[str] = set()
    with database.reading() as connection:
        for table in _tables(Belongs.PERSON):
            mine = table.c.team_id == team_id
            found[table.name] = connection.execute(select(func.count()).select_from(table).where(mine)).scalar_one()
            people |= _people(connection, table, mine)
        of_channels = (subscriptions.c.team_id == team_id) & (subscriptions.c.kind == "team")
        channels = _people(connection, subscriptions, of_channels)
    return {"people": len(people - channels - {""}), **found}


def tallies_of_team(database: Database, team_id: str, *, since: datetime) -> dict[str, Tally]:
    """A workspace's people with anything kept, active subscribers, and self-checks since then; channels aside."""
    counts = counts_of_team(database, team_id)
    kept = (subscriptions.c.team_id == team_id) & (subscriptions.c.state == "active")
    own = kept & (func.coalesce(subscriptions.c.kind, "person") == "person")
    made = (checks.c.team_id == team_id) & (checks.c.created_at >= since)
    with database.reading() as connection:
        subscribers, checked = _people(connection, subscriptions, own), _people(connection, checks, made)
        number = connection.execute(select(func.count()).select_from(checks).where(made)).scalar_one()
    return {
        "people": Tally(counts["people"], counts["people"]),
        "subscribers": Tally(len(subscribers), len(subscribers)),
        "checks": Tally(number, len(checked)),
    }


def purge_team(database: Database, team_id: str) -> dict[str, int]:
    """Delete everything of a workspace, all or nothing; rows by table."""
    with database.writing() as connection:
        counts = {
            table.name: _delete(connection, table, table.c.team_id == team_id)
            for table in _tables(Belongs.PERSON, Belongs.TEAM)
        }
    database.clear_log()
    return counts


def everything_of(database: Database, member: Member) -> dict[str, list[dict[str, Any]]]:
    """All rows of a person, by table, as plain JSON; instants and days in ISO form."""
    with database.reading() as connection:
        return {table.name: _rows(connection, table, member) for table in _tables(Belongs.PERSON)}


def _tables(*kinds: Belongs) -> list[Table]:
    return [table for table, belongs in BELONGS.items() if belongs in kinds]


def _people(connection: Connection, table: Table, condition: ColumnElement[bool]) -> set[str]:
    return set(connection.execute(select(table.c.user_id).where(condition).distinct()).scalars())


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(condition)).rowcount


def _rows(connection: Connection, table: Table, member: Member) -> list[dict[str, Any]]:
    columns = [column for column in table.columns if column.name != "seq"]
    statement = select(*columns).where(of(table, member)).order_by(*table.primary_key.columns)
    rows = connection.execute(statement).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
