"""An LMS registers itself with an invitation (LTI Dynamic Registration 1.0; rules R1 to R7)."""

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.cli import plugin
from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.settings import Settings
from plugin.lti.tool import invitations
from plugin.lti.tool.configuration import TOOL, words_of
from plugin.lti.tool.models import Deployment, Invitation, Registration, ToolKey
from plugin.lti.tool.queries import deployments
from tests.conftest import NOW
from tests.functional.lti.platform import Lms
from tests.support.world import World

SAMPLES = Path(__file__).parent / "samples"
CONFIGURATION = "https://lms.example.test/mod/lti/openid-configuration.php"
MOODLE = "http://127.0.0.1:8900"


def sample(name: str) -> dict[str, Any]:
    """What a live LMS said, with its address made a public one."""
    text = (SAMPLES / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.replace(MOODLE, "https://lms.example.test"))
    return found


@dataclass
class Platform:
    """The LMS's two addresses: what they answer, and what they were asked."""

    configuration: dict[str, Any] = field(
        default_factory=lambda: sample("moodle-openid-configuration")
    )
    answer: dict[str, Any] = field(default_factory=lambda: sample("moodle-registration-response"))
    status: int = 200
    body: bytes | None = None
    needs_token: bool = False
    refuses_token: bool = False
    refusal: Reply = field(default_factory=lambda: Reply(401, {}, b"missing_registration_token"))
    fails: str | None = None
    calls: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    asked: dict[str, Any] = field(default_factory=dict)

    def call(
        self,
        settings: Settings,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        data: bytes | None = None,
    ) -> Reply:
        self.calls.append((method, url, headers))
        if self.fails:
            raise OutgoingError(self.fails)
        if method == "GET":
            has_token = "Authorization" in headers
            if (self.needs_token and not has_token) or (self.refuses_token and has_token):
                return self.refusal
            return Reply(200, {}, json.dumps(self.configuration).encode())
        self.asked = json.loads(data or b"{}")
        body = self.body if self.body is not None else json.dumps(self.answer).encode()
        return Reply(self.status, {"Content-Type": "text/html"}, body)


@pytest.fixture
def platform(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Platform:
    found = Platform()
    monkeypatch.setattr(http, "call", found.call)
    return found


@pytest.fixture
def token(world: World) -> str:
    return invited(world)


def invited(world: World, **more: Any) -> str:
    with transaction() as tx:
        said = {"name": "", "admins_by_role": True, "by": None, "now": clock.now(), **more}
        _row, token = invitations.invite(tx.session, world.organization.id, **said)
    return token


def come(client: FlaskClient, token: str, **said: str) -> Any:
    query = {"openid_configuration": CONFIGURATION, "registration_token": "reg-token", **said}
    return client.get(f"/lti/register/{token}", query_string=query)


def registration() -> Registration:
    db.session.rollback()
    return db.session.scalars(select(Registration)).one()


def nothing_is_registered() -> bool:
    db.session.rollback()
    return db.session.scalar(select(Registration.id)) is None


def test_r1_r4_r5_moodle_registers_itself(
    world: World, client: FlaskClient, platform: Platform, token: str
) -> None:
    answer = come(client, token)
    assert answer.status_code == 200, answer.text
    found = registration()
    assert found.organization_id == world.organization.id
    assert found.issuer == "https://lms.example.test"
    assert found.client_id == "Gn4mOuYq8cHvUk0"
    assert found.auth_url == "https://lms.example.test/mod/lti/auth.php"
    assert found.token_url == "https://lms.example.test/mod/lti/token.php"
    assert found.jwks_url == "https://lms.example.test/mod/lti/certs.php"
    assert (found.name, found.product) == ("Moodle lms.example.test", "moodle")
    assert found.admins_by_role
    assert deployments(db.session, found.id) == ["1"]
    assert db.session.scalar(select(ToolKey.id).where(ToolKey.registration_id == found.id))
    base = f"https://tool.example.test/lti/{found.uid}"
    asked, tool = platform.asked, platform.asked[TOOL]
    assert asked["application_type"] == "web"
    assert asked["response_types"] == ["id_token"]
    assert asked["grant_types"] == ["implicit", "client_credentials"]
    assert asked["initiate_login_uri"] == f"{base}/login"
    assert asked["redirect_uris"] == [f"{base}/launch"]
    assert asked["jwks_uri"] == f"{base}/jwks"
    assert asked["token_endpoint_auth_method"] == "private_key_jwt"
    assert (tool["domain"], tool["target_link_uri"]) == ("tool.example.test", f"{base}/launch")
    assert {each["type"] for each in tool["messages"]} == {
        "LtiDeepLinkingRequest",
        "LtiResourceLinkRequest",
    }
    assert {"name", "given_name", "family_name", "email"} <= set(tool["claims"])
    method, url, headers = platform.calls[-1]
    assert (method, url) == ("POST", platform.configuration["registration_endpoint"])
    assert headers["Authorization"] == "Bearer reg-token"


def test_only_services_and_variables_the_lms_has_are_asked_for(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    come(client, token)
    asked = platform.asked["scope"].split()
    assert "https://purl.imsglobal.org/spec/lti-ags/scope/score" in asked
    assert "https://purl.imsglobal.org/spec/lti-ts/scope/toolsetting" not in asked
    said = platform.asked[TOOL]["custom_parameters"]
    assert said["context_history"] == "$Context.id.history"
    assert said["groups"] == "$Moodle.Person.userGroupIds"
    assert "link_history" not in said
    assert "view" not in said  # it would win over the links' own


def test_r5_only_what_was_granted_is_ours(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    platform.answer["scope"] = "https://purl.imsglobal.org/spec/lti-ags/scope/score something"
    come(client, token)
    assert registration().scopes == ["https://purl.imsglobal.org/spec/lti-ags/scope/score"]


def test_r5_the_deployment_may_come_later(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    del platform.answer[TOOL]["deployment_id"]
    answer = come(client, token)
    assert "named no deployment yet" in answer.text
    assert deployments(db.session, registration().id) == []


def test_a_201_is_as_good(client: FlaskClient, platform: Platform, token: str) -> None:
    platform.status = 201
    assert come(client, token).status_code == 200


def test_r6_the_page_tells_the_lms_to_close_it(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    answer = come(client, token)
    assert 'src="/static/registered.js"' in answer.text
    script = client.get("/static/registered.js").text
    assert "org.imsglobal.lti.close" in script
    assert "frame-ancestors https://lms.example.test" in answer.headers["Content-Security-Policy"]
    assert "Press Activate" in answer.text


@pytest.mark.parametrize("switch", ["needs_token", "refuses_token"])
def test_r2_the_token_goes_with_the_first_request_if_the_lms_wants_it(
    client: FlaskClient, platform: Platform, token: str, switch: str
) -> None:
    setattr(platform, switch, True)
    assert come(client, token).status_code == 200
    sent = ["Authorization" in headers for method, _, headers in platform.calls if method == "GET"]
    assert sent == ([True] if switch == "needs_token" else [True, False])


NO_CONFIGURATION = {
    "forbidden": Reply(403, {}, b"no"),
    "elsewhere": Reply(302, {"Location": "https://lms.example.test/login"}, b""),
    "broken": Reply(500, {}, b"<h1>Error</h1>"),
    "error in JSON": Reply(200, {}, b'{"error": "invalid_token", "message": "Bad token"}'),
    "a list": Reply(200, {}, b'["issuer"]'),
    "a page": Reply(200, {"Content-Type": "text/html"}, b"<html><p>Please sign in</p></html>"),
    "nothing": Reply(200, {}, b""),
}


@pytest.mark.parametrize("kind", NO_CONFIGURATION)
def test_r2_whatever_is_no_configuration_is_asked_for_without_the_token(
    client: FlaskClient, platform: Platform, token: str, kind: str
) -> None:
    platform.refuses_token, platform.refusal = True, NO_CONFIGURATION[kind]
    answer = come(client, token)
    assert answer.status_code == 200, answer.text
    sent = ["Authorization" in headers for method, _, headers in platform.calls if method == "GET"]
    assert sent == [True, False]


def test_r2_an_lms_that_never_tells_is_quoted(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    platform.refuses_token = platform.needs_token = True
    platform.refusal = NO_CONFIGURATION["error in JSON"]
    answer = come(client, token)
    assert (answer.status_code, len(platform.calls)) == (400, 2)
    assert "HTTP 200: Bad token" in answer.text
    assert nothing_is_registered()


def test_r2_that_it_wants_a_token_is_not_said_of_a_token_that_was_refused(
    client: FlaskClient, platform: Platform, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*_words: Any, headers: dict[str, str], **_more: Any) -> Reply:
        if "Authorization" in headers:
            return Reply(400, {}, b"token_already_used")
        return Reply(401, {}, b"missing_registration_token")

    monkeypatch.setattr(http, "call", call)
    assert "HTTP 400: token_already_used" in come(client, token).text


def test_r2_the_address_of_the_configuration_passes_the_guard(
    client: FlaskClient, token: str
) -> None:
    """No LMS is there: the real HTTP door answers, and refuses."""
    for address in (
        "http://lms.example.test/c",
        "https://127.0.0.1/c",
        "https://10.0.0.7/c",
        "https://[::1]/c",
        "https://169.254.169.254/latest/meta-data",
    ):
        answer = come(client, token, openid_configuration=address)
        assert answer.status_code == 400
        assert "lti.configuration_unreadable" in answer.text
    assert nothing_is_registered()


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "file:///etc/passwd", "nonsense"])
def test_r1_without_an_address_nothing_is_asked(
    client: FlaskClient, platform: Platform, token: str, address: str
) -> None:
    answer = come(client, token, openid_configuration=address)
    assert answer.status_code == 400
    assert "lti.configuration_address" in answer.text
    assert platform.calls == []
    assert come(client, token).status_code == 200


@pytest.mark.parametrize(
    "issuer",
    [
        "https://other.example.test",
        "https://lms.example.test.evil.example",
        "https://lms.example.test:8443",
        "http://lms.example.test",
        "",
        None,
        7,
        "https://canvas.instructure.com",
    ],
)
def test_r3_the_issuer_lies_where_its_configuration_does(
    client: FlaskClient, platform: Platform, token: str, issuer: Any
) -> None:
    platform.configuration["issuer"] = issuer
    answer = come(client, token)
    assert answer.status_code == 400
    assert "lti.configuration" in answer.text
    assert [method for method, *_ in platform.calls] == ["GET"]
    assert nothing_is_registered()


def test_r3_a_vendor_may_sign_in_on_another_of_its_hosts(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    platform.configuration["issuer"] = "https://canvas.instructure.com"
    more = platform.configuration["https://purl.imsglobal.org/spec/lti-platform-configuration"]
    more["product_family_code"], more["variables"] = "canvas", []
    address = "https://sso.canvaslms.com/api/lti/security/openid-configuration"
    assert come(client, token, openid_configuration=address).status_code == 200
    assert registration().issuer == "https://canvas.instructure.com"
    tool = platform.asked[TOOL]
    assert tool["https://canvas.instructure.com/lti/privacy_level"] == "public"
    (account,) = [
        each for each in tool["messages"] if each.get("placements") == ["account_navigation"]
    ]
    assert account["custom_parameters"] == {"view": "admin"}


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"]
)
@pytest.mark.parametrize("value", [None, "http://lms.example.test/x", "ftp://x", 1, ["https://x"]])
def test_r2_every_address_is_a_safe_one(
    client: FlaskClient, platform: Platform, token: str, name: str, value: Any
) -> None:
    platform.configuration[name] = value
    answer = come(client, token)
    assert answer.status_code == 400
    assert name in answer.text
    assert nothing_is_registered()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b"token_already_used", "401: token_already_used"),
        (
            404,
            b"<html><head><title>x</title></head><body><h1>Not Found</h1></body></html>",
            "404: Not Found",
        ),
        (400, b'{"error":"invalid_client_metadata","error_description":"<b>bad</b>"}', "400: bad"),
        (500, b"", "500: –"),
    ],
)
def test_the_lms_s_own_words_are_shown(
    client: FlaskClient, platform: Platform, token: str, status: int, body: bytes, words: str
) -> None:
    platform.status, platform.body = status, body
    answer = come(client, token)
    assert answer.status_code == 400
    assert words in answer.text
    assert "<b>bad" not in answer.text
    assert "registered.js" not in answer.text
    assert nothing_is_registered()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{}", b'{"client_id": 7}', b'{"client_id": ""}', b"\xff", b"<html>"],
)
def test_an_answer_without_a_client_id_registers_nothing(
    client: FlaskClient, platform: Platform, token: str, body: bytes
) -> None:
    platform.body = body
    answer = come(client, token)
    assert answer.status_code == 400
    assert "lti.configuration" in answer.text
    assert nothing_is_registered()


def test_a_failed_registration_may_be_tried_again(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    platform.fails = "ConnectTimeout"
    assert come(client, token).status_code == 400
    platform.fails = None
    assert come(client, token).status_code == 200


def test_r7_an_invitation_works_once(client: FlaskClient, platform: Platform, token: str) -> None:
    assert come(client, token).status_code == 200
    platform.answer["client_id"] = "another"
    again = come(client, token)
    assert again.status_code == 403
    assert "lti.invitation_used" in again.text
    assert registration().client_id == "Gn4mOuYq8cHvUk0"


def test_r7_two_lmss_cannot_use_one_invitation_at_the_same_moment(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    with transaction() as tx:
        invitations.claim(tx.session, token, now=NOW)
    answer = come(client, token)
    assert answer.status_code == 403
    assert platform.calls == []
    with clock.at(NOW + timedelta(minutes=3)):
        assert come(client, token).status_code == 200


def test_r7_invitations_expire_and_are_withdrawn(
    world: World, client: FlaskClient, platform: Platform, token: str
) -> None:
    with clock.at(NOW + timedelta(days=7)):
        late = come(client, token)
    assert (late.status_code, platform.calls) == (403, [])
    assert "lti.invitation_expired" in late.text
    with transaction() as tx:
        row = tx.session.scalars(select(Invitation)).one()
        invitations.withdraw(tx.session, row, by=None, now=NOW)
    assert come(client, token).status_code == 404
    assert come(client, "x" * 32).status_code == 404
    assert nothing_is_registered()


def test_r7_what_is_withdrawn_while_an_lms_registers_registers_nobody(
    client: FlaskClient, platform: Platform, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*words: Any, **more: Any) -> Reply:
        with transaction() as tx:
            row = tx.session.scalars(select(Invitation)).one()
            invitations.withdraw(tx.session, row, by=None, now=NOW)
        return platform.call(*words, **more)

    monkeypatch.setattr(http, "call", call)
    assert come(client, token).status_code == 404
    assert nothing_is_registered()


def test_the_invitation_is_kept_as_a_hash_only(token: str) -> None:
    row = db.session.scalars(select(Invitation)).one()
    assert token not in json.dumps([row.token_hash, row.name])


def test_registering_again_updates(
    world: World, client: FlaskClient, platform: Platform, token: str
) -> None:
    come(client, token)
    before = registration()
    uid, number = before.uid, before.id
    platform.configuration["token_endpoint"] = "https://lms.example.test/new-token.php"
    assert come(client, invited(world)).status_code == 200
    after = registration()
    assert after.id == number
    assert after.uid != uid
    assert after.token_url == "https://lms.example.test/new-token.php"
    assert platform.asked["initiate_login_uri"].endswith(f"/lti/{after.uid}/login")
    assert deployments(db.session, number) == ["1"]


def test_another_organization_cannot_take_a_registration_over(
    world: World, client: FlaskClient, platform: Platform, token: str
) -> None:
    come(client, token)
    uid = registration().uid
    other = world.new_organization("Other")
    with transaction() as tx:
        _row, theirs = invitations.invite(
            tx.session, other.id, name="", admins_by_role=True, by=None, now=NOW
        )
    answer = come(client, theirs)
    assert answer.status_code == 409
    assert registration().uid == uid


def test_the_registered_lms_can_launch(
    world: World,
    client: FlaskClient,
    platform: Platform,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    come(client, token)
    found = registration()
    lms = Lms(uid=found.uid, client_id=found.client_id, auth_url=found.auth_url)
    monkeypatch.setattr(http, "call", lambda *_words, **_more: lms.key_set.fetch(""))
    assert lms.launch(client).status_code == 303


def test_an_unknown_deployment_waits_for_an_admin(client: FlaskClient, lms: Lms) -> None:
    answer = lms.launch(client, deployment_id="99")
    assert answer.status_code == 403
    db.session.rollback()
    row = db.session.scalars(select(Deployment).where(Deployment.deployment_id == "99")).one()
    assert row.accepted_at is None
    assert lms.launch(client, deployment_id="99").status_code == 403


def test_an_unverified_message_leaves_no_deployment(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    forged = lms.sign(lms.claims(asked["nonce"], deployment_id="99"), kid="unknown")
    assert lms.post(client, forged, asked["state"]).status_code in {400, 401}
    db.session.rollback()
    assert db.session.scalar(select(Deployment.id).where(Deployment.deployment_id == "99")) is None


def test_words_of_an_lms_are_text() -> None:
    assert words_of(b"<script>alert(1)</script><p>No\n\n way</p>") == "No way"
    assert words_of(b'{"reason": "Grade item 11 doesn\'t exist"}') == "Grade item 11 doesn't exist"
    assert len(words_of(b"x" * 5000)) == 300


def test_the_command_line_invites(
    app: Flask, world: World, client: FlaskClient, platform: Platform
) -> None:
    line = ["lms", "invite", "--organization", world.organization.slug, "--name", "Campus"]
    said = CliRunner().invoke(plugin, line, obj=app)
    found = re.search(r"https://tool\.example\.test/lti/register/(\S+)", said.output)
    assert found, said.output
    assert come(client, found[1]).status_code == 200
    assert (registration().name, registration().admins_by_role) == ("Campus", False)
