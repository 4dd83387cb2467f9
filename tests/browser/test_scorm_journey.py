"""A SCORM 2004 course of several parts from its first page to the certificate, cut off."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.db import db
from plugin.core.secrets import hash_of, new_token
from plugin.modules.models import Module, Run
from plugin.org.models import Person, SignIn
from tests.browser.conftest import FRAME
from tests.browser.playing import Playing, completions, content_of, press, stored, until
from tests.support.browser import Address, overflows
from tests.support.days import inbox_of
from tests.support.packages2004 import BOTH, course, part, sequencing
from tests.support.work import work_off
from tests.support.world import World


def two_parts() -> Any:
    return course(part("ONE"), part("TWO"), sequencing(BOTH))


@pytest.fixture
def other_device(
    browser: Browser, world: World, learner: Person, address: Address
) -> Iterator[Page]:
    """Another browser, that knows nothing of the first, signed in as the same learner."""
    token, now = new_token(), clock.now()
    world.add(
        SignIn(
            organization_id=learner.organization_id,
            person_id=learner.id,
            token_hash=hash_of(token),
            frame_ancestors="'self'",
            launch={},
            created_at=now,
            expires_at=now.replace(year=now.year + 30),
        )
    )
    found = browser.new_context(viewport={"width": FRAME[0], "height": FRAME[1]})
    page = found.new_page()
    page.goto(f"{address.tool}/test/visit/{token}?next=/")
    yield page
    found.close()


def opened(page: Page, address: Address) -> Playing:
    page.goto(f"{address.tool}/")
    press(page, db.session.scalars(select(Module)).one())
    return Playing(page)


def test_cut_off_resumed_on_another_device_and_passed_the_certificate_follows(
    play: Any, page: Page, context: BrowserContext, other_device: Page, address: Address, app: Flask
) -> None:
    playing = play(two_parts())
    playing.set("ONE", completion_status="completed", success_status="passed", score__scaled="0.8")
    playing.finish("ONE", "continue")
    playing.set("TWO", location="page-2", suspend_data="half", exit="suspend")
    playing.at("TWO").evaluate("() => scorm.Commit('')")
    until(lambda: stored("TWO").get("suspend_data") == "half")
    context.set_offline(True)
    playing.at("TWO").evaluate("() => scorm.SetValue('cmi.suspend_data', 'said to nobody')")
    playing.at("TWO").evaluate("() => scorm.Commit('')")
    page.close()

    resumed = opened(other_device, address)
    told = {
        "cmi.entry": "resume",
        "cmi.location": "page-2",
        "cmi.suspend_data": "half",
    }
    assert {each: resumed.ask("TWO", each) for each in told} == told
    resumed.set("TWO", suspend_data="whole", completion_status="completed")
    resumed.set("TWO", success_status="passed", score__scaled="1.0")
    resumed.finish("TWO", "exitAll")
    resumed.shell.locator("#message-ended").wait_for()
    (only,) = until(completions)
    assert (only.passed, only.score) == (True, 0.9)
    with inbox_of(app) as inbox:
        work_off()
        assert [str(mail["Subject"]) for mail in inbox.mails][-1].startswith("Your certificate")
    other_device.goto(f"{address.tool}/certificates")
    expect(other_device.get_by_text("VALID", exact=True)).to_be_visible()


def test_two_windows_on_one_sitting_the_newer_writes_and_the_older_is_told(
    play: Any, page: Page, context: BrowserContext, address: Address
) -> None:
    playing = play(two_parts())
    playing.set("ONE", completion_status="completed", suspend_data="first")
    playing.finish("ONE", "continue")
    playing.set("TWO", suspend_data="of the first window")
    playing.at("TWO").evaluate("() => scorm.Commit('')")
    second = context.new_page()
    other = opened(second, address)
    assert other.ask("TWO", "cmi.suspend_data") == "of the first window"
    playing.set("TWO", suspend_data="too late")
    assert playing.at("TWO").evaluate("() => scorm.Commit('')") == "false"
    playing.shell.locator("#message-elsewhere").wait_for()
    other.set("TWO", suspend_data="of the second window", completion_status="completed")
    other.finish("TWO", "exitAll")
    other.shell.locator("#message-ended").wait_for()
    until(completions)
    assert stored("TWO")["suspend_data"] == "of the second window"
    assert db.session.scalar(select(func.count()).select_from(Run)) == 1


def focused(playing: Playing) -> str:
    return str(playing.shell.evaluate("() => document.activeElement.id"))


def tab_to(playing: Playing, name: str) -> None:
    for _ in range(12):
        if focused(playing) == name:
            return
        playing.page.keyboard.press("Tab")
    raise AssertionError(f"no way to {name} by the keyboard")


def test_a_small_frame_and_the_keyboard_alone_lead_through_all_parts(
    play: Any, page: Page, complaints: list[str]
) -> None:
    playing = play(two_parts())
    content_of(page, "ONE")
    assert (page.viewport_size or {}) == {"width": FRAME[0], "height": FRAME[1]}
    page.locator("#back").focus()
    tab_to(playing, "contents-button")
    page.keyboard.press("Enter")
    lines = playing.shell.locator("#contents [data-part]")
    expect(lines.first).to_be_visible()
    for _ in range(8):
        page.keyboard.press("Tab")
        if playing.shell.evaluate("() => document.activeElement.textContent.startsWith('TWO')"):
            break
    page.keyboard.press("Enter")
    content_of(page, "TWO")
    page.locator("#back").focus()
    tab_to(playing, "previous")
    page.keyboard.press("Enter")
    playing.set("ONE", completion_status="completed")
    page.locator("#back").focus()
    tab_to(playing, "continue")
    page.keyboard.press("Space")
    playing.set("TWO", completion_status="completed")
    assert overflows(page) == 0
    assert playing.shell.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.locator("#back").focus()
    tab_to(playing, "exit")
    page.keyboard.press("Enter")
    playing.shell.locator("#message-left").wait_for()
    assert stored("ONE")["completion_status"] == stored("TWO")["completion_status"] == "completed"
    assert complaints == []
