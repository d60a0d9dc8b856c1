"""The workspaces that the app is installed in, their tokens sealed, and the states of installations under way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select

from bot.adapters.storage.database import Database, insert_into
from bot.adapters.storage.tables import installations, oauth_states
from bot.core.records import Installation


class SqlInstallations:
    """`bot.ports.InstallationRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, installation: Installation) -> None:
        """Write or replace a workspace's installation."""
        row = {
            "team_name": installation.team_name,
            "bot_token": installation.bot_token,
            "bot_id": installation.bot_id,
            "bot_user_id": installation.bot_user_id,
            "scopes": ",".join(installation.scopes),
            "installed_by": installation.installed_by,
            "installed_at": installation.installed_at,
            "app_id": installation.app_id,
        }
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, installations)
                .values(team_id=installation.team_id, **row)
                .on_conflict_do_update(index_elements=["team_id"], set_=row)
            )

    def get(self, team_id: str) -> Installation | None:
        """A workspace's installation."""
        with self._database.reading() as connection:
            row = connection.execute(select(installations).where(installations.c.team_id == team_id)).first()
        if row is None:
            return None
        return Installation(
            team_id=row.team_id,
            team_name=row.team_name,
            bot_token=row.bot_token,
            bot_id=row.bot_id,
            bot_user_id=row.bot_user_id,
            scopes=tuple(scope for scope in row.scopes.split(",") if scope),
            installed_by=row.installed_by,
            installed_at=row.installed_at,
            app_id=row.app_id,
        )

    def remove(self, team_id: str) -> bool:
        """Forget a workspace's token; False where there is none."""
        with self._database.writing() as connection:
            return connection.execute(delete(installations).where(installations.c.team_id == team_id)).rowcount == 1

    def count(self) -> int:
        """How many workspaces have the app."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(installations)).scalar_one()

    def issue_state(self, state: str, *, expires_at: datetime) -> None:
        """Note a state; ones past their time go."""
        with self._database.writing() as connection:
            connection.execute(delete(oauth_states).where(oauth_states.c.expires_at < self._database.now()))
            connection.execute(insert_into(connection, oauth_states).values(state=state, expires_at=expires_at))

    def consume_state(self, state: str) -> bool:
        """True once for a state that was issued and is still in time."""
        statement = delete(oauth_states).where(oauth_states.c.state == state).returning(oauth_states.c.expires_at)
        with self._database.writing() as connection:
            expires_at = connection.execute(statement).scalar_one_or_none()
        return expires_at is not None and expires_at > self._database.now()
