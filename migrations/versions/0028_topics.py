"""What Amazon SNS told, and the certificates it signs with."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Int, UTCDateTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "topic_message",
        sa.Column("id", Int, nullable=False),
        sa.Column("organization_id", Int, nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("attempts", Int, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_topic_message_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_message")),
        sa.UniqueConstraint("key", name=op.f("uq_topic_message_key")),
    )
    op.create_index(op.f("ix_topic_message_organization_id"), "topic_message", ["organization_id"])
    op.create_table(
        "topic_certificate",
        sa.Column("id", Int, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("fetched_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_certificate")),
        sa.UniqueConstraint("url", name=op.f("uq_topic_certificate_url")),
    )


def downgrade() -> None:
    op.drop_table("topic_certificate")
    op.drop_index(op.f("ix_topic_message_organization_id"), table_name="topic_message")
    op.drop_table("topic_message")
