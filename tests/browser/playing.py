"""What the tests of the player share: a package brought in, assigned and opened as learners do."""

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error, Frame, Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Completion, Module
from plugin.scorm.models import ScormState
from tests.support.browser import Address

PATIENCE = 60


def until(check: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The check's answer as soon as it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never became true")


def shell_of(page: Page) -> Frame:
    """The player's own frame, once it is there."""

    def found() -> Frame | None:
        page.wait_for_timeout(10)  # lets the browser's events in
        frames = [each for each in page.frames if "/c/" in each.url and "/files/" not in each.url]
        return frames[0] if frames else None

    shell: Frame = until(found)
    return shell


def content_of(page: Page, part: str = "", *, url: str = "") -> Frame:
    """The frame a part runs in, once it has started (of this address: once it is there)."""

    def running() -> Frame | None:
        page.wait_for_timeout(20)  # lets the browser's events in
        for frame in page.frames:
            if url and "/files/" in frame.url and frame.url.endswith(url):
                return frame
            try:
                if (
                    not url
                    and "/files/" in frame.url
                    and frame.evaluate(
                        "part => window.started === 'true' && (!part || window.part === part)", part
                    )
                ):
                    return frame
            except Error:  # it is just being changed
                continue
        return None

    found: Frame = until(running)
    return found


def press(page: Page, module: Module) -> None:
    page.locator(f'form[action$="/modules/{module.id}/start"] button').click()


def stored(part: str) -> dict[str, Any]:
    """What a part (`""`: the course) stored last; empty before it stored anything."""
    db.session.rollback()
    found = db.session.scalars(select(ScormState).where(ScormState.sco_id == part)).one_or_none()
    return dict(found.cmi) if found else {}


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.scalars(select(Completion).order_by(Completion.id)))


class Playing:
    """A learner in the player, as seen from the test."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def shell(self) -> Frame:
        return shell_of(self.page)

    def at(self, name: str) -> Frame:
        """The part of this name, once it is on screen and has begun."""
        return content_of(self.page, name)

    def set(self, name: str, **values: str) -> None:
        """The part sets elements (`_` for `.`) and every one is taken."""
        frame = self.at(name)
        for element, value in values.items():
            said = [f"cmi.{element.replace('__', '.')}", value]
            assert frame.evaluate("([e, v]) => scorm.SetValue(e, v)", said) == "true", element

    def ask(self, name: str, element: str) -> str:
        return str(self.at(name).evaluate("e => scorm.GetValue(e)", element))

    def finish(self, name: str, request: str = "") -> None:
        """The part ends, asking for a way to go on if it likes."""
        self.at(name).evaluate(
            "r => { if (r) scorm.SetValue('adl.nav.request', r); return scorm.Terminate(''); }",
            request,
        )

    def press(self, name: str) -> None:
        self.shell.get_by_role("button", name=name).click()

    def choose(self, title: str) -> None:
        if not self.shell.locator("#contents").is_visible():
            self.press("Contents")
        line = self.shell.locator("#contents [data-part]")
        line.filter(has_text=re.compile(f"^{title}( |$)")).click()

    def choices(self) -> dict[str, bool]:
        """Each line of the contents that can be pressed, and whether it leads anywhere now.

        Not the course's own line: see `choices_with_course`.
        """
        found = self.choices_with_course()
        return {title: is_open for title, is_open in found.items() if title != "A course"}

    def choices_with_course(self) -> dict[str, bool]:
        if not self.shell.locator("#contents").is_visible():
            self.press("Contents")
        found = self.shell.locator("#contents [data-part]").evaluate_all(
            "all => all.map(e => [e.firstChild.textContent, e.ariaDisabled !== 'true'])"
        )
        self.press("Contents")
        return dict(found)

    def exit(self) -> None:
        self.press("Exit")
        self.shell.locator("#message-left").wait_for()


def again(play: Playing, address: Address) -> Playing:
    """The learner opens the same course again from the list."""
    module = db.session.scalars(select(Module)).one()
    play.page.goto(f"{address.tool}/")
    press(play.page, module)
    return play
