"""What reading a roster found; roles in the LMS's words; an activity to ask through."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Json, UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("roster_tie") as table:
        table.add_column(sa.Column("asked_at", UTCDateTime(), nullable=True))
        table.add_column(sa.Column("tried_at", UTCDateTime(), nullable=True))
        table.add_column(sa.Column("outcome", Json, nullable=True))
    with op.batch_alter_table("lms_course") as table:
        table.add_column(sa.Column("link_id", sa.Text(), nullable=True))
    with op.batch_alter_table("course_member") as table:
        table.add_column(sa.Column("roles", Json, nullable=False, server_default="[]"))
        table.add_column(sa.Column("listed_at", UTCDateTime(), nullable=True))
    with op.batch_alter_table("course_member") as table:
        table.alter_column("roles", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("course_member") as table:
        table.drop_column("listed_at")
        table.drop_column("roles")
    with op.batch_alter_table("lms_course") as table:
        table.drop_column("link_id")
    with op.batch_alter_table("roster_tie") as table:
        table.drop_column("outcome")
        table.drop_column("tried_at")
        table.drop_column("asked_at")
