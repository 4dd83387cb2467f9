"""A webhook's secret before the one in use."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import UTCDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook", sa.Column("former_secret", sa.Text(), nullable=True))
    op.add_column("webhook", sa.Column("former_until", UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhook", "former_until")
    op.drop_column("webhook", "former_secret")
