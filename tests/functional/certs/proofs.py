"""Certificates in the tests' world: a person, a unit, its training, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from plugin.certs.models import Certificate, Edition
from plugin.core import clock
from plugin.core.db import db
from plugin.modules.models import Module
from plugin.org.models import Person, Unit
from tests.functional.assign.places import evaluate_later, row, training
from tests.support.work import work_off
from tests.support.world import World


@dataclass
class Learner:
    """Ada at North Quay, where one or more modules are required."""

    world: World
    person: Person
    unit: Unit
    modules: list[Module]
    configuration_id: int

    def passes(self, module: Module | None = None, *, happened_at: datetime | None = None) -> None:
        """A passed module, and everything that follows from it."""
        self.world.completion(
            self.person, module or self.modules[0], happened_at=happened_at, score=0.87
        )
        evaluate_later(self.person)
        work_off()


def learner(
    world: World, *, titles: Sequence[str] = ("Working at height",), months: int | None = 12
) -> Learner:
    person, unit = world.person(), world.unit()
    world.member(person, unit, since=clock.now() - timedelta(days=400))
    modules = [world.module(title) for title in titles]
    configuration_id = training(unit, *(row(each, validity_months=months) for each in modules))
    work_off()
    return Learner(world, person, unit, modules, configuration_id)


def certificate() -> Certificate:
    """The only certificate there is."""
    db.session.rollback()
    return db.session.scalars(select(Certificate)).one()


def editions() -> Sequence[Edition]:
    db.session.rollback()
    return db.session.scalars(select(Edition).order_by(Edition.number)).all()
