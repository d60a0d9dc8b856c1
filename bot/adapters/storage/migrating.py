"""Bringing a database to the form that this version needs."""

from __future__ import annotations

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text

from bot.adapters.storage.engine import READ_ONLY
from bot.adapters.storage.failures import in_calm_words
from bot.core.errors import StorageError

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_276_331_904  # any number of our own, the same in every version: PostgreSQL's advisory lock

log = structlog.get_logger()


def migrate(engine: Engine) -> bool:
    """Upgrade to this version's form; True where something was done. Raises StorageError.

    One transaction: it is done whole or not at all. Two processes that start together wait for each other, and the
    second finds nothing left to do. A database that a newer version has upgraded is used as it is: each migration
    keeps the version before it working (see migrations/README.md).
    """
    scripts = ScriptDirectory.from_config(_config())
    before = current_revision(engine)
    if before == scripts.get_current_head():
        return False
    if before is not None and not _is_known(scripts, before):
        log.warning("storage.newer_schema", revision=before)
        return False
    with in_calm_words(), engine.begin() as connection:
        _wait_for_others(connection)
        command.upgrade(_config(connection), "head")
    log.info("storage.migrated", revision_before=before, revision=scripts.get_current_head())
    return True


def require_current(engine: Engine) -> None:
    """Raise StorageError where the database isn't in this version's form, or in that of a newer one."""
    scripts = ScriptDirectory.from_config(_config())
    found = current_revision(engine)
    if found != scripts.get_current_head() and (found is None or _is_known(scripts, found)):
        raise StorageError("The database is not in this version's form yet. Run `isp-coach migrate` first.")


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to an earlier revision, "base" for none; what only later revisions hold is lost."""
    with in_calm_words(), engine.begin() as connection:
        _wait_for_others(connection)
        command.downgrade(_config(connection), revision)


def current_revision(engine: Engine) -> str | None:
    """The revision that a database is at; None where it was never migrated."""
    with in_calm_words(), engine.connect() as connection:
        connection.execution_options(**{READ_ONLY: True})
        return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _is_known(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:
        return False


def _wait_for_others(connection: Connection) -> None:
    """On SQLite the transaction itself, begun as a writer's, keeps others waiting."""
    if connection.dialect.name != "postgresql":
        return
    for setting in ("statement_timeout", "lock_timeout"):
        connection.execute(text(f"SET LOCAL {setting} = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
