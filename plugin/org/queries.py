"""Reads of organizations, people, units and visits; everything takes the organization."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from plugin.core.secrets import hash_of
from plugin.org.errors import OrganizationNotFoundError, PersonNotFoundError, UnitNotFoundError
from plugin.org.models import (
    Grant,
    Membership,
    Organization,
    Person,
    SignIn,
    Unit,
    UnitKind,
)
from plugin.org.search import has_words
from plugin.web.identity import Me
from plugin.web.roles import Role


def visit(session: Session, token: str, at: datetime) -> Me | None:
    """The person behind a visit's token, with their rights, in one statement."""
    rows = session.execute(
        select(SignIn, Person, Organization, Grant.role, Grant.unit_id)
        .join(Person, Person.id == SignIn.person_id)
        .join(Organization, Organization.id == SignIn.organization_id)
        .outerjoin(Grant, and_(Grant.person_id == Person.id, Grant.revoked_at.is_(None)))
        .where(
            SignIn.token_hash == hash_of(token),
            SignIn.expires_at > at,
            SignIn.ended_at.is_(None),
            Person.deactivated_at.is_(None),
        )
    ).all()
    if not rows:
        return None
    sign_in, person, organization = rows[0][:3]
    roles = {row.role for row in rows}
    role = next((each for each in (Role.ADMIN, Role.MANAGER) if each in roles), Role.LEARNER)
    return Me(
        sign_in_id=sign_in.id,
        person_id=person.id,
        organization_id=organization.id,
        organization_name=organization.name,
        name=person.full_name,
        role=role,
        managed_units=frozenset(row.unit_id for row in rows if row.unit_id is not None),
        locale=sign_in.locale or person.locale or organization.locale,
        time_zone=organization.time_zone,
        frame_ancestors=sign_in.frame_ancestors,
        return_url=sign_in.return_url,
        launch=sign_in.launch,
    )


def framers_of_visit(session: Session, name: str, at: datetime) -> str | None:
    """Who may frame the visit with this name, while it lasts."""
    return session.scalar(
        select(SignIn.frame_ancestors).where(
            SignIn.token_hash >= name,
            SignIn.token_hash < f"{name}g",  # the name is the head of a hash in hexadecimal digits
            SignIn.expires_at > at,
            SignIn.ended_at.is_(None),
        )
    )


def organization_by_slug(session: Session, slug: str) -> Organization:
    found = session.scalar(select(Organization).where(Organization.slug == slug))
    if found is None:
        raise OrganizationNotFoundError
    return found


def unit_of(session: Session, organization_id: int, unit_id: int) -> Unit:
    found = session.scalar(
        select(Unit).where(Unit.organization_id == organization_id, Unit.id == unit_id)
    )
    if found is None:
        raise UnitNotFoundError(unit_id)
    return found


def unit_by_code(session: Session, organization_id: int, kind: UnitKind, id_code: str) -> Unit:
    found = session.scalar(
        select(Unit).where(
            Unit.organization_id == organization_id, Unit.kind == kind, Unit.id_code == id_code
        )
    )
    if found is None:
        raise UnitNotFoundError
    return found


def person_of(session: Session, organization_id: int, person_id: int) -> Person:
    found = session.scalar(
        select(Person).where(Person.organization_id == organization_id, Person.id == person_id)
    )
    if found is None:
        raise PersonNotFoundError(person_id)
    return found


def person_by_email(session: Session, organization_id: int, email: str) -> Person:
    """The one person with this address; refuses when there is none or more than one."""
    found = session.scalars(
        select(Person)
        .where(
            Person.organization_id == organization_id,
            func.lower(Person.email) == email.strip().lower(),
        )
        .limit(2)
    ).all()
    if len(found) != 1:
        raise PersonNotFoundError
    return found[0]


def candidates(session: Session, unit: Unit, words: str, *, limit: int = 20) -> Sequence[Person]:
    """People of the unit's organization, not in the unit, whose name, address or employee ID
    contains the words."""
    inside = select(Membership.person_id).where(
        Membership.unit_id == unit.id, Membership.until_at.is_(None)
    )
    return session.scalars(
        select(Person)
        .where(
            Person.organization_id == unit.organization_id,
            Person.deactivated_at.is_(None),
            has_words(words.strip()),
            Person.id.not_in(inside),
        )
        .order_by(Person.full_name, Person.id)
        .limit(limit)
    ).all()


def people_by_id(session: Session, organization_id: int, ids: Sequence[int]) -> Sequence[Person]:
    """These people of the organization, by name."""
    return session.scalars(
        select(Person)
        .where(Person.organization_id == organization_id, Person.id.in_(ids))
        .order_by(Person.full_name, Person.id)
    ).all()


def regions(session: Session, organization_id: int) -> Sequence[Unit]:
    return session.scalars(
        select(Unit)
        .where(
            Unit.organization_id == organization_id,
            Unit.kind == UnitKind.REGION,
            Unit.archived_at.is_(None),
        )
        .order_by(Unit.name)
    ).all()
