"""Nothing a course said is lost, whatever happens to the page, the network or the server.

Each row of the loss matrix, for both editions: what a part set and never committed is on the
server after its tab was closed, its page left or its frame removed; what was acknowledged stays.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from plugin.core.db import db
from plugin.org.models import Person
from tests.browser.playing import content_of, press, shell_of, stored, until
from tests.browser.probing import CALLS, Course, Probing, leave
from tests.browser.troubles import Trouble
from tests.functional.assign.places import row, training
from tests.support.browser import ARGUMENTS, chromium
from tests.support.packages2004 import course, part
from tests.support.play import brought_in
from tests.support.world import World

KB3, KB62 = "a" * 3 * 1024, "b" * 62_000


@pytest.fixture
def play(probing: Probing) -> Probing:
    return probing


@pytest.mark.parametrize("text", [KB3, KB62], ids=["3 KB", "62 KB"])
@pytest.mark.parametrize("listens", ["", "unload", "pagehide"])
@pytest.mark.parametrize("way", ["close", "navigate", "remove the frame"])
def test_what_a_2004_part_never_committed_is_saved(
    page: Page, play: Any, text: str, listens: str, way: str
) -> None:
    running = play("2004", listens)
    running.remember(text)
    leave(page, way)
    assert running.arrived(text)


class TestWithoutUnload:
    """The same when the browser no longer fires `unload`, as Chromium will."""

    @pytest.fixture(scope="class")
    @classmethod
    def browser(cls, browser: Browser) -> Iterator[Browser]:
        arguments = [*ARGUMENTS, "--enable-features=DeprecateUnload"]
        found = browser.browser_type.launch(executable_path=chromium(), args=arguments)
        yield found
        found.close()

    @pytest.mark.parametrize("listens", ["unload", "pagehide"])
    @pytest.mark.parametrize("way", ["close", "navigate"])
    def test_what_a_2004_part_set_is_saved(
        self, page: Page, play: Any, listens: str, way: str
    ) -> None:
        running = play("2004", listens)
        running.remember(KB3)
        leave(page, way)
        assert running.arrived(KB3)


AT_ONCE = 5
"""Seconds that are less than the player waits before it saves by itself."""


@pytest.mark.parametrize("edition", CALLS)
def test_a_status_is_saved_at_once_although_the_part_never_commits(play: Any, edition: str) -> None:
    running = play(edition)
    running.complete()
    until(lambda: "completed" in str(stored(running.name)), AT_ONCE)


@pytest.mark.parametrize("edition", CALLS)
def test_everything_else_is_saved_within_seconds(page: Page, play: Any, edition: str) -> None:
    page.clock.install()
    running = play(edition)
    running.remember("by itself")
    page.clock.fast_forward(11_000)
    assert running.arrived("by itself")


@pytest.mark.parametrize("edition", CALLS)
def test_a_part_with_much_to_say_can_finish(play: Any, edition: str) -> None:
    running = play(edition)
    running.remember(KB62)
    assert running.finish() == "true"
    assert stored(running.name)["suspend_data"] == KB62


@pytest.mark.parametrize("edition", CALLS)
def test_a_server_that_answers_500_is_told_and_made_good(
    page: Page, play: Any, trouble: Trouble, edition: str
) -> None:
    running = play(edition)
    trouble.status = 500
    running.remember("precious")
    assert running.commit() == "false"
    assert shell_of(page).locator("#trouble").is_visible()
    trouble.status = 0
    assert running.arrived("precious")
    shell_of(page).locator("#trouble").wait_for(state="hidden")


@pytest.mark.parametrize("edition", CALLS)
def test_finishing_while_the_server_fails_can_be_repeated(
    play: Any, trouble: Trouble, edition: str
) -> None:
    running = play(edition)
    running.complete()
    trouble.status = 503
    assert running.finish() == "false"
    trouble.status = 0
    assert running.finish() == "true"


@pytest.mark.parametrize("edition", CALLS)
def test_a_server_that_hangs_loses_nothing(
    page: Page, play: Any, trouble: Trouble, edition: str
) -> None:
    running = play(edition)
    running.remember("patient")
    go_on = trouble.hang()
    running.frame.evaluate(f"() => void setTimeout(() => scorm.{CALLS[edition][2]}(''))")
    until(lambda: (page.wait_for_timeout(20), trouble.seen)[1])
    assert stored(running.name) == {}
    go_on()
    assert running.arrived("patient")


@pytest.mark.parametrize("edition", CALLS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_before_or_after_its_work_loses_and_doubles_nothing(
    play: Any, trouble: Trouble, edition: str, when: str
) -> None:
    running = play(edition)
    trouble.dies = when
    running.remember("twice sent, once kept")
    running.commit()
    until(lambda: len(trouble.seen) > 1)
    trouble.dies = ""
    assert running.arrived("twice sent, once kept")
    running.remember("and on")
    assert until(lambda: running.commit() == "true")
    assert running.arrived("and on")


@pytest.mark.parametrize("edition", CALLS)
def test_the_network_may_be_gone_for_a_minute(
    page: Page, context: BrowserContext, play: Any, edition: str
) -> None:
    page.clock.install()
    running = play(edition)
    context.set_offline(True)
    for minute in range(4):
        running.remember(f"offline {minute}")
        running.commit()
        page.clock.fast_forward(15_000)
    assert shell_of(page).locator("#trouble").is_visible()
    assert stored(running.name) == {}
    context.set_offline(False)
    page.clock.fast_forward(31_000)
    assert running.arrived("offline 3")


def test_between_two_parts_the_next_waits_until_the_last_is_stored(
    page: Page, world: World, learner: Person, visit: Any, trouble: Trouble
) -> None:
    flow = '<imsss:sequencing><imsss:controlMode flow="true"/></imsss:sequencing>'
    module = brought_in(world, course(part("ONE", query="leave=pagehide"), part("TWO"), flow))
    unit = world.unit()
    world.member(learner, unit)
    training(unit, row(module))
    db.session.rollback()
    press(visit(learner, "/"), module)
    running = Course(page, "2004")
    running.remember("of the first")
    trouble.status = 500
    shell_of(page).get_by_role("button", name="Next part").click()
    shell_of(page).locator("#trouble").wait_for()
    assert not any("part=TWO" in frame.url for frame in page.frames)
    trouble.status = 0
    content_of(page, "TWO")
    assert stored("ONE")["suspend_data"] == "of the first"
    shell_of(page).locator("#trouble").wait_for(state="hidden")
