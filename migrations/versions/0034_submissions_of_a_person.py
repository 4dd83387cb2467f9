"""What a person submitted is read each time they open their training."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None
TABLE = "submitted_certificate"
NAME = "ix_submitted_certificate_person_id"


def upgrade() -> None:
    op.create_index(NAME, TABLE, ["person_id"])


def downgrade() -> None:
    op.drop_index(NAME, TABLE)
