"""The list of users, and what is done to many of them at once."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.core.outbox import JobName, OutboxRow
from plugin.org.models import Grant, Membership, Person, SignIn, Unit, UnitKind
from plugin.web.roles import Role
from tests.functional.assign.places import judge, row, stored, training
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def grace(world: World) -> Person:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def admin(world: World, grace: Person, client: FlaskClient) -> FlaskClient:
    world.sign_in(client, grace)
    return client


@pytest.fixture
def people(world: World) -> list[Person]:
    """Ada at the quay, Bob without email, Cy deactivated."""
    ada = world.person("Ada Byron", email="ada@example.test")
    bob = world.person("Bob Ross", email=None)
    cy = world.person("Cy Twombly", email="cy@example.test")
    bob.employee_id, cy.deactivated_at = "E7", clock.now()
    world.add(bob)
    world.add(cy)
    return [ada, bob, cy]


def names(client: FlaskClient, address: str = "/admin/people") -> list[str]:
    page = read(client.get(address).text)
    return [
        line.all("th")[0].all("bdi")[0].words
        for body in page.all("tbody")
        for line in body.all("tr")
    ]


def bulk(client: FlaskClient, act: str, query: str = "", **data: Any) -> Any:
    return client.post(f"/admin/people/bulk?{query}", data={"act": act, **data})


def test_people_are_found_by_words_and_filters_and_sorted(
    world: World, admin: FlaskClient, people: list[Person], grace: Person
) -> None:
    ada, bob, _ = people
    north = world.unit("North", kind=UnitKind.REGION)
    quay = world.unit("Quay", region=north)
    world.member(ada, quay)
    world.grant(bob, Role.MANAGER, quay)
    assert names(admin) == ["Ada Byron", "Bob Ross", "Grace Hopper"]
    assert names(admin, "/admin/people?q=BYR") == ["Ada Byron"]
    assert names(admin, "/admin/people?q=e7") == ["Bob Ross"]
    assert names(admin, "/admin/people?q=grace%40") == ["Grace Hopper"]
    assert names(admin, "/admin/people?sort=name&dir=desc")[0] == "Grace Hopper"
    assert names(admin, f"/admin/people?unit={quay.id}") == ["Ada Byron"]
    assert names(admin, f"/admin/people?unit={north.id}") == ["Ada Byron"]
    assert names(admin, "/admin/people?role=manager") == ["Bob Ross"]
    assert names(admin, "/admin/people?role=admin") == ["Grace Hopper"]
    assert names(admin, "/admin/people?role=learner") == ["Ada Byron"]
    assert names(admin, "/admin/people?state=deactivated") == ["Cy Twombly"]
    assert names(admin, "/admin/people?email=none") == ["Bob Ross"]
    assert "Quay" in admin.get("/admin/people?q=ada").text


def test_people_are_found_by_letters_of_any_script(admin: FlaskClient, world: World) -> None:
    world.person("Lars Ødegård", email=None)
    assert names(admin, "/admin/people?q=Ødeg") == ["Lars Ødegård"]


def test_the_list_is_a_file_too(world: World, admin: FlaskClient, people: list[Person]) -> None:
    world.member(people[0], world.unit("Quay"))
    lines = admin.get("/admin/people.csv?q=ada").text.splitlines()
    assert lines[1].startswith("Ada Byron,ada@example.test,,Learner,Quay,")
    chosen = admin.get(f"/admin/people.csv?id={people[1].id}").text.splitlines()
    assert [line.split(",")[0] for line in chosen[1:]] == ["Bob Ross"]
    assert admin.get("/admin/people.xlsx").status_code == 200
    assert admin.get("/admin/people.doc").status_code == 404


def test_the_list_costs_the_same_for_any_number(world: World, admin: FlaskClient) -> None:
    with counted() as few:
        admin.get("/admin/people")
    unit = world.unit()
    for number in range(30):
        world.member(world.person(f"P{number} X"), unit)
    with counted() as many:
        admin.get("/admin/people")
    assert len(many) == len(few) <= 6
    with counted() as file:
        assert len(admin.get("/admin/people.csv").text.splitlines()) == 32
    assert len(file) <= 6


def test_nothing_happens_to_many_before_their_number_was_seen(
    world: World, admin: FlaskClient, people: list[Person]
) -> None:
    quay, ada, bob = world.unit("Quay"), people[0], people[1]
    question = bulk(admin, "add", id=[ada.id, bob.id])
    assert "It concerns 2 people." in question.text
    assert db.session.scalars(select(Membership)).all() == []
    missing = bulk(admin, "add", id=[ada.id], sure="1")
    assert missing.status_code == 422
    assert "Choose a unit." in missing.text
    done = bulk(admin, "add", id=[ada.id, bob.id], sure="1", unit_id=quay.id)
    assert done.status_code == 302
    assert {each.person_id for each in db.session.scalars(select(Membership))} == {ada.id, bob.id}


def test_all_that_match_means_those_that_match_and_no_others(
    world: World, admin: FlaskClient
) -> None:
    quay = world.unit("Quay")
    for number in range(60):
        world.person(f"Welder {number}")
    world.person("Painter One")
    question = bulk(admin, "add", "q=welder", everything="1")
    assert "It concerns 60 people." in question.text
    with counted() as statements:
        bulk(admin, "add", "q=welder", everything="1", sure="1", unit_id=quay.id)
    assert len(statements) <= 14
    assert len(db.session.scalars(select(Membership)).all()) == 60
    bulk(admin, "remove", "q=welder 1", everything="1", sure="1", unit_id=quay.id)
    db.session.rollback()
    left = db.session.scalars(select(Membership).where(Membership.until_at.is_(None))).all()
    assert len(left) == 49
    steps = db.session.scalars(
        select(OutboxRow).where(OutboxRow.job == JobName.EVALUATE_PEOPLE)
    ).all()
    assert [len(step.args) for step in steps] == [60, 11]


def test_deactivated_people_are_out_and_may_come_back(
    world: World, admin: FlaskClient, people: list[Person], grace: Person
) -> None:
    ada = people[0]
    quay = world.unit("Quay")
    world.member(ada, quay)
    asked = training(quay, row(world.module()))
    judge()
    visit = world.sign_in(admin, ada)
    world.sign_in(admin, grace)
    assert bulk(admin, "deactivate", id=[ada.id], sure="1", reason=" ").status_code == 422
    bulk(admin, "deactivate", id=[ada.id, grace.id], sure="1", reason="left the company")
    judge()
    assert db.session.get_one(Person, ada.id).deactivated_at is not None
    assert db.session.get_one(Person, grace.id).deactivated_at is None, (
        "nobody locks themselves out"
    )
    assert db.session.get_one(SignIn, visit.id).ended_at is not None
    line = stored(ada, asked)
    assert line is not None
    assert not line.covered
    bulk(admin, "reactivate", "state=deactivated", everything="1", sure="1", reason="back")
    judge()
    line = stored(ada, asked)
    assert line is not None
    assert line.covered
    entries = db.session.scalars(
        select(AuditEntry).where(
            AuditEntry.about_id == ada.id,
            AuditEntry.action.in_(["person.deactivated", "person.reactivated"]),
        )
    ).all()  # written in one moment of the tests' clock: in no order of their own
    assert sorted((each.action, each.reason) for each in entries) == [
        ("person.deactivated", "left the company"),
        ("person.reactivated", "back"),
    ]


def test_admins_are_not_deactivated_with_the_others(
    world: World, admin: FlaskClient, people: list[Person]
) -> None:
    other = world.person("Second Admin")
    world.grant(other, Role.ADMIN)
    bulk(admin, "deactivate", everything="1", sure="1", reason="closing")
    db.session.rollback()
    active = db.session.scalars(
        select(Person.full_name).where(Person.deactivated_at.is_(None)).order_by(Person.full_name)
    ).all()
    assert active == ["Grace Hopper", "Second Admin"]
    assert len(db.session.scalars(select(Grant)).all()) == 2


def test_chosen_people_are_downloaded(admin: FlaskClient, people: list[Person]) -> None:
    answer = bulk(admin, "export", id=[people[0].id])
    assert answer.location.startswith("/admin/people.csv")
    assert "Bob" not in admin.get(answer.location).text


def test_a_person_is_made_by_hand(world: World, admin: FlaskClient, people: list[Person]) -> None:
    quay = world.unit("Quay")
    made = {"name": "Dora Maar", "email": "dora@example.test", "employee_id": "E9",
            "unit_id": quay.id}  # fmt: skip
    assert admin.post("/admin/people/new", data=made).status_code == 302
    dora = db.session.scalars(select(Person).where(Person.full_name == "Dora Maar")).one()
    assert db.session.scalars(select(Membership.person_id)).all() == [dora.id]
    again = admin.post("/admin/people/new", data=made | {"name": "Other", "email": "x"})
    assert again.status_code == 422
    assert 'value="Other"' in again.text


def test_a_manager_sees_and_changes_the_people_of_the_units_granted(
    world: World, client: FlaskClient, people: list[Person]
) -> None:
    ada, bob, _ = people
    quay, yard = world.unit("Quay"), world.unit("Yard")
    world.member(ada, quay)
    world.member(bob, yard)
    mona = world.person("Mona Manager", email="mona@example.test")
    world.grant(mona, Role.MANAGER, quay)
    world.sign_in(client, mona)
    assert names(client) == ["Ada Byron"]
    assert "Bob" not in client.get("/admin/people.csv").text
    assert "Yard" not in client.get("/admin/people").text
    assert "It concerns 1 person." in bulk(client, "remove", id=[ada.id, bob.id]).text
    elsewhere = bulk(client, "add", id=[ada.id], sure="1", unit_id=yard.id)
    assert elsewhere.status_code == 404
    for act in ("deactivate", "reactivate"):
        assert bulk(client, act, id=[ada.id], sure="1", reason="x").status_code == 403
    assert client.get("/admin/people/new").status_code == 403
    assert bulk(client, "remove", id=[ada.id], sure="1", unit_id=quay.id).status_code == 302
    assert names(client) == []


def test_learners_and_other_organizations_get_nothing(
    world: World, client: FlaskClient, people: list[Person], grace: Person
) -> None:
    quay: Unit = world.unit("Quay")
    world.sign_in(client, people[0])
    for page in ("/admin/people", "/admin/people.csv", "/admin/people/new"):
        assert client.get(page).status_code == 403
    assert bulk(client, "add", id=[people[1].id]).status_code == 403
    eve = world.person("Eve Other", organization=world.new_organization("Other"))
    world.grant(eve, Role.ADMIN)
    world.sign_in(client, eve)
    assert names(client) == ["Eve Other"]
    assert "Nobody is chosen." in bulk(client, "deactivate", id=[people[0].id]).text
    bulk(client, "deactivate", id=[people[0].id], sure="1", reason="x")
    assert bulk(client, "add", id=[eve.id], sure="1", unit_id=quay.id).status_code == 404
    db.session.rollback()
    assert db.session.get_one(Person, people[0].id).deactivated_at is None


def test_an_unknown_act_is_refused(admin: FlaskClient) -> None:
    assert bulk(admin, "erase", everything="1", sure="1").status_code == 400
