"""Versions of modules that have to be learned anew from a day on."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import UTCDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _link(column: str, table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_retraining_{column}_{table}")
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "retraining",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("module_id", ID, nullable=False),
        sa.Column("module_version_id", ID, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("decided_by", ID, nullable=True),
        _link("organization_id", "organization"),
        _link("module_id", "module"),
        _link("module_version_id", "module_version"),
        _link("decided_by", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retraining")),
    )
    with op.batch_alter_table("retraining") as batch:
        batch.create_index(batch.f("ix_retraining_module_id"), ["module_id"])
    with op.batch_alter_table("package") as batch:
        batch.add_column(sa.Column("retraining_on", sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("package") as batch:
        batch.drop_column("retraining_on")
    op.drop_table("retraining")
