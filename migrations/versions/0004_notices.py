"""When a standing has something to say next, and one mail for all of a day's news."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "digest",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_digest_organization_id_organization"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_digest_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_digest"),
        sa.UniqueConstraint("person_id", "day", "urgent", name="uq_digest_person_id_day_urgent"),
    )
    with op.batch_alter_table("message") as batch:
        batch.add_column(sa.Column("zone", sa.Text(), nullable=True))
        batch.add_column(sa.Column("digest_id", BIG, nullable=True))
        batch.create_foreign_key(
            "fk_message_digest_id_digest", "digest", ["digest_id"], ["id"]
        )
        batch.create_index("ix_message_digest_id", ["digest_id"])
    with op.batch_alter_table("standing") as batch:
        batch.add_column(sa.Column("notice_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("notice_at", UTCDateTime(), nullable=True))
    op.create_index(
        "ix_standing_notice_at",
        "standing",
        ["notice_at"],
        sqlite_where=sa.text("notice_at IS NOT NULL"),
        postgresql_where=sa.text("notice_at IS NOT NULL"),
    )
    # Every standing is looked at once and learns when it has something to say next.
    op.execute(
        "UPDATE standing SET notice_on = CURRENT_DATE, notice_at = CURRENT_TIMESTAMP WHERE covered"
    )


def downgrade() -> None:
    op.drop_index("ix_standing_notice_at", table_name="standing")
    with op.batch_alter_table("standing") as batch:
        batch.drop_column("notice_at")
        batch.drop_column("notice_on")
    op.execute("DELETE FROM message WHERE kind IN ('expired', 'manager_digest')")
    op.execute("UPDATE message SET state = 'failed' WHERE state = 'cancelled'")
    with op.batch_alter_table("message") as batch:
        batch.drop_index("ix_message_digest_id")
        batch.drop_constraint("fk_message_digest_id_digest", type_="foreignkey")
        batch.drop_column("digest_id")
        batch.drop_column("zone")
    op.drop_table("digest")
