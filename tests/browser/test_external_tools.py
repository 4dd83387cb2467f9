"""An external tool of another site: added, chosen from, played in the LMS, called back by."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Frame, FrameLocator, Page, Route, expect

from plugin.core import http
from plugin.core.db import db
from plugin.core.secrets import new_token
from plugin.core.settings import Settings
from plugin.lti.platform.models import ExternalTool, ScoreCallback, ToolLaunch, ToolState
from plugin.lti.tool.views import KEYS
from plugin.modules.models import Completion, Module, ModuleKind, Run
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.looks import flaws
from tests.functional.assign.places import row, training
from tests.support.browser import Address, no_cookies_of, overflows, profile, take_picture
from tests.support.lms import FRAME, Site, frame_of, installed
from tests.support.quiz_maker import QuizMaker, opened
from tests.support.work import work_off
from tests.support.world import World

expect.set_options(timeout=15_000)
WIDTHS = {"phone": 400, "desk": 1280}


@pytest.fixture
def maker(
    maker_address: Address, address: Address, app: Flask, tmp_path: Path
) -> Iterator[QuizMaker]:
    with opened(maker_address, address.tool, tmp_path / "maker") as found:
        yield found


@pytest.fixture
def site(
    app: Flask,
    world: World,
    address: Address,
    maker_address: Address,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """An LMS on another site than the tool's; its keys are read without the network."""
    reach = http.call
    with installed(world, address.tool, tmp_path / "lms") as found:

        def call(settings: Settings, method: str, url: str, **more: Any) -> http.Reply:
            if f":{maker_address.port}/" in url:
                return reach(settings, method, url, **more)
            return found.key_set()

        monkeypatch.setattr(http, "call", call)
        app.extensions[KEYS].forget()
        yield found
    app.extensions[KEYS].forget()


@pytest.fixture
def module(world: World, maker: QuizMaker) -> Module:
    return maker.quiz(maker.accepted(world.organization))


@pytest.fixture
def lars(world: World, site: Site, module: Module) -> Person:
    """A learner of the LMS to whom the quiz is assigned, with a certificate."""
    person = site.person("lars")
    unit = world.unit("North Quay")
    world.member(person, unit)
    training(unit, row(module), certificate=True)
    db.session.rollback()
    return person


def frame_flaws(frame: Frame) -> list[str]:
    """The same looks at what a frame shows."""
    return flaws(frame)  # type: ignore[arg-type]


def no_flaws(page: Page, name: str) -> None:
    assert overflows(page) == 0
    take_picture(page, f"external-{name}")
    assert flaws(page) == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_an_admin_adds_a_tool_and_chooses_content_in_it(
    world: World, page: Page, visit: Any, maker: QuizMaker, complaints: list[str], width: int
) -> None:
    admin = world.person("Ada Admin")
    world.grant(admin, Role.ADMIN)
    page.set_viewport_size({"width": width, "height": 800})
    visit(admin, "/admin/tools")
    no_flaws(page, f"none-{width}")
    page.get_by_role("link", name="Add a tool").click()
    no_flaws(page, f"invite-{width}")
    page.get_by_label("Registration address of the tool").fill(maker.registration)
    page.get_by_role("button", name="Open the tool").click()
    inside = page.frame_locator("#tool")
    inside.get_by_role("button", name="Register").click()
    no_flaws(page, f"invited-{width}")
    inside.get_by_role("button", name="Close").click()

    page.get_by_role("link", name="Quiz maker").click()
    expect(page.get_by_text("This tool registered itself.")).to_be_visible()
    no_flaws(page, f"pending-{width}")
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("link", name="Choose content in the tool").click()
    inside = page.frame_locator("#tool")
    inside.get_by_label("Fire extinguishers").check()
    no_flaws(page, f"pick-{width}")
    inside.get_by_role("button", name="Add").click()
    expect(inside.get_by_role("heading", name="1 module was added")).to_be_visible()
    take_picture(page, f"external-picked-{width}")
    assert frame_flaws(page.frames[1]) == []
    inside.get_by_role("link", name="Back to the tool").click()

    expect(page.get_by_role("link", name="Fire extinguishers")).to_be_visible()
    no_flaws(page, f"tool-{width}")
    page.get_by_role("link", name="Fire extinguishers").click()
    no_flaws(page, f"module-{width}")
    db.session.rollback()
    assert db.session.query(ExternalTool).one().state is ToolState.ACTIVE
    assert db.session.query(Module).filter_by(kind=ModuleKind.LTI).count() == 1
    assert complaints == []


def begin(tool: FrameLocator) -> FrameLocator:
    """The learner starts the module; what is in the frame of the quiz maker."""
    tool.locator("form[action*='/modules/'] button").first.click()
    return tool.frame_locator("#tool")


def answer(quiz: FrameLocator, choice: str) -> None:
    quiz.get_by_label(choice).check()
    quiz.get_by_role("button", name="Answer").click()


def quiz_frame(page: Page) -> Frame:
    return next(each for each in page.frames if "quiz.localhost" in each.url)


@pytest.mark.parametrize("size", [(400, 800), (1280, 900)], ids=WIDTHS)
def test_a_learner_inside_the_lms_answers_and_the_certificate_follows(
    browser: Browser, site: Site, lars: Person, module: Module, size: tuple[int, int]
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    tool = site.open(page, "lars")
    expect(tool.get_by_text("INVALID")).to_be_visible()
    quiz = begin(tool)
    expect(quiz.get_by_text("Oil is burning in a pan.")).to_be_visible()
    take_picture(page, f"external-quiz-{size[0]}")
    answer(quiz, "A fire blanket")
    expect(quiz.get_by_role("heading", name="Right")).to_be_visible()
    said = tool.get_by_role("status")
    expect(said).to_have_text("Your result has arrived. This module is complete.")
    take_picture(page, f"external-arrived-{size[0]}")
    assert frame_flaws(frame_of(page)) == []

    db.session.query(Person).update({"email": None})  # nobody reads mail here
    db.session.commit()
    work_off()
    tool.get_by_role("link", name="Back to my training").click()
    expect(tool.get_by_text("VALID", exact=True)).to_be_visible()
    take_picture(page, f"external-valid-{size[0]}")
    db.session.rollback()
    made = db.session.query(Completion).one()
    assert (made.person_id, made.module_id, made.passed) == (lars.id, module.id, True)
    context.close()


@pytest.fixture
def inside(context: BrowserContext, site: Site, lars: Person) -> tuple[Page, FrameLocator]:
    """A small frame of an LMS on a phone, the learner's training in it."""
    page = context.new_page()
    return page, site.open(page, "lars")


def test_a_wrong_answer_says_so_and_may_be_mended(inside: tuple[Page, FrameLocator]) -> None:
    _, tool = inside
    quiz = begin(tool)
    answer(quiz, "A fan")
    said = tool.get_by_role("status")
    expect(said).to_have_text("Your result has arrived. It is not passed yet; you can try again.")
    quiz.get_by_role("button", name="Try again").click()
    answer(quiz, "A fire blanket")
    expect(said).to_have_text("Your result has arrived. This module is complete.")
    db.session.rollback()
    assert [each.passed for each in db.session.query(Completion).order_by(Completion.id)] == [
        False,
        True,
    ]


def test_the_page_leaves_the_frame_to_the_tool(inside: tuple[Page, FrameLocator]) -> None:
    page, tool = inside
    quiz = begin(tool)
    expect(quiz.get_by_role("button", name="Answer")).to_be_visible()
    shell = frame_of(page)
    shell.wait_for_url("**/external/*")
    bar = shell.locator("header.bar").evaluate("(each) => each.getBoundingClientRect().toJSON()")
    body = shell.locator("iframe#tool").evaluate("(each) => each.getBoundingClientRect().toJSON()")
    assert bar["height"] <= 48
    assert bar["width"] <= body["width"], (bar, body)
    assert frame_flaws(shell) == []
    take_picture(page, "external-small-frame")


def test_leaving_the_tool_leads_back_to_the_training(inside: tuple[Page, FrameLocator]) -> None:
    _, tool = inside
    quiz = begin(tool)
    answer(quiz, "A fire blanket")
    quiz.get_by_role("link", name="Leave the quiz").click()
    expect(tool.get_by_role("heading", level=1, name="My training")).to_be_visible()


def test_a_sitting_that_ended_may_be_looked_at_or_taken_again(
    inside: tuple[Page, FrameLocator],
) -> None:
    page, tool = inside
    answer(begin(tool), "A fire blanket")
    expect(tool.get_by_role("status")).to_contain_text("complete")
    frame_of(page).goto(frame_of(page).url)
    expect(tool.get_by_text("You have completed this module.")).to_be_visible()
    take_picture(page, "external-ended")
    assert frame_flaws(frame_of(page)) == []
    tool.get_by_role("link", name="Look at it again").click()
    quiz = tool.frame_locator("#tool")
    answer(quiz, "A fan")
    expect(quiz.get_by_role("heading", name="Not right")).to_be_visible()
    db.session.rollback()
    assert db.session.query(Run).count() == 1
    assert db.session.query(Completion).one().passed
    assert db.session.query(ScoreCallback).count() == 2


def answered_in_a_window(context: BrowserContext, tool: FrameLocator) -> None:
    begin(tool)
    with context.expect_page() as shown:
        tool.get_by_role("link", name="Open in a new window").click()
    window = shown.value
    window.get_by_label("A fire blanket").check()
    window.get_by_role("button", name="Answer").click()
    expect(window.get_by_role("heading", name="Right")).to_be_visible()
    expect(tool.get_by_role("status").first).to_contain_text("complete")
    window.get_by_role("link", name="Leave the quiz").click()
    expect(window.get_by_role("heading", name="The external tool is closed")).to_be_visible()
    assert flaws(window) == []
    with window.expect_event("close"):  # while it is clicked, as far as Playwright knows
        leave = window.get_by_role("link", name="Back to my training")
        leave.evaluate("link => setTimeout(() => link.click())")


def test_the_tool_in_a_window_of_its_own(
    context: BrowserContext, inside: tuple[Page, FrameLocator]
) -> None:
    """The window keeps none of the cookies of the LMS's frame: the page in the frame answers."""
    answered_in_a_window(context, inside[1])


_ASK = """([message, name]) => new Promise((resolve) => {
  window.addEventListener("message", ({ data }) => {
    if (data.message_id === message.message_id) resolve(data);
  });
  (name ? window.frames[name] : window.parent).postMessage(message, "*");
  setTimeout(() => resolve(null), 1000);
})"""


def test_p9_the_storage_answers_the_tool_and_nobody_else(inside: tuple[Page, FrameLocator]) -> None:
    page, tool = inside
    quiz = begin(tool)
    expect(quiz.get_by_role("button", name="Answer")).to_be_visible()
    frame = quiz_frame(page)

    def ask(**said: Any) -> Any:
        return frame.evaluate(_ASK, [{"message_id": new_token(), **said}, ""])

    assert ask(subject="lti.put_data", key="a", value="1")["value"] == "1"
    assert ask(subject="lti.get_data", key="a")["value"] == "1"
    assert ask(subject="lti.get_data", key="b")["value"] is None
    assert ask(subject="lti.put_data", key="a", value=None)["key"] == "a"
    assert ask(subject="lti.get_data", key="a")["value"] is None
    assert ask(subject="lti.put_data", key="", value="1")["error"]["code"] == "bad_request"
    assert ask(subject="lti.put_data", key="a", value={"b": 1})["error"]["code"] == "bad_request"
    assert ask(subject="lti.nothing", key="a") is None
    named = {each["subject"] for each in ask(subject="lti.capabilities")["supported_messages"]}
    assert {"lti.put_data", "lti.get_data", "lti.close", "lti.frameResize"} <= named
    for number in range(50):
        ask(subject="lti.put_data", key=f"k{number}", value="1")
    assert ask(subject="lti.put_data", key="one more", value="1")["error"]["code"] == (
        "storage_exhaustion"
    )
    assert ask(subject="lti.frameResize", height=900)["subject"] == "lti.frameResize.response"
    box = tool.locator("iframe#tool").bounding_box()
    assert box is not None
    assert box["height"] == 900
    stranger = {"message_id": "m", "subject": "lti.get_data", "key": "k1"}
    assert page.evaluate(_ASK, [stranger, FRAME]) is None
    ask(subject="lti.close")
    expect(tool.get_by_role("heading", level=1, name="My training")).to_be_visible()


def test_what_the_tool_says_before_our_script_is_there_is_kept(
    context: BrowserContext, inside: tuple[Page, FrameLocator]
) -> None:
    def late(route: Route) -> None:
        time.sleep(1)
        route.continue_()

    context.route("**/static/external.js", late)
    _, tool = inside
    answer(begin(tool), "A fire blanket")
    expect(tool.get_by_role("status").first).to_contain_text("complete")


@pytest.fixture
def strict(
    browser: Browser, app: Flask, site: Site, address: Address, tmp_path: Path
) -> Iterator[BrowserContext]:
    """A profile that forbids the product every cookie and storage inside the LMS."""
    preferences = no_cookies_of(address.tool, inside=site.url)
    with profile(browser, tmp_path / "profile", preferences) as context:
        yield context


def test_without_any_cookie_the_tool_opens_for_the_visit_the_script_holds(
    strict: BrowserContext, site: Site, lars: Person, address: Address
) -> None:
    site.storage.is_on = True
    page = strict.new_page()
    tool = site.open(page, "lars")
    quiz = begin(tool)
    answer(quiz, "A fire blanket")
    expect(quiz.get_by_role("heading", name="Right")).to_be_visible()
    expect(tool.get_by_role("status").first).to_contain_text("complete")
    take_picture(page, "external-without-cookies")
    quiz.get_by_role("link", name="Leave the quiz").click()
    expect(tool.get_by_role("heading", level=1, name="My training")).to_be_visible()
    db.session.rollback()
    assert db.session.query(Completion).one().person_id == lars.id
    assert db.session.query(ToolLaunch).one().used_at is not None
    assert strict.cookies(address.tool) == []


def test_without_any_cookie_the_tool_opens_in_a_window_of_its_own_too(
    strict: BrowserContext, site: Site, lars: Person
) -> None:
    site.storage.is_on = True
    answered_in_a_window(strict, site.open(strict.new_page(), "lars"))
    db.session.rollback()
    assert db.session.query(Completion).one().person_id == lars.id
