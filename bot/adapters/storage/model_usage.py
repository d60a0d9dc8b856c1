"""Tokens and calls of the language model, by person and day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from bot.adapters.storage.database import Database, insert_into, of, whose
from bot.adapters.storage.tables import model_usage
from bot.core.drafts import Usage
from bot.core.records import Member


class SqlUsage:
    """`bot.ports.UsageRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spend(self, member: Member, day: date, usage: Usage) -> None:
        """Add a call's tokens to a person's day."""
        row = {"calls": 1, "tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out}
        added = {name: model_usage.c[name] + value for name, value in row.items()}
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, model_usage)
                .values(**whose(member), day=day, **row)
                .on_conflict_do_update(index_elements=["team_id", "user_id", "day"], set_=added)
            )

    def spent(self, member: Member, day: date) -> int:
        """Tokens of a person on a day."""
        statement = select(func.sum(model_usage.c.tokens_in + model_usage.c.tokens_out))
        with self._database.reading() as connection:
            found = connection.execute(statement.where(of(model_usage, member), model_usage.c.day == day)).scalar()
        return int(found or 0)

    def spent_by_team(self, team_id: str, day: date) -> int:
        """Tokens of a workspace on a day."""
        statement = select(func.sum(model_usage.c.tokens_in + model_usage.c.tokens_out))
        wanted = (model_usage.c.team_id == team_id) & (model_usage.c.day == day)
        with self._database.reading() as connection:
            return int(connection.execute(statement.where(wanted)).scalar() or 0)

    def totals(self, *, since: date) -> tuple[int, Usage]:
        """Calls and tokens of all workspaces from that day on."""
        sums = [func.sum(model_usage.c[name]) for name in ("calls", "tokens_in", "tokens_out")]
        with self._database.reading() as connection:
            row = connection.execute(select(*sums).where(model_usage.c.day >= since)).first()
        calls, tokens_in, tokens_out = row or (0, 0, 0)
        return int(calls or 0), Usage(int(tokens_in or 0), int(tokens_out or 0))
