"""The LMS and the tool on two sites over https, the tool behind a proxy that ends TLS."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect

from plugin.app import create_app
from plugin.core import http
from plugin.core.db import db
from plugin.core.settings import Settings
from plugin.lti.tool.views import KEYS
from plugin.org.models import SignIn
from sandbox.lms import create_lms
from tests.browser.test_scorm_player import content_of, probe, say
from tests.browser.test_without_cookies import Seen, assert_no_cookie
from tests.functional.assign.places import row, training
from tests.functional.lti.conftest import register
from tests.support.browser import (
    BLOCKS_THIRD_PARTIES,
    free_address,
    no_cookies_of,
    overflows,
    profile,
)
from tests.support.lms import Site, campus
from tests.support.play import brought_in
from tests.support.tls import behind_a_proxy, certificate, serving_tls
from tests.support.world import World

TOOL, CONTENT, CAMPUS = "training.test", "content.training.test", "campus.test"
TO_THIS_MACHINE = "--host-resolver-rules=MAP *.test 127.0.0.1"


@pytest.fixture
def site(
    app: Flask,
    settings: Settings,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """https://campus.test with the tool of https://training.test in it."""
    tls = certificate(tmp_path / "tls", TOOL, CONTENT, CAMPUS)
    with free_address() as ours, free_address() as theirs:
        tool_url = f"https://{TOOL}:{ours.port}"
        url = f"https://{CAMPUS}:{theirs.port}"
        content_url = f"https://{CONTENT}:{ours.port}"
        behind = replace(settings, tool_url=tool_url, content_url=content_url, proxy_hops=1)
        tool = create_app(behind.checked())
        lms = register(world, issuer=url, auth_url=f"{url}/auth", tool_url=tool_url)
        found = Site(url, create_lms(campus(url, tmp_path / "lms", lms, tool_url)), lms, world)

        def call(settings: Settings, method: str, url: str, headers: Any) -> http.Reply:
            return found.key_set()

        monkeypatch.setattr(http, "call", call)
        tool.extensions[KEYS].forget()
        served = behind_a_proxy(tool)
        with serving_tls(served, ours, tls), serving_tls(found.app, theirs, tls):
            yield found


def opened(browser: Browser, folder: Path, preferences: dict[str, Any]) -> Any:
    return profile(browser, folder, preferences, TO_THIS_MACHINE, ignore_https_errors=True)


def visits() -> int:
    db.session.rollback()
    return db.session.query(SignIn).count()


def cookies_named(context: BrowserContext, head: str) -> list[Any]:
    return [each for each in context.cookies() if each["name"].startswith(head)]


def test_across_sites_a_partitioned_cookie_signs_in_without_a_click(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    with opened(browser, tmp_path / "profile", BLOCKS_THIRD_PARTIES) as context:
        page = context.new_page()
        seen = Seen(context, site.lms.tool_url)
        tool = site.open(page, "lars")
        tool.get_by_role("link", name="History").click()
        expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
        assert any("__Host-visit-" in each.get("cookie", "") for each in seen.framed())
        kept = cookies_named(context, "__Host-")
        assert len(kept) == 1
        assert kept[0]["secure"]
        assert kept[0]["httpOnly"]
        assert kept[0]["sameSite"] == "None"
    assert visits() == 1


@pytest.mark.parametrize("has_storage", [True, False], ids=["storage", "press"])
def test_across_sites_without_any_cookie_a_module_is_played(
    browser: Browser, site: Site, tmp_path: Path, has_storage: bool
) -> None:
    lars = site.person("lars")
    module = brought_in(site.world, probe())
    unit = site.world.unit()
    site.world.member(lars, unit)
    training(unit, row(module))
    site.storage.is_on = has_storage
    preferences = no_cookies_of(site.lms.tool_url, inside=site.url)
    with opened(browser, tmp_path / "profile", preferences) as context:
        page = context.new_page()
        seen = Seen(context, site.lms.tool_url)
        tool = site.open(page, "lars")
        if not has_storage:
            tool.get_by_role("button", name="Continue here as Lars").click()
        tool.locator(f'form[action$="/modules/{module.id}/start"] button').click()
        course = content_of(page)
        say(course, "cmi.core.score.raw", "90")
        say(course, "cmi.core.lesson_status", "passed")
        tool.locator("#back").click()
        expect(tool.get_by_role("link", name="History")).to_be_visible()
        assert overflows(page) == 0
        assert_no_cookie(seen, context)
    assert visits() == 1


def test_across_sites_only_the_lms_of_the_visit_may_frame_its_pages(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    with opened(browser, tmp_path / "profile", BLOCKS_THIRD_PARTIES) as context:
        page = context.new_page()
        tool = site.open(page, "lars")
        expect(tool.get_by_role("link", name="History")).to_be_visible()
        frame = page.frame(name="contentframe")
        assert frame is not None
        address = frame.url
        stranger = context.new_page()
        blocked: list[str] = []
        stranger.on("console", lambda line: blocked.append(line.text))
        stranger.goto(f"https://evil.test:{site.url.rsplit(':', 1)[1]}/jwks")
        stranger.set_content(f'<iframe src="{address}"></iframe>')
        stranger.wait_for_timeout(1000)
        assert any("frame-ancestors" in each for each in blocked)
