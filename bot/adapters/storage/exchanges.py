"""Questions and triages with their results."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, not_, select, update

from bot.adapters.storage.database import Database, insert_into, of, whose
from bot.adapters.storage.tables import exchanges
from bot.core.records import Came, Exchange, Member

SHARED = and_(exchanges.c.correction.is_not(None), exchanges.c.may_share)


class SqlExchanges:
    """`bot.ports.ExchangeRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, exchange: Exchange) -> None:
        """Write an exchange, or write it anew."""
        said = {
            "kind": exchange.kind,
            "asked": exchange.asked,
            "result": exchange.result,
            "created_at": exchange.created_at,
            "helpful": exchange.helpful,
            "correction": exchange.correction,
            "may_share": exchange.may_share,
        }
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, exchanges)
                .values(**whose(exchange.member), id=exchange.id, **said)
                .on_conflict_do_update(index_elements=["team_id", "user_id", "id"], set_=said)
            )

    def get(self, exchange_id: str, member: Member) -> Exchange | None:
        """An exchange of this member; somebody else's is None."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(exchanges).where(of(exchanges, member), exchanges.c.id == exchange_id)
            ).first()
        return None if row is None else _exchange(row)

    def recent(self, member: Member, *, since: datetime, limit: int = 20) -> list[Exchange]:
        """A person's exchanges since an instant, newest first."""
        statement = (
            select(exchanges)
            .where(of(exchanges, member), exchanges.c.created_at >= since)
            .order_by(exchanges.c.created_at.desc(), exchanges.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_exchange(row) for row in connection.execute(statement)]

    def rate(self, exchange_id: str, member: Member, *, helpful: bool) -> bool:
        """Note whether an answer helped; False where there is no such exchange of this member."""
        return self._change(exchange_id, member, helpful=helpful)

    def correct(self, exchange_id: str, member: Member, *, correction: str, may_share: bool) -> bool:
        """Note what a triage should have said; False where there is no such exchange of this member."""
        return self._change(exchange_id, member, correction=correction, may_share=may_share)

    def share(self, exchange_id: str, member: Member) -> bool:
        """Note that the author agrees to share what was asked; False where there is no such exchange of theirs."""
        return self._change(exchange_id, member, may_share=True)

    def asked(self, *, since: datetime, team_id: str | None = None) -> list[Exchange]:
        """Questions of everybody since then, oldest first."""
        statement = (
            select(exchanges)
            .where(exchanges.c.kind == "ask", exchanges.c.created_at >= since)
            .order_by(exchanges.c.created_at, exchanges.c.id)
        )
        if team_id is not None:
            statement = statement.where(exchanges.c.team_id == team_id)
        with self._database.reading() as connection:
            return [_exchange(row) for row in connection.execute(statement)]

    def came_out(self, team_id: str, *, since: datetime) -> list[Came]:
        """How each question and situation of a workspace came out since then."""
        statement = select(exchanges.c.user_id, exchanges.c.kind, exchanges.c.result).where(
            exchanges.c.team_id == team_id, exchanges.c.created_at >= since
        )
        with self._database.reading() as connection:
            return [Came(r.user_id, r.kind, str(r.result.get("outcome") or "")) for r in connection.execute(statement)]

    def corrections(self, *, team_id: str | None = None) -> list[Exchange]:
        """Corrections whose authors agreed to share them, oldest first."""
        statement = select(exchanges).where(SHARED).order_by(exchanges.c.created_at, exchanges.c.id)
        if team_id is not None:
            statement = statement.where(exchanges.c.team_id == team_id)
        with self._database.reading() as connection:
            return [_exchange(row) for row in connection.execute(statement)]

    def sweep(self, *, before: datetime) -> int:
        """Drop exchanges of before that instant, save corrections that may be shared; how many."""
        with self._database.writing() as connection:
            return connection.execute(delete(exchanges).where(exchanges.c.created_at < before, not_(SHARED))).rowcount

    def _change(self, exchange_id: str, member: Member, **values: Any) -> bool:
        statement = update(exchanges).where(of(exchanges, member), exchanges.c.id == exchange_id).values(**values)
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount == 1


def _exchange(row: Row[Any]) -> Exchange:
    return Exchange(
        id=row.id,
        member=Member(row.team_id, row.user_id),
        kind=row.kind,
        asked=row.asked,
        result=row.result,
        created_at=row.created_at,
        helpful=row.helpful,
        correction=row.correction,
        may_share=row.may_share,
    )
