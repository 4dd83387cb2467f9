"""Admins see, invite, register, accept, disable; nobody else does."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool import invitations
from plugin.lti.tool.models import Deployment, Invitation, Registration
from plugin.lti.tool.queries import key_set
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World

ADDRESSES = {
    "name": "Campus",
    "issuer": "https://blackboard.com",
    "client_id": "b-1",
    "auth_url": "https://developer.blackboard.com/auth",
    "token_url": "https://developer.blackboard.com/token",
    "jwks_url": "https://developer.blackboard.com/jwks.json",
}


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def number_of(lms: Lms) -> int:
    db.session.rollback()
    found = db.session.scalar(select(Registration.id).where(Registration.uid == lms.uid))
    assert found is not None
    return found


def test_an_admin_invites_and_withdraws(admin: FlaskClient) -> None:
    page = admin.post("/admin/lms/invite", data={"name": "Campus Moodle", "admins_by_role": "y"})
    assert page.status_code == 200
    field = read(page.text).by_id("address")
    address = field.attributes["value"]
    assert re.fullmatch(r"https://tool\.example\.test/lti/register/[\w-]{32}", address)
    assert "readonly" in field.attributes  # selected and copied by hand where no script runs
    (button,) = [each for each in read(page.text).all("button") if "data-copies" in each.attributes]
    assert (button.attributes["data-copies"], "hidden" in button.attributes) == ("address", True)
    row = db.session.scalars(select(Invitation)).one()
    assert (row.name, row.admins_by_role) == ("Campus Moodle", True)
    assert row.created_by is not None
    assert "Campus Moodle" in admin.get("/admin/lms").text
    assert admin.post(f"/admin/lms/invitations/{row.id}/withdraw").status_code == 303
    assert "Campus Moodle" not in admin.get("/admin/lms").text


def test_an_lms_is_registered_by_hand(admin: FlaskClient, client: FlaskClient) -> None:
    page = admin.get("/admin/lms/new/blackboard", follow_redirects=True).text
    uid = re.search(r'name="uid" type="hidden" value="([0-9a-f]{16})"', page)
    assert uid, page
    assert f"https://tool.example.test/lti/{uid[1]}/login" in page
    assert "https://developer.blackboard.com/api/v1/gateway/oidcauth" in page
    answer = admin.post(
        "/admin/lms/new/blackboard", data={**ADDRESSES, "uid": uid[1], "deployment_id": "d-9"}
    )
    assert answer.status_code == 303, answer.text
    found = db.session.scalars(select(Registration)).one()
    assert (found.uid, found.product, found.issuer) == (uid[1], "blackboard", ADDRESSES["issuer"])
    assert db.session.scalars(select(Deployment.deployment_id)).all() == ["d-9"]
    assert admin.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("auth_url", "http://lms.example.test", "Use a complete https address"),
        ("token_url", "javascript:alert(1)", "Use a complete https address"),
        ("jwks_url", "", "This field is required."),
        ("name", " ", "This field is required."),
        ("client_id", "a\u0007b", "Use printable characters only."),
        ("extra_origins", "https://ok.example.test\nnonsense", "“nonsense” is not an address."),
    ],
)
def test_what_cannot_be_registered_is_said_at_its_field(
    admin: FlaskClient, field: str, value: str, words: str
) -> None:
    answer = admin.post("/admin/lms/new/other", data={**ADDRESSES, "uid": "0" * 16, field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert ADDRESSES["issuer"] in answer.text  # what was typed is kept
    assert db.session.scalar(select(Registration.id)) is None


def test_the_same_client_twice_is_refused_with_a_sentence(admin: FlaskClient) -> None:
    assert (
        admin.post("/admin/lms/new/other", data={**ADDRESSES, "uid": "1" * 16}).status_code == 303
    )
    again = admin.post("/admin/lms/new/other", data={**ADDRESSES, "uid": "2" * 16})
    assert again.status_code == 422
    assert "already registered" in again.text


@pytest.mark.parametrize("uid", ["", "../../admin", "register", "0" * 15])
def test_a_name_we_did_not_make_is_replaced(admin: FlaskClient, uid: str) -> None:
    assert admin.post("/admin/lms/new/other", data={**ADDRESSES, "uid": uid}).status_code == 303
    assert re.fullmatch(r"[0-9a-f]{16}", db.session.scalars(select(Registration.uid)).one())


@pytest.mark.parametrize("site", ["https://moodle.example.test/", " moodle.example.test"])
def test_a_site_fills_in_its_addresses(admin: FlaskClient, site: str) -> None:
    page = admin.get(
        "/admin/lms/new/moodle", query_string={"site": site}, follow_redirects=True
    ).text
    assert 'value="https://moodle.example.test/mod/lti/auth.php"' in page


def test_our_values_stay_when_the_site_is_filled_in(admin: FlaskClient) -> None:
    first = read(admin.get("/admin/lms/new/moodle", follow_redirects=True).text)
    asking = next(each for each in first.all("form") if each.all("input", name="site"))
    uid = asking.all("input", name="uid")[0].attributes["value"]
    page = admin.get("/admin/lms/new/moodle", query_string={"site": "m.example", "uid": uid}).text
    assert f"/lti/{uid}/launch" in page
    assert (
        "/lti/..-/launch"
        not in admin.get("/admin/lms/new/moodle?uid=..-", follow_redirects=True).text
    )


def test_a_waiting_deployment_is_accepted(world: World, admin: FlaskClient, lms: Lms) -> None:
    assert lms.launch(admin, deployment_id="77").status_code == 403
    number = number_of(lms)
    assert "1 deployment waits" in admin.get("/admin/lms").text
    row = db.session.scalars(select(Deployment).where(Deployment.deployment_id == "77")).one()
    assert admin.post(f"/admin/lms/{number}/deployments/{row.id}/accept").status_code == 303
    assert admin.post(f"/admin/lms/{number}/deployments/0/accept").status_code == 404
    assert lms.launch(admin, deployment_id="77").status_code == 303


def test_launches_are_switched_off_and_on(admin: FlaskClient, lms: Lms) -> None:
    number = number_of(lms)
    admin.post(f"/admin/lms/{number}/disable")
    assert lms.log_in(admin).status_code == 403
    assert "Disabled" in admin.get("/admin/lms").text
    admin.post(f"/admin/lms/{number}/enable")
    assert lms.log_in(admin).status_code == 302


def test_further_addresses_may_frame_the_tool(admin: FlaskClient, lms: Lms) -> None:
    number = number_of(lms)
    said = {"extra_origins": "https://campus.example.org/some/page\n"}
    assert admin.post(f"/admin/lms/{number}/origins", data=said).status_code == 303
    answer = lms.log_in(admin)
    assert "https://campus.example.org" in answer.headers["Content-Security-Policy"]
    wrong = admin.post(f"/admin/lms/{number}/origins", data={"extra_origins": "x y"})
    assert wrong.status_code == 422


def test_a_new_key_signs_and_the_old_one_is_still_published(admin: FlaskClient, lms: Lms) -> None:
    before = key_set(db.session, lms.uid, at=clock.now()).keys
    admin.post(f"/admin/lms/{number_of(lms)}/rotate")
    after = key_set(db.session, lms.uid, at=clock.now()).keys
    assert [each["kid"] for each in after[1:]] == [each["kid"] for each in before]
    assert "Published until" in admin.get(f"/admin/lms/{number_of(lms)}").text


@pytest.mark.parametrize("role", [None, Role.MANAGER])
def test_others_are_refused(world: World, client: FlaskClient, lms: Lms, role: Role | None) -> None:
    person = world.person()
    if role:
        world.grant(person, role, world.unit())
    world.sign_in(client, person)
    number = number_of(lms)
    for path in ("", "/invite", "/new", "/new/moodle", f"/{number}"):
        assert client.get(f"/admin/lms{path}").status_code == 403
    for path in ("/invite", "/new/moodle", f"/{number}/disable", f"/{number}/rotate"):
        assert client.post(f"/admin/lms{path}").status_code == 403


def test_another_organization_s_ids_are_unknown(world: World, admin: FlaskClient) -> None:
    other = World()
    other.new_organization("Elsewhere")
    theirs = number_of(register(other, client_id="theirs"))
    with transaction() as tx:
        row, _token = invitations.invite(
            tx.session,
            other.organization.id,
            name="",
            admins_by_role=False,
            by=None,
            now=clock.now(),
        )
        tx.session.flush()
        invitation = row.id
    assert admin.get(f"/admin/lms/{theirs}").status_code == 404
    for path in (f"{theirs}/disable", f"{theirs}/rotate", f"{theirs}/origins"):
        assert admin.post(f"/admin/lms/{path}", data={"extra_origins": ""}).status_code == 404
    assert admin.post(f"/admin/lms/invitations/{invitation}/withdraw").status_code == 404


def test_the_list_asks_as_much_for_many(world: World, admin: FlaskClient) -> None:
    register(world, client_id="c-1")
    with counted() as few:
        admin.get("/admin/lms")
    for each in range(5):
        register(world, client_id=f"more-{each}")
    with counted() as many:
        admin.get("/admin/lms")
    assert len(many) == len(few)


def test_looking_again_at_the_wizard_shows_the_same_values(admin: FlaskClient) -> None:
    moved = admin.get("/admin/lms/new/moodle?site=m.example")
    assert moved.status_code == 302
    address = moved.headers["Location"]
    assert "site=m.example" in address
    first, again = admin.get(address).text, admin.get(address).text
    assert re.findall(r"/lti/[0-9a-f]{16}/launch", first) == re.findall(
        r"/lti/[0-9a-f]{16}/launch", again
    )


def test_invitations_without_a_name_are_told_apart_by_their_moment(admin: FlaskClient) -> None:
    for hour in (10, 11):
        with clock.at(NOW.replace(hour=hour)):
            admin.post("/admin/lms/invite", data={"name": ""})
    page = read(admin.get("/admin/lms").text)
    buttons = [each.words for each in page.all("button") if "Withdraw" in each.words]
    assert len(set(buttons)) == 2
    assert all("Invitation of Mar 10, 2027" in each for each in buttons)
