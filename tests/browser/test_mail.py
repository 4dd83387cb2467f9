"""The pages of mail in the browser, and the mails themselves: readable, narrow, for everybody."""

import io
from collections.abc import Iterator

import pytest
from flask import Flask
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from sqlalchemy import select

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.notify import reminder_choices
from plugin.notify.mail_models import AddressEvent, AddressFact, AddressSource
from plugin.notify.models import Message, MessageKind
from plugin.notify.samples import TEMPLATES
from plugin.org import actions as org_actions
from plugin.org.models import Organization, Person
from tests.browser.conftest import Visit
from tests.browser.looks import flaws, flaws_at
from tests.functional.reports.crowd import Crowd
from tests.support import smtp
from tests.support.browser import Address, overflows, take_picture
from tests.support.work import work_off
from tests.support.world import World

LONG = "Hochspannungsschaltanlagenbedienungspersonal of the night shift"
PAGES = {
    "ledger": "/admin/mail",
    "letter": "/admin/mail/{message}",
    "person": "/admin/people/{person}/mail",
    "settings": "/admin/mail/settings",
    "preview": "/admin/mail/settings/certificate_issued",
    "unreachable": "/admin/unreachable",
}


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


@pytest.fixture
def told(world: World, inbox: smtp.Inbox) -> Crowd:
    """Mails sent, refused and waiting, an address that died, and an organization with a logo."""
    crowd = Crowd(world)
    crowd.asks("Quay")
    crowd.person("Ann Able", "Quay", passed={"Quay": 10})
    inbox.answers = ["250", "550 5.1.1 <ben@example.test>: no mailbox of this name here"]
    crowd.person("Ben Begin", "Quay")
    crowd.person(LONG, "Quay", email=f"{'long.' * 12}name@example.test")
    work_off()
    dead = db.session.scalars(select(Person).where(Person.full_name == LONG)).one()
    world.add(
        AddressEvent(
            organization_id=dead.organization_id,
            person_id=dead.id,
            address=str(dead.email),
            fact=AddressFact.HARD,
            source=AddressSource.HOOK,
            words="550 5.1.1 unknown",
            at=clock.now(),
            seal="one",
        )
    )
    organization_id = world.organization.id
    db.session.rollback()
    with transaction() as tx:
        organization = tx.session.get_one(Organization, organization_id)
        org_actions.set_logo(tx.session, organization, storage(), logo(), now=clock.now())
    return crowd


def logo() -> bytes:
    out = io.BytesIO()
    picture = Image.new("RGBA", (480, 120), (255, 255, 255, 0))
    ImageDraw.Draw(picture).rectangle((0, 30, 470, 90), fill=(16, 52, 84, 255))
    picture.save(out, "PNG")
    return out.getvalue()


def address_of(name: str) -> str:
    db.session.rollback()
    message = db.session.scalars(
        select(Message).where(Message.kind == MessageKind.CERTIFICATE_ISSUED)
    ).one()
    return PAGES[name].format(message=message.id, person=message.person_id)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_mail_fits_and_serves_everybody(
    told: Crowd, visit: Visit, page: Page, name: str
) -> None:
    visit(told.admin, address_of(name))
    assert flaws_at(page, f"mail-{name}", 400, 1280) == []


@pytest.mark.parametrize("name", ["ledger", "letter", "settings"])
def test_pages_of_mail_mirror_in_languages_from_the_right(
    told: Crowd, visit: Visit, page: Page, name: str
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    visit(told.admin, address_of(name), locale="ar")
    take_picture(page, f"rtl-mail-{name}-1280")
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert overflows(page) == 0


@pytest.mark.parametrize("kind", TEMPLATES)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_mail_is_readable_in_a_narrow_window_in_both_directions(
    told: Crowd, visit: Visit, page: Page, kind: str, language: str
) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    visit(told.admin, f"/admin/mail/settings/{kind}%3Flanguage={language}")
    frame = page.frame_locator("iframe.preview-frame")
    expect(frame.locator("h1")).to_be_visible()
    html = page.locator("iframe.preview-frame").get_attribute("src")
    assert html is not None
    page.goto(page.url.split("/admin/")[0] + "/admin/" + html.split("/admin/")[1])
    take_picture(page, f"mail-{kind}-{language}-400")
    assert overflows(page) == 0
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("img").evaluate("each => each.naturalWidth") > 0


def test_an_admin_settles_the_look_and_sends_a_test(
    told: Crowd, visit: Visit, page: Page, inbox: smtp.Inbox
) -> None:
    visit(told.admin, "/admin/mail/settings")
    page.get_by_label("Sender’s name").fill("Harbour Training")
    page.get_by_label("Reminder", exact=True).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    expect(page.get_by_label("Reminder", exact=True)).not_to_be_checked()
    page.get_by_role("link", name="Reminder").click()
    page.get_by_role("button", name="Send a test to my address").click()
    expect(page.get_by_text("A test is on its way to your address.")).to_be_visible()
    work_off()
    assert inbox.mails[-1]["Subject"].startswith("Test: ")
    assert inbox.mails[-1]["From"] == "Harbour Training <training@example.test>"


def test_reminders_are_switched_off_from_a_mail_without_signing_in(
    world: World, app: Flask, page: Page, address: Address
) -> None:
    person = world.person()
    organization_id, person_id = person.organization_id, person.id
    db.session.rollback()
    with transaction() as tx:
        token = reminder_choices.token_for(tx.session, organization_id, person_id, now=clock.now())
    page.set_viewport_size({"width": 400, "height": 450})
    page.goto(f"{address.tool}/reminders/{token}")
    take_picture(page, "mail-reminders-400")
    assert flaws(page) == []
    page.get_by_role("button", name="Switch reminders off").click()
    expect(page.get_by_text("Reminders are off.")).to_be_visible()
    page.get_by_role("button", name="Switch reminders on").click()
    expect(page.get_by_text("Reminders are on.")).to_be_visible()


def test_who_cannot_be_reached_sees_a_banner(told: Crowd, visit: Visit, page: Page) -> None:
    dead = db.session.scalars(select(Person).where(Person.full_name == LONG)).one()
    page.set_viewport_size({"width": 400, "height": 450})
    visit(dead, "/")
    expect(page.get_by_text("Mail to you comes back")).to_be_visible()
    take_picture(page, "mail-banner-400")
    assert overflows(page) == 0
    assert flaws(page) == []
