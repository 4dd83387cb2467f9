"""Whatever happened since: a past moment is answered as it was answered then."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign import drafting, listed, listing, merging
from plugin.assign.fetch import facts
from plugin.assign.models import Configuration
from plugin.certs import actions as certs_actions
from plugin.certs import issued, transcript
from plugin.certs import queries as certs_queries
from plugin.certs.errors import CertificateRevokedError
from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.lti.platform.queries import count_pending
from plugin.org import actions as org_actions
from plugin.org import (
    grant_actions,
    member_queries,
    people_actions,
    people_queries,
    person_actions,
    unit_actions,
    unit_queries,
)
from plugin.org.as_of import AsOf
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Grant, Person, Unit, UnitKind
from plugin.org.reach import Reach
from plugin.reports import activity, matrix, overview, standings, unreachable
from plugin.web.listing import Asked
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, judge
from tests.functional.assign.test_equality import History
from tests.support.scale import IS_FULL, IS_ON_SERVER, scale
from tests.support.world import World

ZONES = ("Pacific/Kiritimati", "Etc/GMT+12", "Europe/London", None)
EVERYTHING = Asked(sort="person", size=1000)


class Eventful(History):
    """A history in which also places, people and certificates change, by the product's actions."""

    withheld = 0

    def deeds(self) -> dict[str, Callable[[Person], None]]:
        return {
            "train": lambda _person: self.step(),
            "pass": self.pass_everything,
            "place": self.change_place,
            "switch": self.switch,
            "merge": self.merge,
            "archive": self.archive,
            "withhold": self.withhold,
            "readdress": self.readdress,
        }

    def happen(self, deed: str) -> None:
        self.deeds()[deed](self.dice.choice(self.people))
        for person in self.people:
            evaluate_later(person)
        judge(JobName.ISSUE_CERTIFICATE)

    def pass_everything(self, _person: Person) -> None:
        """Nobody lacks anything: certificates are issued."""
        for person in self.people:
            for module in self.modules:
                self.world.completion(person, module, happened_at=clock.now(), score=0.95)

    def change_place(self, _person: Person) -> None:
        """Another zone, in or out of the region, archived or restored."""
        with transaction() as tx:
            unit = tx.session.get_one(Unit, self.dice.choice(self.units).id)
            deed = self.dice.choice(["edit", "edit", "archive"])
            if deed == "archive":
                act = unit_actions.restore_unit if unit.archived_at else unit_actions.archive_unit
                act(tx, unit, by=self.boss.id, reason="as decided", now=clock.now())
                return
            region = self.dice.choice([None, self.units[0]]) if unit.kind == "site" else None
            unit_actions.edit_unit(
                tx,
                unit,
                name=unit.name,
                id_code=unit.id_code,
                description="",
                time_zone=self.dice.choice(ZONES),
                region=tx.session.get_one(Unit, region.id) if region else None,
                by=self.boss.id,
                now=clock.now(),
            )

    def switch(self, person: Person) -> None:
        with transaction() as tx:
            is_off = tx.session.get_one(Person, person.id).deactivated_at is not None
            act = people_actions.reactivate_many if is_off else people_actions.deactivate_many
            one = select(Person.id).where(Person.id == person.id)
            act(
                tx,
                person.organization_id,
                one,
                by=self.boss.id,
                reason="as decided",
                now=clock.now(),
            )

    def readdress(self, person: Person) -> None:
        """Another address, or none; a right given or taken."""
        with transaction() as tx:
            found = tx.session.get_one(Person, person.id)
            if found.merged_into_id is not None:
                return
            person_actions.edit_person(
                tx.session,
                found,
                name=found.full_name,
                email=self.dice.choice([None, "one@example.test", "two@example.test"]),
                employee_id=found.employee_id,
                locale=None,
                by=self.boss.id,
                now=clock.now(),
            )
            given = tx.session.scalar(
                select(Grant).where(Grant.person_id == person.id, Grant.revoked_at.is_(None))
            )
            if given is not None:
                grant_actions.revoke(
                    tx.session, given, by=self.boss.id, reason="over", now=clock.now()
                )
            elif found.deactivated_at is None:
                unit = tx.session.get_one(Unit, self.units[0].id)
                org_actions.grant(
                    tx.session, found, Role.MANAGER, unit=unit, by=self.boss.id, now=clock.now()
                )

    def merge(self, person: Person) -> None:
        """Two entries become one; a merge there is already is undone."""
        with transaction() as tx:
            made = tx.session.scalar(
                select(PersonMerge).where(
                    PersonMerge.organization_id == person.organization_id,
                    PersonMerge.undone_at.is_(None),
                )
            )
            if made is not None:
                merging.unmerge(tx, made, by=self.boss.id, reason="two", now=clock.now())
                return
            one, other = (
                tx.session.get_one(Person, each.id) for each in self.dice.sample(self.people, 2)
            )
            rights = select(Grant.id).where(Grant.person_id == other.id, Grant.revoked_at.is_(None))
            is_barred = one.deactivated_at or other.deactivated_at or tx.session.scalar(rights)
            if not is_barred:
                merging.merge(tx, one, other, by=self.boss.id, reason="one", now=clock.now())

    def archive(self, _person: Person) -> None:
        with transaction() as tx:
            found = tx.session.get_one(Configuration, self.dice.choice(self.configurations))
            act = drafting.restore if found.archived_at else drafting.archive
            act(tx, found, by=self.boss.id, reason="as decided", now=clock.now())

    def withhold(self, person: Person) -> None:
        with transaction() as tx:
            found = tx.session.scalars(
                select(Certificate).where(Certificate.organization_id == person.organization_id)
            ).all()
            if not found:
                return
            act = getattr(certs_actions, self.dice.choice(["suspend", "suspend", "lift", "revoke"]))
            try:
                act(tx, self.dice.choice(found), by=self.boss.id, reason="told", now=clock.now())
                self.withheld += 1
            except CertificateRevokedError:
                return

    def told(self, at: datetime, *, past: bool) -> dict[str, Any]:
        """Everything lists, matrix and person's page say of a moment."""
        db.session.rollback()
        session = db.session()
        organization_id = self.world.organization.id
        whole = Reach(organization_id=organization_id, unit_ids=None)
        of_manager = Reach(organization_id=organization_id, unit_ids=frozenset({self.units[1].id}))
        said: dict[str, Any] = {}
        for name, reach in (("whole", whole), ("manager", of_manager)):
            duties = listed.answering(session, reach, at, past=past)
            figures = overview.figures(
                session, reach, duties, region=None, tools=count_pending(organization_id)
            )
            said |= {
                f"standings of {name}": _in_order(
                    standings.all_standings(session, reach, EVERYTHING, at=at, past=past)
                ),
                f"certificates of {name}": _in_order(
                    issued.all_certificates(session, reach, EVERYTHING, at=at, past=past)
                ),
                f"shares of {name}": overview.overview(
                    session, reach, Asked(sort="unit", size=1000), duties, region=None
                ).everybody,
                f"forecast of {name}": (figures.expiring, figures.newly_invalid),
            }
        for unit in self.units:
            columns, lines = matrix.whole_matrix(session, unit, EVERYTHING, at=at, past=past)
            said[f"matrix of {unit.name}"] = (columns, list(lines))
        people = [person.id for person in self.people]
        found = facts(
            session,
            organization_id,
            person_ids=people,
            configuration_ids=self.configurations,
            at=at,
            past=past,
        )
        said["standings by the rules"] = {
            (person_id, configuration_id): found.standing(person_id, configuration_id)
            for person_id in people
            for configuration_id in sorted(found.configurations)
        }
        return said | self.told_of_lists(at, past=past)

    def told_of_lists(self, at: datetime, *, past: bool) -> dict[str, Any]:
        """What the lists of people, units and training say, and each person's own record."""
        session = db.session()
        organization_id = self.world.organization.id
        whole = Reach(organization_id=organization_id, unit_ids=None)
        asked = Asked(sort="name", size=1000)
        gone = Asked(sort="name", size=1000, filters={"state": "archived"})
        off = Asked(sort="name", size=1000, filters={"state": "deactivated"})
        said: dict[str, Any] = {
            "people": people_queries.people(session, whole, asked, at, past=past),
            "people who are off": people_queries.people(session, whole, off, at, past=past),
            "training": [
                replace(each, has_changes=False)
                for wanted in (asked, gone)
                for each in listing.rows(session, organization_id, wanted, at, past=past)
            ],
            "unreachable": unreachable.unreachable(session, whole, asked, at=at, past=past).items,
        }
        for kind in UnitKind:
            for wanted in (asked, gone):
                found = unit_queries.unit_rows(session, whole, kind, wanted, at, past=past)
                said[f"{wanted.filters} {kind}s"] = _in_order(found)
        for unit in self.units:
            found = member_queries.member_rows(session, unit, asked, at, past=past)
            said[f"members of {unit.name}"] = list(found)
        for person in self.people:
            log = activity.rows(session, whole, person.id, asked, at=at)
            # what an entry was still to hear goes over when it is merged, and is of the other then
            said[f"log of {person.id}"] = _in_order(
                each for each in log if each.kind is not activity.Kind.MAIL
            )
            said[f"certificates of {person.id}"] = certs_queries.certificates_of(
                session, organization_id, person.id, at=at, past=past
            )
            said[f"transcript of {person.id}"] = _lines_of(session, person, at)
        return said


def _lines_of(session: Session, person: Person, at: datetime) -> Any:
    moment = AsOf(at=at, zone="Europe/London")
    return transcript.transcript(session, session.get_one(Person, person.id), moment).lines


def _of_then(answer: Any, what: str) -> str:
    """What is said, without addresses of people: those are of today, but for who had none."""
    said = repr(answer)
    return said if what == "unreachable" else re.sub(r"email=[^,)]*", "", said)


def _in_order(lines: Iterable[Any]) -> list[Any]:
    """Whose name, unit and training are the same have no order of their own."""
    return sorted(lines, key=repr)


DEEDS = ("train", "train", "train", "place", "switch", "merge", "archive", "withhold", "readdress")

OF_EACH_KIND = [
    ("train", 20),
    ("pass", 1),
    ("withhold", 20),
    ("withhold", 1),
    ("place", 200),
    ("merge", 20),
    ("readdress", 1),
    ("switch", 900),
    ("archive", 20),
]
"""What is always played; what is drawn besides is more at full size."""
DRAWN = () if IS_ON_SERVER and not IS_FULL else (Phase.reuse, Phase.generate)


@example(seed=1, deeds=OF_EACH_KIND)
@settings(
    max_examples=scale(12, usually=1),
    phases=(Phase.explicit, *DRAWN),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 10_000),
    deeds=st.lists(
        st.tuples(st.sampled_from(DEEDS), st.sampled_from([1, 20, 200, 900])),
        min_size=4,
        max_size=scale(12, usually=5),
    ),
)
def test_the_past_is_told_as_it_was_told_then(
    world: World, seed: int, deeds: list[tuple[str, int]]
) -> None:
    now = NOW
    with clock.at(now):
        db.session.rollback()
        world._organization = world.new_organization("Harbour Works")
        history = Eventful(world, seed)
        said = [(now, history.told(now, past=False))]
    for deed, hours in deeds:
        now += timedelta(hours=hours)
        with clock.at(now):
            history.happen(deed)
            said.append((now, history.told(now, past=False)))
    with clock.at(now + timedelta(hours=1)):
        assert history.withheld or deeds != OF_EACH_KIND
        for at, then in said:
            told = history.told(at, past=True)
            for what, answer in then.items():
                assert _of_then(told[what], what) == _of_then(answer, what), (what, at)
