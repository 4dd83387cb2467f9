"""Random situations: people, units and trainings, and all that can happen to them."""

import random
from datetime import timedelta

from sqlalchemy import select

from plugin.assign.draft import DraftRow
from plugin.assign.models import Configuration
from plugin.certs import actions
from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.org.models import Membership, Person, Unit, UnitKind
from tests.functional.assign.places import HIDDEN, evaluate_later, publish, row, training
from tests.functional.certs.proofs import certificate
from tests.support.work import work_off
from tests.support.world import World


def withhold(name: str, found: Certificate | None = None) -> None:
    held = found or certificate()
    with transaction() as tx:
        act = getattr(actions, name)
        act(tx, tx.session.merge(held), by=None, reason="as told", now=clock.now())
    work_off()


class Situation:
    """Some people, units and trainings, and random things that happen to them."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice = world, random.Random(seed)
        region = world.unit("North", kind=UnitKind.REGION)
        self.units = [region, world.unit("Quay", region=region), world.unit("Yard")]
        self.modules = [world.module(name) for name in ("Lifting", "Diving")]
        self.people = [world.person(f"Person {number}") for number in range(4)]
        for person in self.people:
            self.join(person)
        self.trainings = [self.train(unit) for unit in self.units]
        for person in self.people:
            for module in self.modules:
                if self.dice.random() < (0.9 if module is self.modules[0] else 0.4):
                    world.completion(person, module)
            evaluate_later(person)
        work_off()

    def train(self, unit: Unit) -> int:
        return training(unit, *self.rows(), name=f"Training of {unit.name}")

    def rows(self) -> list[DraftRow]:
        months = self.dice.choice([1, 2, 6, None])
        return [row(self.modules[0], validity_months=months), row(self.modules[1], HIDDEN)]

    def join(self, person: Person) -> None:
        unit = self.dice.choice(self.units)
        if not db.session.scalars(
            select(Membership).where(
                Membership.person_id == person.id,
                Membership.unit_id == unit.id,
                Membership.until_at.is_(None),
            )
        ).first():
            self.world.member(person, unit)

    def leave(self, person: Person) -> None:
        for each in db.session.scalars(
            select(Membership).where(
                Membership.person_id == person.id, Membership.until_at.is_(None)
            )
        ):
            each.until_at = clock.now()
        db.session.commit()

    def republish(self) -> None:
        configuration_id = self.dice.choice(self.trainings)
        rows = self.rows() if self.dice.random() < 0.6 else [row(each) for each in self.modules]
        rows = rows if self.dice.random() < 0.8 else [row(self.modules[0], HIDDEN)]
        publish(configuration_id, *rows, certificate=self.dice.random() < 0.7)

    def archive(self) -> None:
        kind, ids = self.dice.choice(
            [(Configuration, self.trainings), (Unit, [unit.id for unit in self.units])]
        )
        found = db.session.get_one(kind, self.dice.choice(ids))
        found.archived_at = clock.now()
        db.session.commit()

    def withhold(self) -> None:
        found = db.session.scalars(select(Certificate)).all()
        if found:
            name = self.dice.choice(["suspend", "suspend", "lift", "revoke"])
            one = self.dice.choice(found)
            try:
                withhold(name, one)
            except actions.CertificateRevokedError:
                return

    def complete(self, person: Person) -> None:
        """Some completions end by their own words."""
        own_end = clock.now().date() + timedelta(days=self.dice.randint(1, 50))
        self.world.completion(
            person,
            self.dice.choice(self.modules),
            valid_until_on=self.dice.choice([None, None, own_end]),
        )

    def happens(self) -> None:
        person = self.dice.choice(self.people)
        deed = self.dice.choice(
            [
                lambda: self.join(person),
                lambda: self.leave(person),
                lambda: self.complete(person),
                self.republish,
                self.republish,
                self.withhold,
                self.archive if self.dice.random() < 0.15 else self.withhold,
            ]
        )
        deed()
        for each in self.people:
            evaluate_later(each)
        work_off()
