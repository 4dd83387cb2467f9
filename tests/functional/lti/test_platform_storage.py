"""The LMS keeps a proof for a browser without cookies: put at the login, shown at the launch."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core.db import db
from plugin.lti.tool.models import Login
from plugin.org.models import SignIn
from plugin.web import visits
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.html import Element, read
from tests.support.world import World

TOOL = "https://tool.example.test"


@pytest.fixture
def framed(app: Flask, client: FlaskClient) -> FlaskClient:
    """A browser that drops every cookie it is given."""
    return app.test_client(use_cookies=False)


def store_page(browser: FlaskClient, lms: Lms, target: str = "_parent") -> Element:
    answer = lms.log_in(browser, lti_storage_target=target)
    assert answer.status_code == 200
    return read(answer.text)


def launched(browser: FlaskClient, lms: Lms, **more: str) -> Element:
    """The page of a launch whose login stored a proof."""
    asked = lms.begin(browser, lti_storage_target="_parent")
    said = {"id_token": lms.sign(lms.claims(asked["nonce"])), "state": asked["state"], **more}
    answer = browser.post(f"/lti/{lms.uid}/launch", data=said)
    assert answer.status_code == 200
    return read(answer.text)


def both(browser: FlaskClient, lms: Lms) -> tuple[Element, str]:
    """The page of the launch, and the proof its login stored."""
    page = store_page(browser, lms)
    href = page.by_id("next").attributes["href"]
    asked = dict(each.split("=", 1) for each in href.split("?")[1].split("&"))
    said = {"id_token": lms.sign(lms.claims(asked["nonce"])), "state": asked["state"]}
    answer = browser.post(f"/lti/{lms.uid}/launch", data=said)
    return read(answer.text), page.by_id("storage").attributes["data-proof"]


def begin(
    browser: FlaskClient, lms: Lms, page: Element, origin: str | None = TOOL, **more: str
) -> TestResponse:
    code = page.by_id("begin").all("input", name="code")[0].attributes["value"]
    return browser.post(
        f"/lti/{lms.uid}/begin",
        data={"code": code, **more},
        headers={"Origin": origin} if origin else {},
    )


def visit_count() -> int:
    db.session.rollback()
    return db.session.query(SignIn).count()


@pytest.mark.parametrize("target", ["_parent", "post_message_forwarding", "a \"<b>'&"])
def test_s1_the_login_names_the_frame_that_stores(
    framed: FlaskClient, lms: Lms, target: str
) -> None:
    page = store_page(framed, lms, target)
    assert page.by_id("storage").attributes["data-frame"] == target


@pytest.mark.parametrize("target", ["", "x" * 256, "a\nb", "\0"])
def test_s1_a_name_nobody_can_mean_is_none(framed: FlaskClient, lms: Lms, target: str) -> None:
    assert lms.log_in(framed, lti_storage_target=target).status_code == 302


def test_s1_s3_the_launch_names_it_again_or_our_script_asks_for_it(
    framed: FlaskClient, lms: Lms
) -> None:
    named = launched(framed, lms, lti_storage_target="frame").by_id("choices").attributes
    asked = launched(framed, lms).by_id("choices").attributes
    assert (named["data-frame"], asked["data-frame"]) == ("frame", "")
    assert asked["data-framers"] == "https://lms.example.test"


def test_s2_what_is_stored_goes_to_the_origin_of_the_login_address_only(
    framed: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="c2", auth_url="https://sso.example.test:8443/authorize?a=b")
    place = store_page(framed, other).by_id("storage").attributes
    assert place["data-origin"] == "https://sso.example.test:8443"
    answer = other.log_in(framed, lti_storage_target="_parent")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert policy.endswith("frame-ancestors https://lms.example.test https://sso.example.test:8443")


def test_s2_without_scripts_the_login_goes_on_at_once(framed: FlaskClient, lms: Lms) -> None:
    answer = lms.log_in(framed, lti_storage_target="_parent")
    page = read(answer.text)
    href = page.by_id("next").attributes["href"]
    assert href.startswith(f"{lms.auth_url}?")
    refresh = page.all("noscript")[0].all("meta")[0].attributes
    assert refresh["content"] == f"0; url={href}"


def test_s2_a_browser_that_brings_a_cookie_needs_no_storage(client: FlaskClient, lms: Lms) -> None:
    assert lms.log_in(client, lti_storage_target="_parent").status_code == 200
    assert lms.log_in(client, lti_storage_target="_parent").status_code == 302
    assert lms.launch(client).status_code == 303
    assert lms.log_in(client, lti_storage_target="_parent").status_code == 302


def test_s3_the_proof_of_this_login_begins_the_visit(framed: FlaskClient, lms: Lms) -> None:
    page, proof = both(framed, lms)
    assert visit_count() == 0
    answer = begin(framed, lms, page, proof=proof)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert visit_count() == 1
    said = answer.json
    bearer = {"Authorization": f"Bearer {said['session']}"}
    assert "Lars Learner" in framed.get(said["page"], headers=bearer).text


@pytest.mark.parametrize("proof", ["", "guess", "é", "0" * 64])
def test_s3_another_proof_begins_nothing_and_leaves_the_buttons(
    framed: FlaskClient, lms: Lms, proof: str
) -> None:
    page, _ = both(framed, lms)
    answer = begin(framed, lms, page, proof=proof)
    assert answer.status_code == 400
    assert "lti.handover" in answer.text
    assert visit_count() == 0
    assert begin(framed, lms, page).status_code == 200


def test_s3_the_proof_of_another_login_begins_nothing(framed: FlaskClient, lms: Lms) -> None:
    page, _ = both(framed, lms)
    _, other = both(framed, lms)
    assert begin(framed, lms, page, proof=other).status_code == 400
    assert visit_count() == 0


def test_s4_nothing_that_travels_is_enough_to_know_what_is_stored(
    framed: FlaskClient, lms: Lms
) -> None:
    page = store_page(framed, lms)
    place, href = page.by_id("storage").attributes, page.by_id("next").attributes["href"]
    state = href.split("state=")[1].split("&")[0]
    row = db.session.query(Login).one()
    for secret in (place["data-proof"], place["data-key"]):
        assert secret not in href
        assert state not in secret
        assert secret not in {row.state_hash, row.binding_hash, row.nonce_hash}
    launch, proof = both(framed, lms)
    assert proof not in str(launch)


def test_s5_without_storage_two_buttons_are_left_and_each_works_for_one(
    framed: FlaskClient, client: FlaskClient, lms: Lms
) -> None:
    page = launched(framed, lms)
    assert "hidden" in page.by_id("begin").attributes  # a script shows what only scripts can do
    assert "hidden" not in page.by_id("window").attributes
    assert begin(framed, lms, page).status_code == 200
    code = page.by_id("window").all("input", name="code")[0].attributes["value"]
    answer = client.post(f"/lti/{lms.uid}/continue", data={"code": code}, headers={"Origin": TOOL})
    assert answer.status_code == 400
    assert visit_count() == 1


@pytest.mark.parametrize("origin", [None, "null", "https://lms.example.test", TOOL + ":8443"])
def test_only_our_own_page_can_begin_a_visit(
    framed: FlaskClient, lms: Lms, origin: str | None
) -> None:
    page, proof = both(framed, lms)
    assert begin(framed, lms, page, origin, proof=proof).status_code == 400
    assert begin(framed, lms, page, origin).status_code == 400
    assert visit_count() == 0


def test_the_page_of_a_launch_allows_what_the_pages_shown_in_it_do(
    framed: FlaskClient, lms: Lms
) -> None:
    answer = lms.launch(framed)
    policy = answer.headers["Content-Security-Policy"]
    assert "connect-src 'self';" in policy
    assert "frame-src 'self' https: https://content.example.test;" in policy
    assert "form-action 'self' https://lms.example.test;" in policy
    assert "unload=*" in answer.headers["Permissions-Policy"]
    assert visits.SESSION_HEADER not in answer.headers
