"""Play a case as its tester would: open the package, do what is asked, open it again."""

import io
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from plugin.app import create_app
from plugin.core import clock, migrate
from plugin.core.db import transaction
from plugin.core.secrets import new_token
from plugin.core.settings import Environment, Settings
from plugin.modules.models import Run
from plugin.scorm import actions
from tests.support.browser import ARGUMENTS, Address, chromium, free_address, serving
from tests.support.play import brought_in, started
from tests.support.world import World
from tools.conformance.cases import Case

DRIVER = (Path(__file__).parent / "driver.js").read_text(encoding="utf-8")
PATIENCE_SECONDS = 20.0
MOST_STEPS = 80


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of a case; a check is right or not, and what it was about."""

    name: str
    group: str
    checks: list[tuple[bool, str]] = field(default_factory=list)
    is_complete: bool = False

    @property
    def is_passed(self) -> bool:
        return self.is_complete and all(is_right for is_right, _ in self.checks)


Play = Callable[[Case, list[io.BytesIO]], Result]


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A Chromium of this run's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def playground(folder: Path, browser: Browser) -> Iterator[Play]:
    """The product on a port of its own with an empty database, visited by this browser."""
    with free_address() as address:
        settings = _settings(folder, address)
        migrate.upgrade(settings.sqlalchemy_url)
        app = create_app(settings)
        with serving(app, address), app.app_context():
            world = World()
            yield lambda case, sources: _Tester(browser, address, world).play(case, sources)


def _settings(folder: Path, address: Address) -> Settings:
    return Settings(
        env=Environment.TEST,
        tool_url=address.tool,
        content_url=address.content,
        database_url=f"sqlite:///{folder}/product.db",
        secret_key=new_token() * 2,
        encryption_key=new_token() * 2,
        storage_dir=str(folder / "files"),
        mail_sender="training@example.test",
        mail_host="127.0.0.1",
        mail_tls="none",
    ).checked()


class _Tester:
    """Follows the instructions of one case."""

    def __init__(self, browser: Browser, address: Address, world: World) -> None:
        self.browser, self.address, self.world = browser, address, world

    def play(self, case: Case, sources: list[io.BytesIO]) -> Result:
        result = Result(name=case.name, group=case.group)
        person = self.world.person(f"Learner {case.name}")
        runs = [started(brought_in(self.world, each, title=case.name), person) for each in sources]
        at = 0
        for step in range(MOST_STEPS):
            run = runs[min(step, len(runs) - 1)] if len(runs) > 1 else runs[0]
            at, is_over = self._visit(case, run, at, result)
            if is_over:
                break
        result.is_complete = at >= len(case.activities)
        return result

    def _visit(self, case: Case, run: Run, at: int, result: Result) -> tuple[int, bool]:
        """One opening of the player; how far it came, and whether there is no use in another."""
        page = self._opened(case, run, at)
        try:
            before = at
            while True:
                at, then = self._next(page, at)
                if then is None or then == "Lost":
                    return at, True
                if not self._do(page, then) or at >= len(case.activities):
                    return at, at >= len(case.activities) or at == before
        finally:
            result.checks += [(is_right, text) for is_right, text in self._log(page)]
            page.close()

    def _opened(self, case: Case, run: Run, at: int) -> Page:
        with transaction() as tx:
            merged, now = tx.session.merge(run), clock.now()
            token = actions.create_launch(tx.session, merged, frame_ancestors="'self'", now=now)
        page = self.browser.new_page()
        told = {
            "name": case.name,
            "turns": [asdict(each) for each in case.activities],
            "start": at,
        }
        page.add_init_script(DRIVER.replace("__CASE__", json.dumps(told)))
        page.goto(f"{self.address.content}/c/{token}/")
        return page

    def _next(self, page: Page, at: int) -> tuple[int, str | None]:
        """Wait until the part on screen has had its turn; None when nothing comes any more."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            page.wait_for_timeout(50)
            suite: dict[str, Any] = page.evaluate("() => window.suite")
            if suite["then"] is not None and (suite["then"] or suite["isDone"]):
                page.evaluate("() => { window.suite.then = null; }")
                return int(suite["at"]), str(suite["then"])
            at = int(suite["at"])
        return at, None

    def _do(self, page: Page, then: str) -> bool:
        """What the tester is told to do; False when the player was left."""
        what, _, title = then.partition("~")
        try:
            if what in {"Continue", "Previous"}:
                page.locator(f"#{what.lower()}").click(timeout=5000)
                return True
            if what == "Choice":
                page.locator("#contents-button").click(timeout=5000)
                line = page.locator("#contents [data-part]")
                line.filter(has_text=re.compile(f"^{re.escape(title)}(?: ✓|$)")).click(timeout=5000)
                return True
            page.locator("#exit").click(timeout=5000)
            page.locator("#message-left").wait_for(timeout=10000)
        except Error:
            pass
        return False

    def _log(self, page: Page) -> list[tuple[bool, str]]:
        return list(page.evaluate("() => window.suite.log"))
