"""No cookie in the frame: each step of the order, and a whole visit shown by a script."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Download, Page, Request, expect

from plugin.core import http
from plugin.core.db import db
from plugin.core.settings import Settings
from plugin.lti.tool.views import KEYS
from plugin.org.models import Person, SignIn
from plugin.web.roles import Role
from sandbox.cookies import behind_the_door
from tests.browser.looks import flaws
from tests.browser.test_scorm_player import content_of, probe, say
from tests.functional.assign.places import row, training
from tests.support.browser import (
    ALLOWS_ALL,
    BLOCKS_THIRD_PARTIES,
    Address,
    no_cookies_of,
    overflows,
    profile,
    take_picture,
)
from tests.support.lms import Site, frame_of, installed
from tests.support.play import brought_in
from tests.support.world import World

expect.set_options(timeout=15_000)


@pytest.fixture
def site(
    app: Flask, world: World, address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """An LMS on another site than the tool's."""
    with installed(world, address.tool, tmp_path / "lms") as found:

        def call(settings: Settings, method: str, url: str, headers: Any) -> http.Reply:
            return found.key_set()

        monkeypatch.setattr(http, "call", call)
        app.extensions[KEYS].forget()
        yield found
    app.extensions[KEYS].forget()


class Seen:
    """What the tool was asked, and what with: proof that no cookie travelled in the frame."""

    def __init__(self, context: BrowserContext, tool: str) -> None:
        self._tool = tool
        self._asked: list[Request] = []
        context.on("request", self._note)

    def _note(self, request: Request) -> None:
        self._asked.append(request)

    def framed(self) -> list[dict[str, str]]:
        """The headers of everything a frame of the LMS asked of the tool."""
        return [
            each.all_headers()
            for each in self._asked
            if each.url.startswith(self._tool) and each.frame.parent_frame is not None
        ]

    def addresses(self) -> str:
        return "\n".join(each.url for each in self._asked)


@pytest.fixture
def strict(
    browser: Browser, app: Flask, site: Site, address: Address, tmp_path: Path
) -> Iterator[BrowserContext]:
    """A profile that forbids the tool every cookie and storage inside the LMS."""
    preferences = no_cookies_of(address.tool, inside=site.url)
    with profile(browser, tmp_path / "profile", preferences) as context:
        yield context


@pytest.fixture
def seen(strict: BrowserContext, address: Address) -> Seen:
    return Seen(strict, address.tool)


def back(page: Page, steps: int = 1) -> None:
    """What the browser's Back does; the page around stays, so nothing is waited for."""
    page.evaluate("steps => history.go(-steps)", steps)


def visits() -> int:
    db.session.rollback()
    return db.session.query(SignIn).count()


def assert_no_cookie(seen: Seen, context: BrowserContext) -> None:
    asked = seen.framed()
    assert len(asked) > 1
    assert not [each for each in asked if "cookie" in each]
    assert not [each for each in context.cookies() if each["name"].startswith("__Host-")]


def assert_no_secret_in_addresses(seen: Seen) -> None:
    for each in seen.framed():
        if bearer := each.get("authorization", "").removeprefix("Bearer "):
            assert bearer not in seen.addresses()


def test_l8_first_a_partitioned_cookie_also_where_third_party_cookies_are_blocked(
    browser: Browser, site: Site, address: Address, tmp_path: Path
) -> None:
    site.storage.is_on = True
    with profile(browser, tmp_path / "profile", BLOCKS_THIRD_PARTIES) as context:
        seen = Seen(context, address.tool)
        tool = site.open(context.new_page(), "lars")
        expect(tool.get_by_role("link", name="History")).to_be_visible()
        tool.get_by_role("link", name="History").click()
        expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
        asked = seen.framed()
        assert any("__Host-visit-" in each.get("cookie", "") for each in asked)
        assert not any("authorization" in each for each in asked)
    assert visits() == 1


@pytest.mark.parametrize("is_forgetful", [False, True], ids=["named", "by_capabilities"])
def test_s1_s2_s3_then_the_storage_of_the_lms_without_a_click(
    strict: BrowserContext, seen: Seen, site: Site, is_forgetful: bool
) -> None:
    site.storage.is_on, site.storage.is_forgetful = True, is_forgetful
    page = strict.new_page()
    tool = site.open(page, "lars")
    expect(tool.get_by_role("link", name="History")).to_be_visible()
    assert visits() == 1
    assert re.search(r"/visit/[0-9a-f]{16}/$", frame_of(page).url)
    assert_no_cookie(seen, strict)
    assert_no_secret_in_addresses(seen)


def test_s5_then_a_press_of_the_button_that_says_the_name(
    strict: BrowserContext, seen: Seen, site: Site
) -> None:
    page = strict.new_page()
    tool = site.open(page, "lars")
    button = tool.get_by_role("button", name="Continue here as Lars Ødegård")
    expect(button).to_be_visible()
    assert visits() == 0
    take_picture(page, "lti-one-more-step")
    button.click()
    expect(tool.get_by_role("link", name="History")).to_be_visible()
    assert visits() == 1
    assert_no_cookie(seen, strict)
    assert_no_secret_in_addresses(seen)


def test_s5_a_storage_that_does_not_answer_holds_nobody_up(
    strict: BrowserContext, site: Site
) -> None:
    site.storage.is_on = True
    page = strict.new_page()
    page.route("**/storage", lambda route: route.fulfill(body="<p>silence"))
    tool = site.open(page, "lars")
    expect(tool.get_by_role("button", name="Continue here as Lars")).to_be_visible()
    assert visits() == 0


LATE_STORAGE = """<script>
const kept = {};
addEventListener("message", ({ data, source, origin }) => {
  const isQuestion = data.subject === "lti.get_data";
  if (!isQuestion) kept[data.key] = data.value;
  const { key, message_id, subject } = data;
  const said = { subject: `${subject}.response`, message_id, key, value: kept[key] };
  setTimeout(() => source.postMessage(said, origin), isQuestion ? 2500 : 0);
});
</script>"""


def test_s5_what_the_storage_says_late_still_lets_the_visit_begin_without_a_click(
    strict: BrowserContext, seen: Seen, site: Site
) -> None:
    site.storage.is_on = True
    page = strict.new_page()
    page.route(
        "**/storage", lambda route: route.fulfill(body=LATE_STORAGE, content_type="text/html")
    )
    tool = site.open(page, "lars")
    expect(tool.get_by_role("button", name="Continue here as Lars")).to_be_visible()
    expect(tool.get_by_role("link", name="History")).to_be_visible()
    assert visits() == 1
    assert_no_cookie(seen, strict)


def test_last_comes_a_new_window(strict: BrowserContext, site: Site, address: Address) -> None:
    page = strict.new_page()
    tool = site.open(page, "lars")
    with strict.expect_page() as opened:
        tool.get_by_role("button", name="Open in a new window").click()
    window = opened.value
    expect(window.get_by_role("link", name="History")).to_be_visible()
    assert [each["name"][:13] for each in strict.cookies(address.tool)] == ["__Host-visit-"]
    tool.get_by_role("button", name="Continue here as Lars").click()
    expect(tool.get_by_role("alert").first).to_contain_text("This button has been used")
    assert visits() == 1


@pytest.fixture
def admin(site: Site, world: World) -> Person:
    found = site.person("astrid")
    world.grant(found, Role.ADMIN)
    return found


def entered(context: BrowserContext, site: Site, username: str, activity: str) -> Any:
    """The first page of the visit, in the frame; what the browser complained of comes along."""
    site.storage.is_on = True
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, site.open(page, username, activity), complaints


def test_links_back_and_forward_title_and_focus_are_those_of_pages(
    strict: BrowserContext, seen: Seen, site: Site
) -> None:
    page, tool, complaints = entered(strict, site, "lars", "My safety training")
    tool.get_by_role("link", name="History").click()
    expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
    frame = frame_of(page)
    assert frame.url.endswith("/history")
    assert "History" in frame.title()
    assert frame.evaluate("document.activeElement.id") == "main"
    expect(tool.locator("[role=status].visually-hidden")).to_have_text(frame.title())
    tool.get_by_role("link", name="Certificates").click()
    expect(tool.get_by_role("heading", level=1, name="Certificates")).to_be_visible()
    back(page)
    expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
    assert frame.url.endswith("/history")
    back(page, -1)
    expect(tool.get_by_role("heading", level=1, name="Certificates")).to_be_visible()
    assert overflows(page) == 0
    assert_no_cookie(seen, strict)
    assert complaints == []


def test_forms_say_mistakes_keep_what_was_typed_and_lead_on(
    strict: BrowserContext, seen: Seen, site: Site, admin: Person
) -> None:
    page, tool, complaints = entered(strict, site, "astrid", "Training administration")
    tool.get_by_role("link", name="Organization").click()
    tool.get_by_role("link", name="Create a user").click()
    expect(tool.get_by_label("Name", exact=True)).to_be_visible()
    tool.get_by_label("Employee ID").fill("7")
    tool.get_by_label("Email").fill("x" * 300)
    tool.get_by_label("Name", exact=True).fill("Nina New")
    frame_of(page).evaluate("document.querySelector('main form[method=post]').requestSubmit()")
    expect(tool.locator("[aria-invalid=true]")).to_be_visible()
    assert tool.get_by_label("Name", exact=True).input_value() == "Nina New"
    assert frame_of(page).evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    tool.get_by_label("Email").fill("nina@example.test")
    tool.get_by_role("button", name="Create", exact=False).last.click()
    expect(tool.get_by_text("Nina New").first).to_be_visible()
    assert db.session.query(Person).filter_by(full_name="Nina New").count() == 1
    assert_no_cookie(seen, strict)
    assert [each for each in complaints if "422" not in each] == []


def test_lists_narrow_as_one_types_and_back_leads_out_of_them(
    strict: BrowserContext, site: Site, admin: Person, world: World
) -> None:
    world.person("Ada Byron", email=None)
    page, tool, _ = entered(strict, site, "astrid", "Training administration")
    tool.get_by_role("link", name="Organization").click()
    expect(tool.get_by_role("link", name="Ada Byron")).to_be_visible()
    tool.get_by_role("searchbox").fill("Astrid")
    expect(tool.get_by_role("link", name="Ada Byron")).to_have_count(0)
    assert "q=Astrid" in frame_of(page).url
    tool.get_by_role("link", name="Astrid").first.click()
    expect(tool.get_by_role("heading", level=1)).to_contain_text("Astrid")
    back(page)
    expect(tool.get_by_role("searchbox")).to_have_value("Astrid")
    expect(tool.get_by_role("link", name="Ada Byron")).to_have_count(0)


def test_files_go_up_and_come_down(
    strict: BrowserContext, seen: Seen, site: Site, admin: Person, tmp_path: Path
) -> None:
    page, tool, complaints = entered(strict, site, "astrid", "Training administration")
    tool.get_by_role("link", name="Organization").click()
    with page.expect_download() as list_saved:
        tool.get_by_role("link", name="CSV").click()
    assert "Astrid" in read(list_saved.value)
    tool.get_by_role("link", name="Astrid").first.click()
    tool.get_by_role("link", name="Assigned training").click()
    with page.expect_download() as saved:
        tool.get_by_role("link", name="Transcript").click()
    assert saved.value.suggested_filename.endswith(".pdf")
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF-")
    tool.get_by_role("link", name="Imports").click()
    tool.get_by_role("link", name="Import people").click()
    sheet = tmp_path / "people.csv"
    sheet.write_text("first name,last name,email\nNina,New,nina@example.test\n")
    tool.locator("input[type=file]").set_input_files(str(sheet))
    tool.get_by_role("button", name="Upload and check").click()
    expect(tool.get_by_text("people.csv").first).to_be_visible()
    assert_no_cookie(seen, strict)
    assert complaints == []


def read(download: Download) -> str:
    return Path(download.path()).read_text(encoding="utf-8")


def test_a_module_is_played_and_left_again(
    strict: BrowserContext, seen: Seen, site: Site, world: World
) -> None:
    lars = site.person("lars")
    module = brought_in(world, probe())
    unit = world.unit()
    world.member(lars, unit)
    training(unit, row(module))
    page, tool, complaints = entered(strict, site, "lars", "My safety training")
    tool.locator(f'form[action$="/modules/{module.id}/start"] button').click()
    course = content_of(page)
    assert "/play/" in frame_of(page).url
    say(course, "cmi.core.score.raw", "90")
    say(course, "cmi.core.lesson_status", "passed")
    tool.locator("#back").click()
    expect(tool.get_by_role("link", name="History")).to_be_visible()
    assert overflows(page) == 0
    assert_no_cookie(seen, strict)
    assert complaints == []


@pytest.mark.parametrize("has_storage", [True, False], ids=["storage", "press"])
def test_content_is_picked_and_goes_back_to_the_lms(
    strict: BrowserContext, seen: Seen, site: Site, admin: Person, has_storage: bool
) -> None:
    site.storage.is_on = has_storage
    page = strict.new_page()
    page.goto(site.url)
    page.get_by_role("button", name="Astrid").first.click()
    page.get_by_role("link", name="Add content from the tool").click()
    tool = page.frame_locator("iframe[name=contentframe]")
    if not has_storage:
        tool.get_by_role("button", name="Continue here as Astrid").click()
    tool.locator("main input[name=item]").first.check()
    with page.expect_request(lambda each: each.method == "POST" and site.url in each.url) as sent:
        tool.get_by_role("button", name="Add to the course").click()
    assert "JWT=" in (sent.value.post_data or "")
    expect(tool.get_by_text("The course has been changed")).to_be_visible()
    assert_no_cookie(seen, strict)


def test_a_server_that_fails_is_told_and_the_page_can_be_sent_again(
    strict: BrowserContext, site: Site
) -> None:
    page, tool, _ = entered(strict, site, "lars", "My safety training")
    link = tool.get_by_role("link", name="History")
    expect(link).to_be_visible()
    page.route("**/history", lambda route: route.abort())
    link.click()
    expect(tool.get_by_role("alert")).to_contain_text("could not be loaded")
    page.unroute("**/history")
    link.click()
    expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
    expect(tool.get_by_role("alert")).to_have_count(0)


def test_a_reload_without_any_storage_says_what_to_do_and_ends_there(
    strict: BrowserContext, site: Site
) -> None:
    page, tool, _ = entered(strict, site, "lars", "My safety training")
    tool.get_by_role("link", name="History").click()
    expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
    frame_of(page).evaluate("location.reload()")
    expect(tool.get_by_text("open the activity again from your course").first).to_be_visible()
    page.wait_for_timeout(300)
    expect(tool.get_by_text("access.sign_in_required")).to_be_visible()


@pytest.fixture
def no_cookies_in_frames(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool as a browser shows it that keeps no cookie in a frame, but lets scripts store."""
    serve = app.wsgi_app

    def without(environ: dict[str, Any], start: Any) -> Any:
        environ.pop("HTTP_COOKIE", None)

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start(status, [each for each in headers if each[0] != "Set-Cookie"], *more)

        return serve(environ, begin)

    monkeypatch.setattr(app, "wsgi_app", without)


@pytest.mark.parametrize("size", [(380, 450), (1280, 800)], ids=["frame", "screen"])
def test_the_page_with_the_two_buttons_is_fit_for_everybody(
    page: Page, site: Site, no_cookies_in_frames: None, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(site.url)
    page.get_by_role("button", name="Lars").first.click()
    page.wait_for_url("**/course")
    page.goto(f"{site.url}/launch/17")
    button = page.get_by_role("button", name="Continue here as Lars Ødegård")
    expect(button).to_be_visible()
    take_picture(page, f"lti-one-more-step-{size[0]}")
    assert flaws(page) == []
    assert overflows(page) == 0
    button.click()
    expect(page.get_by_role("link", name="History")).to_be_visible()
    take_picture(page, f"lti-visit-by-script-{size[0]}")
    assert flaws(page) == []
    assert overflows(page) == 0


@pytest.fixture
def behind_door(app: Flask, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool as the demo serves it."""
    switch = site.app.extensions["campus"].cookies
    monkeypatch.setattr(app, "wsgi_app", behind_the_door(app.wsgi_app, switch))


def test_the_demo_s_switch_takes_cookies_away_and_where_scripts_may_store_a_reload_goes_on(
    browser: Browser, site: Site, address: Address, tmp_path: Path, behind_door: None
) -> None:
    with profile(browser, tmp_path / "profile", ALLOWS_ALL) as context:
        seen = Seen(context, address.tool)
        page = context.new_page()
        page.goto(f"{site.url}/behaviour")
        page.get_by_label("Third-party cookies are off").check()
        page.get_by_role("button", name="Switch").click()
        expect(page.get_by_label("Third-party cookies are off")).to_be_checked()
        page, tool, _ = entered(context, site, "lars", "My safety training")
        expect(tool.get_by_role("link", name="History")).to_be_visible()
        frame_of(page).evaluate("location.reload()")
        expect(tool.get_by_role("link", name="History")).to_be_visible()
        tool.get_by_role("link", name="History").click()
        expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
        frame_of(page).evaluate("location.reload()")
        expect(tool.get_by_role("heading", level=1, name="History")).to_be_visible()
        assert_no_cookie(seen, context)
        site.app.extensions["campus"].cookies.switch(on=False)
        page.goto(f"{site.url}/course/17")
        expect(tool.get_by_role("link", name="History")).to_be_visible()
        assert any("__Host-visit-" in each["name"] for each in context.cookies())
    assert visits() == 2


def test_l8_two_tabs_with_two_people_go_on_beside_each_other(
    context: BrowserContext, site: Site, admin: Person
) -> None:
    first, second = context.new_page(), context.new_page()
    lars = site.open(first, "lars")
    expect(lars.get_by_role("link", name="History")).to_be_visible()
    second.goto(site.url)
    second.get_by_role("button", name="Astrid").first.click()
    second.get_by_role("link", name="Training administration").click()
    astrid = second.frame_locator("iframe[name=contentframe]")
    expect(astrid.get_by_role("link", name="Organization")).to_be_visible()
    first.bring_to_front()
    lars.get_by_role("link", name="History").click()
    expect(lars.get_by_role("heading", level=1, name="History")).to_be_visible()
    expect(lars.locator(".who")).to_contain_text("Lars")
    expect(lars.get_by_role("link", name="Organization")).to_have_count(0)
    second.bring_to_front()
    astrid.get_by_role("link", name="Organization").click()
    expect(astrid.locator(".who")).to_contain_text("Astrid")
    back(first)
    expect(lars.locator(".who")).to_contain_text("Lars")
    assert visits() == 2


def test_two_tabs_without_cookies_go_on_beside_each_other(
    strict: BrowserContext, seen: Seen, site: Site, admin: Person
) -> None:
    first, lars, _ = entered(strict, site, "lars", "My safety training")
    expect(lars.get_by_role("link", name="History")).to_be_visible()
    _, astrid, _ = entered(strict, site, "astrid", "Training administration")
    astrid.get_by_role("link", name="Organization").click()
    first.bring_to_front()
    lars.get_by_role("link", name="History").click()
    expect(lars.locator(".who")).to_contain_text("Lars")
    expect(astrid.locator(".who")).to_contain_text("Astrid")
    assert overflows(first) == 0
    assert_no_cookie(seen, strict)
