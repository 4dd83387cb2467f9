"""What the tests of the player share: a package brought in, assigned and opened as learners do."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error, Frame, Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Completion, Module
from plugin.scorm.models import ScormState

PATIENCE = 15


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


def content_of(page: Page, part: str = "") -> Frame:
    """The frame a part runs in, once it has started."""

    def running() -> Frame | None:
        page.wait_for_timeout(20)  # lets the browser's events in
        for frame in page.frames:
            try:
                if "/files/" in frame.url and frame.evaluate(
                    "part => window.started === 'true' && (!part || window.part === part)", part
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
