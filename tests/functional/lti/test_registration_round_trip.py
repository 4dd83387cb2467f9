"""The tool registers itself with the miniature LMS, which then launches it at the new address."""

from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool import invitations
from plugin.lti.tool.models import Registration
from sandbox.registering import problem_of
from tests.functional.lti.campus import CLIENT_ID, URL, Peer
from tests.support.html import read
from tests.support.world import World


def test_it_is_installed_again_with_its_people_and_keys(
    world: World, app: Flask, client: FlaskClient, peer: Peer
) -> None:
    assert peer.launch("lars") == 303
    before = db.session.query(Registration).one()
    number, uid = before.id, before.uid
    organization_id = world.organization.id
    with transaction() as tx:
        _row, token = invitations.invite(
            tx.session, organization_id, name="", admins_by_role=True, by=None, now=clock.now()
        )
    with peer.app.test_client() as browser:
        browser.post("/sign-in", data={"username": "astrid"})
        address = f"{peer.lms.tool_url}/lti/register/{token}"
        page = read(browser.post("/tools", data={"address": address}).text)
    frame = page.all("iframe")[0].attributes["src"]
    answer = client.get(frame.removeprefix(peer.lms.tool_url))
    assert answer.status_code == 200, answer.text
    db.session.rollback()
    after = db.session.query(Registration).one()
    assert (after.id, after.client_id, after.issuer) == (number, CLIENT_ID, URL)
    assert after.uid != uid
    assert peer.app.extensions["tool"].launch_url.endswith(f"/lti/{after.uid}/launch")
    peer.lms.uid = after.uid
    assert peer.launch("lars") == 303
    assert client.get(frame.removeprefix(peer.lms.tool_url)).status_code == 403


def test_only_administrators_see_the_tools_and_only_of_this_tool(peer: Peer) -> None:
    with peer.app.test_client() as browser:
        browser.post("/sign-in", data={"username": "lars"})
        assert browser.get("/tools").status_code == 404
        browser.post("/sign-in", data={"username": "astrid"})
        assert browser.get("/tools").status_code == 200
        said = {"address": "https://evil.example/lti/register/x"}
        assert browser.post("/tools", data=said).status_code == 400


def test_the_lms_is_as_strict_as_a_moodle(peer: Peer) -> None:
    with peer.app.test_client() as browser:
        assert browser.post("/register", json={}).get_data() == b"missing_registration_token"
        used = browser.post("/register", json={}, headers={"Authorization": "Bearer x"})
        assert (used.status_code, used.get_data()) == (401, b"token_already_used")
    assert problem_of(None) == "invalid_json"
    assert problem_of({}) == "missing required attribute initiate_login_uri"
