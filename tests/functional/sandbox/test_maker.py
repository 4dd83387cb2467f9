"""The demo's external tool trusts nobody it was not registered with, and no browser by its word."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sandbox.maker import Workshop, create_maker
from sandbox.maker_lti import MakerError, Notebook, Platform

PRODUCT = "http://localhost:8700"
PLATFORM = Platform(
    issuer=f"{PRODUCT}/platform/1",
    client_id="maker",
    deployment_id="1",
    auth_url=f"{PRODUCT}/platform/1/authorize",
    token_url=f"{PRODUCT}/platform/1/token",
    jwks_url=f"{PRODUCT}/platform/1/jwks",
)
ASKED = {"iss": PLATFORM.issuer, "client_id": "maker", "login_hint": "a", "lti_message_hint": "b"}


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[FlaskClient]:
    workshop = Workshop(
        url="http://quiz.localhost:8702",
        keys_url="http://127.0.0.1:8702",
        folder=tmp_path,
        platform_url=PRODUCT,
    )
    app = create_maker(workshop)
    app.extensions["notebook"].keep(PLATFORM)
    with app.test_client() as client:
        yield client


def test_it_introduces_itself_to_its_own_platform_only(maker: FlaskClient) -> None:
    said = {"openid_configuration": f"{PRODUCT}.evil.example/x", "registration_token": "a"}
    assert maker.post("/register", data=said).status_code == 400


def test_it_asks_a_registered_platform_with_a_state_the_browser_keeps(maker: FlaskClient) -> None:
    answer = maker.get("/login", query_string=ASKED)
    assert answer.headers["Location"].startswith(f"{PLATFORM.auth_url}?scope=openid&")
    assert "Partitioned" in answer.headers["Set-Cookie"]
    page = maker.get("/login", query_string={**ASKED, "lti_storage_target": "_parent"})
    assert "Set-Cookie" not in page.headers
    assert 'data-put="' in page.text
    assert maker.get("/login", query_string={**ASKED, "client_id": "other"}).status_code == 400


def test_a_launch_nobody_began_is_refused(maker: FlaskClient) -> None:
    assert maker.post("/launch", data={"state": "guess", "id_token": "x"}).status_code == 400
    assert maker.post("/launch", data={"error": "login_required"}).status_code == 400
    assert maker.post("/begin", data={"ticket": "guess", "state": "guess"}).status_code == 400
    assert maker.post("/answer", data={"visit": "guess", "choice": "1"}).status_code == 400


def test_platforms_are_remembered_and_replaced(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "kept" / "platforms.json")
    notebook.keep(PLATFORM)
    notebook.keep(PLATFORM)
    again = Notebook(tmp_path / "kept" / "platforms.json")
    assert again.platform(PLATFORM.issuer, "maker") == PLATFORM
    with pytest.raises(MakerError):
        again.platform(PLATFORM.issuer, "other")
