"""Where the page is neither gone nor fully there: hidden, leaving, without network, much to say."""

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.scorm.models import CommitEvent
from tests.browser.playing import content_of, shell_of, stored
from tests.browser.probing import CALLS, Probing, leave

HIDE = """() => {
  Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
KB30 = "c" * 30_000
MOST = "ü" * 64_000


@pytest.mark.parametrize("edition", CALLS)
def test_what_was_not_committed_is_saved_when_the_page_is_put_in_the_background(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    running.remember("in the background")
    shell_of(page).evaluate(HIDE)
    assert stored(running.name)["suspend_data"] == "in the background"
    db.session.rollback()
    assert "hidden" in db.session.scalars(select(CommitEvent.trigger)).all()


@pytest.mark.parametrize("edition", CALLS)
def test_a_page_in_the_background_without_network_acknowledges_nothing(
    page: Page, context: BrowserContext, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    context.set_offline(True)
    shell_of(page).evaluate(HIDE)
    running.remember("nobody has it yet")
    assert running.commit() == "false"
    context.set_offline(False)
    assert running.arrived("nobody has it yet")


@pytest.mark.parametrize("edition", CALLS)
def test_much_committed_and_finished_at_once_is_saved(probing: Probing, edition: str) -> None:
    running = probing(edition)
    running.remember(KB30)
    assert (running.commit(), running.finish()) == ("true", "true")
    assert stored(running.name)["suspend_data"] == KB30


@pytest.mark.parametrize("edition", CALLS)
@pytest.mark.parametrize("way", ["navigate", "remove the frame"])
def test_a_part_that_finishes_before_its_page_unloads_is_saved(
    page: Page, probing: Probing, edition: str, way: str
) -> None:
    running = probing(edition, "beforeunload")
    running.remember("said before")
    leave(page, way)
    assert running.arrived("said before")


@pytest.mark.parametrize("edition", CALLS)
def test_more_than_any_beacon_carries_is_delivered_at_the_next_opening(
    page: Page, context: BrowserContext, probing: Probing, edition: str
) -> None:
    """The player in a tab of its own: frames of another site have no storage in this browser."""
    running = probing(edition)
    page.goto(shell_of(page).url)
    content_of(page)
    running.remember(MOST)
    address = page.url
    page.goto("about:blank")
    assert stored(running.name).get("suspend_data", "") == ""
    page.goto(address)
    content_of(page)
    assert stored(running.name)["suspend_data"] == MOST
