"""Picking content in a frame, and a learner's work, looked at."""

import pytest
from playwright.sync_api import Page, expect

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool import deep_linking, trust_queries
from plugin.org.models import Person
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.assign.places import row, training
from tests.functional.lti.conftest import register
from tests.support.browser import overflows, take_picture
from tests.support.world import World

SIZES = {"frame": (380, 450), "desk": (1280, 800)}


@pytest.fixture
def teacher(world: World) -> Person:
    return world.person("Tina Teacher")


@pytest.fixture
def picker(world: World, teacher: Person) -> str:
    """The page on which Tina picks content."""
    module = world.module("Lifting operations: slinging and signalling")
    training(world.unit("Hochspannungsschaltanlagenbedienungspersonal"), row(module))
    uid, person_id = register(world).uid, teacher.id
    settings = {
        "return_url": "https://lms.example.test/back",
        "accept_types": ["ltiResourceLink"],
        "accept_multiple": True,
        "accept_line_item": True,
        "title": "Safety 101",
        "text": None,
        "data": "d",
    }
    with transaction() as tx:
        trust = trust_queries.trust(tx.session, uid, at=clock.now())
        name = deep_linking.begin(
            tx.session, trust, person_id, deployment_id="1", settings=settings, now=clock.now()
        )
    db.session.rollback()
    return f"/content/{name}"


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("size", SIZES)
def test_the_picker_fits_and_serves_everybody(
    teacher: Person, picker: str, visit: Visit, page: Page, size: str, locale: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    visit(teacher, picker, locale=locale)
    take_picture(page, f"content-{locale}-{size}")
    assert overflows(page) == 0
    assert flaws(page) == []


def test_the_choice_is_posted_to_the_lms_and_nowhere_else(
    teacher: Person, picker: str, visit: Visit, page: Page
) -> None:
    posted: list[tuple[str, str]] = []

    def lms(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]
        posted.append((request.url, request.post_data or ""))
        route.fulfill(status=200, body="<h1>Added</h1>", content_type="text/html")  # type: ignore[attr-defined]

    page.route("https://lms.example.test/**", lms)
    visit(teacher, picker)
    page.get_by_label("Lifting operations").last.check()
    page.get_by_role("button", name="Add to the course").click()
    expect(page.get_by_role("heading", name="Added")).to_be_visible()
    assert len(posted) == 1
    url, body = posted[0]
    assert url == "https://lms.example.test/back"
    assert body.startswith("JWT=")
