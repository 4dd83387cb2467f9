"""Rules V1 to V13 and the claims that need the database: how a login ends."""

import hashlib
import hmac
import json
from datetime import timedelta
from html import unescape
from typing import Any

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.cli import plugin
from plugin.core import clock, http
from plugin.core.db import db
from plugin.core.http import OutgoingError, Reply
from plugin.core.settings import Settings
from plugin.lti.tool.claims import LTI
from plugin.lti.tool.models import Deployment, Login
from plugin.lti.tool.registration_errors import RegistrationAddressError
from plugin.lti.tool.roles import TEST_USER
from plugin.org.models import Grant, Person, SignIn
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import (
    ABSENT,
    LEARNER,
    Lms,
    jwk_of,
    private_key,
    segment,
)
from tests.support.visits import page_of
from tests.support.world import World


def refused(answer: TestResponse, status: int, code: str) -> str:
    """The page of a refusal: complete, without a trace, and nobody was signed in."""
    page = answer.get_data(as_text=True)
    assert (answer.status_code, code in page) == (status, True), page
    assert "Reference" in page
    assert "Traceback" not in page
    assert not any("__Host-visit-" in each for each in answer.headers.getlist("Set-Cookie"))
    db.session.rollback()
    assert db.session.query(SignIn).count() == 0
    return page


def send(client: FlaskClient, lms: Lms, **changes: Any) -> TestResponse:
    return lms.launch(client, **changes)


def send_signed(client: FlaskClient, lms: Lms, **header: Any) -> TestResponse:
    asked = lms.begin(client)
    return lms.post(client, lms.sign(lms.claims(asked["nonce"]), **header), asked["state"])


def test_a_launch_signs_in_and_answers_303_to_the_home_page(client: FlaskClient, lms: Lms) -> None:
    answer = send(client, lms)
    assert answer.status_code == 303
    assert page_of(answer) == "/"
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if "__Host-visit-" in each)
    for word in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert word in cookie
    assert db.session.query(Login).one().used_at == clock.now()


def test_a_custom_parameter_is_advice_about_the_page_and_grants_nothing(
    client: FlaskClient, lms: Lms
) -> None:
    answer = send(client, lms, custom={"view": "admin"})
    assert page_of(answer) == "/admin"
    assert db.session.query(Grant).count() == 0


def test_the_login_cookie_is_taken_back_with_the_launch(client: FlaskClient, lms: Lms) -> None:
    answer = send(client, lms)
    gone = next(each for each in answer.headers.getlist("Set-Cookie") if "__Host-lti-" in each)
    assert "Max-Age=0" in gone
    assert "Partitioned" in gone


def test_v1_a_token_signed_by_somebody_else_is_refused(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    token = jwt.encode(
        lms.claims(asked["nonce"]), private_key("thief"), "RS256", headers={"kid": lms.kid}
    )
    page = refused(lms.post(client, token, asked["state"]), 401, "lti.token_refused")
    assert "signature" in page


def test_v1_a_changed_message_is_refused(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"])).split(".")
    token[1] = segment(lms.claims(asked["nonce"], sub="1"))
    refused(lms.post(client, ".".join(token), asked["state"]), 401, "lti.token_refused")


def test_v1_an_unsigned_token_is_refused(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    claims = segment(lms.claims(asked["nonce"]))
    for alg in ("none", "None", "RS256"):
        token = f"{segment({'alg': alg, 'kid': lms.kid})}.{claims}."
        refused(lms.post(client, token, asked["state"]), 401, "lti.token_refused")


def test_v1_the_public_key_is_not_a_password(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    pem = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for alg in ("HS256", "RS256"):
        signed = f"{segment({'alg': alg, 'kid': lms.kid})}.{segment(lms.claims(asked['nonce']))}"
        token = f"{signed}.{segment(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"
        refused(lms.post(client, token, asked["state"]), 401, "lti.token_refused")


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": jwk_of(private_key("thief"), "key-1")},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": True},
    ],
)
def test_v1_a_token_may_not_bring_its_own_rules(
    client: FlaskClient, lms: Lms, header: dict[str, Any]
) -> None:
    asked = lms.begin(client)
    said = {"alg": "RS256", "kid": lms.kid, **header}
    token = lms.sign_raw(said, lms.claims(asked["nonce"]))
    refused(lms.post(client, token, asked["state"]), 401, "lti.token_refused")


def test_v2_another_algorithm_is_refused_even_if_the_signature_is_right(
    client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    token = jwt.encode(lms.claims(asked["nonce"]), private_key(), "RS512", headers={"kid": lms.kid})
    refused(lms.post(client, token, asked["state"]), 401, "lti.token_refused")


def test_v3_a_new_key_of_the_lms_works_after_half_a_minute(client: FlaskClient, lms: Lms) -> None:
    assert send(client, lms).status_code == 303
    lms.kid = "key-2"
    lms.key_set.keys = [jwk_of(private_key(), "key-2", alg="RS256", use="sig")]
    assert send(client, lms).status_code == 401
    with clock.shifted(timedelta(seconds=31)):
        assert send(client, lms).status_code == 303
    assert lms.key_set.asked == 2


def test_v3_an_lms_whose_keys_cannot_be_read_gets_a_page_not_a_crash(
    client: FlaskClient, lms: Lms
) -> None:
    lms.key_set.fails_with = OutgoingError("ConnectTimeout")
    refused(send(client, lms), 401, "lti.keys_unavailable")


@pytest.mark.parametrize(
    "iss", [ABSENT, None, 7, "https://evil.example", "https://lms.example.test/"]
)
def test_v4_another_issuer_is_refused(client: FlaskClient, lms: Lms, iss: object) -> None:
    refused(send(client, lms, iss=iss), 401, "lti.token_refused")


@pytest.mark.parametrize("aud", [ABSENT, None, "client-2", ["client-1", "client-2"], [], {}])
def test_v5_another_audience_is_refused(client: FlaskClient, lms: Lms, aud: object) -> None:
    refused(send(client, lms, aud=aud, azp="client-1"), 401, "lti.token_refused")


def test_v6_another_authorized_party_is_refused(client: FlaskClient, lms: Lms) -> None:
    refused(send(client, lms, azp="client-2"), 401, "lti.token_refused")
    refused(send(client, lms, aud=["client-1"] * 2), 401, "lti.token_refused")
    assert send(client, lms, aud=["client-1"], azp="client-1").status_code == 303


def test_v7_an_expired_token_is_refused(client: FlaskClient, lms: Lms) -> None:
    now = int(clock.now().timestamp())
    refused(send(client, lms, exp=now - 61), 401, "lti.token_time")
    refused(send(client, lms, exp=ABSENT), 401, "lti.token_time")


def test_v8_a_token_of_another_time_is_refused(client: FlaskClient, lms: Lms) -> None:
    now = int(clock.now().timestamp())
    for iat in (ABSENT, now + 120, now - 86400, "soon"):
        refused(send(client, lms, iat=iat, exp=now + 10**6), 401, "lti.token_time")


@pytest.mark.parametrize("nonce", [ABSENT, None, 7, ["x"], "another", ""])
def test_v9_another_nonce_is_refused(client: FlaskClient, lms: Lms, nonce: object) -> None:
    refused(send(client, lms, nonce=nonce), 401, "lti.nonce")


def test_v9_the_nonce_of_another_login_is_refused(client: FlaskClient, lms: Lms) -> None:
    first, second = lms.begin(client), lms.begin(client)
    token = lms.sign(lms.claims(first["nonce"]))
    refused(lms.post(client, token, second["state"]), 401, "lti.nonce")


def test_v9_a_token_works_once(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    assert lms.post(client, token, asked["state"]).status_code == 303
    again = lms.post(client, token, asked["state"])
    assert again.status_code == 400
    page = again.get_data(as_text=True)
    assert "lti.login_used" in page
    assert "https://lms.example.test/return.php?sesskey=abc&amp;lti_errormsg=" in page
    assert db.session.query(SignIn).count() == 1


def test_v9_a_refused_message_does_not_use_the_login_up(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    bad = lms.sign(lms.claims(asked["nonce"], version="1.0"))
    refused(lms.post(client, bad, asked["state"]), 400, "lti.version")
    good = lms.sign(lms.claims(asked["nonce"]))
    assert lms.post(client, good, asked["state"]).status_code == 303


def test_v10_a_launch_without_a_person_is_refused_clearly(client: FlaskClient, lms: Lms) -> None:
    page = refused(send(client, lms, sub=ABSENT), 400, "lti.subject")
    assert "did not say who you are" in page


def test_v11_unknown_claims_are_ignored(client: FlaskClient, lms: Lms) -> None:
    answer = send(client, lms, **{"https://future.example/claim": {"a": [None, {"b": 1}]}})
    assert answer.status_code == 303


def test_v12_an_lms_without_tls_cannot_be_registered(world: World) -> None:
    with pytest.raises(RegistrationAddressError):
        register(world, auth_url="http://lms.example.test/auth")
    register(world, auth_url="http://127.0.0.1:8701/auth", client_id="local")


def test_v13_a_refusal_says_cause_advice_code_and_reference_and_reflects_nothing_raw(
    client: FlaskClient, lms: Lms
) -> None:
    answer = send(client, lms, deployment_id='<img src=x onerror="alert(1)">')
    page = refused(answer, 403, "lti.deployment_unknown")
    assert "has not been accepted yet" in page
    assert "For the administrator of the LMS" in page
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_c3_an_unknown_deployment_is_a_page_for_the_admin_and_creates_nothing(
    client: FlaskClient, lms: Lms
) -> None:
    page = refused(send(client, lms, deployment_id="2"), 403, "lti.deployment_unknown")
    assert f"plugin lms add-deployment {lms.uid} --deployment 2" in page
    accepted = db.session.query(Deployment).where(Deployment.accepted_at.is_not(None))
    assert [each.deployment_id for each in accepted] == ["1"]
    assert db.session.query(Person).count() == 0


def test_c3_the_command_that_accepts_a_deployment_can_be_copied_whatever_its_id(
    client: FlaskClient, lms: Lms
) -> None:
    page = refused(send(client, lms, deployment_id="2; reboot"), 403, "lti.deployment_unknown")
    assert "--deployment '2; reboot'" in unescape(page)


def test_c3_many_deployments_may_share_a_client_id(
    client: FlaskClient, lms: Lms, app: Flask
) -> None:
    line = ["lms", "add-deployment", lms.uid, "--deployment", "2"]
    assert CliRunner().invoke(plugin, line, obj=app).exit_code == 0
    for deployment_id in ("1", "2"):
        assert send(client, lms, deployment_id=deployment_id).status_code == 303
    assert send(client, lms, deployment_id="2 ").status_code == 403


def test_c4_a_target_other_than_the_one_of_the_login_is_refused(
    client: FlaskClient, lms: Lms
) -> None:
    refused(send(client, lms, target_link_uri=lms.target + "?x=1"), 400, "lti.target_mismatch")
    asked = lms.begin(client, target_link_uri=lms.target + "?x=1")
    token = lms.sign(lms.claims(asked["nonce"], target_link_uri=lms.target + "?x=1"))
    assert lms.post(client, token, asked["state"]).status_code == 303


def test_c6_the_test_student_of_an_lms_is_not_recorded(client: FlaskClient, lms: Lms) -> None:
    refused(send(client, lms, roles=[LEARNER, TEST_USER]), 403, "lti.test_user")
    assert db.session.query(Person).count() == 0


def test_c10_the_same_subject_of_another_client_is_another_person(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="client-2")
    assert send(client, lms).status_code == 303
    assert send(client, other).status_code == 303
    assert send(client, lms, email="new@example.test").status_code == 303
    emails = [each.email for each in db.session.query(Person).order_by(Person.id)]
    assert emails == ["new@example.test", "learner1@example.test"]


@pytest.mark.parametrize("kind", ["LtiDeepLinkingRequest", "LtiSubmissionReviewRequest"])
def test_c13_a_message_for_those_who_teach_is_refused_to_learners(
    client: FlaskClient, lms: Lms, kind: str
) -> None:
    answer = send(
        client,
        lms,
        message_type=kind,
        for_user={"user_id": "9"},
        **{
            "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings": {
                "deep_link_return_url": "https://lms.example.test/back"
            },
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {"lineitem": "https://a.b/c"},
        },
    )
    refused(answer, 403, "lti.not_for_learners")


def test_another_browser_with_a_cookie_of_its_own_is_refused(
    app: Flask, client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    name = next(each.key for each in client._cookies.values())  # type: ignore[attr-defined]
    stranger = app.test_client()
    stranger.set_cookie(name, "guessed", domain="tool.example.test", secure=True)
    answer = lms.post(stranger, lms.sign(lms.claims(asked["nonce"])), asked["state"])
    refused(answer, 400, "lti.other_browser")


def test_the_state_of_another_registration_is_unknown_here(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="client-2")
    asked = other.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    refused(lms.post(client, token, asked["state"]), 400, "lti.login_unknown")


def test_a_login_that_took_too_long_is_refused(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    with clock.shifted(timedelta(minutes=10)):
        answer = lms.post(client, lms.sign(lms.claims(asked["nonce"])), asked["state"])
    refused(answer, 400, "lti.login_unknown")


def test_a_login_that_ends_while_its_message_is_checked_is_refused(
    client: FlaskClient, lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    begun = clock.now()

    def slow(settings: Settings, method: str, url: str, headers: dict[str, str]) -> Reply:
        clock.set_source(lambda: begun + timedelta(minutes=10))
        return lms.key_set.fetch(url)

    monkeypatch.setattr(http, "call", slow)
    refused(lms.post(client, token, asked["state"]), 400, "lti.login_used")


@pytest.mark.parametrize(
    "said", [{}, {"state": "x"}, {"id_token": "x"}, {"id_token": "", "state": ""}]
)
def test_a_launch_without_its_two_fields_is_refused(
    client: FlaskClient, lms: Lms, said: dict[str, str]
) -> None:
    refused(client.post(f"/lti/{lms.uid}/launch", data=said), 400, "lti.launch_incomplete")


def test_looking_at_the_launch_address_reads_nothing_and_answers_at_once(
    client: FlaskClient, lms: Lms
) -> None:
    for uid in (lms.uid, "nobody"):
        answer = client.get(f"/lti/{uid}/launch?ep=1")
        assert answer.status_code == 200
        assert answer.mimetype == "text/html"
        assert len(answer.data) < 8000


def test_a_huge_token_is_refused_before_it_is_read(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"], padding="x" * 70_000))
    refused(lms.post(client, token, asked["state"]), 401, "lti.token_refused")
    assert lms.post(client, "x" * 3_000_000, asked["state"]).status_code == 413


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{" * 50_000,
        b'{"exp": NaN}',
        b'{"exp": 1e999}',
        json.dumps({LTI + "custom": ["a"]}).encode(),
        b"\xff\xfe{}",
    ],
)
def test_a_well_signed_payload_that_is_no_message_is_refused(
    client: FlaskClient, lms: Lms, payload: bytes
) -> None:
    asked = lms.begin(client)
    token = lms.sign_raw({"alg": "RS256", "kid": lms.kid}, payload)
    refused(lms.post(client, token, asked["state"]), 401, "lti.token_")
