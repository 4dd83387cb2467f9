"""A unit that the roster of an LMS course fills."""

from dataclasses import dataclass

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool import actions as lti_actions
from plugin.org import roster
from plugin.org.models import Membership, MembershipSource, Person, Unit
from plugin.org.roster import Synced
from plugin.org.rule_models import HeldSync, RosterTie
from tests.support.world import World


@dataclass
class Course:
    """A course tied to a unit, and people it may list."""

    world: World
    unit: Unit
    tie_id: int
    people: list[Person]

    def sync(self, *people: Person) -> Synced:
        """The roster names these people now."""
        return self.sync_ids([each.id for each in people])

    def sync_ids(self, ids: list[int]) -> Synced:
        """The same, by their ids."""
        with transaction() as tx:
            tie = tx.session.get_one(RosterTie, self.tie_id)
            return roster.apply_roster(tx, tie, ids, now=clock.now())

    def names(self) -> set[str]:
        """Who is in the unit by roster."""
        db.session.rollback()
        rows = db.session.query(Person.full_name).join(
            Membership, Membership.person_id == Person.id
        )
        return {
            name
            for (name,) in rows.filter(
                Membership.unit_id == self.unit.id,
                Membership.source == MembershipSource.ROSTER,
                Membership.until_at.is_(None),
            )
        }

    def held(self) -> HeldSync | None:
        """The sync that waits, if one does."""
        db.session.rollback()
        return db.session.query(HeldSync).filter_by(state="held").one_or_none()


def course(world: World, *, people: int = 0, unit: Unit | None = None, number: int = 1) -> Course:
    """A course of an LMS of its own, tied to a unit."""
    place = unit or world.unit("Quay")
    with transaction() as tx:
        registration = lti_actions.register(
            tx.session,
            place.organization_id,
            name="LMS",
            issuer=f"https://lms{world.number()}.example.test",
            client_id="c",
            auth_url="https://lms.example.test/auth",
            token_url="https://lms.example.test/token",
            jwks_url="https://lms.example.test/keys",
            deployment_ids=["1"],
            admins_by_role=False,
            encryption_key="another secret only tests know, long",
            by=None,
            now=clock.now(),
        )
        tie_id = tie(tx.session.merge(place), registration.id, number).id
    return Course(world, place, tie_id, [world.person(f"P{n:02} X") for n in range(people)])


def tie(unit: Unit, registration_id: int, number: int) -> RosterTie:
    """The course with this number fills the unit."""
    return roster.tie_course(
        db.session(),
        unit,
        registration_id=registration_id,
        deployment_id="1",
        context_id=str(number),
        title=f"Safety {number}",
        by=None,
        now=clock.now(),
    )
