"""The miniature LMS takes content from the tool, and a teacher's own grades."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.lti.tool.claims import LTI
from plugin.modules.models import Module
from sandbox.content import SETTINGS, request_claims
from sandbox.courses import SAFETY
from sandbox.people import BY_USERNAME
from sandbox.tokens import Placement, launch_claims
from tests.functional.lti.campus import CLIENT_ID, URL, Peer
from tests.support.html import read
from tests.support.world import World


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Fire safety")


def answer_of(peer: Peer, client: FlaskClient, **data: Any) -> str:
    """Marco picks; the signed answer that his browser posts back."""
    asked = peer.lms.begin(client)
    claims = launch_claims(
        BY_USERNAME["marco"],
        Placement(link_id="17", title="", custom={}),
        issuer=URL,
        client_id=CLIENT_ID,
        deployment_id="1",
        target_link_uri=peer.lms.target,
        nonce=asked["nonce"],
        course_url=URL,
        course=SAFETY,
        now=peer.app.extensions["tokens"].now(),
    )
    claims = request_claims(claims, URL)
    page = peer.lms.post(client, peer.lms.sign(claims), asked["state"]).headers["Location"]
    form = read(client.post(page, data=data).text).all("form")[0]
    assert form.attributes["action"] == claims[SETTINGS]["deep_link_return_url"]
    return form.all("input", name="JWT")[0].attributes["value"]


def test_picked_content_is_an_activity_with_its_column(
    peer: Peer, client: FlaskClient, module: Module
) -> None:
    token = answer_of(peer, client, item=[f"module:{module.id}", "dashboard"])
    with peer.app.test_client() as browser:
        assert browser.post("/content/return", data={"JWT": token}).status_code == 303
        browser.post("/sign-in", data={"username": "marco"})
        words = read(browser.get("/course").text).words
    assert "Fire safety" in words
    placement = peer.app.extensions["placements"]["20"]
    assert placement.custom == {"module": str(module.id)}
    column = peer.grades.column(2)
    assert (column.link_id, column.resource_id) == ("20", f"module:{module.id}")
    assert len(peer.grades.columns) == 2


def test_who_cancels_reads_in_the_lms_what_the_tool_said(peer: Peer, client: FlaskClient) -> None:
    token = answer_of(peer, client, cancel="1")
    with peer.app.test_client() as browser:
        page = browser.post("/content/return", data={"JWT": token}, follow_redirects=True).text
    assert "Nothing was added to the course." in page
    assert "has been changed" not in page
    assert len(peer.app.extensions["placements"]) == 3


def test_an_answer_nobody_signed_changes_nothing(
    peer: Peer, client: FlaskClient, module: Module
) -> None:
    token = answer_of(peer, client, item=f"module:{module.id}")
    head, body, sign = token.split(".")
    with peer.app.test_client() as browser:
        for forged in ("", "a.b.c", f"{head}.{body}.{sign[:-4]}AAAA"):
            assert browser.post("/content/return", data={"JWT": forged}).status_code == 400
    assert len(peer.app.extensions["placements"]) == 3


def test_learners_add_nothing(peer: Peer) -> None:
    with peer.app.test_client() as browser:
        browser.post("/sign-in", data={"username": "lars"})
        assert "Add content" not in browser.get("/course").text
        assert browser.get("/content").status_code == 303
        assert browser.get("/launch/pick-2").status_code == 403


def test_a_teacher_s_grade_is_seen_and_taken_back(peer: Peer) -> None:
    with peer.app.test_client() as browser:
        assert browser.post("/grades/1/6", data={"grade": "85"}).status_code == 303
        assert "85.0 % (by hand)" in browser.get("/grades").text
        assert browser.post("/grades/1/6", data={"grade": "much"}).status_code == 400
        assert browser.post("/grades/1/999", data={"grade": "5"}).status_code == 400
        browser.post("/grades/1/6", data={"grade": ""})
        assert "by hand" not in browser.get("/grades").text


def test_a_request_for_content_has_no_activity(peer: Peer) -> None:
    said = request_claims(
        {LTI + "resource_link": {"id": "1"}, LTI + "context": {"id": "3", "title": "x"}}, URL
    )
    assert LTI + "resource_link" not in said
    assert said[LTI + "message_type"] == "LtiDeepLinkingRequest"
