"""What an external tool said is looked up by the tool, and by the person it was said of."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
TABLE = "score_callback"
BY_TOOL = {
    "ix_score_callback_tool_id_received_at": ["tool_id", "received_at"],
    "ix_score_callback_tool_id_person_id_received_at": ["tool_id", "person_id", "received_at"],
}
FORMER = "ix_score_callback_organization_id_received_at"


def upgrade() -> None:
    for name, columns in BY_TOOL.items():
        op.create_index(name, TABLE, columns)
    op.drop_index(FORMER, TABLE)


def downgrade() -> None:
    op.create_index(FORMER, TABLE, ["organization_id", "received_at"])
    for name in BY_TOOL:
        op.drop_index(name, TABLE)
