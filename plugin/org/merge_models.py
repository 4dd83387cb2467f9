"""Two people who turned out to be one: each merge, and how it was undone."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, IntKey, JsonDict


class PersonMerge(Base):
    """From a moment on `absorbed` and `survivor` are the same human, until somebody undoes it."""

    __tablename__ = "person_merge"
    __table_args__ = (
        Index(
            "uq_person_merge_open",
            "absorbed_id",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index(None, "survivor_id"),
        CheckConstraint("absorbed_id <> survivor_id", name="nobody_merges_into_themselves"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    absorbed_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    survivor_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    merged_at: Mapped[datetime]
    merged_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    moved: Mapped[JsonDict]
    """What it changed, by ids, so that undoing ends exactly that: see `plugin.org.merging`."""
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    undo_reason: Mapped[str | None]
