"""LMSs that register themselves wrongly, or want something else: nothing is kept,
a page says why."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from plugin.core import http
from plugin.core.db import db
from plugin.core.http import Reply
from plugin.lti.tool.configuration import TOOL
from plugin.lti.tool.models import Deployment, Invitation, Registration, ToolKey
from tests.functional.lti.hostile.values import NASTY, RAW, SCRIPT, refusal
from tests.functional.lti.test_dynamic_registration import (
    Platform,
    come,
    invited,
    nothing_is_registered,
    platform,
    registration,
    token,
)
from tests.support.world import World

pytestmark = pytest.mark.once

__all__ = ["platform", "token"]
PRODUCT = "https://purl.imsglobal.org/spec/lti-platform-configuration"
ADDRESSES = ["authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"]


def nothing_is_kept() -> None:
    assert nothing_is_registered()
    assert db.session.query(Deployment).count() == 0
    assert db.session.query(ToolKey).count() == 0
    assert db.session.query(Invitation).one().used_at is None


@pytest.mark.parametrize("name", ["issuer", *ADDRESSES])
def test_r2_a_configuration_with_nonsense_for_a_needed_value_registers_nothing(
    client: FlaskClient, platform: Platform, token: str, name: str
) -> None:
    good = dict(platform.configuration)
    for value in NASTY.values():
        platform.configuration = {**good, name: value}
        assert "lti.configuration" in refusal(come(client, token))
    platform.configuration = {k: v for k, v in good.items() if k != name}
    assert name in refusal(come(client, token))
    nothing_is_kept()
    assert [method for method, *_ in platform.calls if method == "POST"] == []


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://lms.example.test/x",
            "https://u:p@lms.example.test/x",
            "https://lms.example.test\\@x/",
        ),
        *("javascript:alert(1)", "file:///etc/passwd", "gopher://x/", "//lms.example.test/x", "/x"),
        *("https://lms.example.test:99999/", "https://[::1", "https://a b/", "https://h/\r\nX: y"),
        *("https://", "https://*/", "https://h/#x", "https://h;x/", "https://h/" + "x" * 5000),
    ],
)
def test_r2_an_address_nobody_can_be_sent_to_is_refused(
    client: FlaskClient, platform: Platform, token: str, name: str, address: str
) -> None:
    platform.configuration[name] = address
    assert name in refusal(come(client, token))
    nothing_is_kept()


@pytest.mark.parametrize(
    "issuer",
    [
        *(
            "https://[::1",
            "https://lms.example.test:99999",
            "https://lms.example.test@evil.example",
        ),
        *(
            "https://lms.example.test\\evil",
            "https://LMS.example.test.",
            "javascript://lms.example.test",
        ),
        *(
            "https://evilinstructure.com",
            "https://lms.example.test/" + "x" * 300,
            "null",
            "*",
            "https://",
        ),
    ],
)
def test_r3_an_issuer_that_only_looks_like_the_lms_is_refused(
    client: FlaskClient, platform: Platform, token: str, issuer: str
) -> None:
    platform.configuration["issuer"] = issuer
    assert "lti.configuration" in refusal(come(client, token))
    nothing_is_kept()


@pytest.mark.parametrize(
    ("address", "issuer"),
    [
        ("https://instructure.com.evil.example/c", "https://canvas.instructure.com"),
        ("https://evilcanvaslms.com/c", "https://canvas.instructure.com"),
        ("https://canvaslms.com@evil.example/c", "https://canvas.instructure.com"),
        ("https://sso.canvaslms.com/c", "http://canvas.instructure.com"),
        ("https://lms.example.test/c", "https://canvas.instructure.com"),
    ],
)
def test_r3_nobody_vouches_for_canvas_but_canvas(
    client: FlaskClient, platform: Platform, token: str, address: str, issuer: str
) -> None:
    platform.configuration["issuer"] = issuer
    refusal(come(client, token, openid_configuration=address))
    nothing_is_kept()


@pytest.mark.parametrize("where", ["configuration", "answer"])
def test_optional_values_that_are_nonsense_break_nothing(
    client: FlaskClient, platform: Platform, token: str, where: str, world: World
) -> None:
    said = getattr(platform, where)
    optional = {
        "configuration": ("scopes_supported", "authorization_server", PRODUCT, "claims_supported"),
        "answer": ("scope", TOOL, "redirect_uris", "messages", "registration_client_uri"),
    }[where]
    for number, (label, value) in enumerate(NASTY.items()):
        for name in optional:
            setattr(platform, where, {**said, name: value})
            platform.answer = {**platform.answer, "client_id": f"client-{name[:9]}-{number}"}
            answer = come(client, invited(world))
            assert answer.status_code == 200, (label, name, answer.text)
    for row in db.session.query(Registration):
        assert set(row.scopes) <= set(platform.asked["scope"].split())


@pytest.mark.parametrize("label", NASTY)
def test_r5_a_client_id_that_is_none_registers_nothing(
    client: FlaskClient, platform: Platform, token: str, label: str
) -> None:
    value = NASTY[label]
    platform.answer["client_id"] = value
    answer = come(client, token)
    if isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable():
        assert answer.status_code == 200
        return
    assert "client_id" in refusal(answer)
    nothing_is_kept()


@pytest.mark.parametrize("label", NASTY)
def test_r5_a_deployment_that_is_none_comes_later(
    client: FlaskClient, platform: Platform, token: str, label: str
) -> None:
    value = NASTY[label]
    platform.answer[TOOL]["deployment_id"] = value
    assert come(client, token).status_code == 200
    kept = [each.deployment_id for each in db.session.query(Deployment)]
    usable = isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()
    number = isinstance(value, int) and not isinstance(value, bool) and len(str(value)) <= 255
    assert kept == ([str(value)] if usable or number else [])


@pytest.mark.parametrize("raw", RAW)
def test_json_that_is_none_registers_nothing(
    client: FlaskClient, platform: Platform, token: str, raw: str
) -> None:
    good = json.dumps(platform.answer)[:-1]
    platform.body = f'{good}, "client_id": {RAW[raw]}}}'.encode()
    refusal(come(client, token))
    for body in (b"\xff\xfe", b"\x00" * 1000, b"[" * 100_000, good.encode(), b"\xef\xbb\xbf[]"):
        platform.body = body
        refusal(come(client, token))
    nothing_is_kept()


@pytest.mark.parametrize(
    "status", [0, 100, 204, 301, 302, 307, 308, 400, 401, 404, 418, 500, 503, 999]
)
def test_an_answer_that_is_no_success_registers_nothing(
    client: FlaskClient, platform: Platform, token: str, status: int
) -> None:
    platform.status = status
    platform.body = (SCRIPT * 300).encode()
    refusal(come(client, token))
    nothing_is_kept()


def test_r2_a_redirect_is_said_to_be_one_and_not_followed(
    client: FlaskClient, platform: Platform, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def elsewhere(_settings: Any, method: str, url: str, **_more: Any) -> Reply:
        asked.append(url)
        if method == "GET":
            return Reply(200, {}, json.dumps(platform.configuration).encode())
        return Reply(302, {"Location": "http://169.254.169.254/latest/meta-data"}, b"")

    monkeypatch.setattr("plugin.core.http.call", elsewhere)
    assert "another address" in refusal(come(client, token))
    assert not any("169.254" in each for each in asked)
    nothing_is_kept()


@pytest.mark.parametrize(
    "said", ["x" * 9000, "t\u00f6k\u0119n", "a\r\nX-Evil: 1", "\x00", SCRIPT, " ", "Bearer x"]
)
def test_a_registration_token_that_is_none_goes_nowhere(
    client: FlaskClient, token: str, said: str
) -> None:
    """No LMS is there: the real HTTP door answers."""
    refusal(come(client, token, registration_token=said))
    nothing_is_kept()


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "2130706433",
            "0177.0.0.1",
            "0x7f000001",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "localhost",
        ),
        *("169.254.169.254", "[::ffff:169.254.169.254]", "[::ffff:a00:1]", "[64:ff9b::a9fe:a9fe]"),
        *(
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "[fd00::1]",
            "[fe80::1]",
            "198.18.0.1",
        ),
        *("127.0.0.1:6379", "127.1", "metadata.localhost", "255.255.255.255", "224.0.0.1"),
    ],
)
def test_r2_no_configuration_is_fetched_from_inside_a_network(
    client: FlaskClient, token: str, host: str
) -> None:
    page = refusal(come(client, token, openid_configuration=f"https://{host}/c"))
    assert "lti.configuration_unreadable" in page
    nothing_is_kept()


def test_r2_a_public_configuration_cannot_send_us_inside_a_network(
    client: FlaskClient,
    platform: Platform,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    platform.configuration["registration_endpoint"] = "https://127.0.0.1/admin/delete"
    real = http._checked_addresses
    asked: list[str] = []

    def guarded(settings: Any, method: str, url: str, **more: Any) -> Reply:
        if method == "GET":
            return platform.call(settings, method, url, **more)
        asked.append(url)
        real(settings, url)
        raise AssertionError("the guard let a private address pass")

    monkeypatch.setattr("plugin.core.http.call", guarded)
    assert "private network" in refusal(come(client, token))
    assert asked == ["https://127.0.0.1/admin/delete"]
    nothing_is_kept()


def test_nothing_secret_of_a_registration_is_logged(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    with capture_logs() as lines:
        platform.status, platform.body = 401, b"secret words"
        refusal(come(client, token, registration_token="secret-token"))
        platform.configuration["issuer"] = "https://secret.example"
        refusal(come(client, token, registration_token="secret-token"))
    said = repr(lines)
    assert "secret" not in said
    assert token not in said


def test_the_issuer_s_own_registration_still_works(
    client: FlaskClient, platform: Platform, token: str
) -> None:
    assert come(client, token).status_code == 200
    assert registration().issuer == "https://lms.example.test"
