"""A page around that takes the player's origin away: the learner is told, and gets on elsewhere."""

from urllib.parse import urljoin

import pytest
from playwright.sync_api import Frame, Page

from tests.browser.playing import content_of, shell_of, stored, until
from tests.browser.probing import CALLS, Course, Probing
from tests.support.browser import take_picture

BOXED = "allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox"
BOX_THE_PLAYER = """box => {
  const player = document.getElementById("player");
  player.sandbox = box;
  player.src = player.src;
}"""
BOX_THE_PAGE = """([box, address]) => {
  const around = document.createElement("iframe");
  around.sandbox = box;
  around.src = address;
  around.style = "width: 100%; height: 100vh";
  document.body.replaceChildren(around);
}"""


def goes_on_in_a_new_window(page: Page, frame: Frame, running: Course) -> None:
    with page.context.expect_page() as opened:
        frame.get_by_role("link", name="Open in a new window").click()
    elsewhere = opened.value
    running.page = elsewhere
    running.remember("in a window of its own")
    assert running.commit() == "true"
    assert stored(running.name)["suspend_data"] == "in a window of its own"
    elsewhere.get_by_role("button", name="Exit").click()
    elsewhere.locator("#message-left").wait_for()
    assert elsewhere.get_by_role("button", name="Back to my training").is_hidden()


@pytest.mark.parametrize("edition", CALLS)
def test_a_player_without_its_origin_says_so_and_goes_on_in_a_new_window(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    content_of(page)
    page.evaluate(BOX_THE_PLAYER, BOXED)
    page.wait_for_timeout(50)
    shell = shell_of(page)
    shell.locator("#boxed").wait_for()
    assert shell.locator("#exit").count() == 0
    goes_on_in_a_new_window(page, shell, running)


@pytest.mark.parametrize("edition", CALLS)
def test_a_tool_without_its_origin_says_so_and_the_course_goes_on_in_a_new_window(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    content_of(page)
    opened = page.url
    page.route("**/around", lambda asked: asked.fulfill(body="<body>", content_type="text/html"))
    page.goto(urljoin(opened, "/around"))
    page.evaluate(BOX_THE_PAGE, [BOXED, opened])

    def around() -> Frame | None:
        page.wait_for_timeout(20)
        found = [each for each in page.frames if each.parent_frame == page.main_frame]
        return found[0] if found and "/play/" in found[0].url else None

    boxed: Frame = until(around)
    boxed.locator("#boxed").wait_for()
    take_picture(page, f"boxed-{edition}")
    assert boxed.locator("#player").count() == 0
    goes_on_in_a_new_window(page, boxed, running)


def test_a_player_with_its_origin_says_nothing_of_it(page: Page, probing: Probing) -> None:
    probing("1.2")
    assert shell_of(page).locator("#boxed").is_hidden()
    assert page.locator("#boxed").is_hidden()
