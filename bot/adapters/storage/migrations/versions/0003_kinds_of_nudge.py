"""Kinds of nudge: self-checks and team prompts beside reflections, their rhythm and tone, and a send once begun."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("kind", sa.String()))
    op.add_column("subscriptions", sa.Column("tone", sa.String()))
    op.add_column("subscriptions", sa.Column("check_weeks", sa.Integer()))
    op.add_column("subscriptions", sa.Column("check_from", sa.Date()))
    op.add_column("nudges", sa.Column("sending", sa.Boolean()))


def downgrade() -> None:
    # What the form before can't tell from a person's own prompt must not stay behind as one.
    op.execute("DELETE FROM nudges WHERE kind = 'team'")
    op.execute("DELETE FROM subscriptions WHERE kind = 'team'")
    with op.batch_alter_table("nudges") as nudges:
        nudges.drop_column("sending")
    with op.batch_alter_table("subscriptions") as subscriptions:
        for name in ("check_from", "check_weeks", "tone", "kind"):
            subscriptions.drop_column(name)
