"""An admin prepares and publishes training in a small frame, with and without scripts."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect

from plugin.web.roles import Role
from tests.browser.conftest import FRAME, Visit
from tests.functional.assign.places import row, training, versions
from tests.support.browser import overflows, take_picture
from tests.support.world import World


@pytest.fixture(params=["scripts", "no scripts"])
def context(
    browser: Browser, app: Flask, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    found = browser.new_context(
        viewport={"width": FRAME[0], "height": FRAME[1]},
        java_script_enabled=request.param == "scripts",
    )
    yield found
    found.close()


def test_an_admin_fills_and_publishes_training_in_a_small_frame(
    world: World, visit: Visit, complaints: list[str]
) -> None:
    admin, site = world.person("Grace Hopper"), world.unit("North Quay")
    world.grant(admin, Role.ADMIN)
    for title in ("Working at height", "Confined spaces"):
        world.module(title)
    page = visit(admin, f"/admin/units/{site.id}/training")
    page.get_by_label("Name").fill("Basic safety")
    page.get_by_role("button", name="Add training configuration").click()
    for title in ("Working at height", "Confined spaces"):
        page.get_by_label(title).check()
    page.get_by_role("button", name="Add the chosen modules").click()
    expect(page.get_by_role("group", name="Working at height")).to_be_visible()
    height = page.get_by_role("group", name="Working at height")
    height.get_by_label("Days until due").fill("12 days")
    height.get_by_label("Days until due").press("Enter")
    expect(height.get_by_label("Days until due")).to_have_value("12 days")
    expect(page.locator("p.form-error").get_by_text("Use 1 to 3650 days")).to_be_visible()
    assert overflows(page) == 0
    height.get_by_label("Days until due").fill("12")
    height.get_by_label("Valid for").select_option(label="12 months")
    height.get_by_label("Pass mark in %", exact=True).fill("80")
    page.get_by_label("Issue certificates of completion").check()
    take_picture(page, "training-380")
    page.set_viewport_size({"width": 1100, "height": 800})
    take_picture(page, "training-1100")
    page.set_viewport_size({"width": FRAME[0], "height": FRAME[1]})
    page.get_by_role("button", name="Remove Confined spaces").click()
    expect(page.get_by_role("group", name="Confined spaces")).to_have_count(0)
    page.get_by_role("button", name="Save and go on to publish").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Say why, in a few words.")).to_be_visible()
    page.get_by_label("Reason").fill("New law")
    assert overflows(page) == 0
    take_picture(page, "publish-380")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is published.")).to_be_visible()
    assert overflows(page) == 0
    take_picture(page, "progress-380")
    page.goto(page.url.split("/admin")[0] + "/admin/training")
    assert overflows(page) == 0
    take_picture(page, "trainings-380")
    assert all("422" in line for line in complaints), complaints


def test_long_names_do_not_widen_the_frame(world: World, visit: Visit) -> None:
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    endless = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
    site = world.unit(endless)
    asked = training(site, row(world.module(endless)), name=endless)
    assert len(versions(asked)) == 1
    page = visit(admin, "/admin/training")
    origin = page.url.split("/admin")[0]
    for path in (
        "/admin/training",
        f"/admin/units/{site.id}/training",
        f"/admin/training/{asked}",
        f"/admin/training/{asked}/publish",
    ):
        page.goto(origin + path)
        assert overflows(page) == 0, path
