"""The life of a certificate in the demo: its clock is moved over the reminders, the end, a renewal.

After each move dashboard, verify page, inbox and ledger agree.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_journey import (
    PICTURES,
    RIGHT_ANSWERS,
    SECONDS,
    no_sideways_scrolling,
    open_training,
    play,
)
from tests.support import demo as demos
from tests.support.demo import Demo

PATIENCE = 60


@pytest.fixture
def demo() -> Iterator[Demo]:
    base = Path(tempfile.mkdtemp(prefix="demo-"))
    try:
        with demos.running(base / "var") as running:
            yield running
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def profile(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(viewport={"width": 400, "height": 800})
    yield found
    found.close()


def be(page: Page, demo: Demo) -> None:
    """Nobody is signed in to the LMS any more."""
    page.goto(f"{demo.lms}/course")
    leave = page.get_by_role("button", name="be somebody else")
    if leave.count():
        leave.click()


def move(page: Page, demo: Demo, words: str) -> None:
    """Press the button of the clock's page that goes to this stop."""
    page.goto(f"{demo.lms}/clock")
    assert no_sideways_scrolling(page)
    page.get_by_role("button", name=words, exact=True).first.click()
    expect(page.get_by_role("heading", name="The demo's clock")).to_be_visible()


def mails_to_lars(page: Page, demo: Demo) -> list[str]:
    """The subjects of the mails Lars has, the newest first."""
    page.goto(f"{demo.lms}/inbox")
    cards = page.locator("a.card", has_text="lars@northwind.example")
    return cards.locator("strong").all_inner_texts()


def wait_for_mails(page: Page, demo: Demo, number: int) -> list[str]:
    for _ in range(PATIENCE * 2):
        found = mails_to_lars(page, demo)
        if len(found) >= number:
            return found
        page.wait_for_timeout(500)
    raise AssertionError(f"{len(found)} mails, not {number}: {found}")


def newest_mail_is_of_today(page: Page, demo: Demo) -> bool:
    """The newest mail to Lars is dated by the demo's clock."""
    page.goto(f"{demo.lms}/inbox")
    shown = page.get_by_role("link", name=re.compile("^Clock:")).inner_text()
    today = re.findall(r"\d\d \w{3} \d{4}", shown)[0]
    card = page.locator("a.card", has_text="lars@northwind.example").first
    return today in card.inner_text()


def dashboard(page: Page, demo: Demo, word: str) -> None:
    """The learner's page, opened anew as after every long break, says this word."""
    be(page, demo)
    tool = open_training(page, demo, "Lars Ødegård", "My safety training")
    expect(tool.get_by_text(word, exact=True).first).to_be_visible(timeout=20 * SECONDS)


def verified(page: Page, demo: Demo) -> str:
    """What the verify page says first."""
    tool = page.frame_locator("iframe[name=contentframe]")
    tool.get_by_role("link", name="Certificates", exact=True).click()
    address = tool.get_by_role("link", name=re.compile("Verify page")).get_attribute("href")
    page.goto(f"{demo.tool}{address}" if str(address).startswith("/") else str(address))
    return page.locator("main").inner_text()


def ledger(page: Page, demo: Demo) -> str:
    """What the list of messages says of mails to Lars."""
    be(page, demo)
    tool = open_training(page, demo, "Astrid Berg", "Training administration")
    expect(tool.get_by_role("heading", name="Units")).to_be_visible(timeout=20 * SECONDS)
    frame = page.frame(name="contentframe")
    assert frame is not None
    frame.goto(f"{demo.tool}/admin/mail?q=lars")
    return frame.locator("#list").inner_text()


def test_over_thirty_fourteen_seven_and_one_days_to_the_end_and_to_edition_2(
    demo: Demo, profile: BrowserContext
) -> None:
    page = profile.new_page()
    tool = open_training(page, demo, "Lars Ødegård", "My safety training")
    expect(tool.get_by_text("INVALID").first).to_be_visible(timeout=20 * SECONDS)
    move(page, demo, "Next morning, 09:01")  # what is new is told by day, whatever the hour is now
    seen = len(wait_for_mails(page, demo, 1))
    be(page, demo)
    tool = open_training(page, demo, "Lars Ødegård", "My safety training")
    play(page, tool, RIGHT_ANSWERS)
    mails = wait_for_mails(page, demo, seen + 1)
    assert len([each for each in mails if "Your certificate" in each]) == 1
    seen = len(mails)

    for days in (30, 14, 7, 1):
        move(page, demo, f"{days} day{'s' if days > 1 else ''} before")
        mails = wait_for_mails(page, demo, seen + 1)
        assert len(mails) == seen + 1, "one reminder each time"
        assert newest_mail_is_of_today(page, demo)
        seen += 1
        dashboard(page, demo, "VALID")
        assert verified(page, demo).startswith("VALID")
    page.goto(f"{demo.lms}/clock")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "clock.png")

    move(page, demo, "Its end")
    dashboard(page, demo, "INVALID")
    assert verified(page, demo).startswith("INVALID")
    move(page, demo, "Next morning, 09:01")
    mails = wait_for_mails(page, demo, seen + 1)
    assert newest_mail_is_of_today(page, demo)
    seen = len(mails)
    said = ledger(page, demo)
    assert said.count("Reminder") >= 4
    assert said.count("Training ran out") == 1

    be(page, demo)
    tool = open_training(page, demo, "Lars Ødegård", "My safety training")
    play(page, tool, RIGHT_ANSWERS)
    wait_for_mails(page, demo, seen + 1)
    dashboard(page, demo, "VALID")
    tool = page.frame_locator("iframe[name=contentframe]")
    tool.get_by_role("link", name="Certificates", exact=True).click()
    expect(tool.get_by_text(re.compile("^Edition 2, issued"))).to_be_visible(timeout=10 * SECONDS)
    expect(tool.get_by_text(re.compile("^Edition 1, issued"))).to_be_visible()
