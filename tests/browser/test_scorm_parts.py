"""Several parts of SCORM 1.2: the contents say at once what is done, and lead back and on."""

import io

from playwright.sync_api import Frame, Page, expect

from tests.browser.conftest import Play
from tests.browser.playing import Playing, again, content_of
from tests.browser.probing import PROBE
from tests.support.browser import Address
from tests.support.packages import item, manifest, package, resource


def three_parts(inside_third: str = "", title: str = "A course") -> io.BytesIO:
    names = {"A": "First", "B": "Second", "C": "Third"}
    items = "".join(
        item(each, title, f"R{each}", inside_third if each == "C" else "")
        for each, title in names.items()
    )
    files = "".join(resource(f"R{each}", f"{each}.html") for each in names)
    pages = {f"{each}.html": PROBE for each in names}
    return package(pages, manifest_bytes=manifest(items=items, resources=files, title=title))


def part(page: Page, name: str) -> Frame:
    found = content_of(page, url=f"{name}.html")
    found.wait_for_function("() => window.started === 'true'")
    return found


def say(frame: Frame, status: str) -> None:
    said = "s => scorm.LMSSetValue('cmi.core.lesson_status', s) + scorm.LMSCommit('')"
    assert frame.evaluate(said, status) == "truetrue"


def line(playing: Playing, name: str) -> str:
    return str(playing.shell.locator(f"#contents [data-part={name}]").inner_text())


def test_a_part_that_is_done_is_marked_while_the_course_is_open(page: Page, play: Play) -> None:
    playing = play(three_parts())
    say(part(page, "A"), "incomplete")
    playing.press("Contents")
    assert line(playing, "A") == "First"
    say(part(page, "A"), "passed")
    assert line(playing, "A") == "First ✓ Done"
    assert line(playing, "B") == "Second"
    playing.choose("Second")
    part(page, "B")
    playing.press("Contents")
    assert line(playing, "A") == "First ✓ Done"


def test_a_part_that_failed_reads_failed_at_once_and_when_the_course_is_opened_again(
    page: Page, play: Play, address: Address
) -> None:
    playing = play(three_parts())
    playing.press("Contents")
    say(part(page, "A"), "failed")
    expect(playing.shell.locator("#contents [data-part=A]")).to_have_text("First ✗ Failed")
    playing.choose("Second")
    part(page, "B")
    playing.exit()
    again(playing, address)
    part(page, "B")
    playing.press("Contents")
    assert line(playing, "A") == "First ✗ Failed"
    assert line(playing, "B") == "Second"
    playing.choose("First")
    say(part(page, "A"), "passed")
    playing.press("Contents")
    expect(playing.shell.locator("#contents [data-part=A]")).to_have_text("First ✓ Done")


def test_what_is_listed_keeps_the_focus_while_nothing_changes(page: Page, play: Play) -> None:
    playing = play(three_parts())
    playing.press("Contents")
    playing.shell.locator("#contents [data-part=B]").focus()
    say(part(page, "A"), "incomplete")
    focused = "() => document.activeElement.dataset.part"
    assert playing.shell.evaluate(focused) == "B"


def test_a_learner_goes_back_and_on_without_the_contents(page: Page, play: Play) -> None:
    playing = play(three_parts())
    part(page, "A")
    before = playing.shell.get_by_role("button", name="Previous part")
    after = playing.shell.get_by_role("button", name="Next part")
    expect(before).to_be_disabled()
    after.click()
    part(page, "B")
    after.click()
    part(page, "C")
    expect(after).to_be_disabled()
    before.click()
    part(page, "B")


def test_the_way_on_passes_what_is_closed_until_it_opens(page: Page, play: Play) -> None:
    needs = '<adlcp:prerequisites type="aicc_script">B</adlcp:prerequisites>'
    playing = play(three_parts(needs))
    part(page, "A")
    after = playing.shell.get_by_role("button", name="Next part")
    after.click()
    second = part(page, "B")
    expect(after).to_be_disabled()
    say(second, "completed")
    after.click()
    part(page, "C")


def test_of_one_part_there_is_no_way_on(page: Page, play: Play) -> None:
    playing = play(package({"index.html": PROBE}))
    content_of(page)
    assert not playing.shell.get_by_role("button", name="Next part").is_visible()
    assert not playing.shell.get_by_role("button", name="Previous part").is_visible()


def test_on_a_phone_the_title_of_a_course_is_whole(page: Page, play: Play) -> None:
    page.set_viewport_size({"width": 366, "height": 450})
    play(three_parts(title="Working at height in ports"))
    part(page, "A")
    cut = "h => h.scrollHeight > h.clientHeight || h.scrollWidth > h.clientWidth"
    assert not page.locator("h1").evaluate(cut)
    assert page.locator("header.bar").evaluate("h => h.offsetHeight") <= 48
