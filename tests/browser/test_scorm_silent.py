"""SCORM 1.2 courses whose parts never call the LMS, and what the contents say of each part."""

import re
from typing import Any

import pytest
from playwright.sync_api import Frame, Page

from tests.browser.playing import completions, content_of, until
from tests.browser.probing import PROBE
from tests.support.packages import PAGE, item, manifest, package, resource

SILENT_MS = 3500
DONE = re.compile("✓ Done")


def line(shell: Frame, part: str) -> Any:
    """The line of a part in the contents, which are open."""
    if not shell.locator("#contents").is_visible():
        shell.get_by_role("button", name="Contents").click()
    return shell.locator(f"#contents [data-part={part}]")


def of_parts(first: str | bytes, *, kind: str = "sco", inside: str = "") -> Any:
    """Two parts; the second is the probe."""
    parts = item("A", "First", "R1") + item("B", "Second", "R2", inside)
    files = resource("R1", "index.html", kind) + resource("R2", "two.html")
    content = manifest(items=parts, resources=files)
    return package({"index.html": first, "two.html": PROBE}, manifest_bytes=content)


@pytest.mark.parametrize("prerequisites", ["", "~B"])
def test_a_part_that_never_calls_is_kept_as_opened_and_the_next_can_be_chosen(
    play: Any, page: Page, complaints: list[str], prerequisites: str
) -> None:
    inside = f'<adlcp:prerequisites type="aicc_script">{prerequisites}|~A</adlcp:prerequisites>'
    playing = play(of_parts(PAGE, inside=inside if prerequisites else ""))
    content_of(page, url="index.html")
    page.wait_for_timeout(SILENT_MS)
    line(playing.shell, "B").click()
    content_of(page, url="two.html")
    line(playing.shell, "A").click()
    content_of(page, url="index.html")
    assert complaints == []


def test_a_page_of_another_host_is_shown_and_counts_as_opened(play: Any, page: Page) -> None:
    page.context.route("https://elsewhere.example/**", lambda route: route.fulfill(body="Hello"))
    parts = item("A", "First", "R1") + item("B", "Second", "R2")
    files = resource("R1", "https://elsewhere.example/a.html", "asset") + resource("R2")
    content = manifest(items=parts, resources=files)
    playing = play(package({"index.html": PROBE}, manifest_bytes=content))
    playing.shell.frame_locator("#content").get_by_text("Hello").wait_for()
    line(playing.shell, "B").click()
    second = content_of(page, url="index.html")
    assert DONE.search(line(playing.shell, "A").inner_text())
    assert second.evaluate("() => scorm.LMSGetValue('cmi.core.entry')") == "ab-initio"


def test_the_contents_say_at_once_what_is_done(play: Any, page: Page) -> None:
    playing = play(of_parts(PROBE))
    first = content_of(page)
    assert not DONE.search(line(playing.shell, "A").inner_text())
    first.evaluate("() => scorm.LMSSetValue('cmi.core.lesson_status', 'completed')")
    first.evaluate("() => scorm.LMSFinish('')")
    line(playing.shell, "B").click()
    content_of(page, url="two.html")
    assert DONE.search(line(playing.shell, "A").inner_text())
    assert not DONE.search(line(playing.shell, "B").inner_text())


def test_a_page_to_read_is_done_when_it_is_opened(play: Any, page: Page) -> None:
    playing = play(of_parts(PAGE, kind="asset"))
    content_of(page, url="index.html")
    assert DONE.search(line(playing.shell, "A").inner_text())
    line(playing.shell, "B").click()
    second = content_of(page, url="two.html")
    second.evaluate("() => scorm.LMSSetValue('cmi.core.lesson_status', 'passed')")
    second.evaluate("() => scorm.LMSFinish('')")
    assert [each.passed for each in until(completions)] == [True]
