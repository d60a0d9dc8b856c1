"""What people told the bot about their role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, select, update

from bot.adapters.storage.database import Database, given, insert_into, of, theirs, whose
from bot.adapters.storage.tables import profiles
from bot.core.records import Member, Profile

_PROFILE = select(profiles).where(theirs(profiles))


class SqlProfiles:
    """`bot.ports.ProfileRepository` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, member: Member) -> Profile:
        """A person's profile; an empty one where they told nothing yet."""
        with self._database.reading() as connection:
            row = connection.execute(_PROFILE, given(member)).first()
        return _profile(row, member) if row else Profile(member)

    def put(self, profile: Profile) -> None:
        """Write or replace a profile."""
        said = _columns(profile)
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, profiles)
                .values(**whose(profile.member), **said)
                .on_conflict_do_update(index_elements=["team_id", "user_id"], set_=said)
            )

    def change(self, member: Member, change: Callable[[Profile], Profile]) -> Profile:
        """Change a profile as it stands, in one transaction; the changed one."""
        with self._database.writing() as connection:
            empty = {**whose(member), **_columns(Profile(member))}
            connection.execute(insert_into(connection, profiles).values(empty).on_conflict_do_nothing())
            row = connection.execute(select(profiles).where(of(profiles, member)).with_for_update()).one()
            changed = change(_profile(row, member))
            connection.execute(update(profiles).where(of(profiles, member)).values(_columns(changed)))
        return changed


def _profile(row: Row[Any], member: Member) -> Profile:
    return Profile(
        member=member,
        zone=row.zone,
        stage=row.stage,
        focus=row.focus,
        home_hash=row.home_hash,
        role_units=None if row.role_units is None else tuple(row.role_units),
        extra=row.extra,
    )


def _columns(profile: Profile) -> dict[str, Any]:
    return {
        "zone": profile.zone,
        "stage": profile.stage,
        "focus": profile.focus,
        "home_hash": profile.home_hash,
        "role_units": None if profile.role_units is None else list(profile.role_units),
        "extra": profile.extra,
    }
