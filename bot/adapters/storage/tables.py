"""The tables. Rows of a person carry (team_id, user_id); instants are whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from bot.adapters.crypto import FreeJson, FreeText
from bot.core.records import Part

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(instant: datetime) -> int:
    """An aware instant as a number; a naive one raises ValueError, since nobody knows what it means."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (instant - _EPOCH) // _MICROSECOND


def from_microseconds(number: int) -> datetime:
    """The instant of a number, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=number)


class Instant(TypeDecorator[datetime]):
    """An instant as a number: exact, and sorted alike by both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's form
        """To microseconds."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's form
        """From microseconds."""
        return None if value is None else from_microseconds(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the key is exactly INTEGER.
_SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")


def _whose(*, key: bool = False) -> tuple[Column[str], Column[str]]:
    return (
        Column("team_id", String, primary_key=key, nullable=False),
        Column("user_id", String, primary_key=key, nullable=False),
    )


inbox = Table(
    "inbox",
    metadata,
    Column("key", String, primary_key=True),
    *_whose(),
    Column("kind", String, nullable=False),
    Column("payload", FreeJson, nullable=False),  # emptied once the item is done
    Column("received_at", Instant, nullable=False),
    Column("begun_at", Instant),  # when the latest attempt began
    Column("done_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("sending", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("outcome", String),
    Index(None, "state", "received_at"),
    Index(None, "team_id", "user_id"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    *_whose(),
    Column("conversation", String, nullable=False),
    Column("role", String, nullable=False),
    Column("text", FreeText, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "team_id", "user_id", "conversation", "at"),
    Index(None, "at"),
)

exchanges = Table(
    "exchanges",
    metadata,
    *_whose(key=True),
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("asked", FreeText, nullable=False),
    Column("result", FreeJson, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("helpful", Boolean),
    Column("correction", String),  # a unit code or "none", no free text
    Column("may_share", Boolean, nullable=False),
    Index(None, "created_at"),
)

checks = Table(
    "checks",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    *_whose(),
    Column("id", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("ratings", FreeJson, nullable=False),  # no words, but nobody else's business either
    Column("level", String),
    Column("example", FreeText, nullable=False),
    Column("descriptors", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("team_id", "user_id", "id"),
    Index(None, "team_id", "user_id", "unit", "created_at"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    *_whose(key=True),
    Column("channel", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("weekday", Integer, nullable=False),
    Column("minute", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("every_weeks", Integer, nullable=False),
    Column("paused_until", Date),
    Column("zone_is_own", Boolean, nullable=False),
    Column("topic", String, nullable=False),
    Column("units", FreeJson, nullable=False),
    Column("created_at", Instant),
    Column("kind", String),  # NULL, as older versions leave it: "person"
    Column("tone", String),  # NULL: "gentle"
    Column("check_weeks", Integer),
    Column("check_from", Date),
    Index(None, "state", "team_id", "user_id"),
)

nudges = Table(
    "nudges",
    metadata,
    Column("id", String, primary_key=True),
    *_whose(),
    Column("period", String, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("local_time", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("state", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("prompt_id", String),
    Column("unit", String),
    Column("owner", String),
    Column("lease_until", Instant),
    Column("attempt", Integer, nullable=False),
    Column("ts", String),
    Column("reason", String),  # ours, never a person's words
    Column("sending", Boolean),  # a send was begun, and Slack isn't known to have refused it
    UniqueConstraint("team_id", "user_id", "period"),
    Index(None, "state", "due_at"),
)

send_slots = Table(
    "send_slots",
    metadata,
    Column("team_id", String, primary_key=True),
    Column("next_at", Instant, nullable=False),  # the first instant that nobody has reserved
    Column("held_until", Instant),  # Slack asked for a pause until then
)

journal = Table(
    "journal",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    *_whose(),
    Column("id", String, nullable=False),
    Column("unit", String),
    Column("prompt", FreeText, nullable=False),
    Column("text", FreeText, nullable=False),
    Column("commitment", FreeText, nullable=False),
    Column("commitment_due", Date),
    Column("created_at", Instant, nullable=False),
    Column("nudge_id", String),
    Column("commitment_state", String),
    Column("went", FreeJson),  # a number, but nobody else's business either
    UniqueConstraint("team_id", "user_id", "id"),
    Index(None, "team_id", "user_id", "created_at"),
)

profiles = Table(
    "profiles",
    metadata,
    *_whose(key=True),
    Column("zone", String),
    Column("stage", String),
    Column("focus", String),
    Column("home_hash", String),
    Column("extra", FreeJson, nullable=False),
    Column("role_units", FreeJson),
)

profile_runs = Table(
    "profile_runs",
    metadata,
    *_whose(key=True),
    Column("id", String, nullable=False),
    Column("units", FreeJson, nullable=False),
    Column("started_at", Instant, nullable=False),
)

focuses = Table(
    "focuses",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    *_whose(),
    Column("id", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("action", FreeText, nullable=False),
    Column("due", Date, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    UniqueConstraint("team_id", "user_id", "id"),
    Index(None, "team_id", "user_id", "state"),
)

installations = Table(
    "installations",
    metadata,
    Column("team_id", String, primary_key=True),
    Column("team_name", FreeText, nullable=False),
    Column("bot_token", FreeText, nullable=False),
    Column("bot_id", String, nullable=False),
    Column("bot_user_id", String, nullable=False),
    Column("scopes", String, nullable=False),  # with commas between, as Slack gives them
    Column("installed_by", String, nullable=False),
    Column("installed_at", Instant, nullable=False),
    Column("app_id", String, nullable=False),
)

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("state", String, primary_key=True),
    Column("expires_at", Instant, nullable=False),
    Index(None, "expires_at"),
)

model_usage = Table(
    "model_usage",
    metadata,
    *_whose(key=True),
    Column("day", Date, primary_key=True),  # UTC
    Column("calls", Integer, nullable=False),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Index(None, "team_id", "day"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("team_id", String, primary_key=True),
    Column("choices", FreeJson, nullable=False),  # bot.core.records.Workspace
    Column("changed_at", Instant, nullable=False),
)

canaries = Table(
    "canaries",
    metadata,
    Column("fingerprint", String, primary_key=True),  # names a key that has sealed rows here
    Column("sealed", FreeText, nullable=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
)


class Belongs(Enum):
    """To whom a table's rows belong, and so who takes them along when leaving."""

    PERSON = "person"  # has team_id and user_id: goes with the person, and with the workspace
    TEAM = "team"  # has team_id: goes with the workspace
    NOBODY = "nobody"  # of the installation itself; holds nothing about anybody


# What a person may delete by itself; the inbox goes only with everything, for it holds what is being answered now.
PARTS: dict[Table, Part | None] = {
    subscriptions: "reminders",
    nudges: "reminders",
    journal: "reflections",
    checks: "selfchecks",
    exchanges: "questions",
    conversations: "questions",
    profile_runs: "selfchecks",
    focuses: "selfchecks",
    profiles: "profile",
    model_usage: "questions",
    inbox: None,
}

# Erasing, exporting and purging follow this list, in this order; a test holds it against the tables.
BELONGS: dict[Table, Belongs] = {
    subscriptions: Belongs.PERSON,
    nudges: Belongs.PERSON,
    journal: Belongs.PERSON,
    checks: Belongs.PERSON,
    exchanges: Belongs.PERSON,
    conversations: Belongs.PERSON,
    profile_runs: Belongs.PERSON,
    focuses: Belongs.PERSON,
    profiles: Belongs.PERSON,
    model_usage: Belongs.PERSON,
    inbox: Belongs.PERSON,
    send_slots: Belongs.TEAM,
    installations: Belongs.TEAM,
    workspaces: Belongs.TEAM,
    oauth_states: Belongs.NOBODY,
    canaries: Belongs.NOBODY,
    heartbeat: Belongs.NOBODY,
}
