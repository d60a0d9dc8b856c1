"""Self-checks: appended, never changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from bot.adapters.storage.database import Database, given, insert_into, of, theirs, whose
from bot.adapters.storage.tables import checks
from bot.core.records import Check, Member


class SqlChecks:
    """`bot.ports.CheckRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, check: Check) -> None:
        """Append a check; the same one again, as from a repeated delivery, changes nothing."""
        row = {
            **whose(check.member),
            "id": check.id,
            "unit": check.unit,
            "ratings": list(check.ratings),
            "level": check.level,
            "example": check.example,
            "descriptors": check.descriptors,
            "created_at": check.created_at,
        }
        with self._database.writing() as connection:
            connection.execute(insert_into(connection, checks).values(row).on_conflict_do_nothing())

    def latest(self, member: Member) -> dict[str, Check]:
        """The newest check of each unit."""
        with self._database.reading() as connection:
            rows = connection.execute(_LATEST, given(member)).all()
        return {row.unit: _check(row) for row in rows}

    def history(self, member: Member, unit: str | None = None, *, limit: int = 100) -> list[Check]:
        """Checks, newest first."""
        statement = (
            select(checks)
            .where(of(checks, member))
            .order_by(checks.c.created_at.desc(), checks.c.seq.desc())
            .limit(limit)
        )
        if unit is not None:
            statement = statement.where(checks.c.unit == unit)
        with self._database.reading() as connection:
            return [_check(row) for row in connection.execute(statement)]


_place = func.row_number().over(partition_by=checks.c.unit, order_by=[checks.c.created_at.desc(), checks.c.seq.desc()])
_ranked = select(checks, _place.label("place")).where(theirs(checks)).subquery()
_LATEST = select(_ranked).where(_ranked.c.place == 1).order_by(_ranked.c.unit)


def _check(row: Row[Any]) -> Check:
    return Check(
        id=row.id,
        member=Member(row.team_id, row.user_id),
        unit=row.unit,
        ratings=tuple(row.ratings),
        level=row.level,
        example=row.example,
        descriptors=row.descriptors,
        created_at=row.created_at,
    )
