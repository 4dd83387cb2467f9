"""A learner who may submit a certificate, and those who decide about it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Module
from plugin.org.models import Person, Unit
from plugin.submissions import actions
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.support.world import World


@pytest.fixture
def boss(world: World) -> Person:
    person = world.person("Anna Admin")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def admin(app: Flask, world: World, boss: Person, client: FlaskClient) -> FlaskClient:
    """A browser of the admin's own."""
    own = app.test_client()
    world.sign_in(own, boss)
    return own


@pytest.fixture
def module(boss: Person) -> Module:
    by, organization_id = boss.id, boss.organization_id
    with transaction() as tx:
        made = actions.create_module(
            tx, organization_id, title="First aid", words="In person.", by=by, now=clock.now()
        )
        module_id = made.id
    return db.session.get_one(Module, module_id)


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("North Quay")


@pytest.fixture
def learner(world: World, client: FlaskClient, module: Module, quay: Unit) -> Person:
    person = world.person("Lars Learner", email="lars@example.test")
    world.member(person, quay)
    training(quay, row(module, validity_months=24))
    world.sign_in(client, person)
    return person
