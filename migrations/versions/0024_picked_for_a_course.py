"""Content is picked for a course: which, if the LMS says so."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("content_request") as table:
        table.add_column(sa.Column("context_id", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("content_request") as table:
        table.drop_column("context_id")
