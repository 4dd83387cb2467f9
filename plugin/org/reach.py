"""How far a person's rights reach: every unit for admins, the granted ones for managers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from plugin.org.errors import PersonNotFoundError, UnitNotFoundError
from plugin.org.models import Membership, Person, Unit
from plugin.web.identity import Me
from plugin.web.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The units whose people, standings and reports somebody may see; None: all of them.

    A manager of a region reaches its sites too.
    """

    organization_id: int
    unit_ids: frozenset[int] | None

    @property
    def is_whole(self) -> bool:
        """Whether the whole organization is in reach."""
        return self.unit_ids is None

    def has_unit(self, unit_id: int) -> bool:
        return self.unit_ids is None or unit_id in self.unit_ids

    def units(self) -> ColumnElement[bool]:
        """The condition on `Unit`: of the organization and in reach."""
        own = Unit.organization_id == self.organization_id
        return own if self.unit_ids is None else and_(own, Unit.id.in_(self.unit_ids))

    def people(
        self, person_id: ColumnElement[int] | InstrumentedAttribute[int], at: datetime
    ) -> ColumnElement[bool]:
        """The condition on a column of person ids: a member at `at` of a unit in reach.

        For the whole organization it says nothing; the caller's own condition names it.
        """
        if self.unit_ids is None:
            return true()
        inside = select(Membership.person_id).where(
            Membership.organization_id == self.organization_id,
            Membership.unit_id.in_(self.unit_ids),
            Membership.since_at <= at,
            or_(Membership.until_at.is_(None), Membership.until_at > at),
        )
        return person_id.in_(inside)


def reach_of(session: Session, person: Me) -> Reach:
    """What this person may see; one statement for managers, none for admins."""
    if person.role is Role.ADMIN:
        return Reach(organization_id=person.organization_id, unit_ids=None)
    if not person.managed_units:
        return Reach(organization_id=person.organization_id, unit_ids=frozenset())
    found = session.scalars(
        select(Unit.id).where(
            Unit.organization_id == person.organization_id,
            or_(Unit.id.in_(person.managed_units), Unit.region_id.in_(person.managed_units)),
        )
    )
    return Reach(organization_id=person.organization_id, unit_ids=frozenset(found))


def unit_in_reach(session: Session, reach: Reach, unit_id: int) -> Unit:
    """The unit, or the refusal that also says nothing about units out of reach."""
    found = session.scalar(select(Unit).where(Unit.id == unit_id, reach.units()))
    if found is None:
        raise UnitNotFoundError(unit_id)
    return found


def person_in_reach(session: Session, reach: Reach, person_id: int, at: datetime) -> Person:
    """The person, or the refusal that also says nothing about people out of reach."""
    found = session.scalar(
        select(Person).where(
            Person.id == person_id,
            Person.organization_id == reach.organization_id,
            reach.people(Person.id, at),
        )
    )
    if found is None:
        raise PersonNotFoundError(person_id)
    return found
