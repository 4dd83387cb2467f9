"""Waiting steps are found by their queue: the most urgent first."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WAITING = sa.text("dispatched_at IS NULL AND done_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    _index("queue", "due_at", "id")


def downgrade() -> None:
    _index("due_at", "id")
    op.execute("UPDATE outbox SET queue = 'mail' WHERE queue = 'bulk_mail'")


def _index(*columns: str) -> None:
    op.drop_index("ix_outbox_waiting", table_name="outbox")
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        list(columns),
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
