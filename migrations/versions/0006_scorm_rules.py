"""How a module reads what its SCORM course reports."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "scorm_rules",
        sa.Column("module_id", whole, nullable=False, autoincrement=False),
        sa.Column("organization_id", whole, nullable=False),
        sa.Column("trusts_status", sa.Boolean(), nullable=False),
        sa.Column("pass_share", sa.Double(), nullable=True),
        sa.Column("never_set", sa.String(40), nullable=False),
        sa.Column("score_rule", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["module_id"], ["module.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"]),
        sa.PrimaryKeyConstraint("module_id"),
    )


def downgrade() -> None:
    op.drop_table("scorm_rules")
