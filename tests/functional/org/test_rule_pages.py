"""The pages of rules and held syncs: what they show and do, and who may see them."""

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.org import launch_rules
from plugin.org.belonging import Said
from plugin.org.models import Identity, Membership, Organization, Person, Unit, UnitKind
from plugin.org.rule_models import HeldState, HeldSync, LaunchRule
from plugin.web.roles import Role
from tests.functional.org.files import place
from tests.functional.org.rosters import course
from tests.support.html import Element, read
from tests.support.queries import counted
from tests.support.world import World

CODE = {"name": "site", "mode": "code", "unit_kind": "site", "unit_id": "0"}


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Anna Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


@pytest.fixture
def oslo(world: World) -> Unit:
    return place(world, "OSL", name="Oslo")


def page(client: FlaskClient, address: str = "/admin/rules") -> Element:
    answer = client.get(address)
    assert answer.status_code == 200
    return read(answer.get_data(as_text=True))


def create(client: FlaskClient, source: str = "custom", **form: str) -> int:
    return client.post(f"/admin/rules/new/{source}", data=form).status_code


def rows(shown: Element, caption: str) -> list[list[str]]:
    for table in shown.all("table"):
        if table.all("caption")[0].words == caption:
            return [
                [cell.words for cell in line.children if isinstance(cell, Element)]
                for line in table.all("tbody")[0].all("tr")
            ]
    return []


def launch(world: World, name: str, **custom: str) -> Person:
    """What a launch of this person does with the rules."""
    person = world.person(name)
    key = {"issuer": "https://lms", "client_id": "c", "subject": name}
    world.add(
        Identity(
            organization_id=person.organization_id,
            person_id=person.id,
            created_at=clock.now(),
            **key,
        )
    )
    with transaction() as tx:
        mine = tx.session.get_one(Person, person.id)
        seal = tx.session.get_one(Organization, person.organization_id).rules_seal
        news = launch_rules.news_of(tx.session, person.organization_id, seal, Said(custom=custom))
        launch_rules.follow(tx.session, mine, news, **key, now=clock.now())
    return person


def test_a_rule_by_code_is_created_and_shows_what_it_gave(
    admin: FlaskClient, world: World, oslo: Unit
) -> None:
    assert create(admin, **CODE) == 303
    for name in ("Ann", "Ben"):
        launch(world, name, site="OSL")
    assert rows(page(admin), "Rules") == [
        [
            "Custom parameter site",
            "the site with that ID code",
            "2",
            "2",
            "In use",
            "Switch off site",
        ]
    ]


def test_a_rule_for_one_value_a_role_and_a_course(
    admin: FlaskClient, world: World, oslo: Unit
) -> None:
    unit = str(oslo.id)
    assert create(admin, name="kind", mode="unit", value="x", unit_kind="site", unit_id=unit) == 303
    assert create(admin, "role", name="institution:Staff", unit_id=unit) == 303
    visitor = world.person("Vi Visitor")
    sign_in = world.sign_in(admin, visitor)
    sign_in.launch = {
        "registration_id": 3,
        "deployment_id": "1",
        "context": {"id": "2", "title": "Safety 101"},
    }
    world.add(sign_in)
    world.grant(visitor, Role.ADMIN)
    form = page(admin, "/admin/rules/new/course")
    (choice,) = form.by_id("name").all("option")
    assert (choice.attributes["value"], choice.words) == ("3:1:2", "Safety 101 (2)")
    assert create(admin, "course", name="3:1:2", unit_id=unit) == 303
    shown = [line[:2] for line in rows(page(admin), "Rules")]
    assert shown == [
        ["LMS course Safety 101 (2)", "Oslo Site"],
        ["Role in the LMS Staff (whole LMS)", "Oslo Site"],
        ["Custom parameter kind = x", "Oslo Site"],
    ]


def test_a_course_nobody_came_from_cannot_be_chosen(admin: FlaskClient, oslo: Unit) -> None:
    shown = page(admin, "/admin/rules/new/course")
    assert "Nobody has come from a course lately." in shown.words
    assert create(admin, "course", name="9:9:9", unit_id=str(oslo.id)) == 422
    assert db.session.query(LaunchRule).count() == 0


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({**CODE, "name": " "}, "Name the parameter."),
        ({**CODE, "mode": "unit", "value": "x"}, "Choose the unit."),
        ({**CODE, "mode": "unit", "unit_id": "{id}"}, "Say what the parameter must say"),
        ({**CODE, "name": "n" * 256}, "255 characters"),
    ],
)
def test_a_wrong_rule_is_refused_and_keeps_what_was_typed(
    admin: FlaskClient, oslo: Unit, form: dict[str, str], sentence: str
) -> None:
    data = {**form, "unit_id": form["unit_id"].format(id=oslo.id)}
    answer = admin.post("/admin/rules/new/custom", data=data)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    typed = read(answer.get_data(as_text=True)).by_id("name").attributes["value"]
    assert typed == form["name"]
    assert db.session.query(LaunchRule).count() == 0


def test_the_same_rule_twice_is_refused(admin: FlaskClient, oslo: Unit) -> None:
    assert create(admin, **CODE) == 303
    again = admin.post("/admin/rules/new/custom", data=CODE)
    assert again.status_code == 422
    assert "There is such a rule already" in again.get_data(as_text=True)


@pytest.mark.parametrize(("form", "left"), [({"ends_memberships": "y"}, 0), ({}, 1)])
def test_a_rule_is_switched_off_with_a_choice_and_on_again(
    admin: FlaskClient, world: World, oslo: Unit, form: dict[str, str], left: int
) -> None:
    create(admin, **CODE)
    launch(world, "Ann", site="OSL")
    rule = db.session.query(LaunchRule).one()
    off = page(admin, f"/admin/rules/{rule.id}/off")
    assert "It holds 1 person in a unit now." in off.words
    assert admin.post(f"/admin/rules/{rule.id}/off", data=form).status_code == 303
    shown = page(admin)
    assert rows(shown, "Rules")[0][4] == "Off"
    assert ("1 membership has ended." in shown.words) is not bool(left)
    assert db.session.query(Membership).filter_by(until_at=None).count() == left
    organization = db.session.query(Organization).one()
    assert organization.rules_seal is None
    assert admin.post(f"/admin/rules/{rule.id}/on").status_code == 303
    assert rows(page(admin), "Rules")[0][4] == "In use"
    db.session.refresh(organization)
    assert organization.rules_seal is not None


def test_codes_nobody_knows_are_listed_until_a_unit_has_them(
    admin: FlaskClient, world: World, oslo: Unit
) -> None:
    create(admin, **CODE)
    launch(world, "Ann", site="TRD")
    launch(world, "Ben", site="TRD")
    (line,) = rows(page(admin), "ID codes that no unit has")
    assert line[:4] == ["TRD", "site", "Site", "2"]
    place(world, "TRD")
    assert rows(page(admin), "ID codes that no unit has") == []


def test_rules_are_searched_narrowed_and_sorted(
    admin: FlaskClient, world: World, oslo: Unit
) -> None:
    for name in ("zone", "area"):
        create(admin, **{**CODE, "name": name})
    create(admin, "role", name="institution:Staff", unit_id=str(oslo.id))
    launch(world, "Ann", zone="OSL")

    def names(query: str) -> list[str]:
        return [line[0].split()[-1] for line in rows(page(admin, f"/admin/rules?{query}"), "Rules")]

    assert names("q=AR") == ["area"]
    assert names("source=custom") == ["area", "zone"]
    assert names("sort=now&dir=desc")[0] == "zone"
    assert names("state=off") == []


def test_the_page_asks_as_much_for_many_rules_as_for_few(
    admin: FlaskClient, world: World, oslo: Unit
) -> None:
    def statements_of(number: int) -> int:
        for each in range(number):
            create(admin, **{**CODE, "name": f"p{number}-{each}"})
            launch(world, f"L{number}-{each}", **{f"p{number}-{each}": f"X{each}"})
        with counted() as statements:
            page(admin)
        return len(statements)

    assert statements_of(1) == statements_of(15)


def held_sync(world: World) -> HeldSync:
    quay = course(world, people=8)
    quay.sync(*quay.people)
    quay.sync()
    held = quay.held()
    assert held is not None
    return held


def test_a_held_sync_is_shown_with_its_names_and_confirmed(
    admin: FlaskClient, world: World
) -> None:
    held = held_sync(world)
    (line,) = rows(page(admin), "Syncs that wait for you")
    assert line[:4] == ["Quay", "Safety 1", "8", "8"]
    shown = page(admin, f"/admin/rules/held/{held.id}")
    assert [line[0] for line in rows(shown, "Who would leave")] == [f"P{n:02} X" for n in range(8)]
    assert db.session.query(Membership).filter_by(until_at=None).count() == 8
    assert admin.post(f"/admin/rules/held/{held.id}/confirm").status_code == 303
    assert db.session.query(Membership).filter_by(until_at=None).count() == 0
    after = page(admin)
    assert "8 memberships have ended." in after.words
    assert rows(after, "Syncs that wait for you") == []


def test_a_held_sync_is_dismissed_once(admin: FlaskClient, world: World) -> None:
    held = held_sync(world)
    assert admin.post(f"/admin/rules/held/{held.id}/dismiss").status_code == 303
    assert db.session.query(Membership).filter_by(until_at=None).count() == 8
    late = admin.post(f"/admin/rules/held/{held.id}/confirm")
    assert late.status_code == 409
    said = read(late.get_data(as_text=True))
    assert "Somebody has decided this already" in said.words
    assert said.all("table") == []  # its links would lead to an address that only posts
    (again,) = [each for each in said.all("a") if each.words == "Show who it was about"]
    assert admin.get(again.attributes["href"]).status_code == 200
    assert db.session.query(Membership).filter_by(until_at=None).count() == 8
    assert "nobody left" in page(admin, f"/admin/rules/held/{held.id}").words


PAGES = [
    ("GET", "/admin/rules"),
    ("GET", "/admin/rules/new/custom"),
    ("POST", "/admin/rules/new/role"),
    ("GET", "/admin/rules/{rule}/off"),
    ("POST", "/admin/rules/{rule}/off"),
    ("POST", "/admin/rules/{rule}/on"),
    ("GET", "/admin/rules/held/{held}"),
    ("POST", "/admin/rules/held/{held}/confirm"),
    ("POST", "/admin/rules/held/{held}/dismiss"),
]


@pytest.fixture
def ids(admin: FlaskClient, world: World, oslo: Unit) -> dict[str, int]:
    create(admin, **CODE)
    return {"rule": db.session.query(LaunchRule).one().id, "held": held_sync(world).id}


@pytest.mark.parametrize(("method", "address"), PAGES)
def test_only_admins_see_rules(
    admin: FlaskClient,
    world: World,
    oslo: Unit,
    ids: dict[str, int],
    method: str,
    address: str,
) -> None:
    path = address.format(**ids)
    learner, manager = world.person("Lea Learner"), world.person("Max Manager")
    world.grant(manager, Role.MANAGER, oslo)
    for person in (learner, manager):
        world.sign_in(admin, person)
        assert admin.open(path, method=method).status_code == 403
    nobody = admin.application.test_client()
    assert nobody.open(path, method=method).status_code == 401


@pytest.mark.parametrize(("method", "address"), [each for each in PAGES if "{" in each[1]])
def test_rules_and_syncs_of_another_organization_do_not_exist(
    admin: FlaskClient, world: World, ids: dict[str, int], method: str, address: str
) -> None:
    stranger = world.person("Eve", organization=world.new_organization("Elsewhere"))
    world.grant(stranger, Role.ADMIN)
    world.sign_in(admin, stranger)
    assert admin.open(address.format(**ids), method=method).status_code == 404
    db.session.rollback()
    assert db.session.query(LaunchRule).one().is_active
    assert db.session.query(HeldSync).one().state is HeldState.HELD
    shown = page(admin)
    assert rows(shown, "Rules") == rows(shown, "Syncs that wait for you") == []


def test_a_unit_of_another_organization_cannot_be_named(admin: FlaskClient, world: World) -> None:
    far = world.unit("Far", kind=UnitKind.GROUP, organization=world.new_organization("Elsewhere"))
    assert create(admin, "role", name="institution:Staff", unit_id=str(far.id)) == 422
    assert db.session.query(LaunchRule).count() == 0
