"""Completions that are history, recorded without mail."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("completion") as batch:
        batch.add_column(
            sa.Column("silent", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("completion") as batch:
        batch.alter_column("silent", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("completion") as batch:
        batch.drop_column("silent")
