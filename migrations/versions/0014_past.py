"""What questions about the past need: earlier values, and since when a standing is known."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import UTCDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "earlier_value"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", INT, nullable=False),
        sa.Column("organization_id", INT, nullable=False),
        sa.Column("about_kind", sa.Text(), nullable=False),
        sa.Column("about_id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("moment", UTCDateTime(), nullable=True),
        sa.Column("number", INT, nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("until_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_earlier_value_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_value")),
    )
    op.create_index(
        op.f("ix_earlier_value_about_kind_about_id_name_until_at"),
        TABLE, ["about_kind", "about_id", "name", "until_at"]
    )
    op.add_column("standing", sa.Column("first_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("standing", "first_at")
    op.drop_table(TABLE)
