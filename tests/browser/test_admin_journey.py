"""An admin's whole way: units, an import, training with its impact, mails, a site's manager."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from plugin.certs.models import Edition
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.modules.models import Module
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Membership, Person, Unit
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.support import smtp
from tests.support.browser import take_picture
from tests.support.work import work_off
from tests.support.world import World

GOOD, DONE = 197, 5
WIDE = {"width": 1100, "height": 800}


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


def people_file() -> bytes:
    """Two hundred people of two sites and the contractors; three rows are wrong."""
    lines = ["first name,last name,email,employee ID,role,groups,sites,regions"]
    for number in range(GOOD):
        site = "NQ" if number % 2 else "SY"
        group = "CON" if number % 10 == 0 else ""
        lines.append(f"Pat{number},Worker,p{number}@example.test,E{number},,{group},{site},")
    lines.insert(50, "Bad,Mail,not-an-address,E900,,,NQ,")
    lines.insert(100, "Bad,Site,bad@example.test,E901,,,NOWHERE,")
    lines.insert(150, "Bad,Role,role@example.test,E902,admin,,NQ,")
    return ("\r\n".join(lines) + "\r\n").encode()


def create(page: Page, kind: str, name: str, code: str, region: str = "") -> None:
    page.get_by_role("link", name=f"{kind}s", exact=True).click()
    page.get_by_role("link", name=f"Create a {kind.lower()}").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("ID code").fill(code)
    if region:
        page.get_by_label("Region").select_option(label=region)
    page.get_by_role("button", name="Create the unit").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def import_people(page: Page) -> None:
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="Import people").first.click()
    page.locator("input[type=file]").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": people_file()}
    )
    page.get_by_label("Tell people by mail about new training").check()
    page.get_by_role("button", name="Upload and check").click()
    work_off()
    page.reload()
    expect(page.get_by_text("3 rows have errors.")).to_be_visible()
    page.get_by_label("What it does").select_option(label="Error")
    expect(page.get_by_text("NOWHERE")).to_be_visible()
    take_picture(page, "journey-import")
    page.get_by_role("button", name=f"Apply only the {GOOD} good rows").click()
    work_off()
    page.reload()
    expect(page.get_by_text(f"{GOOD} rows were applied.")).to_be_visible()


def number(page: Page, label: str) -> int:
    """The number in the impact beside this label."""
    line = page.locator("#impact tr").filter(
        has=page.get_by_role("rowheader", name=label, exact=True)
    )
    return int(line.locator("td").inner_text().split()[0].replace(",", ""))


def mails(kind: MessageKind) -> int:
    db.session.rollback()
    return len(db.session.scalars(select(Message).where(Message.kind == kind)).all())


def passes(world: World, people: list[int], module_id: int) -> None:
    """These people have done the module, as their players reported."""
    for person_id in people:
        person = db.session.get_one(Person, person_id)
        world.completion(person, db.session.get_one(Module, module_id))
        with transaction() as tx:
            tx.then(JobName.EVALUATE_PERSON, person_id)
    work_off()


def ids_at(code: str) -> list[int]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Membership.person_id)
            .join(Unit, Unit.id == Membership.unit_id)
            .where(Unit.id_code == code)
            .order_by(Membership.person_id)
        )
    )


def publish(page: Page, reason: str) -> None:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("is published.")).to_be_visible()
    work_off()


def configure(page: Page) -> None:
    """One required, one optional and one hidden module, with the certificate on."""
    page.get_by_role("link", name="Sites", exact=True).click()
    take_picture(page, "journey-sites")
    page.get_by_role("link", name="North Quay", exact=True).click()
    page.get_by_role("navigation", name="Unit").get_by_role("link", name="Training").click()
    page.get_by_label("Name").fill("Site access")
    page.get_by_role("button", name="Add training configuration").click()
    for title in ("Working at height", "Gas", "Secret"):
        page.get_by_label(re.compile(f"^{title} ")).check()
    page.get_by_role("button", name="Add the chosen modules").click()
    page.get_by_role("group", name="Gas").get_by_label("Status").select_option(label="Optional")
    page.get_by_role("group", name="Secret").get_by_label("Status").select_option(label="Hidden")
    at_height = page.get_by_role("group", name="Working at height")
    at_height.get_by_label("Valid for").select_option(label="12 months")
    page.get_by_label("Issue certificates of completion").check()
    page.get_by_role("button", name="Save and go on to publish").click()


def require_more(page: Page, inbox: smtp.Inbox, covered: int) -> None:
    """A module more is required: whose certificates turn invalid is seen, and then is so.

    They are told at once; the others have had their mail of today and read of it tomorrow.
    """
    page.get_by_role("link", name="Site access").click()
    page.get_by_label("Fire").check()
    page.get_by_role("button", name="Add the chosen modules").click()
    page.get_by_role("button", name="Save and go on to publish").click()
    assert number(page, "Certificates that turn invalid") == DONE
    page.locator("#impact tr").filter(has_text="turn invalid").first.get_by_role("link").click()
    expect(page.locator("#list li")).to_have_count(DONE)
    page.get_by_role("link", name="Back to publishing").click()
    foreseen = number(page, "Mails about new training")
    before = len(inbox.mails)
    publish(page, "Fire rules")
    assert len(inbox.mails) - before == DONE
    with clock.at(clock.now() + timedelta(days=1)):
        work_off()
    assert len(inbox.mails) - before == foreseen == covered
    assert mails(MessageKind.NEW_REQUIREMENT) == DONE
    page.get_by_role("link", name="Certificates issued").click()
    expect(page.locator("#list").get_by_text("Invalid")).to_have_count(DONE)
    take_picture(page, "journey-certificates")


def hand_over(page: Page, visit: Visit) -> None:
    """A person becomes manager of one site, and sees that site only."""
    manager = db.session.get_one(Person, ids_at("SY")[0])
    page.goto(page.url.split("/admin")[0] + f"/admin/people/{manager.id}/access")
    page.get_by_label("Reason").fill("Runs the yard")
    page.get_by_label("Manager of").select_option(label="South Yard")
    page.get_by_role("button", name="Make manager").click()
    expect(page.get_by_text("Done.")).to_be_visible()
    db.session.rollback()
    visit(manager, "/admin/sites")
    expect(page.get_by_role("link", name="South Yard", exact=True)).to_be_visible()
    expect(page.get_by_text("North Quay")).to_have_count(0)
    page.get_by_role("link", name="Users", exact=True).click()
    expect(page.get_by_text(f"of {len(ids_at('SY'))}")).to_be_visible()
    take_picture(page, "journey-manager")


def test_an_admin_sets_up_sites_trains_them_and_hands_one_to_a_manager(
    world: World, visit: Visit, page: Page, inbox: smtp.Inbox, complaints: list[str]
) -> None:
    admin = world.person("Grace Hopper", email="grace@example.test")
    world.grant(admin, Role.ADMIN)
    height = world.module("Working at height").id
    for title in ("Gas", "Secret", "Fire"):
        world.module(title)
    page.set_viewport_size(WIDE)
    visit(admin, "/admin/sites")
    create(page, "Region", "West", "WEST")
    create(page, "Site", "North Quay", "NQ", region="West")
    create(page, "Site", "South Yard", "SY", region="West")
    create(page, "Group", "Contractors", "CON")
    import_people(page)
    configure(page)
    quay = ids_at("NQ")
    assert number(page, "People covered") == len(quay) == GOOD // 2
    assert number(page, "Mails about new training") == len(quay)
    take_picture(page, "journey-impact")
    publish(page, "Access rules")
    assert mails(MessageKind.NEW_TRAINING) == len(quay)
    assert len(inbox.mails) == len(quay)
    passes(world, quay[:DONE], height)
    assert len(db.session.scalars(select(Edition)).all()) == DONE

    with clock.at(clock.now() + timedelta(hours=1)):
        require_more(page, inbox, len(quay))
    hand_over(page, visit)
    assert complaints == []
