"""Tables of imports: the file, how far it has come, and what each of its rows does."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict, JsonList
from plugin.org.import_format import RowOutcome


class ImportKind(StrEnum):
    """What the rows of a file are about."""

    PEOPLE = "people"
    COMPLETIONS = "completions"


class ImportState(StrEnum):
    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PersonImport(Base):
    """A file of people, or of what they completed.

    `through_line` is the last line of the file the present step has done.
    """

    __tablename__ = "person_import"
    __table_args__ = (
        Index(None, "organization_id", "created_at"),
        Index(
            "uq_person_import_applying",
            "organization_id",
            unique=True,
            sqlite_where=text("state = 'applying'"),
            postgresql_where=text("state = 'applying'"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[ImportKind] = mapped_column(EnumText(ImportKind))
    filename: Mapped[str]
    file_key: Mapped[str]
    sha256: Mapped[str]
    state: Mapped[ImportState] = mapped_column(EnumText(ImportState))
    tells_people: Mapped[bool]
    lines: Mapped[int]
    through_line: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    good: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    problem: Mapped[JsonDict | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    applied_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    finished_at: Mapped[datetime | None]


class ImportRow(Base):
    """One row of a file: what it will do, or the errors that stop it, and whether it was done."""

    __tablename__ = "import_row"
    __table_args__ = (
        UniqueConstraint("import_id", "line"),
        Index(None, "import_id", "outcome", "line"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    import_id: Mapped[int] = mapped_column(ForeignKey("person_import.id"))
    line: Mapped[int]
    name: Mapped[str]
    outcome: Mapped[RowOutcome] = mapped_column(EnumText(RowOutcome))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    plan: Mapped[JsonDict]
    memberships: Mapped[int]
    grants: Mapped[int]
    errors: Mapped[JsonList]
    cells: Mapped[JsonList | None]
    """The row as it was written; kept of bad rows only, to be corrected and sent again."""
    applied_at: Mapped[datetime | None]
