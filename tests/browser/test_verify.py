"""The verify page on a phone: what two metres leave readable, and that nothing scrolls sideways."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page

from plugin.certs import actions
from plugin.core import clock
from plugin.core.db import transaction
from tests.functional.assign.places import publish, row
from tests.functional.certs.proofs import certificate, learner
from tests.support import smtp
from tests.support.browser import Address, overflows, take_picture
from tests.support.world import World

TALL = 380 * 0.12
"""A letter of the answer is an eighth of the width of the screen high: 8 mm on a phone."""


@pytest.fixture(autouse=True)
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


def look(page: Page, address: Address, picture: str) -> tuple[str, float]:
    """The answer's word and the height of its letters in pixels."""
    page.goto(f"{address.tool}/v/{certificate().token}")
    take_picture(page, picture)
    word = page.locator(".plate-word")
    height = word.evaluate("each => parseFloat(getComputedStyle(each).fontSize)") * 0.7
    box, screen = word.bounding_box(), page.viewport_size
    assert box is not None
    assert screen is not None
    assert box["y"] + box["height"] <= screen["height"]
    return word.inner_text(), height


def test_valid_and_invalid_are_read_from_two_metres(
    world: World, page: Page, address: Address, complaints: list[str]
) -> None:
    ada = learner(world, titles=("Working at height", "Confined spaces and rescue from them"))
    for module in ada.modules:
        ada.passes(module)
    word, height = look(page, address, "verify-valid")
    assert word == "VALID"
    assert height >= TALL
    assert overflows(page) == 0

    green = page.locator(".plate").evaluate("each => getComputedStyle(each).backgroundColor")
    publish(ada.configuration_id, *(row(each) for each in (*ada.modules, world.module("Fire"))))
    word, height = look(page, address, "verify-invalid")
    assert word == "INVALID"
    assert height >= TALL
    assert overflows(page) == 0
    red = page.locator(".plate").evaluate("each => getComputedStyle(each).backgroundColor")
    assert green != red
    assert complaints == []


def test_a_passcode_is_typed_and_leads_to_the_answer(
    world: World, page: Page, address: Address
) -> None:
    learner(world).passes()
    page.goto(f"{address.tool}/verify")
    page.get_by_label("Passcode").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    take_picture(page, "verify-passcode")
    assert overflows(page) == 0
    page.get_by_label("Passcode").fill(certificate().passcode.lower())
    page.keyboard.press("Enter")
    page.wait_for_url("**/v/*")
    assert page.locator(".plate-word").inner_text() == "VALID"


def test_unknown_revoked_and_erased_look_different(
    world: World, page: Page, address: Address
) -> None:
    learner(world).passes()
    found = certificate()
    page.goto(f"{address.tool}/v/nothing")
    assert page.locator(".plate-word").inner_text() == "UNKNOWN"
    take_picture(page, "verify-unknown")
    with transaction() as tx:
        kept = tx.session.merge(found)
        actions.revoke(tx, kept, by=None, reason="fraud", now=clock.now())
    word, _ = look(page, address, "verify-revoked")
    assert word == "INVALID"
    with transaction() as tx:
        actions.erase(tx.session, tx.session.merge(found), by=None, now=clock.now())
    page.goto(f"{address.tool}/v/{found.token}")
    assert page.locator(".plate-word").inner_text() == "ERASED"
    assert overflows(page) == 0
