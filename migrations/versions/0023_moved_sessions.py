"""How often a session was moved."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("moves", sa.Integer(), nullable=False, server_default="0")
    op.add_column("class_session", column)  # in place: the checks of the table stay


def downgrade() -> None:
    op.drop_column("class_session", "moves")
