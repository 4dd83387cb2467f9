"""When a column's grades were last asked for."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import UTCDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("line_item", sa.Column("asked_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("line_item", "asked_at")
