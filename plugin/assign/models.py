"""Tables of training configurations, their versions, waivers and stored standings."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugin.assign.facts import RowStatus
from plugin.core.base import AppendOnly, Base, EnumText, IntKey, JsonList


class Configuration(Base):
    """A unit's training: what its members must, may and do not yet see."""

    __tablename__ = "configuration"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str]
    current_version_id: Mapped[int | None]  # the newest published, perhaps not in force yet
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class ConfigurationDraft(Base):
    """What an admin is preparing; `revision` notices a second editor."""

    __tablename__ = "configuration_draft"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    configuration_id: Mapped[int] = mapped_column(ForeignKey("configuration.id"), unique=True)
    rows: Mapped[JsonList]
    certificate_on: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime]
    updated_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    editor: Mapped[str | None]  # the open page that saved it last, and whether it was left by that


class ConfigurationTemplate(Base):
    """Rows to start a configuration from, kept under a name of the organization."""

    __tablename__ = "configuration_template"
    __table_args__ = (
        Index(
            "uq_configuration_template_name",
            "organization_id",
            "name",
            unique=True,
            sqlite_where=text("archived_at IS NULL"),
            postgresql_where=text("archived_at IS NULL"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    rows: Mapped[JsonList]
    certificate_on: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    archived_at: Mapped[datetime | None]


class ConfigurationVersion(AppendOnly, Base):
    """One publish: numbered, immutable, with author, time and reason."""

    __tablename__ = "configuration_version"
    __table_args__ = (UniqueConstraint("configuration_id", "number"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    configuration_id: Mapped[int] = mapped_column(ForeignKey("configuration.id"))
    number: Mapped[int]
    name: Mapped[str]
    certificate_on: Mapped[bool]
    published_at: Mapped[datetime]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    effective_at: Mapped[datetime]
    grace_until: Mapped[date | None]
    apply_to_existing: Mapped[bool] = mapped_column(default=False)
    mail_from_at: Mapped[datetime | None]
    issue_from_at: Mapped[datetime | None]

    rows: Mapped[list["ConfigurationRow"]] = relationship(
        lazy="raise", order_by="ConfigurationRow.position"
    )


class ConfigurationRow(AppendOnly, Base):
    """One module in a version."""

    __tablename__ = "configuration_row"
    __table_args__ = (UniqueConstraint("version_id", "module_id"), Index(None, "module_id"))

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("configuration_version.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    position: Mapped[int]
    status: Mapped[RowStatus] = mapped_column(EnumText(RowStatus))
    due_days: Mapped[int | None]
    required_since_at: Mapped[datetime | None]
    grace_until: Mapped[date | None]

    terms: Mapped[list["RowTerm"]] = relationship(lazy="raise", order_by="RowTerm.id")


class RowTerm(AppendOnly, Base):
    """The validity and pass mark that judge the completions of one stretch of time.

    `in_grace`: a term of before, which still judges until the row's grace is over.
    """

    __tablename__ = "row_term"
    __table_args__ = (
        CheckConstraint(
            "validity_months IS NULL OR validity_months > 0", name="validity_is_positive"
        ),
        CheckConstraint(
            "pass_mark IS NULL OR (pass_mark >= 0 AND pass_mark <= 1)", name="pass_mark_is_a_share"
        ),
        Index(None, "row_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    row_id: Mapped[int] = mapped_column(ForeignKey("configuration_row.id"))
    applies_from: Mapped[datetime | None]
    applies_until: Mapped[datetime | None]
    validity_months: Mapped[int | None]
    pass_mark: Mapped[float | None]
    in_grace: Mapped[bool] = mapped_column(default=False)


class VersionProgress(Base):
    """How far the judging of the people under a version has come."""

    __tablename__ = "version_progress"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("configuration_version.id"), unique=True)
    people: Mapped[int]
    judged: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Waiver(Base):
    """A row set aside for one person, with a reason, an approver and an end."""

    __tablename__ = "waiver"
    __table_args__ = (
        CheckConstraint("approved_by <> person_id", name="nobody_waives_for_themselves"),
        Index(None, "person_id", "configuration_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    configuration_id: Mapped[int] = mapped_column(ForeignKey("configuration.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    approved_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    from_at: Mapped[datetime]
    until_on: Mapped[date]
    ended_at: Mapped[datetime | None]


class StoredStanding(Base):
    """Dates, not flags: what `evaluate` said when a fact last changed."""

    __tablename__ = "standing"
    __table_args__ = (
        UniqueConstraint("person_id", "configuration_id"),
        Index(None, "configuration_id"),
        Index(None, "ends_at"),
        Index(
            "ix_standing_notice_at",
            "notice_at",
            sqlite_where=text("notice_at IS NOT NULL"),
            postgresql_where=text("notice_at IS NOT NULL"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    configuration_id: Mapped[int] = mapped_column(ForeignKey("configuration.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("configuration_version.id"))
    covered: Mapped[bool]
    complete: Mapped[bool]
    valid_through: Mapped[date | None]
    ends_at: Mapped[datetime | None]
    continuous_since_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]
    missing: Mapped[JsonList]
    notice_on: Mapped[date | None]
    """The first day on which there may be something to say about the standing, not yet said."""
    notice_at: Mapped[datetime | None]  # when that day's mail goes
    first_at: Mapped[datetime | None]  # when it was first stored; empty: before that was kept
    updated_at: Mapped[datetime]
