"""Who a launch is: identities are (issuer, client id, sub), never an email address."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.org import actions
from plugin.org.errors import PersonDeactivatedError
from plugin.org.models import Identity, Person
from tests.support.world import World


def admit(world: World, **said: Any) -> int:
    facts: dict[str, Any] = {
        "issuer": "https://lms.example.test",
        "client_id": "client",
        "subject": "6",
        "given_name": "Lars",
        "family_name": "Learner",
        "full_name": None,
        "email": "lars@example.test",
        "locale": "en",
    }
    organization_id = world.organization.id
    with transaction() as tx:
        person = actions.admit_person(
            tx.session, organization_id, **(facts | said), now=clock.now()
        )
        return person.id


def test_the_same_identity_is_the_same_person_and_news_replaces_what_was_known(
    world: World,
) -> None:
    first = admit(world)
    assert admit(world, given_name="Lars Erik", email="new@example.test") == first
    person = db.session.get_one(Person, first)
    assert (person.full_name, person.email) == ("Lars Erik Learner", "new@example.test")


def test_silence_of_the_lms_changes_nothing(world: World) -> None:
    first = admit(world)
    admit(world, given_name=None, family_name=None, email=None, locale=None)
    person = db.session.get_one(Person, first)
    assert (person.full_name, person.email) == ("Lars Learner", "lars@example.test")


def test_the_same_email_in_another_lms_is_another_person(world: World) -> None:
    assert admit(world) != admit(world, issuer="https://other.example.test")
    assert admit(world) != admit(world, client_id="other")
    assert db.session.scalar(select(func.count(Identity.id))) == 3


def test_a_person_without_any_name_gets_one(world: World) -> None:
    person = admit(world, given_name=None, family_name=None, email=None)
    assert db.session.get_one(Person, person).full_name == "Learner 6"


def test_a_deactivated_person_is_refused(world: World) -> None:
    person = db.session.get_one(Person, admit(world))
    person.deactivated_at = clock.now()
    db.session.commit()
    with pytest.raises(PersonDeactivatedError):
        admit(world)


def test_an_address_that_is_none_is_not_kept(world: World, app: Flask) -> None:
    assert db.session.get_one(Person, admit(world, email="not an address")).email is None
