"""Imports are of people, as all were until now, or of completions."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("person_import") as batch:
        batch.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="people"))
    with op.batch_alter_table("person_import") as batch:
        batch.alter_column("kind", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("person_import") as batch:
        batch.drop_column("kind")
