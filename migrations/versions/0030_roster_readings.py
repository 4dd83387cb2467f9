"""How far the reading of a course's people has come."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Json

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("roster_tie", sa.Column("reading", Json, nullable=True))


def downgrade() -> None:
    op.drop_column("roster_tie", "reading")
