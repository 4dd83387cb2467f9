"""Tables of organizations, the people in them, and where they belong."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugin.core.base import Base, EnumText, IntKey, JsonDict
from plugin.web.roles import Role


class UnitKind(StrEnum):
    GROUP = "group"
    SITE = "site"
    REGION = "region"


class MembershipSource(StrEnum):
    """Where we know a membership from; each source ends only its own."""

    MANUAL = "manual"
    CSV = "csv"
    LAUNCH = "launch"
    ROSTER = "roster"
    SCIM = "scim"


class Organization(Base):
    """One customer. Every other row belongs to exactly one."""

    __tablename__ = "organization"

    id: Mapped[IntKey]
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    time_zone: Mapped[str]
    locale: Mapped[str]
    logo_key: Mapped[str | None]
    rules_seal: Mapped[str | None]
    """Changes with every change of the launch rules; empty while there are none."""
    created_at: Mapped[datetime]


class Person(Base):
    """A human in an organization; an email address is a fact about them, never their key."""

    __tablename__ = "person"
    __table_args__ = (
        Index(
            "uq_person_employee_id",
            "organization_id",
            "employee_id",
            unique=True,
            sqlite_where=text("employee_id IS NOT NULL"),
            postgresql_where=text("employee_id IS NOT NULL"),
        ),
        Index(None, "organization_id", "full_name"),
        CheckConstraint(
            "merged_into_id IS NULL OR deactivated_at IS NOT NULL", name="merged_people_are_off"
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    given_name: Mapped[str]
    family_name: Mapped[str]
    full_name: Mapped[str]
    email: Mapped[str | None]
    employee_id: Mapped[str | None]
    locale: Mapped[str | None]
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """The person this entry turned out to be (see `PersonMerge`); it is switched off meanwhile."""


class Identity(Base):
    """How one LMS knows a person: (issuer, client id, sub)."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("issuer", "client_id", "subject"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    issuer: Mapped[str]
    client_id: Mapped[str]
    subject: Mapped[str]
    said_seal: Mapped[str | None]
    """What the last launch said of units by the rules then; none: the next one is looked at."""
    created_at: Mapped[datetime]


class Unit(Base):
    """A group, a site or a region; a site may lie in one region."""

    __tablename__ = "unit"
    __table_args__ = (
        Index(
            "uq_unit_id_code",
            "organization_id",
            "kind",
            "id_code",
            unique=True,
            sqlite_where=text("id_code IS NOT NULL"),
            postgresql_where=text("id_code IS NOT NULL"),
        ),
        CheckConstraint("region_id IS NULL OR kind = 'site'", name="only_sites_have_a_region"),
        Index(None, "region_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    kind: Mapped[UnitKind] = mapped_column(EnumText(UnitKind))
    name: Mapped[str]
    id_code: Mapped[str | None]
    description: Mapped[str] = mapped_column(default="")
    time_zone: Mapped[str | None]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship(lazy="raise")


class Membership(Base):
    """A person in a unit, from a moment until a moment. Never deleted, only ended."""

    __tablename__ = "membership"
    __table_args__ = (
        Index(
            "uq_membership_open",
            "unit_id",
            "person_id",
            "source",
            unique=True,
            sqlite_where=text("until_at IS NULL"),
            postgresql_where=text("until_at IS NULL"),
        ),
        Index(None, "person_id", "unit_id"),
        Index(None, "unit_id", "since_at"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    source: Mapped[MembershipSource] = mapped_column(EnumText(MembershipSource))
    since_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    silent: Mapped[bool] = mapped_column(default=False)
    """Begun without mail about the training that comes with it (an import, for example)."""


class Grant(Base):
    """A right we gave: admin of the organization, or manager of one unit."""

    __tablename__ = "grant"
    __table_args__ = (
        Index(
            "uq_grant_open_admin",
            "organization_id",
            "person_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL AND unit_id IS NULL"),
            postgresql_where=text("revoked_at IS NULL AND unit_id IS NULL"),
        ),
        Index(
            "uq_grant_open_manager",
            "unit_id",
            "person_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL AND unit_id IS NOT NULL"),
            postgresql_where=text("revoked_at IS NULL AND unit_id IS NOT NULL"),
        ),
        CheckConstraint("(role = 'manager') = (unit_id IS NOT NULL)", name="managers_have_a_unit"),
        Index(None, "person_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Role] = mapped_column(EnumText(Role))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    granted_at: Mapped[datetime]
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class InstallCode(Base):
    """A one-time code that makes its holder the first admin of an organization."""

    __tablename__ = "install_code"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    code_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class SignIn(Base):
    """One visit from an LMS; the browser holds the token, we hold its hash."""

    __tablename__ = "sign_in"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    frame_ancestors: Mapped[str]
    locale: Mapped[str | None]
    return_url: Mapped[str | None]
    launch: Mapped[JsonDict]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
