"""How much each part of a course counts in its score."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Json

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scorm_rules", sa.Column("weights", Json, nullable=True))


def downgrade() -> None:
    op.drop_column("scorm_rules", "weights")
