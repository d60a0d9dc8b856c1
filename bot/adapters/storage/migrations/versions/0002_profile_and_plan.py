"""The whole profile in steps, what belongs to a role, and the development plan."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("profiles", sa.Column("role_units", sa.Text()))
    op.create_table(
        "profile_runs",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "user_id", name="pk_profile_runs"),
    )
    op.create_table(
        "focuses",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("seq", name="pk_focuses"),
        sa.UniqueConstraint("team_id", "user_id", "id", name="uq_focuses_team_id_user_id_id"),
    )
    op.create_index("ix_focuses_team_id_user_id_state", "focuses", ["team_id", "user_id", "state"])


def downgrade() -> None:
    op.drop_table("focuses")
    op.drop_table("profile_runs")
    with op.batch_alter_table("profiles") as profiles:
        profiles.drop_column("role_units")
