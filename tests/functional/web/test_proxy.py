"""Behind a proxy that ends TLS: who asks, from where and how, is its word, if it is trusted."""

from dataclasses import replace

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from plugin.app import create_app
from plugin.core import http
from plugin.core.settings import Settings
from plugin.lti.tool.views import KEYS
from plugin.web import visits
from plugin.web.identity import public
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.html import read
from tests.support.visits import page_of
from tests.support.world import World

INSIDE = "http://10.0.0.5:8000"
FORWARDED = {
    "X-Forwarded-For": "198.51.100.7, 203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "tool.example.test",
    "X-Forwarded-Prefix": "/visit/0123456789abcdef",
}
"""The client said the first address itself; our proxy added the second."""


@public
def seen() -> Response:
    return jsonify(address=request.remote_addr, url=request.url_root, is_secure=request.is_secure)


def behind(settings: Settings, hops: int) -> Flask:
    """The product with so many trusted proxies in front of it."""
    found = create_app(replace(settings, proxy_hops=hops))
    found.testing = True
    found.config["PROPAGATE_EXCEPTIONS"] = False
    found.add_url_rule("/test/seen", "test_seen", seen)
    return found


class Proxied(FlaskClient):
    """A browser whose requests arrive as a proxy passes them on."""

    def open(self, *args: object, **kwargs: object) -> object:
        kwargs["base_url"] = INSIDE
        kwargs["headers"] = {**FORWARDED, **dict(kwargs.get("headers") or {})}
        kwargs["environ_overrides"] = {"REMOTE_ADDR": "10.0.0.1"}
        return super().open(*args, **kwargs)


@pytest.fixture
def proxied(app: Flask, settings: Settings) -> FlaskClient:
    behind_one = behind(settings, 1)
    behind_one.test_client_class = Proxied
    return behind_one.test_client(use_cookies=False)


def test_without_the_setting_nobody_is_believed(app: Flask, settings: Settings) -> None:
    client = behind(settings, 0).test_client()
    answer = client.get(
        "/test/seen",
        base_url=INSIDE,
        headers=FORWARDED,
        environ_overrides={"REMOTE_ADDR": "203.0.113.9"},
    )
    assert answer.json == {"address": "203.0.113.9", "url": INSIDE + "/", "is_secure": False}


def test_with_one_trusted_proxy_its_word_counts_and_the_client_s_does_not(
    proxied: FlaskClient,
) -> None:
    assert proxied.get("/test/seen").json == {
        "address": "203.0.113.9",
        "url": "https://tool.example.test/",
        "is_secure": True,
    }


def test_the_wall_between_the_origins_stands_behind_a_proxy(proxied: FlaskClient) -> None:
    content = {"X-Forwarded-Host": "content.example.test"}
    assert proxied.get("/admin/people").status_code == 401
    assert proxied.get("/admin/people", headers=content).status_code == 404
    assert proxied.get("/healthz", headers=content).status_code == 200


@pytest.fixture
def lms(world: World, proxied: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Lms:
    found = register(world)

    def call(settings: Settings, method: str, url: str, headers: dict[str, str]) -> http.Reply:
        return found.key_set.fetch(url)

    monkeypatch.setattr(http, "call", call)
    proxied.application.extensions[KEYS].forget()
    return found


def test_a_launch_behind_a_proxy_gets_secure_cookies_and_stays_on_its_path(
    proxied: FlaskClient, lms: Lms
) -> None:
    login = lms.log_in(proxied)
    cookie = login.headers["Set-Cookie"]
    assert "; Secure;" in cookie
    held = cookie.split(";")[0]
    query = dict(each.split("=", 1) for each in login.headers["Location"].split("?")[1].split("&"))
    assert query["redirect_uri"].startswith("https")
    answer = proxied.post(
        f"/lti/{lms.uid}/launch",
        data={"id_token": lms.sign(lms.claims(query["nonce"])), "state": query["state"]},
        headers={"Cookie": held},
    )
    assert answer.status_code == 303
    assert page_of(answer) == "/"
    cookies = answer.headers.getlist("Set-Cookie")
    assert all("; Secure;" in each for each in cookies)
    visit = next(each for each in cookies if each.startswith(visits.COOKIE)).split(";")[0]
    page = proxied.get(answer.headers["Location"], headers={"Cookie": visit})
    assert "Lars Learner" in page.text


def test_our_own_origin_is_known_behind_a_proxy(proxied: FlaskClient, lms: Lms) -> None:
    code = read(lms.launch(proxied).text).by_id("begin").all("input")[0].attributes["value"]
    for origin, status in ((INSIDE, 400), ("https://tool.example.test", 200)):
        answer = proxied.post(
            f"/lti/{lms.uid}/begin", data={"code": code}, headers={"Origin": origin}
        )
        assert answer.status_code == status
