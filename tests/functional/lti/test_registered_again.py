"""An LMS registers the tool again: nobody who is on the way with the old addresses is lost."""

from datetime import timedelta

from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.jobs import periodic
from plugin.lti.tool import actions
from plugin.lti.tool.configuration import Granted, Platform
from plugin.lti.tool.models import FormerAddress, Registration
from plugin.org.models import Identity, Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World

DAYS = timedelta(days=1)


def update(world: World, lms: Lms, uid: str) -> Lms:
    """The LMS's admin updates the tool: same client id, new addresses."""
    organization_id = world.organization.id
    with transaction() as tx:
        actions.keep_registration(
            tx.session,
            organization_id,
            uid=uid,
            name="",
            platform=Platform(
                issuer=lms.issuer,
                auth_url=lms.auth_url,
                token_url="https://lms.example.test/token.php",
                jwks_url="https://lms.example.test/certs.php",
                registration_url="https://lms.example.test/register",
                token_audience=None,
                product="moodle",
                scopes=(),
                variables=(),
            ),
            granted=Granted(client_id=lms.client_id, deployment_id="1", scopes=()),
            admins_by_role=False,
            encryption_key="another secret only tests know, long",
            now=clock.now(),
        )
    return Lms(uid=uid)


def test_a_login_begun_before_the_update_ends_after_it(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    update(world, lms, "new-address")
    token = lms.sign(lms.claims(asked["nonce"]))
    assert lms.post(client, token, asked["state"]).status_code == 303


def test_old_addresses_go_on_and_lead_to_the_same_person(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    """As an LMS uses them until its admin approves the new ones: it knows the old redirect only."""
    lms.launch(client)
    new = update(world, lms, "new-address")
    asked = lms.begin(client)
    assert asked["redirect_uri"] == lms.target
    token = lms.sign(lms.claims(asked["nonce"]))
    assert lms.post(client, token, asked["state"]).status_code == 303
    assert new.begin(client)["redirect_uri"] == new.target
    assert new.launch(client).status_code == 303
    db.session.rollback()
    assert db.session.query(Person).count() == 1
    assert db.session.query(Identity).count() == 1
    assert (
        client.get(f"/lti/{lms.uid}/jwks").get_json()
        == client.get(f"/lti/{new.uid}/jwks").get_json()
    )


def test_a_link_made_before_the_update_opens_after_it(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    """Activities picked earlier carry the old launch address as their target."""
    new = update(world, lms, "new-address")
    asked = new.begin(client, target_link_uri=lms.target)
    token = new.sign(new.claims(asked["nonce"], target_link_uri=lms.target))
    assert new.post(client, token, asked["state"]).status_code == 303


def test_every_address_before_is_kept_for_a_while_and_then_unknown(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    second = update(world, lms, "second")
    with clock.at(NOW + 10 * DAYS):
        third = update(world, second, "third")
    with clock.at(NOW + 89 * DAYS):
        for each in (lms, second, third):
            assert each.log_in(client).status_code == 302
    with clock.at(NOW + 90 * DAYS):
        assert lms.log_in(client).status_code == 404
        assert client.get(f"/lti/{lms.uid}/jwks").status_code == 404
        assert second.log_in(client).status_code == 302
        assert third.log_in(client).status_code == 302


def test_disabling_closes_the_old_addresses_too(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    update(world, lms, "new-address")
    db.session.query(Registration).one().state = "disabled"
    db.session.commit()
    assert lms.log_in(client).status_code == 403


def test_an_old_address_opens_nobody_elses_registration(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    other = register(world, client_id="client-2")
    update(world, lms, "new-address")
    stranger = Lms(uid=lms.uid, client_id=other.client_id)
    assert stranger.log_in(client).status_code == 400


def test_the_current_address_costs_no_look_at_old_ones(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    new = update(world, lms, "new-address")
    with counted() as statements:
        new.log_in(client)
    assert not any("former_address" in each for each in statements)


def test_the_page_says_until_when_old_addresses_are_answered(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    update(world, lms, "new-address")
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    number = db.session.query(Registration.id).scalar()
    words = read(client.get(f"/admin/lms/{number}").text).words
    assert "Addresses from before are answered too" in words
    assert lms.uid in words


def test_former_addresses_are_tidied_once_their_time_is_over(world: World, lms: Lms) -> None:
    update(world, lms, "new-address")
    for days, left in ((89, 1), (91, 0)):
        with clock.at(NOW + days * DAYS):
            periodic.tidy()
        assert db.session.query(FormerAddress).count() == left
