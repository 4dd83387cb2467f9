"""The HTML of a mail, and when its words were erased."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import UTCDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sent_mail", sa.Column("html", sa.Text(), nullable=True))
    op.add_column("sent_mail", sa.Column("erased_at", UTCDateTime(), nullable=True))
    op.create_index(op.f("ix_sent_mail_created_at"), "sent_mail", ["created_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_sent_mail_created_at"), table_name="sent_mail")
    op.drop_column("sent_mail", "erased_at")
    op.drop_column("sent_mail", "html")
