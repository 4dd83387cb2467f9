"""The miniature LMS is strict: it says who somebody is to the registered tool, once."""

import json
import re
import stat
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from flask.testing import FlaskClient

from sandbox import oidc
from sandbox.lms import Campus, create_lms
from sandbox.oidc import ASSERTION
from sandbox.people import BY_USERNAME, PEOPLE
from sandbox.tokens import LTI
from tests.functional.sandbox.conftest import TOOL, URL

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
TOOL_KEY = generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def lms(campus: Campus) -> Iterator[FlaskClient]:
    """An LMS that knows the tool's public key."""
    app = create_lms(campus)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(TOOL_KEY.public_key()))
    broken = {"kty": "RSA", "kid": "broken", "n": "", "e": "AQAB"}
    keys = {"keys": [{**public, "kid": "tool-1"}, broken]}
    app.extensions["tokens"].read_keys = lambda _url: keys
    with app.test_client() as client:
        yield client


def sign_in(lms: FlaskClient, username: str = "lars") -> None:
    lms.post("/sign-in", data={"username": username})


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {name: value.replace("&#34;", '"').replace("&amp;", "&") for name, value in found}


def asked(lms: FlaskClient, **changes: str | None) -> dict[str, str]:
    """A right authentication request for a launch under way, with changes."""
    login = hidden(lms.get("/launch/17").get_data(as_text=True))
    said: dict[str, str | None] = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": TOOL.client_id,
        "redirect_uri": TOOL.launch_url,
        "login_hint": login["login_hint"],
        "lti_message_hint": login["lti_message_hint"],
        "state": "state-1",
        "nonce": "nonce-1",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def authorize(lms: FlaskClient, query: dict[str, str]) -> tuple[int, dict[str, str]]:
    answer = lms.get("/auth?" + urlencode(query))
    return answer.status_code, hidden(answer.get_data(as_text=True))


def test_a_launch_tells_the_tool_who_it_is_in_a_token_it_can_check(lms: FlaskClient) -> None:
    sign_in(lms)
    status, fields = authorize(lms, asked(lms))
    assert (status, fields["state"]) == (200, "state-1")
    keys = lms.get("/jwks").json
    assert keys is not None
    claims = jwt.decode(
        fields["id_token"],
        jwt.PyJWK(keys["keys"][0]).key,
        algorithms=["RS256"],
        audience=TOOL.client_id,
        issuer=URL,
    )
    lars = BY_USERNAME["lars"]
    assert (claims["sub"], claims["name"], claims["nonce"]) == (lars.sub, lars.name, "nonce-1")
    assert claims["exp"] - claims["iat"] == 60
    assert claims[LTI + "target_link_uri"] == TOOL.launch_url
    assert claims[LTI + "roles"] == list(lars.roles)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "other"},
        {"client_id": None},
        {"redirect_uri": TOOL.launch_url + "/"},
        {"redirect_uri": "https://evil.example"},
        {"redirect_uri": None},
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_the_registered_one(
    lms: FlaskClient, change: dict[str, str | None]
) -> None:
    sign_in(lms)
    status, fields = authorize(lms, asked(lms, **change))
    assert (status, fields) == (400, {})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"response_type": "code"}, "invalid_request"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"login_hint": "2"}, "login_required"),
        ({"lti_message_hint": "changed"}, "invalid_request"),
        ({"lti_message_hint": '{"launchid": "guessed"}'}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_answered_with_an_openid_error(
    lms: FlaskClient, change: dict[str, str | None], code: str
) -> None:
    sign_in(lms)
    status, fields = authorize(lms, asked(lms, **change))
    assert (status, fields["error"], fields["state"]) == (200, code, "state-1")
    assert "id_token" not in fields


def test_a_request_without_state_gets_no_token(lms: FlaskClient) -> None:
    sign_in(lms)
    fields = authorize(lms, asked(lms, state=None))[1]
    assert (fields["error"], fields["state"]) == ("invalid_request", "")
    assert "id_token" not in fields


def test_a_hint_works_once(lms: FlaskClient) -> None:
    sign_in(lms)
    query = asked(lms)
    assert "id_token" in authorize(lms, query)[1]
    assert authorize(lms, query)[1]["error"] == "invalid_request"


def test_an_old_hint_does_not_work(lms: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(lms)
    monkeypatch.setattr(oidc, "HINT_SECONDS", -1)
    assert authorize(lms, asked(lms))[1]["error"] == "invalid_request"


def test_a_hint_of_somebody_else_does_not_work(lms: FlaskClient) -> None:
    sign_in(lms, "lars")
    query = asked(lms)
    sign_in(lms, "priya")
    assert authorize(lms, query)[1]["error"] == "login_required"
    query["login_hint"] = BY_USERNAME["priya"].sub
    assert authorize(lms, query)[1]["error"] == "invalid_request"


def test_learners_see_no_administration_activity(lms: FlaskClient) -> None:
    for person in PEOPLE:
        sign_in(lms, person.username)
        page = lms.get("/course").get_data(as_text=True)
        assert ("Training administration" in page) is person.may_administer
        expected = 200 if person.may_administer else 404
        assert lms.get("/course/18").status_code == expected
        assert lms.get("/launch/18").status_code == expected


def assertion(**changes: Any) -> str:
    """A right assertion with changes; `iat` and `exp` are seconds from now."""
    now = int(time.time())
    claims = {
        "iss": TOOL.client_id,
        "sub": TOOL.client_id,
        "aud": f"{URL}/token",
        "iat": now - 5,
        "exp": now + 60,
        "jti": "first",
        **changes,
    }
    for name in ("iat", "exp"):
        if changes.get(name) is not None:
            claims[name] = now + changes[name]
    key = claims.pop("key", TOOL_KEY)
    kid = claims.pop("kid", "tool-1")
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def token(lms: FlaskClient, signed: str, **changes: str) -> Any:
    said = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": signed,
        "scope": SCORE,
        **changes,
    }
    return lms.post("/token", data=said)


def test_a_right_assertion_gets_a_token_for_the_scopes_we_know(lms: FlaskClient) -> None:
    answer = token(lms, assertion(), scope=f"{SCORE} https://example.org/unknown")
    assert answer.status_code == 200
    assert (answer.json["scope"], answer.json["token_type"]) == (SCORE, "Bearer")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "https://elsewhere.example/token"},
        {"exp": -1},
        {"exp": 330},
        {"iat": 30},
        {"iat": None},
        {"exp": None},
        {"jti": None},
        {"kid": "unknown"},
        {"kid": "broken"},
        {"key": generate_private_key(public_exponent=65537, key_size=2048)},
    ],
)
def test_a_wrong_assertion_is_an_invalid_client(lms: FlaskClient, changes: dict[str, Any]) -> None:
    answer = token(lms, assertion(**changes))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")


def test_an_assertion_is_used_once(lms: FlaskClient) -> None:
    signed = assertion()
    assert token(lms, signed).status_code == 200
    assert token(lms, signed).json["error"] == "invalid_client"


def test_unknown_scopes_and_grants_are_refused(lms: FlaskClient) -> None:
    assert token(lms, assertion(), scope="openid").json["error"] == "invalid_scope"
    wrong = token(lms, assertion(jti="second"), grant_type="password")
    assert wrong.json["error"] == "unsupported_grant_type"
    wrong = token(lms, assertion(jti="third"), client_assertion_type="urn:saml")
    assert wrong.json["error"] == "invalid_request"


def test_a_restart_signs_nobody_out_and_keeps_the_key(lms: FlaskClient, campus: Campus) -> None:
    sign_in(lms)
    again = create_lms(campus).test_client()
    cookie = lms.get_cookie("sandbox_session", "localhost")
    assert cookie is not None
    again.set_cookie("sandbox_session", cookie.value)
    assert again.get("/course").status_code == 200
    assert again.get("/jwks").json == lms.get("/jwks").json


def test_private_keys_are_for_their_owner_only(lms: FlaskClient, campus: Campus) -> None:
    for name in ("platform-key.pem", "session-key"):
        assert stat.S_IMODE((campus.folder / name).stat().st_mode) == 0o600


def test_the_login_request_can_be_sent_on_without_scripts(lms: FlaskClient) -> None:
    sign_in(lms)
    page = lms.get("/launch/17").get_data(as_text=True)
    assert f'action="{TOOL.login_url}"' in page
    assert re.search(r"<button[^>]*>\w+</button>", page)
    assert set(hidden(page)) == {
        *("iss", "target_link_uri", "login_hint", "lti_message_hint"),
        *("client_id", "lti_deployment_id"),
    }


def test_the_configuration_names_only_addresses_that_exist(lms: FlaskClient) -> None:
    said = lms.get("/.well-known/openid-configuration").json
    assert said is not None
    assert said["issuer"] == URL
    assert lms.get(said["jwks_uri"].removeprefix(URL)).status_code == 200
    assert lms.get(said["authorization_endpoint"].removeprefix(URL)).status_code == 400
    assert lms.post(said["token_endpoint"].removeprefix(URL)).status_code == 400


def test_pages_may_load_nothing_from_elsewhere(lms: FlaskClient) -> None:
    sign_in(lms, "astrid")
    for path in ("/", "/course", "/course/17", "/launch/17", "/inbox", "/auth"):
        answer = lms.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r'(src|href)="(https?:)?//', answer.get_data(as_text=True))


def test_nobody_else_can_be_signed_in(lms: FlaskClient) -> None:
    assert lms.post("/sign-in", data={"username": "root"}).status_code == 400
    assert lms.get("/course").status_code == 303
    assert lms.get("/launch/17").status_code == 400
