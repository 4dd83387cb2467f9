"""Reports and issued certificates in the browser: readable, reachable and narrow."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import db
from plugin.org.models import Person
from tests.browser.conftest import Visit
from tests.browser.looks import flaws, flaws_at
from tests.functional.assign.places import OPTIONAL, evaluate_later, judge, row, training
from tests.functional.reports.crowd import Crowd
from tests.support import smtp
from tests.support.browser import overflows, take_picture
from tests.support.work import work_off
from tests.support.world import World

LONG = "Hochspannungsschaltanlagenbedienungspersonal of the night shift"
PAGES = {
    "overview": "/admin/overview",
    "overview-region": "/admin/overview%3Fregion={region}",
    "standings": "/admin/standings",
    "standings-invalid": "/admin/standings%3Fstate=invalid%26unit={region}",
    "unreachable": "/admin/unreachable",
    "matrix": "/admin/units/{site}/matrix",
    "certificates": "/admin/certificates",
    "certificate": "/admin/certificates/{certificate}",
    "revoke": "/admin/certificates/{certificate}/revoke",
}


@pytest.fixture
def mail(app: Flask) -> Iterator[None]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield


@pytest.fixture
def crowd(world: World, mail: None) -> Crowd:
    """Ten people at two sites in every state, with twelve modules at one of them."""
    crowd = Crowd(world)
    crowd.asks("North")
    modules = [world.module(f"Lifting operations, part {number}") for number in range(12)]
    modules.append(world.module(LONG))
    training(
        crowd.units["Quay"],
        *(row(each, validity_months=12) for each in modules[:11]),
        *(row(each, OPTIONAL) for each in modules[11:]),
        name="Basics of lifting",
    )
    judge()
    names = ["Ann Valid", LONG, "Cat Late", "Dan Never", "Éva Szűcs", "علي حسن", "Fin Six"]
    for number, name in enumerate(names):
        person = world.person(name, email=None if number == 3 else f"p{number}@example.test")
        world.member(person, crowd.units["Quay" if number < 5 else "Yard"])
        days = [10, 345, 400, None, 362, 20, 10][number]
        if days is not None:
            for each in (crowd.modules["North"], *modules[: 11 - number]):
                world.completion(person, each, happened_at=clock.now() - timedelta(days=days))
        evaluate_later(person)
    work_off()
    return crowd


def address(crowd: Crowd, name: str) -> str:
    db.session.rollback()
    certificate = db.session.query(Certificate).order_by(Certificate.id).first()
    assert certificate is not None
    return PAGES[name].format(
        region=crowd.units["North"].id,
        site=crowd.units["Quay"].id,
        certificate=certificate.id,
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_and_serves_everybody(
    crowd: Crowd, visit: Visit, page: Page, name: str
) -> None:
    visit(crowd.admin, address(crowd, name))
    assert flaws_at(page, f"reports-{name}", 380, 1100) == []


def test_the_matrix_keeps_names_and_modules_in_sight(
    crowd: Crowd, visit: Visit, page: Page
) -> None:
    visit(crowd.admin, address(crowd, "matrix"))
    frame = page.get_by_role("region", name="Training matrix")
    frame.focus()
    name = page.get_by_role("rowheader").first
    before = name.evaluate("each => each.getBoundingClientRect().x")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(50)
    assert frame.evaluate("each => each.scrollLeft") > 100
    assert name.evaluate("each => each.getBoundingClientRect().x") == before
    frame.evaluate("each => { each.scrollTop = 200 }")
    head = page.get_by_role("columnheader").first.bounding_box()
    box = frame.bounding_box()
    assert head
    assert box
    assert abs(head["y"] - box["y"]) < 2
    take_picture(page, "reports-matrix-scrolled-380")


def test_a_search_changes_the_list_without_a_reload(crowd: Crowd, visit: Visit, page: Page) -> None:
    visit(crowd.admin, "/admin/standings")
    page.get_by_label("Name, email or employee ID").fill("ann valid")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    page.get_by_label("State").select_option("Invalid")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()


def test_a_certificate_is_suspended_and_revoked_by_hand(
    crowd: Crowd, visit: Visit, page: Page
) -> None:
    visit(crowd.admin, address(crowd, "certificate"))
    page.get_by_role("button", name="Suspend the certificate").click()
    expect(page.get_by_label("Reason")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Reason").fill("Under inquiry")
    page.get_by_role("button", name="Suspend the certificate").click()
    expect(page.get_by_text("The certificate is suspended.")).to_be_visible()
    expect(page.get_by_text("Under inquiry")).to_be_visible()
    page.get_by_role("link", name="Revoke for good").click()
    page.get_by_label("Reason").fill("Fraud")
    page.get_by_role("button", name="Revoke the certificate for good").click()
    expect(page.get_by_text("The certificate is revoked.")).to_be_visible()
    take_picture(page, "reports-certificate-revoked-380")
    assert flaws(page) == []


@pytest.mark.parametrize("name", ["overview", "matrix", "certificates"])
def test_pages_mirror_in_languages_from_the_right(
    crowd: Crowd, visit: Visit, page: Page, name: str
) -> None:
    page.set_viewport_size({"width": 1100, "height": 800})
    visit(crowd.admin, address(crowd, name), locale="ar")
    take_picture(page, f"rtl-reports-{name}-1100")
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert overflows(page) == 0


def test_a_manager_drills_down_to_the_standings_of_a_site(
    crowd: Crowd, visit: Visit, page: Page
) -> None:
    manager: Person = crowd.manager("North")
    visit(manager, "/admin/overview")
    page.locator("#list").get_by_role("link", name="North").click()
    page.locator("#list").get_by_role("link", name="Yard").click()
    expect(page.get_by_text("Nothing matches.")).to_be_visible()  # Yard asks nothing of its own
    page.get_by_role("link", name="At a glance").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
