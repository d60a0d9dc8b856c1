"""A database that can't be used: calm words, nothing half done, and working again without a restart."""

from __future__ import annotations

import signal
import sqlite3
import stat
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.errors import SettingsError, StorageError
from bot.settings import Settings
from tests.fakes.postgres import PostgresServer, postgres_binaries, postgres_server
from tests.storage.rows import ANA, fill, item, nudge, reflection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "coach.db"


@pytest.fixture
def on_file(path: Path) -> Iterator[SqlRepositories]:
    with closing(SqlRepositories(sqlite_url(path))) as repositories:
        yield repositories


# --- addresses ---


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("not an address secret", "not an address"),
        ("mysql://u:secret@h/d", "mysql"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(address: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        make_engine(address)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("start", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_any_way_of_writing_a_postgresql_address_gets_our_driver(start: str) -> None:
    engine = make_engine(f"{start}://u:p@h/d")
    assert engine.url.drivername == "postgresql+psycopg"
    engine.dispose()


def test_the_settings_say_where_the_database_is(tmp_path: Path) -> None:
    SqlRepositories.open(Settings(data_dir=tmp_path / "a", database_url=None, _env_file=None)).close()
    assert (tmp_path / "a" / "coach.db").exists()
    other = sqlite_url(tmp_path / "other.db")
    SqlRepositories.open(Settings(data_dir=tmp_path / "b", database_url=other, _env_file=None)).close()
    assert (tmp_path / "other.db").exists()
    assert not (tmp_path / "b").exists()


def test_a_new_database_is_private_to_its_owner(on_file: SqlRepositories, path: Path) -> None:
    fill(on_file, ANA)
    for name in ("coach.db", "coach.db-wal", "coach.db-shm"):
        assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600


def test_the_connection_is_set_up_as_durable_storage_needs(on_file: SqlRepositories) -> None:
    with on_file.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous", "secure_delete")
        }
    assert settings == {
        "journal_mode": "wal",
        "busy_timeout": 30_000,
        "foreign_keys": 1,
        "synchronous": 2,
        "secure_delete": 1,
    }


# --- faults of SQLite ---


def test_a_file_that_is_no_database_is_told(path: Path) -> None:
    path.write_bytes(b"something else entirely, and long enough to be looked at " * 40)
    with pytest.raises(StorageError, match="damaged"):
        SqlRepositories(sqlite_url(path))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="can't be opened"):
        SqlRepositories(sqlite_url(tmp_path / "missing" / "coach.db"))


def test_a_full_disk_is_told_loses_nothing_and_passes(path: Path) -> None:
    SqlRepositories(sqlite_url(path)).close()
    repositories = SqlRepositories(sqlite_url(path))
    pages = 0

    @event.listens_for(repositories.engine, "checkout")
    def _limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages or 1_000_000}")

    with closing(repositories):
        repositories.nudges.plan(nudge())
        pages = 1  # no new page: SQLite says so as it does on a full disk
        with pytest.raises(StorageError, match="The disk that holds the database is full"):
            write_much(repositories)
        kept = len(repositories.journal.entries(ANA, limit=1000))
        pages = 0
        repositories.journal.add(reflection("after"))
        assert len(repositories.journal.entries(ANA, limit=1000)) == kept + 1
        assert repositories.nudges.upcoming(ANA) == nudge()


def write_much(repositories: SqlRepositories) -> None:
    for number in range(100):
        repositories.journal.add(reflection(f"r{number}", text="long " * 2000))


def test_a_database_that_cannot_be_written_answers_no_ping_and_recovers(on_file: SqlRepositories) -> None:
    read_only = True

    @event.listens_for(on_file.engine, "checkout")
    def _refuse(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA query_only = {int(read_only)}")

    with pytest.raises(StorageError, match="read-only"):
        on_file.ping()
    read_only = False
    on_file.ping()


def test_an_error_in_the_middle_takes_all_of_the_step_back(on_file: SqlRepositories) -> None:
    fill(on_file, ANA)
    with on_file.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER refuse BEFORE DELETE ON inbox BEGIN SELECT RAISE(ABORT, 'no'); END")
    before = on_file.everything_of(ANA)
    with pytest.raises(StorageError):
        on_file.erase(ANA)
    assert on_file.everything_of(ANA) == before


def test_what_a_person_wrote_is_not_in_an_errors_text(on_file: SqlRepositories) -> None:
    with on_file.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE journal")
    with pytest.raises(StorageError) as caught:
        on_file.journal.add(reflection(text="kestrel-over-ward-seven"))
    assert str(caught.value) == "The database can't be used right now."
    chain = "".join(traceback.format_exception(caught.value, chain=True)).replace(Path(__file__).read_text(), "")
    assert "kestrel" not in "".join(line for line in chain.splitlines() if "reflection(text=" not in line)


def test_ids_with_characters_that_no_database_takes_are_refused_calmly(url: str) -> None:
    with closing(SqlRepositories(url)) as repositories:
        with pytest.raises(StorageError, match="characters"):
            repositories.inbox.record(item("half \ud83d of a key"))
        assert repositories.inbox.record(item())


# --- faults of PostgreSQL ---


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server of this module's own, to be stopped and started."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's binaries are not installed")
    with postgres_server(binaries) as server:
        yield server


@pytest.mark.postgres
def test_a_server_that_crashes_is_told_and_used_again_without_a_restart(own_server: PostgresServer) -> None:
    with closing(SqlRepositories(own_server.url(own_server.create()))) as repositories:
        fill(repositories, ANA)
        everything = repositories.everything_of(ANA)
        for _ in range(2):
            own_server.stop(signal.SIGQUIT)
            with pytest.raises(StorageError, match="can't be reached"):
                repositories.ping()
            own_server.start()
            repositories.ping()
            assert repositories.everything_of(ANA) == everything


@pytest.mark.postgres
def test_a_restart_that_nobody_noticed_costs_no_request(own_server: PostgresServer) -> None:
    with closing(SqlRepositories(own_server.url(own_server.create()))) as repositories:
        repositories.ping()
        own_server.stop(signal.SIGQUIT)
        own_server.start()
        assert repositories.inbox.record(item())


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_told(own_server: PostgresServer) -> None:
    own_server.stop()
    try:
        with pytest.raises(StorageError, match="can't be reached") as caught:
            SqlRepositories(own_server.url())
        assert "coach@" not in str(caught.value)
    finally:
        own_server.start()


@pytest.mark.postgres
def test_a_database_or_role_that_is_not_there_is_told(own_server: PostgresServer) -> None:
    with pytest.raises(StorageError, match="refuses the login"):
        SqlRepositories(own_server.url("nowhere"))
    with pytest.raises(StorageError, match="refuses the login"):
        SqlRepositories(own_server.url().replace("coach@", "nobody:secret@"))


@pytest.mark.postgres
def test_a_row_that_another_holds_for_too_long_is_told_as_busy(own_server: PostgresServer) -> None:
    with closing(SqlRepositories(own_server.url(own_server.create()))) as repositories:
        repositories.inbox.record(item())

        @event.listens_for(repositories.engine, "checkout")
        def _impatient(connection: object, *_: object) -> None:
            connection.execute("SET lock_timeout = '100ms'")  # type: ignore[attr-defined]  # psycopg's connection

        with repositories.engine.begin() as other:
            other.exec_driver_sql("SELECT * FROM inbox FOR UPDATE")
            with pytest.raises(StorageError, match="busy with other work"):
                repositories.inbox.begin("Ev1")
        assert repositories.inbox.begin("Ev1") == item(attempts=1)
