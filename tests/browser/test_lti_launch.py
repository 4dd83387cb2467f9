"""Launches in a frame on another site, in a browser that keeps cookies there and in one that does
not."""

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

import pytest
from flask import Flask, request
from playwright.sync_api import BrowserContext, Page, expect

from plugin.core import http
from plugin.core.db import db
from plugin.core.settings import Settings
from plugin.lti.tool.models import Login
from plugin.lti.tool.views import KEYS
from plugin.org.models import SignIn
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.browser import Address, free_address, overflows, serving, take_picture
from tests.support.world import World

Course = tuple[Lms, str]
"""An LMS and the address of its course page."""


def post_at_once(action: str, fields: dict[str, str], target: str = "_self") -> str:
    """A page that posts a form as soon as it is shown, as LMSs do."""
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    return (
        f'<form method="post" action="{escape(action)}" target="{target}">{inputs}</form>'
        "<script>document.forms[0].submit()</script>"
    )


@pytest.fixture
def course(
    app: Flask, world: World, address: Address, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Course]:
    """An LMS on another site (127.0.0.1, the tool is on localhost) with the tool in a frame."""
    with free_address() as found:
        site = f"http://127.0.0.1:{found.port}"
        lms = register(world, issuer=site, auth_url=f"{site}/auth", tool_url=address.tool)
        platform = Flask("lms")

        @platform.get("/course")
        def show() -> str:
            frame = '<iframe name="tool" width="380" height="450"></iframe>'
            return frame + post_at_once(
                f"{address.tool}/lti/{lms.uid}/login", lms.login_request(), "tool"
            )

        @platform.get("/auth")
        def authorize() -> str:
            token = lms.sign(lms.claims(request.args["nonce"]))
            answer = {"id_token": token, "state": request.args["state"]}
            return post_at_once(request.args["redirect_uri"], answer)

        def call(settings: Settings, method: str, url: str, headers: Any) -> http.Reply:
            return lms.key_set.fetch(url)

        monkeypatch.setattr(http, "call", call)
        app.extensions[KEYS].forget()
        with serving(platform, found):
            yield lms, f"{site}/course"


@pytest.fixture
def no_cookies_in_frames(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool as seen by a browser that keeps and sends no cookie of a framed page."""
    serve = app.wsgi_app

    def without(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        framed = environ.get("HTTP_SEC_FETCH_DEST") == "iframe"
        if framed:
            environ.pop("HTTP_COOKIE", None)

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [each for each in headers if not framed or each[0] != "Set-Cookie"]
            return start(status, kept, *more)

        return serve(environ, begin)

    monkeypatch.setattr(app, "wsgi_app", without)


def visit_cookies(context: BrowserContext) -> list[str]:
    return [each["name"] for each in context.cookies() if each["name"].startswith("__Host-")]


def visits() -> int:
    db.session.rollback()
    return db.session.query(SignIn).count()


def test_a_launch_in_a_frame_of_another_site_signs_in_without_a_click(
    page: Page, context: BrowserContext, course: Course, address: Address
) -> None:
    with page.expect_request(re.compile(rf"{address.tool}/visit/[0-9a-f]{{16}}/$")) as home:
        page.goto(course[1])
    assert "__Host-visit-" in home.value.all_headers()["cookie"]
    assert visits() == 1
    assert visit_cookies(context) == [f"__Host-visit-{home.value.url.split('/')[-2]}"]


def test_without_cookies_in_the_frame_the_button_signs_in_in_a_new_window(
    page: Page,
    context: BrowserContext,
    course: Course,
    address: Address,
    no_cookies_in_frames: None,
) -> None:
    page.goto(course[1])
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Lars Learner", exact=True)).to_be_visible()
    take_picture(page, "lti-open-window")
    assert visits() == 0
    with context.expect_page() as opened:
        frame.get_by_role("button", name="Open in a new window").click()
    window = opened.value
    window.wait_for_url(f"{address.tool}/visit/*/")
    assert visits() == 1
    assert visit_cookies(context) == [f"__Host-visit-{window.url.split('/')[-2]}"]
    with context.expect_page() as again:
        frame.get_by_role("button", name="Open in a new window").click()
    expect(again.value.get_by_text("lti.handover")).to_be_visible()
    assert overflows(again.value) == 0
    assert visits() == 1


def test_a_page_of_another_site_cannot_press_the_button(
    page: Page, course: Course, address: Address, no_cookies_in_frames: None
) -> None:
    lms, site = course
    page.goto(site)
    frame = page.frame_locator("iframe")
    code = frame.locator("#window input[name=code]").get_attribute("value")
    assert code
    page.set_content(post_at_once(f"{address.tool}/lti/{lms.uid}/continue", {"code": code}))
    expect(page.get_by_text("lti.handover")).to_be_visible()
    assert visits() == 0
    assert db.session.query(Login).one().handover_hash is not None
