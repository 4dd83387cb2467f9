"""Tables of rules that fill units: launch rules and what launches said, course rosters."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict, JsonList
from plugin.org.models import UnitKind


class RuleSource(StrEnum):
    """What of a launch a rule looks at."""

    CUSTOM = "custom"
    ROLE = "role"
    COURSE = "course"


class LaunchRule(Base):
    """A launch that says this puts the person into a unit: a fixed one, or the one of a code."""

    __tablename__ = "launch_rule"
    __table_args__ = (
        Index(None, "organization_id", "source"),
        CheckConstraint("(unit_id IS NULL) = by_code", name="a_unit_or_its_code"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    source: Mapped[RuleSource] = mapped_column(EnumText(RuleSource))
    name: Mapped[str]
    """The custom parameter, the role, or the key of the course (see `belonging.course_key`)."""
    value: Mapped[str | None]
    """Of a custom parameter that leads to one unit: what it must say. Of a course: its title."""
    by_code: Mapped[bool]
    unit_kind: Mapped[UnitKind] = mapped_column(EnumText(UnitKind))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class LaunchClaim(Base):
    """By this rule, an identity's launches say it is in this unit, from a moment until a moment.

    The membership with source `launch` is open as long as any of the person's claims is.
    """

    __tablename__ = "launch_claim"
    __table_args__ = (
        Index(
            "uq_launch_claim_open",
            "identity_id",
            "rule_id",
            "unit_id",
            "context",
            unique=True,
            sqlite_where=text("until_at IS NULL"),
            postgresql_where=text("until_at IS NULL"),
        ),
        Index(None, "rule_id"),
        Index(None, "unit_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    rule_id: Mapped[int] = mapped_column(ForeignKey("launch_rule.id"))
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    context: Mapped[str] = mapped_column(default="")
    """The course it holds in, for roles of a course and what its roster says; else empty."""
    since_at: Mapped[datetime]
    until_at: Mapped[datetime | None]


class UnknownCode(Base):
    """An ID code that launches named and no unit in use has."""

    __tablename__ = "unknown_code"
    __table_args__ = (UniqueConstraint("rule_id", "code"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("launch_rule.id"))
    code: Mapped[str]
    launches: Mapped[int]
    last_seen_at: Mapped[datetime]


class RosterTie(Base):
    """The roster of an LMS course fills a unit, from a moment until a moment."""

    __tablename__ = "roster_tie"
    __table_args__ = (
        Index(
            "uq_roster_tie_open",
            "registration_id",
            "deployment_id",
            "context_id",
            "unit_id",
            unique=True,
            sqlite_where=text("until_at IS NULL"),
            postgresql_where=text("until_at IS NULL"),
        ),
        Index(None, "unit_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_id: Mapped[str]
    context_id: Mapped[str]
    title: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    since_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime | None]
    """When somebody last asked for it to be read."""
    tried_at: Mapped[datetime | None]
    """When reading it last came to an end, good or bad."""
    synced_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    """Why the last sync did not happen, in the LMS's own words where it has some."""
    outcome: Mapped[JsonDict | None]
    """What the last sync found and did: counts, roles as the LMS names them, remarks."""
    reading: Mapped[JsonDict | None]
    """How far a reading that is not over has come."""


class RosterEntry(Base):
    """A person on the roster of a tied course, from a moment until a moment.

    The membership with source `roster` is open as long as any tie of the unit has the person.
    """

    __tablename__ = "roster_entry"
    __table_args__ = (
        Index(
            "uq_roster_entry_open",
            "tie_id",
            "person_id",
            unique=True,
            sqlite_where=text("until_at IS NULL"),
            postgresql_where=text("until_at IS NULL"),
        ),
        Index(None, "person_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tie_id: Mapped[int] = mapped_column(ForeignKey("roster_tie.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    since_at: Mapped[datetime]
    until_at: Mapped[datetime | None]


class HeldState(StrEnum):
    """`superseded`: a later sync of the same course answered the question."""

    HELD = "held"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"


class HeldSync(Base):
    """A sync that would end too much of a unit at once waits for an admin (domain §7.4)."""

    __tablename__ = "held_sync"
    __table_args__ = (
        Index(
            "uq_held_sync_open",
            "tie_id",
            unique=True,
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index(None, "organization_id", "state"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tie_id: Mapped[int] = mapped_column(ForeignKey("roster_tie.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    state: Mapped[HeldState] = mapped_column(EnumText(HeldState))
    leaving: Mapped[JsonList]
    """Ids of the people who would leave."""
    memberships: Mapped[int]
    """How many memberships the unit had."""
    held_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
