"""what a grade is for, what the gradebook shows, and who asks for a token."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Int, UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENTS = ("begun_at", "reached_at", "sent_at", "seen_at")


def upgrade() -> None:
    with op.batch_alter_table("service_token") as table:
        table.add_column(sa.Column("asked_at", UTCDateTime(), nullable=True))
    with op.batch_alter_table("grade") as table:
        for name in MOMENTS:
            table.add_column(sa.Column(name, UTCDateTime(), nullable=True))
        table.add_column(sa.Column("seen", sa.Float(), nullable=True))
        table.add_column(sa.Column("unseen", Int, nullable=False, server_default="0"))
    with op.batch_alter_table("grade") as table:
        table.alter_column("unseen", server_default=None)
    op.create_index(
        "ix_grade_waiting",
        "grade",
        ["line_item_id", "due_at"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    op.drop_index("ix_grade_waiting", table_name="grade")
    with op.batch_alter_table("grade") as table:
        for name in ("unseen", "seen", *MOMENTS):
            table.drop_column(name)
    with op.batch_alter_table("service_token") as table:
        table.drop_column("asked_at")
