"""The player in a real browser: nothing a course said is lost, and two windows do not fight.

The rows are those of the loss matrix that concern SCORM 1.2: what a learner loses in other players
when a tab is closed, a frame is removed, a server fails or the network goes away.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Frame, Page, Request
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Completion, Module, Run
from plugin.org.models import Person
from plugin.scorm.models import ScormState
from tests.browser.probing import PROBE, probe
from tests.browser.troubles import Trouble
from tests.functional.assign.places import row, training
from tests.support.browser import ARGUMENTS, Address, chromium, overflows
from tests.support.packages import item, manifest, package, resource
from tests.support.play import brought_in
from tests.support.world import World

Play = Callable[..., Frame]


@pytest.fixture
def learner(world: World) -> Person:
    return world.person("Lars Learner")


@pytest.fixture
def course(world: World, learner: Person) -> Callable[[Any], Module]:
    """Bring a package in and assign it to the learner."""

    def bring(source: Any) -> Module:
        module = brought_in(world, source)
        unit = world.unit()
        world.member(learner, unit)
        training(unit, row(module))
        return module

    return bring


def content_of(page: Page) -> Frame:
    """The frame the course runs in, once it has started."""
    page.wait_for_function("() => true")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for frame in page.frames:
            if "/files/" in frame.url and frame.evaluate("() => window.started === 'true'"):
                return frame
        page.wait_for_timeout(30)
    raise AssertionError([frame.url for frame in page.frames])


def shell_of(page: Page) -> Frame:
    return next(frame for frame in page.frames if "/c/" in frame.url and "/files/" not in frame.url)


@pytest.fixture
def play(visit: Any, learner: Person) -> Play:
    """Sign in, press Start (or Continue), and give the running course."""

    def start(module: Module) -> Frame:
        db.session.rollback()
        return press(visit(learner, "/"), module)

    return start


def press(page: Page, module: Module) -> Frame:
    page.locator(f'form[action$="/modules/{module.id}/start"] button').click()
    return content_of(page)


def say(course: Frame, element: str, value: str) -> str:
    return str(course.evaluate("([e, v]) => scorm.LMSSetValue(e, v)", [element, value]))


def ask(course: Frame, element: str) -> str:
    return str(course.evaluate("e => scorm.LMSGetValue(e)", element))


def stored() -> dict[str, Any]:
    db.session.rollback()
    found = db.session.scalars(select(ScormState)).one_or_none()
    return dict(found.cmi) if found else {}


def until(check: Callable[[], Any], seconds: float = 8) -> Any:
    """The check's answer as soon as it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never became true")


def arrived(text: str) -> bool:
    return bool(until(lambda: stored().get("suspend_data") == text))


KB3, KB62 = "a" * 3 * 1024, "b" * 62_000


@pytest.mark.parametrize("text", [KB3, KB62], ids=["3 KB", "62 KB"])
@pytest.mark.parametrize("leave", ["", "unload", "pagehide"])
@pytest.mark.parametrize("way", ["close", "navigate"])
def test_what_was_never_committed_is_saved_when_the_page_goes(
    page: Page, course: Any, play: Play, text: str, leave: str, way: str
) -> None:
    running = play(course(probe(leave)))
    assert say(running, "cmi.suspend_data", text) == "true"
    if way == "close":
        page.close(run_before_unload=False)
    else:
        page.goto("about:blank")
    assert arrived(text)


class TestWithoutUnload:
    """The same when the browser no longer fires `unload`, as Chromium will."""

    @pytest.fixture(scope="class")
    @classmethod
    def browser(cls, browser: Browser) -> Iterator[Browser]:
        arguments = [*ARGUMENTS, "--enable-features=DeprecateUnload"]
        found = browser.browser_type.launch(executable_path=chromium(), args=arguments)
        yield found
        found.close()

    @pytest.mark.parametrize("leave", ["unload", "pagehide"])
    def test_what_the_course_set_is_saved(
        self, page: Page, course: Any, play: Play, leave: str
    ) -> None:
        running = play(course(probe(leave)))
        say(running, "cmi.suspend_data", KB3)
        page.close()
        assert arrived(KB3)


@pytest.mark.parametrize("leave", ["", "unload", "pagehide"])
def test_what_was_never_committed_is_saved_when_the_lms_removes_the_frame(
    page: Page, course: Any, play: Play, leave: str
) -> None:
    running = play(course(probe(leave)))
    say(running, "cmi.suspend_data", KB3)
    page.evaluate("() => document.getElementById('player').remove()")
    assert arrived(KB3)


def test_moving_inside_the_course_loses_nothing_and_begins_anew(
    page: Page, course: Any, play: Play
) -> None:
    """A course of several pages that finishes on each and starts again on the next."""
    running = play(course(probe("pagehide")))
    say(running, "cmi.suspend_data", "page 1")
    running.goto(running.url.replace("index.html", "next.html"))
    following = content_of(page)
    assert ask(following, "cmi.suspend_data") == "page 1"
    say(following, "cmi.suspend_data", "page 2")
    assert following.evaluate("() => scorm.LMSCommit('')") == "true"
    assert arrived("page 2")


def test_a_failing_server_is_told_to_the_course_and_the_learner_and_made_good(
    page: Page, course: Any, play: Play, trouble: Trouble
) -> None:
    running = play(course(probe()))
    shell = shell_of(page)
    trouble.status = 500
    say(running, "cmi.suspend_data", "precious")
    assert running.evaluate("() => scorm.LMSCommit('')") == "false"
    assert running.evaluate("() => scorm.LMSGetLastError()") == "391"
    banner = shell.locator("#trouble")
    assert banner.is_visible()
    assert "trying again" in banner.inner_text()
    assert shell.locator("#saved").inner_text() == "Not saved yet"
    until(lambda: len(trouble.seen) >= 2)
    assert stored() == {}
    trouble.status = 0
    assert arrived("precious")
    banner.wait_for(state="hidden")
    assert shell.locator("#saved").inner_text() == "Saved"


def test_finishing_while_the_server_fails_can_be_repeated(
    course: Any, play: Play, trouble: Trouble
) -> None:
    running = play(course(probe()))
    trouble.status = 503
    say(running, "cmi.core.lesson_status", "completed")
    assert running.evaluate("() => scorm.LMSFinish('')") == "false"
    trouble.status = 0
    assert running.evaluate("() => scorm.LMSFinish('')") == "true"
    assert completion_of() is not None


def completion_of() -> Completion | None:
    db.session.rollback()
    return db.session.scalars(select(Completion)).one_or_none()


def test_the_network_may_go_and_come_back(
    page: Page, context: BrowserContext, course: Any, play: Play
) -> None:
    running = play(course(probe()))
    context.set_offline(True)
    say(running, "cmi.suspend_data", "offline work")
    assert running.evaluate("() => scorm.LMSCommit('')") == "false"
    assert shell_of(page).locator("#trouble").is_visible()
    context.set_offline(False)
    assert arrived("offline work")


def test_leaving_while_something_is_unsaved_is_warned_about(
    page: Page, context: BrowserContext, course: Any, play: Play
) -> None:
    running = play(course(probe()))
    running.locator("p").click()  # browsers only ask people who touched the page
    context.set_offline(True)
    say(running, "cmi.suspend_data", "unsaved")
    running.evaluate("() => scorm.LMSCommit('')")
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.close(run_before_unload=True)
    until(lambda: (page.wait_for_timeout(50), asked)[1])
    assert asked == ["beforeunload"]
    context.set_offline(False)
    assert arrived("unsaved")


def test_what_could_not_be_delivered_is_kept_and_sent_at_the_next_opening(
    page: Page, context: BrowserContext, course: Any, play: Play
) -> None:
    """The player in a tab of its own: frames of another site have no storage in this browser."""
    play(course(probe()))
    page.goto(shell_of(page).url)
    running = content_of(page)
    other = context.new_page()
    context.set_offline(True)
    say(running, "cmi.suspend_data", KB62)
    running.evaluate("() => scorm.LMSCommit('')")
    page.wait_for_timeout(1000)
    address = page.url
    with suppress(Error):
        page.goto("chrome://crash")  # gone without a last word: closing would still send one
    page.close()
    context.set_offline(False)
    assert stored() == {}
    other.goto(address)
    assert ask(content_of(other), "cmi.suspend_data") == KB62
    assert stored()["suspend_data"] == KB62


def test_a_status_or_score_is_saved_at_once_although_the_course_never_commits(
    page: Page, course: Any, play: Play
) -> None:
    running = play(course(probe()))
    say(running, "cmi.core.score.raw", "90")
    say(running, "cmi.core.lesson_status", "passed")
    only = until(completion_of)
    assert (only.passed, only.score) == (True, 0.9)
    status = shell_of(page).locator("#saved")
    until(lambda: (page.wait_for_timeout(50), status.inner_text() == "Completed – saved")[1])


def test_everything_else_is_saved_within_seconds(page: Page, course: Any, play: Play) -> None:
    page.clock.install()
    running = play(course(probe()))
    say(running, "cmi.suspend_data", "by itself")
    page.clock.fast_forward(11_000)
    assert arrived("by itself")


def test_a_course_goes_on_where_it_was_left(course: Any, play: Play) -> None:
    module = course(probe())
    running = play(module)
    assert ask(running, "cmi.core.entry") == "ab-initio"
    for element, value in {
        "cmi.core.lesson_location": "page-3",
        "cmi.suspend_data": "answers",
        "cmi.core.lesson_status": "incomplete",
        "cmi.core.session_time": "00:05:00",
        "cmi.core.exit": "suspend",
        "cmi.objectives.0.id": "o1",
        "cmi.objectives.0.status": "passed",
        "cmi.interactions.0.id": "q1",
    }.items():
        assert say(running, element, value) == "true", element
    assert running.evaluate("() => scorm.LMSFinish('')") == "true"
    again = play(module)
    told = {
        "cmi.core.entry": "resume",
        "cmi.core.lesson_location": "page-3",
        "cmi.suspend_data": "answers",
        "cmi.core.lesson_status": "incomplete",
        "cmi.core.total_time": "00:05:00",
        "cmi.core.credit": "credit",
        "cmi.core.lesson_mode": "normal",
        "cmi.core.student_name": "Learner, Lars",
        "cmi.student_data.mastery_score": "80",
        "cmi.objectives.0.id": "o1",
        "cmi.objectives.0.status": "passed",
        "cmi.interactions._count": "1",
    }
    assert {element: ask(again, element) for element in told} == told
    assert len(db.session.scalars(select(Run)).all()) == 1


def test_a_second_window_takes_over_and_the_first_says_so(
    page: Page, context: BrowserContext, course: Any, play: Play, address: Address
) -> None:
    module = course(probe())
    running = play(module)
    say(running, "cmi.suspend_data", "first")
    running.evaluate("() => scorm.LMSCommit('')")
    second = context.new_page()
    second.goto(f"{address.tool}/")
    other = press(second, module)
    assert ask(other, "cmi.suspend_data") == "first"
    say(running, "cmi.suspend_data", "from the old window")
    assert running.evaluate("() => scorm.LMSCommit('')") == "false"
    shell = shell_of(page)
    shell.locator("#message-elsewhere").wait_for()
    assert "Opened elsewhere." in shell.locator("#message").inner_text()
    say(other, "cmi.suspend_data", "second")
    other.evaluate("() => scorm.LMSCommit('')")
    assert arrived("second")
    shell.get_by_role("button", name="Continue here").click()
    back = content_of(page)
    assert ask(back, "cmi.suspend_data") == "second"
    say(back, "cmi.suspend_data", "first again")
    assert back.evaluate("() => scorm.LMSCommit('')") == "true"
    assert other.evaluate("() => scorm.LMSCommit('')") == "false"


def test_exit_says_that_all_is_saved_and_back_leads_to_the_training(
    page: Page, course: Any, play: Play
) -> None:
    running = play(course(probe("unload")))
    say(running, "cmi.suspend_data", "last words")
    shell = shell_of(page)
    shell.get_by_role("button", name="Exit").click()
    shell.locator("#message-left").wait_for()
    assert "Everything is saved." in shell.locator("#message").inner_text()
    assert stored()["suspend_data"] == "last words"
    assert stored()["core"]["exit"] == "suspend"
    page.get_by_role("link", name="Back to my training").click()
    page.wait_for_url("**/")


def test_after_exit_a_button_beside_the_words_leads_back(
    page: Page, course: Any, play: Play
) -> None:
    play(course(probe()))
    shell = shell_of(page)
    back = shell.get_by_role("button", name="Back to my training")
    assert back.is_hidden()
    shell.get_by_role("button", name="Exit").click()
    back.click()
    page.wait_for_url("**/")


def test_exit_carries_the_last_words_itself_and_nothing_follows_it(
    page: Page, course: Any, play: Play
) -> None:
    running = play(course(probe("unload")))
    say(running, "cmi.suspend_data", "last words")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.resource_type) if is_commit(asked) else None)
    shell = shell_of(page)
    shell.get_by_role("button", name="Exit").click()
    shell.locator("#message-left").wait_for()
    assert stored()["suspend_data"] == "last words"
    assert "ping" not in sent  # a beacon may come after the launch is closed


def is_commit(asked: Request) -> bool:
    return asked.url.endswith("/commit")


def test_exit_waits_until_a_failing_server_has_it(
    page: Page, course: Any, play: Play, trouble: Trouble
) -> None:
    running = play(course(probe()))
    say(running, "cmi.suspend_data", "precious")
    trouble.status = 500
    shell = shell_of(page)
    shell.get_by_role("button", name="Exit").click()
    shell.locator("#message-leaving").wait_for()
    shell.locator("#trouble").wait_for()
    trouble.status = 0
    shell.locator("#message-left").wait_for()
    assert stored()["suspend_data"] == "precious"


def test_back_without_exit_loses_nothing(page: Page, course: Any, play: Play) -> None:
    running = play(course(probe()))
    say(running, "cmi.suspend_data", "on the way out")
    page.get_by_role("link", name="Back to my training").click()
    page.wait_for_url("**/")
    assert arrived("on the way out")


def test_reloading_the_page_goes_on(page: Page, course: Any, play: Play) -> None:
    running = play(course(probe()))
    say(running, "cmi.suspend_data", "before")
    page.reload()
    assert ask(content_of(page), "cmi.suspend_data") == "before"


def test_a_course_cannot_destroy_its_own_data_model(course: Any, play: Play) -> None:
    running = play(course(probe()))
    say(running, "cmi.suspend_data", "kept")
    for container in ("cmi", "cmi.core", "cmi.core.score", "cmi.objectives", "cmi.interactions.0"):
        assert say(running, container, "x") == "false"
        assert running.evaluate("() => scorm.LMSGetLastError()") == "401"
    assert ask(running, "cmi.suspend_data") == "kept"
    assert running.evaluate("() => scorm.LMSGetLastError()") == "0"


def test_finishing_without_a_status_completes_a_course_that_has_none(
    course: Any, play: Play
) -> None:
    source = package({"index.html": PROBE}, manifest_bytes=manifest())
    running = play(course(source))
    assert running.evaluate("() => scorm.LMSFinish('')") == "true"
    only = completion_of()
    assert only is not None
    assert only.passed


def test_the_parts_of_a_course_are_a_list_to_choose_from(
    page: Page, course: Any, play: Play
) -> None:
    parts = item("A", "First part", "R1") + item("B", "Second part", "R2")
    files = resource("R1", "index.html") + resource("R2", "two.html")
    content = manifest(items=parts, resources=files)
    running = play(
        course(package({"index.html": PROBE, "two.html": PROBE}, manifest_bytes=content))
    )
    say(running, "cmi.suspend_data", "of the first")
    shell = shell_of(page)
    shell.get_by_role("button", name="Contents").click()
    shell.get_by_role("button", name="Second part").click()
    until(lambda: (page.wait_for_timeout(50), "two.html" in content_of(page).url)[1])
    second = content_of(page)
    assert ask(second, "cmi.suspend_data") == ""
    say(second, "cmi.core.lesson_status", "completed")
    second.evaluate("() => scorm.LMSFinish('')")
    shell.get_by_role("button", name="Contents").click()
    shell.get_by_role("button", name="First part").click()
    until(lambda: (page.wait_for_timeout(50), "index.html" in content_of(page).url)[1])
    first = content_of(page)
    assert ask(first, "cmi.suspend_data") == "of the first"
    say(first, "cmi.core.lesson_status", "completed")
    until(completion_of)


@pytest.mark.parametrize(
    ("prerequisites", "is_open"),
    [
        ("A", False),
        ("~A", True),
        ("A=incomplete", True),
        ("2*{A,B,A}", False),
        ("A&amp;&amp;", True),
    ],
)
def test_prerequisites_close_parts_until_they_hold(
    page: Page, course: Any, play: Play, prerequisites: str, is_open: bool
) -> None:
    inside = f'<adlcp:prerequisites type="aicc_script">{prerequisites}</adlcp:prerequisites>'
    parts = item("A", "First", "R1") + item("B", "Second", "R2", inside)
    files = resource("R1", "index.html") + resource("R2", "two.html")
    content = manifest(items=parts, resources=files)
    running = play(
        course(package({"index.html": PROBE, "two.html": PROBE}, manifest_bytes=content))
    )
    say(running, "cmi.core.lesson_status", "incomplete")
    running.evaluate("() => scorm.LMSCommit('')")
    shell = shell_of(page)
    shell.get_by_role("button", name="Contents").click()
    second = shell.locator("#contents [data-part=B]")
    assert (second.get_attribute("aria-disabled") != "true") is is_open
    say(running, "cmi.core.lesson_status", "completed")
    running.evaluate("() => scorm.LMSCommit('')")
    shell.get_by_role("button", name="Contents").click()
    shell.get_by_role("button", name="Contents").click()
    if prerequisites == "A":
        second.click()
        until(lambda: (page.wait_for_timeout(50), "two.html" in content_of(page).url)[1])


def test_the_player_fits_a_small_frame_and_the_keyboard_reaches_it(
    page: Page, course: Any, play: Play, complaints: list[str]
) -> None:
    play(course(probe()))
    shell = shell_of(page)
    assert overflows(page) == 0
    assert shell.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert shell.locator("#content").bounding_box()["height"] > 300  # type: ignore[index]
    page.locator("#back").focus()
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(shell.evaluate("() => document.activeElement.id"))
    assert "exit" in reached
    assert complaints == []


def test_an_idle_window_learns_from_its_heartbeat_that_another_took_over(
    page: Page, context: BrowserContext, course: Any, play: Play, address: Address
) -> None:
    page.clock.install()
    module = course(probe())
    play(module)
    second = context.new_page()
    second.goto(f"{address.tool}/")
    press(second, module)
    assert not shell_of(page).locator("#message-elsewhere").is_visible()
    page.clock.fast_forward(61_000)
    shell_of(page).locator("#message-elsewhere").wait_for()
