"""A workspace's pause that Slack asked for, so that no replica uses a slot that it had reserved before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("send_slots", sa.Column("held_until", sa.BigInteger()))


def downgrade() -> None:
    with op.batch_alter_table("send_slots") as slots:
        slots.drop_column("held_until")
