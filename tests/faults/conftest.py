from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.slack import messenger
from tests.faults.nudgebench import Bench, bench
from tests.storage.conftest import IN_SQL, _database, postgres, postgres_template, sqlite_template

__all__ = ["postgres", "postgres_template", "sqlite_template"]  # fixtures: every row runs on both databases


@pytest.fixture(params=IN_SQL)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with tables and no rows."""
    with _database(request.param, request) as address:
        yield address


@pytest.fixture(params=IN_SQL)
def due(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Delivery against a recorder, on a clock that stands still; nothing is due yet."""
    monkeypatch.setattr(messenger, "TIMEOUT", 0.5)
    with _database(request.param, request) as url, bench(url) as made:
        yield made
