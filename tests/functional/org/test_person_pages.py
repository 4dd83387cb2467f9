"""One person: details, units, rights; who may see and change what."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.org.models import Grant, Identity, Membership, Person, Unit
from plugin.web.roles import Role
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
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def ada(world: World, quay: Unit) -> Person:
    person = world.person("Ada Byron", email="ada@example.test")
    world.member(person, quay)
    return person


def at(person: Person, page: str = "") -> str:
    return f"/admin/people/{person.id}{page}"


def change(client: FlaskClient, person: Person, reason: str = "as agreed", **what: Any) -> Any:
    return client.post(at(person, "/access"), data={"reason": reason, **what})


def rights(person: Person) -> list[tuple[str, int | None]]:
    db.session.rollback()
    found = db.session.scalars(
        select(Grant).where(Grant.person_id == person.id, Grant.revoked_at.is_(None))
    )
    return sorted((each.role.value, each.unit_id) for each in found)


def test_the_details_say_who_where_and_how_the_lms_knows_them(
    world: World, admin: FlaskClient, ada: Person
) -> None:
    world.add(
        Identity(
            organization_id=ada.organization_id,
            person_id=ada.id,
            issuer="https://lms.example.test",
            client_id="c",
            subject="user-77",
            created_at=clock.now(),
        )
    )
    page = admin.get(at(ada)).text
    for words in ("ada@example.test", "Quay", "By hand", "user-77", "https://lms.example.test"):
        assert words in page
    assert "unreachable by mail" in admin.get(at(world.person("Bob", email=None))).text


def test_details_are_edited_and_audited_with_before_and_after(
    admin: FlaskClient, ada: Person
) -> None:
    filled = {"name": "Ada Lovelace", "email": "ada@example.test", "employee_id": "E1",
              "locale": "de"}  # fmt: skip
    assert admin.post(at(ada, "/edit"), data=filled).status_code == 302
    db.session.refresh(ada)
    assert (ada.full_name, ada.family_name, ada.employee_id) == ("Ada Lovelace", "Lovelace", "E1")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "person.edited")).one()
    assert entry.before == {"name": "Ada Byron", "employee_id": None, "locale": None}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": " "}, "This field is required"),
        ({"email": "nonsense"}, "This is not an email address."),
        ({"locale": "klingon!"}, "Use a language such as"),
        ({"employee_id": "TAKEN"}, "already has this employee ID"),
    ],
)
def test_a_bad_edit_is_refused_at_its_field_and_nothing_typed_is_lost(
    world: World, admin: FlaskClient, ada: Person, changed: dict[str, str], sentence: str
) -> None:
    other = world.person("Other")
    other.employee_id = "TAKEN"
    world.add(other)
    answer = admin.post(at(ada, "/edit"), data={"name": "Typed With Care", "email": ""} | changed)
    assert answer.status_code == 422
    assert sentence in answer.text
    db.session.refresh(ada)
    assert ada.full_name == "Ada Byron"


def test_a_person_is_removed_from_one_unit(
    world: World, admin: FlaskClient, ada: Person, quay: Unit
) -> None:
    yard = world.unit("Yard")
    world.member(ada, yard)
    admin.post(at(ada, "/leave"), data={"unit_id": quay.id})
    db.session.rollback()
    still = select(Membership.unit_id).where(Membership.until_at.is_(None))
    assert db.session.scalars(still).all() == [yard.id]


def test_rights_are_given_and_taken_back_with_a_reason(
    admin: FlaskClient, ada: Person, quay: Unit
) -> None:
    assert change(admin, ada, reason=" ", admin="1").status_code == 422
    assert rights(ada) == []
    change(admin, ada, manager="1", unit_id=quay.id)
    change(admin, ada, admin="1")
    assert rights(ada) == [("admin", None), ("manager", quay.id)]
    page = admin.get(at(ada, "/access")).text
    assert "Manager" in page
    grant_id = db.session.scalars(
        select(Grant.id).where(Grant.person_id == ada.id, Grant.role == Role.ADMIN)
    ).one()
    change(admin, ada, revoke=grant_id)
    assert rights(ada) == [("manager", quay.id)]
    actions = db.session.execute(
        select(AuditEntry.action, AuditEntry.reason)
        .where(AuditEntry.about_id == ada.id, AuditEntry.action.like("grant.%"))
        .order_by(AuditEntry.id)
    ).all()
    assert [tuple(each) for each in actions] == [
        ("grant.given", "as agreed"),
        ("grant.given", "as agreed"),
        ("grant.revoked", "as agreed"),
    ]


def test_a_manager_needs_a_unit(admin: FlaskClient, ada: Person) -> None:
    answer = change(admin, ada, manager="1")
    assert answer.status_code == 422
    assert "Choose a unit." in answer.text
    assert rights(ada) == []


def test_the_last_admin_stays(admin: FlaskClient, grace: Person, ada: Person) -> None:
    own = db.session.scalars(select(Grant.id).where(Grant.person_id == grace.id)).one()
    answer = change(admin, grace, revoke=own)
    assert answer.status_code == 422
    assert "This is the last admin." in answer.text
    assert rights(grace) == [("admin", None)]
    change(admin, ada, admin="1")
    assert change(admin, grace, revoke=own).status_code == 302
    assert rights(grace) == []
    assert admin.get(at(ada)).status_code == 403


def test_access_is_switched_off_and_on(
    world: World, admin: FlaskClient, ada: Person, grace: Person
) -> None:
    change(admin, ada, deactivate="1")
    db.session.refresh(ada)
    assert ada.deactivated_at is not None
    change(admin, ada, reactivate="1")
    db.session.refresh(ada)
    assert ada.deactivated_at is None
    refused = change(admin, grace, deactivate="1")
    assert refused.status_code == 422
    db.session.refresh(grace)
    assert grace.deactivated_at is None


def test_pages_of_a_person_cost_the_same_for_any_number_of_units(
    world: World, admin: FlaskClient, ada: Person
) -> None:
    with counted() as few:
        admin.get(at(ada))
    for number in range(10):
        world.member(ada, world.unit(f"Unit {number}"))
    with counted() as many:
        admin.get(at(ada))
    assert len(many) == len(few) <= 6


def test_a_manager_sees_people_in_reach_and_gives_no_rights(
    world: World, client: FlaskClient, ada: Person, quay: Unit
) -> None:
    bob = world.person("Bob Ross")
    yard = world.unit("Yard")
    world.member(ada, yard)
    mona = world.person("Mona Manager")
    world.grant(mona, Role.MANAGER, quay)
    world.sign_in(client, mona)
    page = client.get(at(ada)).text
    assert "Quay" in page
    assert "Yard" not in page
    assert "Make admin" not in client.get(at(ada, "/access")).text
    for page in ("", "/access"):
        assert client.get(at(bob, page)).status_code == 404
    assert client.get(at(ada, "/edit")).status_code == 403
    assert change(client, ada, admin="1").status_code == 403
    assert client.post(at(ada, "/leave"), data={"unit_id": yard.id}).status_code == 404
    assert client.post(at(bob, "/leave"), data={"unit_id": quay.id}).status_code == 404
    assert client.post(at(ada, "/leave"), data={"unit_id": quay.id}).status_code == 302
    assert client.get(at(ada)).status_code == 404, "out of reach now"


def test_learners_and_other_organizations_see_nobody(
    world: World, client: FlaskClient, ada: Person, quay: Unit
) -> None:
    eve = world.person("Eve Other", organization=world.new_organization("Other"))
    world.grant(eve, Role.ADMIN)
    for person, status in ((ada, 403), (eve, 404)):
        world.sign_in(client, person)
        for page in ("", "/edit", "/access"):
            assert client.get(at(ada, page)).status_code == status
        assert change(client, ada, admin="1").status_code == status
        assert client.post(at(ada, "/leave"), data={"unit_id": quay.id}).status_code == status
    assert rights(ada) == []
