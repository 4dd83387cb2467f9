"""whether a grade completes its activity, and what of that the LMS was told."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

IS_MODULE = (
    "line_item_id IN (SELECT line_item.id FROM line_item WHERE line_item.module_id IS NOT NULL)"
)


def upgrade() -> None:
    with op.batch_alter_table("grade") as table:
        table.add_column(
            sa.Column("is_completed", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("told_completed", sa.Boolean(), nullable=True))
    # So far every grade of a module was said to complete it, and of a training a whole share.
    op.execute(f"UPDATE grade SET is_completed = (wanted >= 1 OR {IS_MODULE})")
    op.execute(
        f"UPDATE grade SET told_completed = (sent >= 1 OR {IS_MODULE}) WHERE sent IS NOT NULL"
    )
    with op.batch_alter_table("grade") as table:
        table.alter_column("is_completed", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("grade") as table:
        table.drop_column("told_completed")
        table.drop_column("is_completed")
