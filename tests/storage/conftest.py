from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bot.adapters.crypto import TextCipher
from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.migrating import migrate
from bot.adapters.storage.repositories import SqlRepositories
from bot.ports import Repositories
from tests.fakes.memory import MemoryRepositories, StandingClock
from tests.fakes.postgres import PostgresServer, postgres_binaries, postgres_server

postgres_param = pytest.param("postgresql", marks=pytest.mark.postgres)
EVERYWHERE = ["memory", "sqlite", postgres_param]
IN_SQL = ["sqlite", postgres_param]

Connect = Callable[[], SqlRepositories]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's binaries are not installed")
    with postgres_server(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """A database with the tables: copying it is quicker than migrating anew."""
    name = postgres.create()
    engine = make_engine(postgres.url(name))
    migrate(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "coach.db"
    SqlRepositories(sqlite_url(path)).close()
    return path


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def cipher() -> TextCipher:
    """No key, save where a test or its file says otherwise."""
    return TextCipher()


@contextmanager
def _database(kind: str, request: pytest.FixtureRequest, *, empty: bool = False) -> Iterator[str]:
    """The address of a database of that kind: with tables and no rows, or without tables."""
    if kind == "sqlite":
        path = request.getfixturevalue("tmp_path") / "coach.db"
        if not empty:
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield sqlite_url(path)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create() if empty else server.create(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=IN_SQL)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with _database(request.param, request) as address:
        yield address


@pytest.fixture(params=IN_SQL)
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with _database(request.param, request, empty=True) as address:
        yield address


@pytest.fixture
def connect(url: str, clock: StandingClock, cipher: TextCipher) -> Iterator[Connect]:
    """Opens the same database as often as asked: each time as a replica of its own."""
    with ExitStack() as stack:
        yield lambda: _opened(stack, SqlRepositories(url, cipher=cipher, clock=clock))


@pytest.fixture(params=EVERYWHERE)
def repositories(request: pytest.FixtureRequest, clock: StandingClock) -> Iterator[Repositories]:
    """Every implementation of the port."""
    if request.param == "memory":
        yield MemoryRepositories(clock)
        return
    with _database(request.param, request) as address, ExitStack() as stack:
        yield _opened(stack, SqlRepositories(address, clock=clock))


def _opened(stack: ExitStack, repositories: SqlRepositories) -> SqlRepositories:
    stack.callback(repositories.close)
    return repositories
