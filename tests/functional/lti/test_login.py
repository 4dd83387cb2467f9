"""Rules L1 to L9: how a login begins."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.core.secrets import hash_of
from plugin.lti.tool.models import Login, Registration, RegistrationState
from plugin.lti.tool.views import OIDC_ERRORS
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.world import World


def test_l1_a_login_may_come_by_get_or_by_post(client: FlaskClient, lms: Lms) -> None:
    got = client.get(f"/lti/{lms.uid}/login", query_string=lms.login_request())
    posted = client.post(f"/lti/{lms.uid}/login", data=lms.login_request())
    mixed = client.post(
        f"/lti/{lms.uid}/login",
        query_string={"iss": lms.issuer},
        data=lms.login_request(iss=None),
    )
    assert [each.status_code for each in (got, posted, mixed)] == [302, 302, 302]


@pytest.mark.parametrize("name", ["iss", "login_hint", "target_link_uri"])
@pytest.mark.parametrize("value", [None, ""])
def test_l2_a_login_without_a_required_parameter_is_refused(
    client: FlaskClient, lms: Lms, name: str, value: str | None
) -> None:
    answer = lms.log_in(client, **{name: value})
    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert "lti.login_incomplete" in page
    assert name in page


def test_l3_optional_parameters_may_be_absent_or_unknown(client: FlaskClient, lms: Lms) -> None:
    lms.begin(client, client_id=None, lti_deployment_id=None, lti_message_hint=None)
    lms.begin(
        client, lti_storage_target="_parent", canvas_region="eu-west-1", canvas_environment="prod"
    )


def test_l4_the_address_names_the_registration_even_without_a_client_id(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="client-2")
    assert lms.begin(client, client_id=None)["client_id"] == "client-1"
    assert other.begin(client, client_id=None)["client_id"] == "client-2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "https://evil.example"),
        ("iss", "https://lms.example.test/"),
        ("iss", "https://lms.exämple.test"),
        ("client_id", "client-2"),
    ],
)
def test_l4_another_issuer_or_client_at_this_address_is_refused(
    client: FlaskClient, lms: Lms, name: str, value: str
) -> None:
    answer = lms.log_in(client, **{name: value})
    assert answer.status_code == 400
    assert "lti.login_mismatch" in answer.get_data(as_text=True)
    assert "Please tell the people who look after your course." in answer.text
    assert "open the activity again" not in answer.text, "it would end the same way"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "http://tool.example.test/", "/lti/x", "x" * 3000]
)
def test_l5_a_target_that_is_not_ours_is_refused(
    client: FlaskClient, lms: Lms, target: str
) -> None:
    answer = lms.log_in(client, target_link_uri=target)
    assert answer.status_code == 400
    assert "lti.target_refused" in answer.get_data(as_text=True)
    assert "Please tell the people who look after your course." in answer.text


def test_l5_the_browser_goes_to_the_lms_never_to_the_target(client: FlaskClient, lms: Lms) -> None:
    target = lms.target + "?module=7"
    answer = lms.log_in(client, target_link_uri=target)
    assert answer.headers["Location"].startswith("https://lms.example.test/auth.php?")
    assert "module" not in answer.headers["Location"]


def test_l6_the_authentication_request_is_as_the_standard_says(
    client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    state, nonce = asked.pop("state"), asked.pop("nonce")
    assert asked == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": "client-1",
        "redirect_uri": lms.target,
        "login_hint": "6",
        "lti_message_hint": '{"cmid":17,"launchid":"ltilaunch14_434803712"}',
    }
    assert len(nonce) >= 32
    assert len(state) >= 32


def test_l6_a_query_of_the_authentication_address_is_kept(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="c2", auth_url="https://lms.example.test/auth?tenant=a%2Fb&x")
    answer = other.log_in(client)
    assert answer.headers["Location"].startswith(
        "https://lms.example.test/auth?tenant=a%2Fb&x&scope=openid&"
    )


@pytest.mark.parametrize(
    "hint", ['{"cmid":17,"a":"ü & = + %20 #"}', "a b\tc", "eyJ.x.y", "💡" * 100, "x" * 9000]
)
def test_l7_the_message_hint_comes_back_unaltered(client: FlaskClient, lms: Lms, hint: str) -> None:
    asked = lms.begin(client, lti_message_hint=hint, login_hint=hint)
    assert asked["lti_message_hint"] == hint
    assert asked["login_hint"] == hint


def test_l8_the_state_is_random_short_bound_to_the_browser_and_short_lived(
    client: FlaskClient, lms: Lms
) -> None:
    answer = lms.log_in(client)
    state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
    assert len(state) < 250
    assert lms.begin(client)["state"] != state
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if "__Host-lti-" in each)
    for word in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/", "Max-Age=600"):
        assert word in cookie
    assert "Domain" not in cookie
    assert state not in cookie
    row = db.session.query(Login).filter_by(state_hash=hash_of(state)).one()
    assert row.binding_hash == hash_of(cookie.partition("=")[2].partition(";")[0])
    assert row.expires_at == clock.now() + timedelta(minutes=10)


def test_l8_the_database_holds_no_secret_of_a_login(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    row = db.session.query(Login).one()
    kept = {str(getattr(row, column.name)) for column in Login.__table__.columns}
    assert not kept & {asked["state"], asked["nonce"]}


def test_l8_two_tabs_do_not_disturb_each_other(client: FlaskClient, lms: Lms) -> None:
    first, second = lms.begin(client), lms.begin(client)
    for asked in (first, second):
        token = lms.sign(lms.claims(asked["nonce"]))
        assert lms.post(client, token, asked["state"]).status_code == 303


@pytest.mark.parametrize("error", [*sorted(OIDC_ERRORS), "<script>alert(1)</script>", ""])
def test_l9_an_error_of_the_lms_gets_a_page_for_people(
    client: FlaskClient, lms: Lms, error: str
) -> None:
    said = {"error": error, "error_description": "<b>boom</b>", "state": lms.begin(client)["state"]}
    for answer in (
        client.post(f"/lti/{lms.uid}/launch", data=said),
        client.get(f"/lti/{lms.uid}/launch", query_string=said),
    ):
        page = answer.get_data(as_text=True)
        assert answer.status_code == 400
        assert "lti.platform_refused" in page
        assert "boom" not in page
        assert "<script>alert" not in page


def test_an_unknown_registration_gets_a_page_the_frame_can_show(client: FlaskClient) -> None:
    for path in ("login", "launch", "jwks"):
        for uid in ("0" * 16, "%00", "ü", "a" * 500, "%F0%28"):
            call = client.get if path == "jwks" else client.post
            answer = call(f"/lti/{uid}/{path}")
            assert answer.status_code == 404
            assert "lti.registration_unknown" in answer.get_data(as_text=True)
            assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]


def test_a_disabled_registration_neither_begins_nor_ends_a_login(
    client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    registration = db.session.query(Registration).one()
    registration.state = RegistrationState.DISABLED
    db.session.commit()
    for answer in (
        lms.log_in(client),
        lms.post(client, lms.sign(lms.claims(asked["nonce"])), asked["state"]),
    ):
        assert answer.status_code == 403
        assert "lti.registration_disabled" in answer.get_data(as_text=True)
        assert f"plugin lms enable {lms.uid}" in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors https://lms.example.test" in policy
