"""A module of sessions, an instructor, and a learner who has to attend one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.classroom import planning
from plugin.classroom.models import ClassSession, SessionState
from plugin.classroom.planning import Plan
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Module
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.support.world import World

Planned = Callable[..., ClassSession]
USUAL = Plan(
    starts=datetime(2027, 3, 12, 9),  # noqa: DTZ001 - as the clock on the wall shows it
    ends=datetime(2027, 3, 12, 12),  # noqa: DTZ001
    zone="Europe/London",
    place="Hall 3",
    instructor="",
    capacity=2,
    note="Bring gloves.",
    state=SessionState.OPEN,
)


@pytest.fixture
def boss(world: World) -> Person:
    person = world.person("Anna Admin", email="anna@example.test")
    world.grant(person, Role.ADMIN)
    return person


def browser_of(app: Flask, world: World, person: Person) -> FlaskClient:
    """A browser of the person's own."""
    own = app.test_client()
    world.sign_in(own, person)
    return own


@pytest.fixture
def admin(app: Flask, world: World, boss: Person, client: FlaskClient) -> FlaskClient:
    return browser_of(app, world, boss)


@pytest.fixture
def teacher(world: World) -> Person:
    """Leads sessions, and is a learner otherwise."""
    return world.person("Ines Instructor", email="ines@example.test")


@pytest.fixture
def teaching(app: Flask, world: World, teacher: Person, client: FlaskClient) -> FlaskClient:
    return browser_of(app, world, teacher)


def new_module(boss: Person, *, confirms: bool = True) -> Module:
    by, organization_id = boss.id, boss.organization_id
    with transaction() as tx:
        module_id = planning.create_module(
            tx,
            organization_id,
            title="Ladders, practice",
            words="",
            confirms=confirms,
            by=by,
            now=clock.now(),
        ).id
    return db.session.get_one(Module, module_id)


@pytest.fixture
def module(boss: Person) -> Module:
    return new_module(boss)


@pytest.fixture
def planned(boss: Person, teacher: Person, module: Module) -> Planned:
    """A session of the module, as usual but for what is said."""

    def make(**said: Any) -> ClassSession:
        plan = replace(USUAL, **{"instructor": "ines@example.test", **said})
        by, module_id = boss.id, module.id
        with transaction() as tx:
            target = tx.session.get_one(Module, module_id)
            made = planning.plan(tx, target, plan, by=by, now=clock.now()).id
        return db.session.get_one(ClassSession, made)

    return make


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("North Quay")


@pytest.fixture
def learner(world: World, client: FlaskClient, module: Module, quay: Unit) -> Person:
    person = world.person("Lars Learner", email="lars@example.test")
    world.member(person, quay)
    training(quay, row(module, validity_months=12))
    world.sign_in(client, person)
    return person


DURING = datetime.fromisoformat("2027-03-12T10:00:00+00:00")
AFTERWARDS = DURING + timedelta(hours=3)


def new_session(boss: Person, module: Module, *, hours: int, place: str) -> ClassSession:
    """A session that starts so many hours from now, for two hours."""
    starts = (clock.now() + timedelta(hours=hours)).replace(tzinfo=None)
    plan = replace(
        USUAL,
        starts=starts,
        ends=starts + timedelta(hours=2),
        zone="UTC",
        place=place,
        instructor="",
    )
    by, module_id = boss.id, module.id
    with transaction() as tx:
        target = tx.session.get_one(Module, module_id)
        made = planning.plan(tx, target, plan, by=by, now=clock.now()).id
    return db.session.get_one(ClassSession, made)
