"""A person's activity log: everything that happened, from every part, for those who may see it."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import row, training
from tests.functional.certs.test_impact import work
from tests.functional.notify.test_gate import tell
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def ada(world: World, quay: Unit, client: FlaskClient) -> Person:
    """She came, was asked, passed, has a certificate, and left a unit."""
    ada = world.person("Ada Byron", email="ada@example.test")
    world.member(ada, quay, since=NOW - timedelta(days=20))
    world.member(ada, world.unit("Yard"), since=NOW - timedelta(days=19), until=NOW)
    module = world.module("Height")
    with clock.at(NOW - timedelta(days=5)):
        training(quay, row(module), name="Site access")
        work()
        world.sign_in(client, ada)
    with clock.at(NOW - timedelta(days=1)):
        world.completion(ada, module)
        work_again(ada)
    return ada


def work_again(person: Person) -> None:
    from plugin.core.db import transaction  # noqa: PLC0415
    from plugin.core.outbox import JobName  # noqa: PLC0415

    with transaction() as tx:
        tx.then(JobName.EVALUATE_PERSON, person.id)
    work()


@pytest.fixture
def admin(world: World, client: FlaskClient, ada: Person) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def lines(client: FlaskClient, person: Person, query: str = "") -> list[str]:
    page = read(client.get(f"/admin/people/{person.id}/activity{query}").text)
    return [each.words for each in page.by_id("list").all("div", **{"class": "entry-main"})]


def test_everything_is_there_newest_first(admin: FlaskClient, ada: Person) -> None:
    found = lines(admin, ada)
    assert "Left the unit · Yard" in found[:2]
    assert {"Certificate issued · Site access edition 1", "Completed · Height",
            "Came from the LMS", "Mail: New training Waiting"} <= set(found)  # fmt: skip
    assert found[-2:] == ["Came into the unit · Yard", "Came into the unit · Quay"]


def test_a_mail_stands_at_the_moment_it_became_what_it_is(admin: FlaskClient, ada: Person) -> None:
    """Asked for five days ago, before anything could be sent; sent in the end."""
    message = db.session.scalars(select(Message).where(Message.person_id == ada.id)).first()
    assert message is not None
    message.state, message.sent_at = MessageState.SENT, NOW - timedelta(days=3)
    db.session.commit()

    def told(query: str = "") -> list[str]:
        text = admin.get(f"/admin/people/{ada.id}/activity.csv?kind=mail{query}").text
        return [line for line in text.splitlines() if "New training" in line]

    assert [line[:10] for line in told()] == ["2027-03-07"]
    assert "Sent" in told()[0]
    before = told("&as_of=2027-03-06")
    assert [line[:10] for line in before] == ["2027-03-05"]
    assert "Waiting" in before[0]


def test_one_kind_only_and_as_a_file(admin: FlaskClient, ada: Person) -> None:
    assert lines(admin, ada, "?kind=completion") == ["Completed · Height"]
    file = admin.get(f"/admin/people/{ada.id}/activity.csv?kind=membership").text
    assert len(file.splitlines()) == 4
    assert "Left the unit,Yard" in file
    assert admin.get(f"/admin/people/{ada.id}/activity.xlsx").status_code == 200


def test_the_log_costs_the_same_however_long(world: World, admin: FlaskClient, ada: Person) -> None:
    with counted() as few:
        lines(admin, ada)
    for number in range(20):
        world.member(ada, world.unit(f"Unit {number}"))
    with counted() as many:
        lines(admin, ada)
    assert len(many) == len(few) <= 5


def test_a_manager_sees_only_the_units_granted(
    world: World, client: FlaskClient, ada: Person, quay: Unit
) -> None:
    mona = world.person("Mona Manager")
    world.grant(mona, Role.MANAGER, quay)
    world.sign_in(client, mona)
    found = lines(client, ada)
    assert "Came into the unit · Quay" in found
    assert not any("Yard" in each for each in found)
    assert client.get(f"/admin/people/{mona.id}/activity").status_code == 404


def test_what_a_manager_was_told_of_other_units_is_in_the_log_for_admins_only(
    world: World, admin: FlaskClient, quay: Unit
) -> None:
    """A manager's overview names people of all their units, not only of the reader's."""
    boss, mona = world.person("Bob Boss"), world.person("Mona Manager")
    world.member(boss, quay)
    world.grant(mona, Role.MANAGER, quay)
    for kind in (MessageKind.MANAGER_DIGEST, MessageKind.REMINDER):
        tell(boss, kind)
    overview, reminder = "Mail: Overview for managers Waiting", "Mail: Reminder Waiting"
    assert {overview, reminder} <= set(lines(admin, boss))
    assert "Overview for managers" in admin.get(f"/admin/people/{boss.id}/activity.csv").text
    world.sign_in(admin, mona)
    found = lines(admin, boss)
    assert reminder in found
    assert overview not in found
    assert "Overview" not in admin.get(f"/admin/people/{boss.id}/activity.csv").text


def test_learners_and_other_organizations_see_nothing(
    world: World, client: FlaskClient, ada: Person
) -> None:
    eve = world.person("Eve Other", organization=world.new_organization("Other"))
    world.grant(eve, Role.ADMIN)
    for person, status in ((ada, 403), (eve, 404)):
        world.sign_in(client, person)
        for page in ("activity", "activity.csv"):
            assert client.get(f"/admin/people/{ada.id}/{page}").status_code == status
