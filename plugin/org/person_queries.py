"""Reads of one person for their pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select, type_coerce
from sqlalchemy.orm import Session

from plugin.core.base import UTCDateTime
from plugin.org.errors import PersonNotFoundError
from plugin.org.history import as_it_was
from plugin.org.models import (
    Grant,
    Identity,
    Membership,
    MembershipSource,
    Person,
    SignIn,
    Unit,
    UnitKind,
)
from plugin.org.reach import Reach
from plugin.org.unit_queries import is_open
from plugin.web.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A membership that holds at the moment asked about."""

    membership_id: int
    unit_id: int
    name: str
    kind: UnitKind
    source: MembershipSource
    since_at: datetime


def places(
    session: Session, reach: Reach, person_id: int, at: datetime, *, past: bool = False
) -> list[Place]:
    """The units in reach the person is in at `at`, by name; `past`: as was known then."""
    rows = session.execute(
        select(Membership, Unit.name, Unit.kind)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(Membership.person_id == person_id, reach.units(), is_open(at, past=past))
        .order_by(Unit.name, Membership.id)
    )
    return [
        Place(
            membership_id=membership.id,
            unit_id=membership.unit_id,
            name=name,
            kind=kind,
            source=membership.source,
            since_at=membership.since_at,
        )
        for membership, name, kind in rows
    ]


def is_deactivated(person: Any) -> ColumnElement[bool]:
    """The condition on a person: their access is off. Who was merged goes on as somebody else."""
    return and_(person.deactivated_at.is_not(None), person.merged_into_id.is_(None))


def deactivated_at(
    session: Session, person: Person, at: datetime, *, past: bool = False
) -> datetime | None:
    """Since when the person is deactivated, or was at a `past` moment."""
    if not past:
        return person.deactivated_at
    was = type_coerce(as_it_was(Person, "deactivated_at", at), UTCDateTime())
    since = session.scalar(select(was).where(Person.id == person.id))
    return since if since is not None and since <= at else None


def identities(session: Session, person_id: int) -> Sequence[Identity]:
    """How LMSs know the person, oldest first."""
    return session.scalars(
        select(Identity).where(Identity.person_id == person_id).order_by(Identity.id)
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A right the person has now."""

    grant_id: int
    role: Role
    unit_id: int | None
    unit: str | None
    granted_at: datetime


def rights(session: Session, person_id: int) -> list[Right]:
    """What the person may, beside their own training."""
    rows = session.execute(
        select(Grant, Unit.name)
        .outerjoin(Unit, Unit.id == Grant.unit_id)
        .where(Grant.person_id == person_id, Grant.revoked_at.is_(None))
        .order_by(Grant.role, Unit.name, Grant.id)
    )
    return [
        Right(
            grant_id=grant.id,
            role=grant.role,
            unit_id=grant.unit_id,
            unit=name,
            granted_at=grant.granted_at,
        )
        for grant, name in rows
    ]


def grant_of(session: Session, organization_id: int, person_id: int, grant_id: int) -> Grant:
    found = session.scalar(
        select(Grant).where(
            Grant.organization_id == organization_id,
            Grant.person_id == person_id,
            Grant.id == grant_id,
        )
    )
    if found is None:
        raise PersonNotFoundError(grant_id)
    return found


def visits(session: Session, person_id: int, *, limit: int = 10) -> Sequence[SignIn]:
    """The last visits, newest first."""
    return session.scalars(
        select(SignIn)
        .where(SignIn.person_id == person_id)
        .order_by(SignIn.created_at.desc(), SignIn.id.desc())
        .limit(limit)
    ).all()
