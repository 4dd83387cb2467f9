"""The whole story in a browser: launched, played, passed, certified, mailed, verified."""

import io
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect
from pypdf import PdfReader

from tests.support import demo as demos
from tests.support.demo import Demo

PICTURES = Path(__file__).parent / "screenshots"
RIGHT_ANSWERS = [1, 0, 2, 0, 1]
SECONDS = 1000


@pytest.fixture(scope="module")
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


def open_training(page: Page, demo: Demo, name: str, activity: str) -> FrameLocator:
    """Sign in to the LMS as this person and open the activity; what is in its frame."""
    page.goto(demo.lms)
    page.get_by_role("button", name=name).click()
    page.get_by_role("link", name=activity).click()
    return page.frame_locator("iframe[name=contentframe]")


def play(page: Page, tool: FrameLocator, answers: list[int]) -> None:
    """Start the first module, read it, answer, and leave by the Exit button."""
    tool.locator("form[action*='/modules/'] button").first.click()
    player = tool.frame_locator("iframe")
    course = player.frame_locator("iframe")
    for _ in range(5):
        course.get_by_role("button", name="Next").click()
    for number, answer in enumerate(answers):
        course.locator(f"input[name=q{number}]").nth(answer).check()
    course.get_by_role("button", name="Send my answers").click()
    player.get_by_role("button", name="Exit").click()
    saved = player.locator("#message-left .all-saved")
    expect(saved).to_be_visible(timeout=10 * SECONDS)


def in_frame(page: Page) -> str:
    """The text shown in the LMS's frame."""
    frame = page.frame(name="contentframe")
    assert frame is not None
    return frame.locator("body").inner_text()


def no_sideways_scrolling(page: Page) -> bool:
    frame = page.frame(name="contentframe")
    target = frame if frame is not None else page.main_frame
    target.wait_for_load_state("load")
    wide = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(target.evaluate(wide))


def wait_for_mail(page: Page, demo: Demo, words: str) -> None:
    for _ in range(60):
        page.goto(f"{demo.lms}/inbox")
        if page.get_by_text(words).count():
            page.get_by_text(words).first.click()
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"no mail says {words!r}")


def test_a_learner_passes_and_anybody_can_verify_it(
    demo: Demo, profile: BrowserContext, browser: Browser
) -> None:
    PICTURES.mkdir(exist_ok=True)
    page = profile.new_page()
    tool = open_training(page, demo, "Lars Ødegård", "My safety training")
    expect(tool.get_by_text("INVALID")).to_be_visible(timeout=10 * SECONDS)
    assert "Working at height" in in_frame(page)
    assert no_sideways_scrolling(page)
    page.screenshot(path=PICTURES / "journey-1-invalid.png")

    play(page, tool, RIGHT_ANSWERS)
    page.screenshot(path=PICTURES / "journey-2-saved.png")
    tool.get_by_role("link", name="Back to my training").click()
    expect(tool.get_by_text("VALID", exact=True)).to_be_visible(timeout=10 * SECONDS)
    assert "Valid through" in in_frame(page)
    page.screenshot(path=PICTURES / "journey-3-valid.png")

    wait_for_mail(page, demo, "Your certificate for Site access")
    assert "lars@northwind.example" in page.inner_text("body")
    with page.expect_download() as download:
        page.evaluate("document.querySelector('a.file').setAttribute('download', '')")
        page.locator("a.file").click()
    pdf = PdfReader(io.BytesIO(Path(download.value.path()).read_bytes()))
    words = " ".join(each.extract_text() for each in pdf.pages)
    assert "Lars Ødegård" in words
    assert "North Quay" in words

    address = verify_address(pdf)
    assert address.startswith(f"{demo.tool}/v/")
    stranger = browser.new_context(viewport={"width": 400, "height": 800})
    checked = stranger.new_page()
    answer = checked.goto(address)
    assert answer is not None
    assert answer.status == 200
    shown = checked.inner_text("body")
    assert shown.index("VALID") < shown.index("Lars Ødegård")
    assert "INVALID" not in shown
    assert "lars@" not in shown
    assert "noindex" in answer.headers["x-robots-tag"]
    assert checked.evaluate(
        "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    checked.screenshot(path=PICTURES / "journey-4-verify.png")
    stranger.close()


def test_a_learner_who_fails_stays_invalid_and_may_try_again(
    demo: Demo, profile: BrowserContext
) -> None:
    page = profile.new_page()
    tool = open_training(page, demo, "Łucja Wiśniewska", "My safety training")
    play(page, tool, [0, 1, 0, 1, 0])
    tool.get_by_role("link", name="Back to my training").click()
    expect(tool.get_by_text("INVALID")).to_be_visible(timeout=10 * SECONDS)
    assert "From next season" not in in_frame(page), "hidden leaves no trace"
    play(page, tool, RIGHT_ANSWERS)
    tool.get_by_role("link", name="Back to my training").click()
    expect(tool.get_by_text("VALID", exact=True)).to_be_visible(timeout=10 * SECONDS)


def test_a_quiz_of_another_site_completes_a_module_by_its_score(
    demo: Demo, profile: BrowserContext
) -> None:
    page = profile.new_page()
    tool = open_training(page, demo, "يوسف الخطيب", "My safety training")
    tool.get_by_role("button", name="Fire extinguishers").click()
    quiz = tool.frame_locator("#tool")
    quiz.get_by_label("A fire blanket").check()
    quiz.get_by_role("button", name="Answer").click()
    arrived = tool.get_by_text("Your result has arrived. This module is complete.")
    expect(arrived).to_be_visible(timeout=20 * SECONDS)
    page.screenshot(path=PICTURES / "journey-5-external.png")
    tool.get_by_role("link", name="Back to my training").click()
    tool.get_by_role("link", name="History").click()
    expect(tool.get_by_text("Fire extinguishers").first).to_be_visible(timeout=10 * SECONDS)


def test_an_administrator_sees_the_units_and_a_learner_does_not(
    demo: Demo, profile: BrowserContext
) -> None:
    page = profile.new_page()
    tool = open_training(page, demo, "Astrid Berg", "Training administration")
    expect(tool.get_by_role("heading", name="Units")).to_be_visible(timeout=10 * SECONDS)
    assert "West Coast" in in_frame(page)
    assert no_sideways_scrolling(page)
    page.goto(f"{demo.lms}/course")
    page.get_by_role("button", name="be somebody else").click()
    tool = open_training(page, demo, "प्रिया शर्मा", "My safety training")
    expect(tool.get_by_text("INVALID")).to_be_visible(timeout=10 * SECONDS)
    assert "Units" not in in_frame(page)
    assert page.goto(f"{demo.lms}/course/18").status == 404  # type: ignore[union-attr]


def verify_address(pdf: PdfReader) -> str:
    """The address printed on the certificate (the QR code holds the same)."""
    words = "".join(each.extract_text() for each in pdf.pages).replace("\n", "")
    found = re.search(r"http://localhost:\d+/v/[\w-]{32}", words)
    assert found is not None, words
    return found.group()
