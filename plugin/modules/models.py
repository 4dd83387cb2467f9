"""Tables of the catalogue, of sittings, and of completions."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import AppendOnly, Base, EnumText, IntKey, JsonDict


class ModuleKind(StrEnum):
    SCORM = "scorm"
    LTI = "lti"
    LMS_GRADE = "lms_grade"
    DOCUMENT = "document"
    CERTIFICATE = "certificate"
    SESSION = "session"


class ModuleState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class RunState(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"


class CompletionSource(StrEnum):
    SCORM = "scorm"
    LTI = "lti"
    LMS_GRADE = "lms_grade"
    DOCUMENT = "document"
    CERTIFICATE = "certificate"
    SESSION = "session"
    MANUAL = "manual"
    IMPORT = "import"
    API = "api"


class Module(Base):
    """One piece of training."""

    __tablename__ = "module"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    kind: Mapped[ModuleKind] = mapped_column(EnumText(ModuleKind))
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    state: Mapped[ModuleState] = mapped_column(EnumText(ModuleState))
    current_version_id: Mapped[int | None]  # of module_version; a constraint would be circular
    pass_share: Mapped[float | None]
    """Of a module graded elsewhere (in the LMS, by an external tool): the share that passes it."""
    created_at: Mapped[datetime]


class ModuleVersion(Base):
    """What a module was made of at one time; sittings are pinned to it."""

    __tablename__ = "module_version"
    __table_args__ = (UniqueConstraint("module_id", "number"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    number: Mapped[int]
    package_id: Mapped[int | None] = mapped_column(ForeignKey("package.id"))
    created_at: Mapped[datetime]


class Retraining(AppendOnly, Base):
    """What was decided of a version: from the day `from_on` on, what was learned with an older one
    proves the module no more; without a day it goes on counting. The last decision stands."""

    __tablename__ = "retraining"
    __table_args__ = (Index(None, "module_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    module_version_id: Mapped[int] = mapped_column(ForeignKey("module_version.id"))
    from_on: Mapped[date | None]
    reason: Mapped[str]
    decided_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Run(Base):
    """One sitting of a person in a module; at most one is open."""

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("person_id", "module_id", "number"),
        Index(
            "uq_run_open",
            "person_id",
            "module_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    module_version_id: Mapped[int] = mapped_column(ForeignKey("module_version.id"))
    number: Mapped[int]
    state: Mapped[RunState] = mapped_column(EnumText(RunState))
    started_at: Mapped[datetime]
    last_activity_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    progress: Mapped[float | None]
    score: Mapped[float | None]


class Completion(AppendOnly, Base):
    """A fact: this person passed (or did not pass) this module. Corrections supersede it."""

    __tablename__ = "completion"
    __table_args__ = (
        UniqueConstraint("organization_id", "source", "source_key"),
        CheckConstraint("score IS NULL OR (score >= 0 AND score <= 1)", name="score_is_a_share"),
        Index(None, "person_id", "module_id", "happened_at"),
        Index(None, "module_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    module_version_id: Mapped[int | None] = mapped_column(ForeignKey("module_version.id"))
    passed: Mapped[bool]
    score: Mapped[float | None]
    happened_at: Mapped[datetime]
    learned_at: Mapped[datetime]
    source: Mapped[CompletionSource] = mapped_column(EnumText(CompletionSource))
    source_key: Mapped[str | None]
    evidence: Mapped[JsonDict]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"), unique=True)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("completion.id"), unique=True)
    reason: Mapped[str | None]
    valid_until_on: Mapped[date | None]
    """The last day it counts by its own words, such as an external certificate's; inclusive."""
    silent: Mapped[bool] = mapped_column(default=False)
    """History, recorded without mail about the certificates it proves."""
