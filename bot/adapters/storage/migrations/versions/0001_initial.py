"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "canaries",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_canaries"),
    )
    op.create_table(
        "checks",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("ratings", sa.Text(), nullable=False),
        sa.Column("level", sa.String()),
        sa.Column("example", sa.Text(), nullable=False),
        sa.Column("descriptors", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_checks"),
        sa.UniqueConstraint("team_id", "user_id", "id", name="uq_checks_team_id_user_id_id"),
    )
    op.create_index("ix_checks_team_id_user_id_unit_created_at", "checks", ["team_id", "user_id", "unit", "created_at"])
    op.create_table(
        "conversations",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_conversations"),
    )
    op.create_index("ix_conversations_at", "conversations", ["at"])
    op.create_index(
        "ix_conversations_team_id_user_id_conversation_at",
        "conversations",
        ["team_id", "user_id", "conversation", "at"],
    )
    op.create_table(
        "exchanges",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("helpful", sa.Boolean()),
        sa.Column("correction", sa.String()),
        sa.Column("may_share", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "user_id", "id", name="pk_exchanges"),
    )
    op.create_index("ix_exchanges_created_at", "exchanges", ["created_at"])
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_heartbeat"),
    )
    op.create_table(
        "inbox",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger()),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sending", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String()),
        sa.PrimaryKeyConstraint("key", name="pk_inbox"),
    )
    op.create_index("ix_inbox_state_received_at", "inbox", ["state", "received_at"])
    op.create_index("ix_inbox_team_id_user_id", "inbox", ["team_id", "user_id"])
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("unit", sa.String()),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("commitment_due", sa.Date()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("nudge_id", sa.String()),
        sa.Column("commitment_state", sa.String()),
        sa.Column("went", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
        sa.UniqueConstraint("team_id", "user_id", "id", name="uq_journal_team_id_user_id_id"),
    )
    op.create_index("ix_journal_team_id_user_id_created_at", "journal", ["team_id", "user_id", "created_at"])
    op.create_table(
        "nudges",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("local_time", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("prompt_id", sa.String()),
        sa.Column("unit", sa.String()),
        sa.Column("owner", sa.String()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("ts", sa.String()),
        sa.Column("reason", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_nudges"),
        sa.UniqueConstraint("team_id", "user_id", "period", name="uq_nudges_team_id_user_id_period"),
    )
    op.create_index("ix_nudges_state_due_at", "nudges", ["state", "due_at"])
    op.create_table(
        "profiles",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("zone", sa.String()),
        sa.Column("stage", sa.String()),
        sa.Column("focus", sa.String()),
        sa.Column("home_hash", sa.String()),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "user_id", name="pk_profiles"),
    )
    op.create_table(
        "send_slots",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", name="pk_send_slots"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("every_weeks", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.Date()),
        sa.Column("zone_is_own", sa.Boolean(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("team_id", "user_id", name="pk_subscriptions"),
    )
    op.create_index("ix_subscriptions_state_team_id_user_id", "subscriptions", ["state", "team_id", "user_id"])


def downgrade() -> None:
    op.drop_table("subscriptions")
    op.drop_table("send_slots")
    op.drop_table("profiles")
    op.drop_table("nudges")
    op.drop_table("journal")
    op.drop_table("inbox")
    op.drop_table("heartbeat")
    op.drop_table("exchanges")
    op.drop_table("conversations")
    op.drop_table("checks")
    op.drop_table("canaries")
