"""Tables of what LMSs offer: courses, gradebook columns, access tokens; and grades we owe."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict, JsonList


class ServiceToken(Base):
    """An access token for some services of one deployment; sealed, and forgotten when refused."""

    __tablename__ = "service_token"
    __table_args__ = (UniqueConstraint("registration_id", "deployment_id", "scopes"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_id: Mapped[str]
    scopes: Mapped[str]
    sealed_token: Mapped[str]
    expires_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    """Somebody is asking the LMS for a new one since then."""


class LmsCourse(Base):
    """A course somebody launched from, and the addresses of its services as last said."""

    __tablename__ = "lms_course"
    __table_args__ = (UniqueConstraint("registration_id", "deployment_id", "context_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_id: Mapped[str]
    context_id: Mapped[str]
    title: Mapped[str]
    scopes: Mapped[JsonList]
    line_items_url: Mapped[str | None]
    members_url: Mapped[str | None]
    copied_from: Mapped[JsonList]
    """Ids of the courses it was copied from, newest first, as far as the LMS says so."""
    link_id: Mapped[str | None]
    """An activity of ours there; through it the LMS says more of each person (N7)."""
    seen_at: Mapped[datetime]


class CourseMember(Base):
    """A person of a course, by the id the LMS knows them by."""

    __tablename__ = "course_member"
    __table_args__ = (UniqueConstraint("course_id", "person_id"), Index(None, "person_id"))

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("lms_course.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    subject: Mapped[str]
    learns: Mapped[bool]
    """Whether they are there to learn: grades of others are refused everywhere."""
    roles: Mapped[JsonList]
    """What the LMS's roster last called them, in its own words."""
    listed_at: Mapped[datetime | None]
    """When the LMS's roster last named them."""
    seen_at: Mapped[datetime]


class LineItem(Base):
    """A gradebook column of ours: of a module, of a configuration, or (neither) of everything."""

    __tablename__ = "line_item"
    __table_args__ = (
        Index(
            "uq_line_item_open",
            "course_id",
            "url",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("module_id IS NULL OR configuration_id IS NULL", name="one_subject"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("lms_course.id"))
    url: Mapped[str]
    resource_link_id: Mapped[str | None]
    resource_id: Mapped[str | None]
    """Our own id as the column carries it, known once the course's columns were read."""
    label: Mapped[str]
    module_id: Mapped[int | None] = mapped_column(ForeignKey("module.id"))
    configuration_id: Mapped[int | None] = mapped_column(ForeignKey("configuration.id"))
    asked_at: Mapped[datetime | None]
    """Up to when launches have asked for the grades given in the LMS."""
    read_at: Mapped[datetime | None]
    """When grades given in the LMS were last read from it."""
    read_problem: Mapped[str | None]
    """Why they were not, in the LMS's own words where it has some."""
    read_outcome: Mapped[JsonDict | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """The LMS no longer knows it; a later launch brings a new one."""
    end_words: Mapped[str | None]


class GradeState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    OVERRIDDEN = "overridden"
    REFUSED = "refused"
    FAILED = "failed"


class Grade(Base):
    """What one person's column should say, and what we last said: only the newest value counts."""

    __tablename__ = "grade"
    __table_args__ = (
        UniqueConstraint("line_item_id", "person_id"),
        CheckConstraint("wanted >= 0 AND wanted <= 1", name="wanted_is_a_share"),
        Index(None, "person_id"),
        Index(None, "organization_id", "state"),
        Index(
            "ix_grade_waiting",
            "line_item_id",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    line_item_id: Mapped[int] = mapped_column(ForeignKey("line_item.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    subject: Mapped[str]
    wanted: Mapped[float]
    wanted_at: Mapped[datetime]
    is_completed: Mapped[bool] = mapped_column(default=False)
    """Whether what is wanted completes the activity: a pass, or a whole share (A8)."""
    told_completed: Mapped[bool | None]
    """What of that the LMS was last told."""
    begun_at: Mapped[datetime | None]
    """When the sitting began that the grade is for, if it is for one (A12)."""
    reached_at: Mapped[datetime | None]
    """When the person did what the grade is for, which may be long before it is sent (A12)."""
    sent: Mapped[float | None]
    sent_at: Mapped[datetime | None]
    tried: Mapped[float | None]
    """The newest value that may have reached the LMS although its answer never came."""
    seen: Mapped[float | None]
    """What the gradebook said when it was last looked into."""
    seen_at: Mapped[datetime | None]
    unseen: Mapped[int] = mapped_column(default=0)
    """How often it did not say what it had taken."""
    stamped_at: Mapped[datetime | None]
    """The timestamp of the newest score known to have left; the next one is later."""
    state: Mapped[GradeState] = mapped_column(EnumText(GradeState))
    words: Mapped[str | None]
    """Why it was not taken, in the LMS's own words where it has some."""
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    """Not sent before then: two scores of a row need time between them, and some LMSs a rest."""
    claimed_at: Mapped[datetime | None]
    """Somebody is sending it since then."""
    forced: Mapped[bool] = mapped_column(default=False)
    """An admin asked for it to be sent over whatever a teacher wrote."""


class CheckState(StrEnum):
    PASSED = "passed"
    PARTLY = "partly"
    FAILED = "failed"


class InstallCheck(Base):
    """What was last found out about one thing an LMS must let us do."""

    __tablename__ = "install_check"
    __table_args__ = (UniqueConstraint("registration_id", "name"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    name: Mapped[str]
    state: Mapped[CheckState] = mapped_column(EnumText(CheckState))
    words: Mapped[str | None]
    """The LMS's own, where it has some."""
    at: Mapped[datetime]
