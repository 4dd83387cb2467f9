"""How an organization mails, what was sent word for word, what came back, and who wants no reminders."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Json, UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OURS = "organization"
PERSON = "person"


def _id() -> sa.Column:
    return sa.Column("id", BIG, nullable=False)


def _link(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, BIG, nullable=nullable)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def upgrade() -> None:
    op.create_table(
        "mail_settings",
        _id(),
        _link("organization_id"),
        sa.Column("sender_name", sa.Text(), nullable=True),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("per_minute", BIG, nullable=True),
        sa.Column("off_kinds", Json, nullable=False),
        sa.Column("hook_secret", sa.Text(), nullable=True),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        _to("mail_settings", "organization_id", OURS),
        sa.PrimaryKeyConstraint("id", name="pk_mail_settings"),
        sa.UniqueConstraint("organization_id", name="uq_mail_settings_organization_id"),
    )
    op.create_table(
        "sent_mail",
        _id(),
        _link("organization_id"),
        _link("person_id"),
        sa.Column("header_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attachments", Json, nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _to("sent_mail", "organization_id", OURS),
        _to("sent_mail", "person_id", PERSON),
        sa.PrimaryKeyConstraint("id", name="pk_sent_mail"),
        sa.UniqueConstraint("header_id", name="uq_sent_mail_header_id"),
    )
    op.create_index("ix_sent_mail_person_id", "sent_mail", ["person_id"])
    op.create_index("ix_sent_mail_organization_id_address", "sent_mail", ["organization_id", "address"])
    op.create_table(
        "address_event",
        _id(),
        _link("organization_id"),
        _link("person_id"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("fact", sa.String(40), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        _link("mail_id", nullable=True),
        _link("by_person_id", nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        _to("address_event", "organization_id", OURS),
        _to("address_event", "person_id", PERSON),
        _to("address_event", "by_person_id", PERSON),
        _to("address_event", "mail_id", "sent_mail"),
        sa.PrimaryKeyConstraint("id", name="pk_address_event"),
        sa.UniqueConstraint("organization_id", "seal", name="uq_address_event_organization_id_seal"),
    )
    op.create_index("ix_address_event_person_id_address", "address_event", ["person_id", "address"])
    op.create_table(
        "reminder_link",
        _id(),
        _link("organization_id"),
        _link("person_id"),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _to("reminder_link", "organization_id", OURS),
        _to("reminder_link", "person_id", PERSON),
        sa.PrimaryKeyConstraint("id", name="pk_reminder_link"),
        sa.UniqueConstraint("person_id", name="uq_reminder_link_person_id"),
        sa.UniqueConstraint("token", name="uq_reminder_link_token"),
    )
    op.create_table(
        "reminder_choice",
        _id(),
        _link("organization_id"),
        _link("person_id"),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        _to("reminder_choice", "organization_id", OURS),
        _to("reminder_choice", "person_id", PERSON),
        sa.PrimaryKeyConstraint("id", name="pk_reminder_choice"),
    )
    op.create_index("ix_reminder_choice_person_id_id", "reminder_choice", ["person_id", "id"])
    op.create_table(
        "mail_rate",
        _id(),
        sa.Column("scope", sa.Text(), nullable=False),
        _link("organization_id", nullable=True),
        sa.Column("bulk_minute", BIG, nullable=False),
        sa.Column("bulk_used", BIG, nullable=False),
        sa.Column("single_minute", BIG, nullable=False),
        sa.Column("single_used", BIG, nullable=False),
        sa.Column("failures", BIG, nullable=False),
        sa.Column("paused_until", UTCDateTime(), nullable=True),
        _to("mail_rate", "organization_id", OURS),
        sa.PrimaryKeyConstraint("id", name="pk_mail_rate"),
        sa.UniqueConstraint("scope", name="uq_mail_rate_scope"),
    )
    with op.batch_alter_table("message") as batch:
        batch.add_column(sa.Column("ended_at", UTCDateTime(), nullable=True))
        batch.add_column(sa.Column("mail_id", BIG, nullable=True))
        batch.add_column(sa.Column("turn_at", UTCDateTime(), nullable=True))
        batch.add_column(sa.Column("turn_of", sa.String(40), nullable=True))
        batch.create_foreign_key(
            "fk_message_mail_id_sent_mail", "sent_mail", ["mail_id"], ["id"]
        )
        batch.create_index("ix_message_mail_id", ["mail_id"])
        batch.create_index("ix_message_organization_id_created_at", ["organization_id", "created_at"])


def downgrade() -> None:
    op.execute("DELETE FROM message WHERE kind = 'test'")
    op.execute("UPDATE message SET state = 'failed' WHERE state IN ('bounced', 'suppressed')")
    with op.batch_alter_table("message") as batch:
        batch.drop_index("ix_message_organization_id_created_at")
        batch.drop_index("ix_message_mail_id")
        batch.drop_constraint("fk_message_mail_id_sent_mail", type_="foreignkey")
        for name in ("turn_of", "turn_at", "mail_id", "ended_at"):
            batch.drop_column(name)
    for table in (
        "mail_rate", "reminder_choice", "reminder_link", "address_event", "sent_mail",
        "mail_settings",
    ):
        op.drop_table(table)
