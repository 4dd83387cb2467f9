"""Addresses a registration had before; which keys were last seen on both sides."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Int, UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_address",
        sa.Column("id", Int, nullable=False),
        sa.Column("organization_id", Int, nullable=False),
        sa.Column("registration_id", Int, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=False),
        sa.Column("until_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_former_address_organization_id_organization"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_former_address_registration_id_registration"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_address")),
        sa.UniqueConstraint("uid", name=op.f("uq_former_address_uid")),
    )
    op.create_index(
        op.f("ix_former_address_registration_id"), "former_address", ["registration_id"]
    )
    with op.batch_alter_table("registration") as table:
        table.add_column(sa.Column("their_kid", sa.Text(), nullable=True))
        table.add_column(sa.Column("their_kid_at", UTCDateTime(), nullable=True))
    with op.batch_alter_table("tool_key") as table:
        table.add_column(sa.Column("fetched_at", UTCDateTime(), nullable=True))
        table.add_column(sa.Column("proven_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("tool_key") as table:
        table.drop_column("proven_at")
        table.drop_column("fetched_at")
    with op.batch_alter_table("registration") as table:
        table.drop_column("their_kid_at")
        table.drop_column("their_kid")
    op.drop_table("former_address")
