"""What people told the bot about their role."""

from __future__ import annotations

from sqlalchemy import select

from bot.adapters.storage.database import Database, insert_into, of, whose
from bot.adapters.storage.tables import profiles
from bot.core.records import Member, Profile


class SqlProfiles:
    """`bot.ports.ProfileRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, member: Member) -> Profile:
        """A person's profile; an empty one where they told nothing yet."""
        with self._database.reading() as connection:
            row = connection.execute(select(profiles).where(of(profiles, member))).first()
        if row is None:
            return Profile(member)
        return Profile(
            member=member,
            zone=row.zone,
            stage=row.stage,
            focus=row.focus,
            home_hash=row.home_hash,
            extra=row.extra,
        )

    def put(self, profile: Profile) -> None:
        """Write or replace a profile."""
        said = {
            "zone": profile.zone,
            "stage": profile.stage,
            "focus": profile.focus,
            "home_hash": profile.home_hash,
            "extra": profile.extra,
        }
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, profiles)
                .values(**whose(profile.member), **said)
                .on_conflict_do_update(index_elements=["team_id", "user_id"], set_=said)
            )
