"""The product on a real port, and a Chromium that visits it as a person does.

`http://localhost:<port>` is the tool and `http://content.localhost:<port>` plays packages. What a
test commits with `world` is what the pages show; tables are empty again afterwards.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, redirect, request
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.wrappers import Response

from plugin.app import create_app
from plugin.core import clock, migrate
from plugin.core.db import db, transaction
from plugin.core.secrets import hash_of, new_token
from plugin.core.settings import Environment, Settings
from plugin.org.models import Person, SignIn
from plugin.scorm import rules
from plugin.scorm.policy import Policy
from plugin.web import identity
from tests.browser.playing import Playing, content_of, press
from tests.browser.probing import Course, Probing, probe
from tests.browser.troubles import Trouble, troubled
from tests.functional.assign.places import row, training
from tests.support import databases
from tests.support.browser import ARGUMENTS, Address, free_address, serving, shell
from tests.support.packages2004 import course, part
from tests.support.play import brought_in
from tests.support.world import World

Visit = Callable[..., Page]
FRAME = (380, 450)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def address() -> Iterator[Address]:
    with free_address() as found:
        yield found


@pytest.fixture(scope="session")
def maker_address() -> Iterator[Address]:
    """Where an external tool may listen: the one machine the product's server may call."""
    with free_address() as found:
        yield found


@pytest.fixture(scope="session")
def settings(
    address: Address, maker_address: Address, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("browser")
    with databases.fresh(folder) as url:
        yield Settings(
            env=Environment.TEST,
            tool_url=address.tool,
            content_url=address.content,
            database_url=url,
            secret_key="a secret only tests know, long enough",
            encryption_key="another secret only tests know, long",
            storage_dir=str(folder / "files"),
            outgoing_allow=f"127.0.0.1:{maker_address.port}",
            mail_sender="training@example.test",
            mail_host="127.0.0.1",
            mail_tls="none",
        ).checked()


@pytest.fixture(scope="session")
def whole_app(settings: Settings, address: Address) -> Iterator[Flask]:
    """The product as served: cookies, policies and form tokens are all on."""
    migrate.upgrade(settings.sqlalchemy_url)
    app = create_app(settings)
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/test/visit/<token>", "test_visit", _open_visit)
    with serving(app, address):
        yield app


@identity.public
def _open_visit(token: str) -> Response:
    """Stands where a launch ends: the browser now holds this visit."""
    identity.sign_in(token)
    return redirect(request.args["next"])


@pytest.fixture(scope="session")
def troubled_app(whole_app: Flask) -> Trouble:
    return troubled(whole_app)


@pytest.fixture
def trouble(troubled_app: Trouble) -> Iterator[Trouble]:
    """What a test does to the server's answers; calm again afterwards."""
    troubled_app.calm()
    yield troubled_app
    troubled_app.calm()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shell(), args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser, app: Flask) -> Iterator[BrowserContext]:
    """One browser profile of its own for the test."""
    found = browser.new_context(viewport={"width": FRAME[0], "height": FRAME[1]})
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab as large as a small LMS frame."""
    return context.new_page()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser reported so far: script errors, refused resources, failed requests."""
    found: list[str] = []
    page.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def visit(world: World, page: Page, address: Address) -> Visit:
    """`visit(person, path)`: the page is signed in as the person and shows the path."""

    def open_as(person: Person, path: str = "/", *, locale: str | None = None) -> Page:
        token = new_token()
        now = clock.now()
        world.add(
            SignIn(
                organization_id=person.organization_id,
                person_id=person.id,
                token_hash=hash_of(token),
                frame_ancestors="'self'",
                locale=locale,
                launch={},
                created_at=now,
                expires_at=now.replace(year=now.year + 30),
            )
        )
        page.goto(f"{address.tool}/test/visit/{token}?next={path}")
        return page

    return open_as


Play = Callable[..., Playing]


@pytest.fixture
def learner(world: World) -> Person:
    return world.person("Lars Learner")


@pytest.fixture
def play(world: World, learner: Person, page: Page, visit: Visit) -> Play:
    """Bring a package in, assign it, and open it as the learner does."""

    def start(source: io.BytesIO, **chosen: Any) -> Playing:
        module = brought_in(world, source)
        if chosen:
            with transaction() as tx:
                policy = Policy(**chosen)
                merged = tx.session.merge(module)
                rules.choose(tx.session, merged, policy, by=learner.id, now=clock.now())
        unit = world.unit()
        world.member(learner, unit)
        training(unit, row(module))
        db.session.rollback()
        press(visit(learner, "/"), module)
        return Playing(page)

    return start


@pytest.fixture
def probing(world: World, learner: Person, page: Page, visit: Visit) -> Probing:
    """Bring the probe of an edition in, and open it."""

    def start(edition: str, leave: str = "") -> Course:
        query = f"leave={leave}" if leave else ""
        source = probe(leave) if edition == "1.2" else course(part("ONE", query=query))
        module = brought_in(world, source)
        unit = world.unit()
        world.member(learner, unit)
        training(unit, row(module))
        db.session.rollback()
        press(visit(learner, "/"), module)
        content_of(page)
        return Course(page, edition)

    return start
