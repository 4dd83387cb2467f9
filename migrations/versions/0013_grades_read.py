"""What reading a column that is graded in the LMS last found."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Json, UTCDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("line_item") as table:
        table.add_column(sa.Column("read_at", UTCDateTime(), nullable=True))
        table.add_column(sa.Column("read_problem", sa.Text(), nullable=True))
        table.add_column(sa.Column("read_outcome", Json, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("line_item") as table:
        table.drop_column("read_outcome")
        table.drop_column("read_problem")
        table.drop_column("read_at")
