"""Play a case as its tester would: open the package, do what is asked, open it again."""

import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from plugin.app import create_app
from plugin.core import clock, migrate
from plugin.core.db import transaction
from plugin.core.secrets import new_token
from plugin.core.settings import Environment, Settings
from plugin.modules.models import Module
from plugin.scorm import actions, queries, rules
from tests.support.browser import ARGUMENTS, Address, free_address, serving, shell
from tests.support.play import brought_in, started
from tests.support.world import World
from tools.conformance import instructions
from tools.conformance.cases import Case
from tools.conformance.instructions import Instruction

DRIVER = (Path(__file__).parent / "driver.js").read_text(encoding="utf-8")
PATIENCE_SECONDS = 20.0
PRESS_MS, END_MS = 5000, 10000
OTHERS = "packages"
SHOWN = "#content:not([hidden]), #message-choose:not([hidden])"
MOST_STEPS = 80
LOST = "Lost"


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


Sources = Mapping[str, io.BytesIO]


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A Chromium of this run's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shell(), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def playground(folder: Path, browser: Browser, known: Mapping[str, str]) -> Iterator["Tester"]:
    """The product with an empty database, visited by a browser that follows these instructions."""
    with free_address() as address:
        settings = _settings(folder, address)
        migrate.upgrade(settings.sqlalchemy_url)
        app = create_app(settings)
        with serving(app, address), app.app_context():
            world = World()
            yield Tester(browser, address, world, known)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """What is opened after a visit of the player; no package: nothing any more."""

    at: int
    package: str = ""
    first: str = ""


class Tester:
    """One learner who follows the instructions of every case: some build upon those before."""

    def __init__(
        self, browser: Browser, address: Address, world: World, known: Mapping[str, str]
    ) -> None:
        self.browser, self.address, self.world, self.known = browser, address, world, known
        self.learner = world.person("Learner Suite")

    def play(self, case: Case, sources: Sources) -> Result:
        result = Result(name=case.name, group=case.group)
        modules = {name: self._brought_in(name, source) for name, source in sources.items()}
        is_package = case.start in modules
        step = _Next(
            at=0,
            package=case.start if is_package else next(iter(modules)),
            first="" if is_package else case.start,
        )
        for _ in range(MOST_STEPS):
            if step.package not in modules or step.at >= len(case.activities):
                break
            step = self._visit(case, modules[step.package], step, result)
        result.is_complete = step.at >= len(case.activities)
        if not result.is_complete:
            result.checks.append((False, f"{step.at} of {len(case.activities)} turns were had"))
        return result

    def try_out(self, name: str, source: io.BytesIO) -> Result:
        """Anybody's package is brought in, opened until it shows something, and left."""
        result = Result(name=name, group=OTHERS)
        try:
            page = self._at(self._brought_in(name, source))
        except AssertionError as refused:
            result.checks.append((False, f"not brought in: {refused}"))
            return result
        try:
            page.locator(SHOWN).first.wait_for(timeout=END_MS)
            page.locator("#exit").click(timeout=PRESS_MS)
            page.locator("#message-left").wait_for(timeout=END_MS)
            result.is_complete = True
        except Error as trouble:
            result.checks.append((False, trouble.message.partition("\n")[0]))
        finally:
            page.close()
        return result

    def _brought_in(self, name: str, source: io.BytesIO) -> Module:
        """What a package shares with others is kept for the learner, as its manifest says."""
        module, now = brought_in(self.world, source, title=name), clock.now()
        with transaction() as tx:
            merged = tx.session.merge(module)
            policy = queries.policy_of_module(tx.session, merged)
            sharing = replace(policy, shares_objectives=True)
            rules.choose(tx.session, merged, sharing, by=self.learner.id, now=now)
        return module

    def _visit(self, case: Case, module: Module, step: _Next, result: Result) -> _Next:
        """One opening of the player, up to its end; what is to be opened then."""
        page, at, asked = self._opened(case, module, step.at), step.at, f"Choice~{step.first}"
        try:
            if step.first:
                self._choose(page, step.first)
            is_left = False
            while not is_left:
                at, then = self._next(page, at)
                if then is None or then == LOST:
                    return _Next(at=at)
                asked, told = then, instructions.read(then, self.known)
                self._do(page, told)
                is_left = told.is_leaving or at >= len(case.activities)
            self._end(page, told)
            return _Next(at=at, package=told.package or step.package, first=told.first)
        except Error as trouble:
            why = trouble.message.partition("\n")[0]
            result.checks.append((False, f"the tester is stuck at {asked}: {why}"))
            return _Next(at=at)
        finally:
            result.checks += self._log(page)
            page.close()

    def _opened(self, case: Case, module: Module, at: int) -> Page:
        told = {
            "name": case.name,
            "turns": [asdict(each) for each in case.activities],
            "start": at,
        }
        return self._at(module, DRIVER.replace("__CASE__", json.dumps(told)))

    def _at(self, module: Module, script: str = "") -> Page:
        """The sitting that is open, or a new one after one that was completed."""
        run = started(module, self.learner)
        with transaction() as tx:
            merged, now = tx.session.merge(run), clock.now()
            token = actions.create_launch(tx.session, merged, frame_ancestors="'self'", now=now)
        page = self.browser.new_page()
        if script:
            page.add_init_script(script)
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
            if int(suite["at"]) != at:
                at, deadline = int(suite["at"]), time.monotonic() + PATIENCE_SECONDS
        return at, None

    def _do(self, page: Page, told: Instruction) -> None:
        """What is to be pressed or chosen while the player is open."""
        if told.choose:
            self._choose(page, told.choose)
        elif told.press and told.press != instructions.EXIT:
            page.locator(f"#{told.press}").click(timeout=PRESS_MS)

    def _choose(self, page: Page, title: str) -> None:
        button = page.locator("#contents-button")
        button.wait_for(timeout=PRESS_MS)
        if not page.locator("#contents").is_visible():
            button.click(timeout=PRESS_MS)
        line = page.locator("#contents [data-part]")
        named = re.compile(f"^{re.escape(title)}(?: ✓|$)")
        line.filter(has_text=named).click(timeout=PRESS_MS)

    def _end(self, page: Page, told: Instruction) -> None:
        """Leave the player; before, wait for the end where one is to come by itself."""
        if told.is_end_awaited and told.press != instructions.EXIT:
            page.locator("#message-ended").wait_for(timeout=END_MS)
        if told.is_leaving:
            page.locator("#exit").click(timeout=PRESS_MS)
            page.locator("#message-left").wait_for(timeout=END_MS)

    def _log(self, page: Page) -> list[tuple[bool, str]]:
        return [(is_right, text) for is_right, text in page.evaluate("() => window.suite.log")]
