"""What SCORM 2004 courses share with each other, where a module says so."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Json, UTCDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "scorm_shared",
        sa.Column("person_id", whole, nullable=False, autoincrement=False),
        sa.Column("organization_id", whole, nullable=False),
        sa.Column("shared", Json, nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"]),
        sa.PrimaryKeyConstraint("person_id"),
    )
    with op.batch_alter_table("scorm_rules") as table:
        table.add_column(
            sa.Column("shares_objectives", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("scorm_rules") as table:
        table.alter_column("shares_objectives", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("scorm_rules") as table:
        table.drop_column("shares_objectives")
    op.drop_table("scorm_shared")
