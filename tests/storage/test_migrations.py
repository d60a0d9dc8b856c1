"""The migrations make what `tables.py` states, both ways, and two may start at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, String, inspect, text

from bot.adapters.crypto import FreeJson, FreeText
from bot.adapters.storage.database import Database
from bot.adapters.storage.engine import make_engine
from bot.adapters.storage.migrating import _config, current_revision, downgrade, migrate
from bot.adapters.storage.nudges import SqlNudges
from bot.adapters.storage.repositories import SqlRepositories
from bot.adapters.storage.tables import BELONGS, Belongs, metadata
from bot.core.errors import StorageError
from bot.core.records import Member
from tests.fakes.memory import StandingClock
from tests.storage.rows import ANA, NOW, fill, nudge


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    engine = make_engine(empty_url)
    yield engine
    engine.dispose()


def test_the_migrated_database_is_what_the_tables_say(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_downgrading_takes_everything_back_and_upgrading_works_again(engine: Engine) -> None:
    migrate(engine)
    downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert migrate(engine)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_a_database_of_the_first_form_keeps_its_rows_on_the_way_up_and_down(engine: Engine) -> None:
    migrate(engine)
    downgrade(engine, "0001")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO profiles VALUES ('T', 'U', 'Europe/London', 'doing', 'C4', NULL, '{}')"))
    migrate(engine)
    told = text("SELECT zone, stage, focus, extra, role_units FROM profiles")
    with engine.connect() as connection:
        assert connection.execute(told).one() == ("Europe/London", "doing", "C4", "{}", None)
    downgrade(engine, "0001")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT team_id, stage FROM profiles")).one() == ("T", "doing")


def test_a_database_of_the_second_form_keeps_its_prompts_and_loses_those_of_channels_on_the_way_down(
    engine: Engine,
) -> None:
    migrate(engine)
    downgrade(engine, "0002")
    mine = "INSERT INTO subscriptions VALUES ('T', 'U', 'D1', 'Europe/London', 1, 570, 'active', 1, NULL, {}, 'suggested', '[]', NULL)"
    with engine.begin() as connection:
        connection.execute(text(mine.format("0" if engine.dialect.name == "sqlite" else "false")))
    migrate(engine)
    read = SqlNudges(Database(engine, StandingClock()))
    found = read.subscription(Member("T", "U"))
    assert found is not None
    assert (found.kind, found.tone, found.check_weeks, found.check_from) == ("person", "gentle", None, None)
    team = Member("T", "C1")
    read.subscribe(replace(found, member=team, channel="C1", kind="team"))
    read.plan(nudge(member=team, kind="team"))
    downgrade(engine, "0002")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT user_id FROM subscriptions")).scalars().all() == ["U"]
        assert connection.execute(text("SELECT id FROM nudges")).scalars().all() == []


def test_migrating_twice_does_nothing_the_second_time(engine: Engine) -> None:
    assert migrate(engine)
    assert not migrate(engine)


def test_two_that_start_at_once_both_find_the_tables(empty_url: str) -> None:
    start = Barrier(4)

    def run(_: int) -> str | None:
        engine = make_engine(empty_url)
        try:
            start.wait(timeout=30)
            migrate(engine)
            return current_revision(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(4))) == {ScriptDirectory.from_config(_config()).get_current_head()}


def test_a_failing_migration_leaves_nothing_half_done(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE nudges (id INTEGER)"))  # in the way of the first migration
    with pytest.raises(StorageError):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["nudges"]
    assert current_revision(engine) is None


def test_a_database_that_a_newer_version_upgraded_is_still_used(url: str) -> None:
    """Replicas are replaced one by one, and an old one may be restarted in between."""
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("ALTER TABLE nudges ADD COLUMN added_later VARCHAR"))
        connection.execute(text("ALTER TABLE subscriptions ADD COLUMN added_later VARCHAR"))
    engine.dispose()
    repositories = SqlRepositories(url)
    fill(repositories, ANA)
    assert repositories.nudges.subscription(ANA) is not None
    assert repositories.nudges.next_due() == NOW
    assert set(repositories.erase(ANA).values()) == {1}
    repositories.close()


# --- whose rows they are ---


def test_every_table_says_to_whom_its_rows_belong() -> None:
    assert {table.name for table in BELONGS} == set(metadata.tables)


def test_a_table_with_somebodys_rows_goes_with_them() -> None:
    for table, belongs in BELONGS.items():
        columns = set(table.columns.keys())
        if belongs is Belongs.PERSON:
            assert {"team_id", "user_id"} <= columns, table.name
        elif belongs is Belongs.TEAM:
            assert "team_id" in columns, table.name
            assert "user_id" not in columns, f"{table.name} holds rows of people"
        else:
            assert not {"team_id", "user_id"} & columns, f"{table.name} holds rows of somebody"


def test_text_that_people_write_is_in_sealing_columns_only() -> None:
    """A plain text column must be on this list, of ids, codes, states and zones: nothing that anybody wrote."""
    plain = {
        "id", "key", "kind", "state", "outcome", "team_id", "user_id", "conversation", "role", "unit", "level",
        "descriptors", "channel", "zone", "topic", "period", "local_time", "prompt_id", "owner", "ts", "reason",
        "nudge_id", "commitment_state", "stage", "focus", "home_hash", "correction", "fingerprint", "tone",
        "bot_id", "bot_user_id", "scopes", "installed_by", "app_id",
    }  # fmt: skip
    for table in metadata.tables.values():
        for column in table.columns:
            if not isinstance(column.type, FreeText | FreeJson) and isinstance(column.type, String):
                assert column.name in plain, f"{table.name}.{column.name}"
