"""The miniature LMS is switched by whoever tries the demo, and keeps what it has."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from sandbox.behaviour import MAKES
from sandbox.cookies import NoCookies, behind_the_door
from sandbox.lms import create_lms
from tests.functional.lti.campus import Peer
from tests.functional.lti.conftest import peer
from tests.support.work import work_off

__all__ = ["peer"]


def test_it_behaves_like_another_make_and_fails_as_asked(peer: Peer) -> None:
    with peer.app.test_client() as browser:
        assert "As itself" in browser.get("/behaviour").text
        assert browser.post("/behaviour/make", data={"make": "canvas"}).status_code == 303
        assert peer.grades.behaviour.product == "canvas"
        said = {"is_locked": "1", "failures": "2", "status": "503", "slow_seconds": "0"}
        assert browser.post("/behaviour", data=said).status_code == 303
        page = browser.get("/behaviour").text
    behaviour = peer.grades.behaviour
    assert (behaviour.is_locked, behaviour.fails_with) == (True, [503, 503])
    assert not behaviour.gives_access, "what is not ticked is off"
    assert 'value="canvas" selected' in page
    assert MAKES["canvas"].fails_with == []


def test_it_takes_as_long_for_each_answer_as_asked(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("sandbox.services.time.sleep", waited.append)
    with peer.app.test_client() as browser:
        browser.post("/behaviour", data={"gives_access": "1", "slow_seconds": "7"})
        assert 'value="7"' in browser.get("/behaviour").text
    peer.launch("lars")
    work_off()
    answered = [url for _method, url in peer.calls if "/services/" in url]
    assert waited == [7.0] * len(answered)
    assert answered


def test_notices_of_copied_courses_are_switched_on(peer: Peer) -> None:
    with peer.app.test_client() as browser:
        assert browser.post("/behaviour", data={"offers_notices": "1"}).status_code == 303
        assert "copied courses" in browser.get("/behaviour").text
    assert peer.grades.behaviour.offers_notices


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/behaviour/make", {"make": "lotus"}),
        ("/behaviour", {"slow_seconds": "9999"}),
        ("/behaviour", {"failures": "-1", "status": "500"}),
        ("/behaviour", {"failures": "1", "status": "200"}),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    peer: Peer, address: str, said: dict[str, str]
) -> None:
    with peer.app.test_client() as browser:
        assert browser.post(address, data=said).status_code == 400
    assert peer.grades.behaviour.slow_seconds == 0


def test_grades_activities_and_the_registered_tool_outlive_a_restart(peer: Peer) -> None:
    campus = peer.app.extensions["campus"]
    peer.grades.add("Fire safety", link_id="19", resource_id="module:7")
    peer.app.extensions["tool"] = replace(
        campus.tool,
        login_url="https://tool.example.test/lti/new/login",
        launch_url="https://tool.example.test/lti/new/launch",
        jwks_url="https://tool.example.test/lti/new/jwks",
    )
    with peer.app.test_client() as browser:
        browser.post("/behaviour/make", data={"make": "sakai"})
        assert browser.post("/grades/2/6", data={"grade": "85"}).status_code == 303
    again = create_lms(replace(campus, tool_origin="https://tool.example.test:8443"))
    grades = again.extensions["gradebook"]
    assert (grades.share(2, "6"), grades.make) == (0.85, "sakai")
    assert grades.add("Next").number == 3
    assert again.extensions["tool"].launch_url == "https://tool.example.test:8443/lti/new/launch"


def test_a_demo_that_begins_anew_brings_its_own_tool(peer: Peer) -> None:
    campus = peer.app.extensions["campus"]
    with peer.app.test_client() as browser:
        browser.post("/behaviour/make", data={"make": ""})
    other = replace(campus.tool, client_id="another")
    again = create_lms(replace(campus, tool=other))
    assert again.extensions["tool"].client_id == "another"


def test_the_tool_s_cookies_are_taken_in_frames_only_and_only_while_switched(
    peer: Peer, tmp_path: Path
) -> None:
    switch = NoCookies(tmp_path / "no-cookies")
    peer.app.extensions["campus"] = replace(peer.app.extensions["campus"], cookies=switch)
    seen: list[str | None] = []

    def tool(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(environ.get("HTTP_COOKIE"))
        start("200 OK", [("set-cookie", "a=1"), ("X-Kept", "1")])
        return [b""]

    visitor = Client(behind_the_door(tool, switch), use_cookies=False)

    def cookies(where: str) -> bool:
        said = {"Sec-Fetch-Dest": where, "Cookie": "a=1"}
        answer = visitor.get("/", headers=said)
        assert answer.headers["X-Kept"] == "1"
        assert ("Set-Cookie" in answer.headers) is (seen[-1] == "a=1")
        return "Set-Cookie" in answer.headers

    with peer.app.test_client() as browser:
        assert cookies("iframe")
        browser.post("/behaviour", data={"no_cookies": "1"})
        assert "checked" in browser.get("/behaviour").text.partition('id="no_cookies"')[2][:120]
        assert not cookies("iframe")
        assert cookies("document"), "in a window of its own it is no third party"
        browser.post("/behaviour", data={})
        assert cookies("iframe")
