"""The tool registers itself with each make of LMS that can, and each in its odd way (R1 to R7)."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.lti.tool import invitations, queries
from plugin.lti.tool.configuration import SCOPES, TOOL
from plugin.lti.tool.deployments import accept_deployment
from plugin.lti.tool.models import Registration
from plugin.lti.tool.profiles import profile_of
from plugin.lti.tool.service_models import GradeState
from plugin.lti.tool.views import KEYS
from plugin.modules.models import Module
from sandbox.behaviour import MAKES, Registering, behaviour_of
from sandbox.oidc import Tool
from sandbox.tokens import VARIABLES
from tests.functional.lti.campus import URL, Peer, Place, campus, grade
from tests.functional.lti.grade_story import Done, complete, completed, module
from tests.support.html import read
from tests.support.world import World

__all__ = ["complete", "module"]
WHO_REGISTER = sorted(name for name, each in MAKES.items() if each.registering)


@pytest.fixture(params=WHO_REGISTER)
def lms(
    request: pytest.FixtureRequest,
    app: Flask,
    world: World,
    client: FlaskClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Peer:
    """A new LMS of this make, where nobody has installed the tool."""
    app.extensions[KEYS].forget()
    place = Place(registration_uid="nowhere")
    found = campus(
        world, client, tmp_path, lambda call: monkeypatch.setattr(http, "call", call), place
    )
    found.grades.behaviour = behaviour_of(request.param)
    found.app.extensions["tokens"].audience = found.grades.behaviour.token_audience
    return found


def how(lms: Peer) -> Registering:
    found = lms.grades.behaviour.registering
    assert found is not None
    return found


def invited(world: World) -> str:
    organization_id = world.organization.id
    with transaction() as tx:
        _row, token = invitations.invite(
            tx.session, organization_id, name="", admins_by_role=True, by=None, now=clock.now()
        )
    return token


def address(lms: Peer, token: str) -> str:
    """What an administrator of the LMS makes of the invitation: the page in the frame."""
    browser = lms.app.test_client()
    browser.post("/sign-in", data={"username": "astrid"})
    said = {"address": f"{lms.lms.tool_url}/lti/register/{token}"}
    page = read(browser.post("/tools", data=said).text)
    return page.all("iframe")[0].attributes["src"].removeprefix(lms.lms.tool_url)


def registration() -> Registration:
    db.session.rollback()
    return db.session.query(Registration).one()


def installed(world: World, lms: Peer, client: FlaskClient) -> str:
    """The tool has registered itself; its page at the end."""
    answer = client.get(address(lms, invited(world)))
    assert answer.status_code == 200, answer.text
    lms.lms.uid = registration().uid
    return answer.text


def activate(lms: Peer) -> None:
    browser = lms.app.test_client()
    browser.post("/sign-in", data={"username": "astrid"})
    assert browser.post("/tools/activate").status_code == 303


def test_r1_r2_r4_r5_it_registers_and_keeps_what_was_granted(
    world: World, lms: Peer, client: FlaskClient
) -> None:
    page = installed(world, lms, client)
    found, wanted = registration(), lms.grades.behaviour
    assert (found.issuer, found.product) == (URL, wanted.product)
    assert found.token_audience == (wanted.token_audience or None)
    assert set(found.scopes) >= set(SCOPES)
    known = queries.deployments(db.session, found.id)
    assert known == (["1"] if how(lms).gives_deployment else [])
    assert ("named no deployment yet" in page) is not how(lms).gives_deployment
    for step in profile_of(wanted.product).next_steps:
        assert str(step).split(",")[0][:20] in read(page).words
    tool: Tool = lms.app.extensions["tool"]
    assert tool.launch_url == lms.lms.target
    assert tool.custom["context_history"] == "$Context.id.history"
    reads = [
        "Authorization" in headers
        for (_method, url), headers in zip(lms.calls, lms.sent, strict=True)
        if "openid-configuration" in url
    ]
    assert reads == ([True, False] if how(lms).configuration == "refuses" else [True])


def test_what_is_asked_for_is_what_the_make_understands(
    world: World, lms: Peer, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("sandbox.registering.problem_of", lambda said: asked.append(said) or None)
    installed(world, lms, client)
    (said,) = asked
    extended = [name for name in said[TOOL] if name.startswith("https://canvas.instructure.com/")]
    assert bool(extended) is (lms.grades.behaviour.product == "canvas")
    picking = [each for each in said[TOOL]["messages"] if each["type"] == "LtiDeepLinkingRequest"]
    assert len(picking) == 1, "a Moodle takes one"
    offered = {f"${name}" for name in VARIABLES}
    assert set(said[TOOL]["custom_parameters"].values()) <= offered


def test_it_is_opened_once_activated_and_its_scores_arrive(
    world: World, lms: Peer, client: FlaskClient, module: Module, complete: Done
) -> None:
    installed(world, lms, client)
    browser = lms.app.test_client()
    browser.post("/sign-in", data={"username": "lars"})
    waits = not how(lms).is_active_at_once
    assert ("has to activate the tool" in browser.get("/launch/17").text) is waits
    activate(lms)
    assert browser.get("/launch/17").status_code == 200
    if not how(lms).gives_deployment:
        assert lms.launch() == 403
        with transaction() as tx:
            found = tx.session.query(Registration).one()
            accept_deployment(tx.session, found, "1", by=None, now=clock.now())
    completed(lms, module, complete, score=0.8)
    assert grade().state is GradeState.SENT, grade().words
    assert lms.grades.share(1, "6") == pytest.approx(0.8)


def test_an_answer_that_is_a_refusal_is_shown_in_the_lms_s_words_and_can_be_tried_again(
    world: World, lms: Peer, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = invited(world)
    page = address(lms, token)
    call = lms.call

    def spent(settings: Any, method: str, url: str, **more: Any) -> Reply:
        if method == "POST":
            lms.app.extensions["registration_tokens"].clear()
        return call(settings, method, url, **more)

    monkeypatch.setattr(http, "call", spent)
    answer = client.get(page)
    refusal, words = how(lms).used_token, read(answer.text).words
    assert answer.status_code == 400
    assert str(refusal.status) in words
    assert "used" in words or "consumed" in words
    assert "<h1>Used" not in answer.text
    assert db.session.query(Registration).count() == 0
    monkeypatch.setattr(http, "call", call)
    assert client.get(address(lms, token)).status_code == 200


def test_registering_again_keeps_the_client_its_people_and_its_deployments(
    world: World, lms: Peer, client: FlaskClient
) -> None:
    installed(world, lms, client)
    activate(lms)
    if not how(lms).gives_deployment:
        lms.launch()
        with transaction() as tx:
            found = tx.session.query(Registration).one()
            accept_deployment(tx.session, found, "1", by=None, now=clock.now())
    assert lms.launch() == 303
    number, uid = registration().id, registration().uid
    installed(world, lms, client)
    assert registration().id == number
    assert registration().uid != uid
    assert lms.launch() == 303


def test_r1_only_makes_that_register_tools_say_how(lms: Peer) -> None:
    lms.grades.behaviour = behaviour_of("blackboard")
    browser = lms.app.test_client()
    answer = browser.get("/.well-known/openid-configuration").get_json()
    assert "registration_endpoint" not in answer
    assert browser.post("/register", json={}).status_code == 404
