"""Which key each side last used: an admin knows when an old one may end (K4)."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import db, transaction
from plugin.lti.tool import keys, services
from plugin.lti.tool.models import Registration, ToolKey
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.lti.campus import Peer
from tests.functional.lti.platform import Lms, jwk_of, private_key
from tests.support.html import read
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World

HOUR = timedelta(hours=1)


def theirs() -> tuple[str | None, object]:
    db.session.rollback()
    found = db.session.query(Registration).one()
    return found.their_kid, found.their_kid_at


def test_the_key_of_the_newest_verified_message_is_noted_once_an_hour(
    client: FlaskClient, lms: Lms
) -> None:
    lms.launch(client)
    assert theirs() == ("key-1", NOW)
    with clock.at(NOW + HOUR / 2):
        lms.launch(client)
    assert theirs() == ("key-1", NOW)
    with clock.at(NOW + HOUR):
        lms.launch(client)
    assert theirs() == ("key-1", NOW + HOUR)


def test_a_new_key_is_noted_at_once(client: FlaskClient, lms: Lms) -> None:
    lms.launch(client)
    with clock.at(NOW + HOUR / 2):
        lms.kid = "key-2"
        lms.key_set.keys = [jwk_of(private_key(), "key-1"), jwk_of(private_key(), "key-2")]
        assert lms.launch(client).status_code == 303
    assert theirs() == ("key-2", NOW + HOUR / 2)


def test_a_message_that_is_refused_notes_nothing(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims("another nonce"))
    assert lms.post(client, token, asked["state"]).status_code == 401
    assert theirs() == (None, None)


def test_the_usual_launch_costs_no_statement_more(client: FlaskClient, lms: Lms) -> None:
    lms.launch(client)
    with counted() as statements:
        lms.launch(client)
    assert not any(each.startswith("UPDATE registration") for each in statements)


def test_reading_our_key_set_is_noted_once_an_hour(client: FlaskClient, lms: Lms) -> None:
    def fetched() -> object:
        db.session.rollback()
        return db.session.query(ToolKey.fetched_at).scalar()

    assert fetched() is None
    client.get(f"/lti/{lms.uid}/jwks")
    assert fetched() == NOW
    with clock.at(NOW + HOUR / 2), counted() as statements:
        client.get(f"/lti/{lms.uid}/jwks")
    assert not any(each.startswith("UPDATE") for each in statements)
    with clock.at(NOW + HOUR):
        client.get(f"/lti/{lms.uid}/jwks")
    assert fetched() == NOW + HOUR


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def test_a_key_is_proven_by_the_access_the_lms_gives_for_it(
    peer: Peer,
) -> None:
    peer.launch("lars")
    work_off()
    db.session.rollback()
    old = db.session.query(ToolKey).one()
    assert old.proven_at == NOW
    with transaction() as tx:
        keys.rotate(
            tx.session,
            tx.session.query(Registration).one(),
            encryption_key="another secret only tests know, long",
            by=None,
            now=NOW,
        )
    client = services.client_of(db.session, current_settings(), old.registration_id, "1")
    with clock.at(NOW + 2 * HOUR):
        services.access_token(client, [services.MEMBERS])
    db.session.rollback()
    first, second = db.session.query(ToolKey).order_by(ToolKey.id)
    assert (first.proven_at, second.proven_at) == (NOW, NOW + 2 * HOUR)


def test_the_page_says_which_keys_were_seen(admin: FlaskClient, lms: Lms) -> None:
    number = db.session.query(Registration.id).scalar()
    page = f"/admin/lms/{number}"
    assert "No signed message of the LMS has been seen yet." in read(admin.get(page).text).words
    registration = db.session.query(Registration).one()
    registration.their_kid, registration.their_kid_at = "key-1", NOW
    db.session.commit()
    words = read(admin.get(page).text).words
    assert "The LMS last signed with its key key-1" in words
    assert "Last accepted by the LMS" in words
