"""Of our keys towards an LMS, and towards an external tool, one signs: never two."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from plugin.core.base import UTCDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

OWNERS = {"tool_key": "registration_id", "platform_key": "tool_id"}
OVERLAP = timedelta(days=2)
SIGNS = sa.text("retired_at IS NULL")


def upgrade() -> None:
    for name, owner in OWNERS.items():
        _retire_all_but_the_newest(name, owner)
        with op.batch_alter_table(name) as table:
            table.create_index(
                f"uq_{name}_signs", [owner], unique=True,
                sqlite_where=SIGNS, postgresql_where=SIGNS,
            )


def downgrade() -> None:
    for name in OWNERS:
        with op.batch_alter_table(name) as table:
            table.drop_index(f"uq_{name}_signs")


def _retire_all_but_the_newest(name: str, owner: str) -> None:
    key = sa.table(
        name, sa.column("id"), sa.column(owner), sa.column("retired_at", UTCDateTime())
    )
    newer = key.alias("newer")
    is_passed = sa.exists().where(
        newer.c[owner] == key.c[owner], newer.c.id > key.c.id, newer.c.retired_at.is_(None)
    )
    op.execute(
        sa.update(key)
        .where(key.c.retired_at.is_(None), is_passed)
        .values(retired_at=datetime.now(UTC) + OVERLAP)
    )
