"""On which days the managers of an organization were told of their units."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "manager_round",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("weekly", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("told_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name="fk_manager_round_organization_id_organization",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_manager_round"),
        sa.UniqueConstraint("organization_id", "day", name="uq_manager_round_organization_id_day"),
    )


def downgrade() -> None:
    op.drop_table("manager_round")
