"""An admin with a document, and a learner who has to acknowledge it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.support.documents import new_document
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
    return new_document(boss)


@pytest.fixture
def learner(world: World, client: FlaskClient, module: Module) -> Person:
    person = world.person("Lars Learner")
    unit = world.unit()
    world.member(person, unit)
    training(unit, row(module, validity_months=12))
    world.sign_in(client, person)
    return person
