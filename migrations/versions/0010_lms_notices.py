"""Notices of LMSs, copies of courses, and our ids as gradebook columns carry them."""

import sqlalchemy as sa
from alembic import op

from plugin.core.base import Int, Json, UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_handler",
        *_of_deployment("notice_handler"),
        sa.Column("notice_type", sa.Text(), nullable=False),
        sa.Column("service_url", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=True),
        sa.Column("subscribed_at", UTCDateTime(), nullable=True),
        sa.Column("tried_at", UTCDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.UniqueConstraint(
            "registration_id",
            "deployment_id",
            "notice_type",
            name=op.f("uq_notice_handler_registration_id_deployment_id_notice_type"),
        ),
    )
    op.create_table(
        "lms_notice",
        *_of_deployment("lms_notice"),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("notice_type", sa.Text(), nullable=False),
        sa.Column("nonce_hash", sa.Text(), nullable=False),
        sa.Column("said", Json, nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("applied_at", UTCDateTime(), nullable=True),
        sa.UniqueConstraint(
            "registration_id",
            "deployment_id",
            "notice_id",
            name=op.f("uq_lms_notice_registration_id_deployment_id_notice_id"),
        ),
        sa.UniqueConstraint(
            "registration_id", "nonce_hash", name=op.f("uq_lms_notice_registration_id_nonce_hash")
        ),
    )
    op.create_table(
        "course_copy",
        sa.Column("id", Int, nullable=False),
        sa.Column("organization_id", Int, nullable=False),
        sa.Column("course_id", Int, nullable=False),
        sa.Column("origin_id", Int, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("found_at", UTCDateTime(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("decided_by", Int, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_course_copy_{column}_{table}")
            )
            for column, table in (
                ("organization_id", "organization"),
                ("course_id", "lms_course"),
                ("origin_id", "lms_course"),
                ("decided_by", "person"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_copy")),
        sa.UniqueConstraint("course_id", name=op.f("uq_course_copy_course_id")),
    )
    op.create_index(
        op.f("ix_course_copy_organization_id_state"), "course_copy", ["organization_id", "state"]
    )
    with op.batch_alter_table("line_item") as table:
        table.add_column(sa.Column("resource_id", sa.Text(), nullable=True))


def _of_deployment(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", Int, nullable=False),
        sa.Column("organization_id", Int, nullable=False),
        sa.Column("registration_id", Int, nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f(f"fk_{table}_organization_id_organization"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f(f"fk_{table}_registration_id_registration"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def downgrade() -> None:
    with op.batch_alter_table("line_item") as table:
        table.drop_column("resource_id")
    op.drop_table("course_copy")
    op.drop_table("lms_notice")
    op.drop_table("notice_handler")
