"""How often the import of a package was begun."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "package", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0")
    )
    with op.batch_alter_table("package") as table:
        table.alter_column("attempts", server_default=None)


def downgrade() -> None:
    op.drop_column("package", "attempts")
