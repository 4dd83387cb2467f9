"""Pages of units: lists that count right, details, members, activity; and who may do what."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.core.outbox import JobName, OutboxRow
from plugin.org.models import Membership, MembershipSource, Person, Unit, UnitKind
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import judge, row, stored, training
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


@pytest.fixture
def north(world: World) -> Unit:
    return world.unit("North", kind=UnitKind.REGION)


@pytest.fixture
def quay(world: World, north: Unit) -> Unit:
    return world.unit("Quay", region=north)


def rows(client: FlaskClient, address: str) -> list[list[str]]:
    """The words of each line of the page's table."""
    page = read(client.get(address).text)
    lines = [line for body in page.all("tbody") for line in body.all("tr")]
    return [[cell.words for cell in line.children if not isinstance(cell, str)] for line in lines]


def evaluated() -> list[list[int]]:
    db.session.rollback()
    wanted = [JobName.EVALUATE_PEOPLE, JobName.EVALUATE_PERSON]
    return [
        list(each)
        for each in db.session.scalars(
            select(OutboxRow.args).where(OutboxRow.job.in_(wanted)).order_by(OutboxRow.id)
        )
    ]


def test_each_person_counts_once_and_a_region_counts_its_sites(
    world: World, admin: FlaskClient, north: Unit, quay: Unit
) -> None:
    yard = world.unit("Yard", region=north)
    both, one, gone, off = (world.person(name) for name in ("Both X", "One X", "Gone X", "Off X"))
    for person, unit in ((both, quay), (both, yard), (both, north), (one, yard)):
        world.member(person, unit)
    world.member(gone, quay, until=clock.now())
    world.member(off, quay)
    off.deactivated_at = clock.now()
    world.add(off)
    assert [line[-1].split()[0] for line in rows(admin, "/admin/regions")] == ["2"]
    assert [line[-1].split()[0] for line in rows(admin, "/admin/sites")] == ["1", "2"]


def test_lists_are_searched_filtered_sorted_and_given_as_files(
    world: World, admin: FlaskClient, north: Unit, quay: Unit
) -> None:
    world.unit("Alpha")
    old = world.unit("Old")
    old.archived_at = clock.now()
    world.add(old)
    world.member(world.person(), quay)

    def names(address: str) -> list[str]:
        return [line[0].split()[0] for line in rows(admin, address)]

    assert names("/admin/sites") == ["Alpha", "Quay"]
    assert names("/admin/sites?sort=members&dir=desc") == ["Quay", "Alpha"]
    assert names("/admin/sites?q=QUA") == ["Quay"]
    assert names(f"/admin/sites?region={north.id}") == ["Quay"]
    assert names("/admin/sites?state=archived") == ["Old"]
    assert names("/admin/groups") == []
    lines = admin.get("/admin/sites.csv?q=quay").text.splitlines()
    assert lines[1] == "Quay,,North,1"
    assert admin.get("/admin/regions.xlsx").status_code == 200
    assert admin.get("/admin/sites.pdf").status_code == 404


def test_a_list_costs_the_same_for_any_number_of_units(world: World, admin: FlaskClient) -> None:
    world.member(world.person(), world.unit("One"))
    with counted() as few:
        admin.get("/admin/sites")
    for number in range(20):
        world.member(world.person(f"P{number} X"), world.unit(f"Unit {number}"))
    with counted() as many:
        admin.get("/admin/sites")
    assert len(many) == len(few) <= 6


def test_a_site_that_moves_to_another_region_has_its_people_judged_anew(
    world: World, admin: FlaskClient, north: Unit, quay: Unit
) -> None:
    south = world.unit("South", kind=UnitKind.REGION)
    ada = world.person()
    world.member(ada, quay)
    asked = training(south, row(world.module()))
    judge()
    assert stored(ada, asked) is None
    filled = {"kind": "site", "name": "Quay", "id_code": "Q1", "time_zone": "Europe/Oslo"}
    answer = admin.post(
        f"/admin/units/{quay.id}/edit", data={**filled, "region_id": south.id, "description": ""}
    )
    assert answer.status_code == 302
    assert evaluated() == [[ada.id]]
    judge()
    line = stored(ada, asked)
    assert line is not None
    assert line.covered
    page = admin.get(f"/admin/units/{quay.id}/activity").text
    assert "Edited" in page
    assert "Grace Hopper" in page
    assert "Q1" in page


def test_a_change_of_words_only_judges_nobody(
    world: World, admin: FlaskClient, quay: Unit, north: Unit
) -> None:
    world.member(world.person(), quay)
    filled = {"kind": "site", "name": "North Quay", "region_id": north.id, "description": "New"}
    admin.post(f"/admin/units/{quay.id}/edit", data=filled)
    assert evaluated() == []
    assert "North Quay" in admin.get(f"/admin/units/{quay.id}").text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": " "}, "This field is required"),
        ({"time_zone": "Mars/Base"}, "Use a time zone such as"),
        ({"id_code": "TAKEN"}, "already has this code"),
    ],
)
def test_a_bad_edit_is_refused_at_its_field_and_nothing_typed_is_lost(
    world: World, admin: FlaskClient, quay: Unit, changed: dict[str, str], sentence: str
) -> None:
    taken = world.unit("Yard")
    taken.id_code = "TAKEN"
    world.add(taken)
    filled = {"kind": "site", "name": "Quay", "region_id": 0, "description": "Typed with care"}
    answer = admin.post(f"/admin/units/{quay.id}/edit", data=filled | changed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Typed with care" in answer.text
    db.session.rollback()
    assert db.session.get_one(Unit, quay.id).description == ""


def test_archiving_asks_with_the_number_ends_coverage_and_can_be_undone(
    world: World, admin: FlaskClient, quay: Unit
) -> None:
    ada = world.person()
    world.member(ada, quay)
    asked = training(quay, row(world.module()))
    judge()
    page = admin.get(f"/admin/units/{quay.id}/archive").text
    assert "It concerns 1 person." in page
    assert admin.post(f"/admin/units/{quay.id}/archive", data={"reason": " "}).status_code == 422
    for covered in (False, True):
        with clock.at(NOW + timedelta(hours=2 if covered else 1)):
            admin.post(f"/admin/units/{quay.id}/archive", data={"reason": "sold"})
            judge()
            line = stored(ada, asked)
            assert line is not None
            assert line.covered is covered
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.about_kind == "unit").order_by(AuditEntry.id)
    ).all()
    assert actions == ["unit.archived", "unit.restored"]


def test_members_show_by_what_and_since_when_and_through_which_way(
    world: World, admin: FlaskClient, north: Unit, quay: Unit
) -> None:
    ada, bob = world.person("Ada Byron"), world.person("Bob Ross", email=None)
    world.member(ada, quay, since=NOW - timedelta(days=40))
    world.add(
        Membership(
            organization_id=quay.organization_id,
            unit_id=quay.id,
            person_id=ada.id,
            source=MembershipSource.ROSTER,
            since_at=NOW - timedelta(days=3),
            created_at=NOW,
        )
    )
    world.member(bob, north)
    (line,) = rows(admin, f"/admin/units/{quay.id}/members")
    assert line[1:] == [
        "Ada Byron",
        "ada@example.test",
        "By hand, Course roster",
        "Jan 29, 2027",
    ]
    found = rows(admin, f"/admin/units/{north.id}/members")
    assert [line[1] for line in found] == ["Ada Byron", "Bob Ross"]
    assert "through a site" in found[0][3]
    assert "no email" in found[1][2]
    assert rows(admin, f"/admin/units/{quay.id}/members?source=csv") == []
    assert len(rows(admin, f"/admin/units/{quay.id}/members?q=ada&source=roster")) == 1
    file = admin.get(f"/admin/units/{north.id}/members.csv").text
    assert "Bob Ross,,,By hand" in file


def test_adding_a_person_twice_makes_one_membership_and_one_evaluation(
    world: World, admin: FlaskClient, quay: Unit
) -> None:
    lars = world.person("Lars Learner", email="lars@example.test")
    assert "Lars Learner" in admin.get(f"/admin/units/{quay.id}/members?find=lars").text
    for _ in range(2):
        admin.post(f"/admin/units/{quay.id}/members/add", data={"person_id": lars.id})
    assert db.session.scalar(select(func.count(Membership.id))) == 1
    assert evaluated() == [[lars.id]]
    offered = read(admin.get(f"/admin/units/{quay.id}/members?find=lars").text).by_id("offered")
    assert offered.words == "Nobody matches.", "who is in already is not offered again"


def test_a_pasted_list_adds_whom_it_names_and_keeps_the_other_lines(
    world: World, admin: FlaskClient, quay: Unit
) -> None:
    ada = world.person("Ada Byron", email="ada@example.test")
    bob = world.person("Bob Ross", email="bob@example.test")
    bob.employee_id = "E7"
    world.add(bob)
    for name in ("Twin One", "Twin Two"):
        world.person(name, email="twins@example.test")
    world.person("Theirs", email="eve@example.test", organization=world.new_organization("Other"))
    answer = admin.post(
        f"/admin/units/{quay.id}/members/paste",
        data={
            "lines": "ADA@example.test\n\n e7 \nnobody@example.test\ntwins@example.test\n"
            "eve@example.test"
        },
    )
    assert answer.status_code == 422
    assert "2 people were added." in answer.text
    assert "Line 4: nobody has nobody@example.test." in answer.text
    assert "Line 5: more than one person has twins@example.test." in answer.text
    assert "Line 6: nobody has eve@example.test." in answer.text
    assert 'href="?' not in answer.text, "links of a list lead nowhere from here"
    kept = read(answer.text).all("textarea")[0].words.split()
    assert kept == ["nobody@example.test", "twins@example.test", "eve@example.test"]
    db.session.rollback()
    assert set(db.session.scalars(select(Membership.person_id))) == {ada.id, bob.id}
    again = admin.post(f"/admin/units/{quay.id}/members/paste", data={"lines": "e7"})
    assert again.status_code == 302
    assert len(db.session.scalars(select(Membership)).all()) == 2
    assert (
        admin.post(f"/admin/units/{quay.id}/members/paste", data={"lines": ""}).status_code == 422
    )


def test_one_is_removed_at_once_and_many_after_a_question_with_their_number(
    world: World, admin: FlaskClient, quay: Unit
) -> None:
    people = [world.person(f"P{number} X") for number in range(5)]
    for person in people:
        world.member(person, quay)
    ids = [person.id for person in people]
    address = f"/admin/units/{quay.id}/members/remove"
    assert admin.post(address, data={"id": [ids[0]]}).status_code == 302
    question = admin.post(address, data={"id": ids[1:3]})
    assert "2 people will no longer be in Quay." in question.text
    assert open_members() == set(ids[1:])
    admin.post(address, data={"id": ids[1:3], "sure": "1"})
    assert open_members() == set(ids[3:])
    everything = admin.post(f"{address}?q=P4", data={"everything": "1"})
    assert "1 person will no longer be in Quay." in everything.text
    admin.post(f"{address}?q=P4", data={"everything": "1", "sure": "1"})
    assert open_members() == {ids[3]}
    assert len(db.session.scalars(select(Membership)).all()) == 5, "ended, never deleted"
    assert sorted(each for step in evaluated() for each in step) == [
        ids[0], ids[1], ids[2], ids[4],
    ]  # fmt: skip


def open_members() -> set[int]:
    db.session.rollback()
    return set(
        db.session.scalars(select(Membership.person_id).where(Membership.until_at.is_(None)))
    )


def test_members_cost_the_same_for_any_number(world: World, admin: FlaskClient, quay: Unit) -> None:
    world.member(world.person(), quay)
    with counted() as few:
        admin.get(f"/admin/units/{quay.id}/members")
    for number in range(30):
        world.member(world.person(f"P{number} X"), quay)
    with counted() as many:
        admin.get(f"/admin/units/{quay.id}/members")
    assert len(many) == len(few) <= 6


def test_activity_says_who_came_and_left_newest_first(
    world: World, admin: FlaskClient, quay: Unit
) -> None:
    ada = world.person("Ada Byron")
    world.member(ada, quay, since=NOW - timedelta(days=9), until=NOW - timedelta(days=2))
    page = read(admin.get(f"/admin/units/{quay.id}/activity").text)
    titles = [each.words for each in page.all("span", **{"class": "entry-title"})]
    assert titles == ["Left", "Came in"]


@pytest.fixture
def mona(world: World, quay: Unit) -> Person:
    manager = world.person("Mona Manager", email="mona@example.test")
    world.grant(manager, Role.MANAGER, quay)
    return manager


def test_a_manager_sees_the_units_granted_and_manages_their_members(
    world: World, client: FlaskClient, mona: Person, quay: Unit, north: Unit
) -> None:
    yard = world.unit("Yard")
    lars = world.person("Lars Learner", email="lars@example.test")
    world.sign_in(client, mona)
    assert [line[0] for line in rows(client, "/admin/sites")] == ["Quay"]
    assert rows(client, "/admin/regions") == []
    for page in ("", "/members", "/activity"):
        assert client.get(f"/admin/units/{quay.id}{page}").status_code == 200
        assert client.get(f"/admin/units/{yard.id}{page}").status_code == 404
    assert "Lars" not in client.get(f"/admin/units/{quay.id}/members?find=lars").text
    named = client.get(f"/admin/units/{quay.id}/members?find=lars@example.test").text
    assert "Lars Learner" in named
    client.post(f"/admin/units/{quay.id}/members/add", data={"person_id": lars.id})
    assert open_members() == {lars.id}
    client.post(f"/admin/units/{quay.id}/members/remove", data={"id": lars.id})
    assert open_members() == set()
    for path in ("add", "paste", "remove"):
        data: dict[str, Any] = {"person_id": lars.id, "id": lars.id, "lines": "x"}
        answer = client.post(f"/admin/units/{yard.id}/members/{path}", data=data)
        assert answer.status_code == 404
    for path in ("/admin/units/new", f"/admin/units/{quay.id}/edit",
                 f"/admin/units/{quay.id}/archive"):  # fmt: skip
        assert client.get(path).status_code == 403
        assert client.post(path, data={"name": "mine", "reason": "mine"}).status_code == 403
    assert "Edit" not in read(client.get(f"/admin/units/{quay.id}").text).by_id("main").words


PAGES = ["", "/members", "/activity", "/edit", "/archive", "/members.csv"]


def test_learners_see_none_of_it_and_another_organizations_units_do_not_exist(
    world: World, client: FlaskClient, quay: Unit
) -> None:
    lars = world.person("Lars Learner")
    world.sign_in(client, lars)
    lists = ["/admin/groups", "/admin/sites", "/admin/regions", "/admin/sites.csv"]
    for page in lists:
        assert client.get(page).status_code == 403
    for page in PAGES:
        assert client.get(f"/admin/units/{quay.id}{page}").status_code == 403
    eve = world.person("Eve Other", organization=world.new_organization("Other"))
    world.grant(eve, Role.ADMIN)
    world.sign_in(client, eve)
    for page in PAGES:
        assert client.get(f"/admin/units/{quay.id}{page}").status_code == 404
    for page in lists:
        assert "Quay" not in client.get(page).text
    for path in ("members/add", "members/paste", "members/remove", "edit", "archive"):
        data = {"person_id": lars.id, "id": lars.id, "lines": "x", "name": "x", "reason": "x"}
        assert client.post(f"/admin/units/{quay.id}/{path}", data=data).status_code == 404


def test_people_of_another_organization_cannot_be_added(
    world: World, admin: FlaskClient, quay: Unit
) -> None:
    eve = world.person("Eve Other", organization=world.new_organization("Other"))
    answer = admin.post(f"/admin/units/{quay.id}/members/add", data={"person_id": eve.id})
    assert answer.status_code == 404
    assert "Eve" not in admin.get(f"/admin/units/{quay.id}/members?find=eve").text
    assert open_members() == set()
