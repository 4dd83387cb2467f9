"""Two modules of one title are told apart wherever one is chosen; nothing forbids the title."""

import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules import catalogue
from plugin.modules.models import Module, ModuleKind
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import row, training
from tests.support.html import read
from tests.support.papers import pdf
from tests.support.play import started
from tests.support.queries import counted
from tests.support.world import World

WARNED = "Another module has this title too:"


@pytest.fixture
def grace(world: World, client: FlaskClient) -> Person:
    """An admin whose browser is `client`."""
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    return admin


@pytest.fixture
def old(world: World, grace: Person) -> Module:
    module = world.module("Fire safety", kind=ModuleKind.LMS_GRADE)
    module.created_at = NOW - timedelta(days=400)
    return world.add(module)


@pytest.fixture
def new(world: World, old: Module) -> Module:
    return world.module("fire safety", kind=ModuleKind.LMS_GRADE)


def words(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return read(answer.text).words


def test_kind_version_number_and_day_stand_beside_the_title_in_the_editor(
    world: World, client: FlaskClient, old: Module, new: Module
) -> None:
    asked = training(world.unit(), row(old))
    page = words(client, f"/admin/training/{asked}")
    kind = "Grade from the LMS · version 1"
    assert f"Fire safety (number {old.id}) {kind} · number {old.id} · made on Feb 3, 2026" in page
    assert f"fire safety {kind} · number {new.id} · made on Mar 10, 2027" in page


def test_sentences_name_the_number_only_where_the_title_is_given_twice(
    world: World, client: FlaskClient, old: Module, new: Module
) -> None:
    other = world.module("Height")
    asked = training(world.unit(), row(old), row(other))
    for address in ("/versions", "/versions/1", "/publish"):
        page = words(client, f"/admin/training/{asked}{address}")
        assert f"Fire safety (number {old.id})" in page
        assert "Height" in page
        assert "Height (" not in page


def test_a_module_is_found_by_its_number(
    world: World, client: FlaskClient, old: Module, new: Module
) -> None:
    found, total = catalogue.to_choose(db.session, old.organization_id, str(new.id))
    assert [each.id for each in found] == [new.id]
    assert total == 1
    page = words(client, f"/admin/modules?q={new.id}")
    assert "1 to 1 of 1" in page


def test_the_list_of_modules_marks_titles_given_twice(
    world: World, client: FlaskClient, old: Module, new: Module
) -> None:
    world.module("Height")
    page = words(client, "/admin/modules")
    assert page.count("Title given twice") == 2
    assert f"fire safety Title given twice {new.id}" in page


def test_the_list_costs_the_same_however_long_it_is(
    world: World, client: FlaskClient, old: Module
) -> None:
    with counted() as few:
        client.get("/admin/modules")
    for number in range(20):
        world.module(f"Module {number}")
    with counted() as many:
        client.get("/admin/modules")
    assert len(many) == len(few)


def test_a_title_of_another_organization_is_no_namesake(
    world: World, client: FlaskClient, old: Module
) -> None:
    world.module("Fire safety", organization=world.new_organization("Elsewhere"))
    assert "Title given twice" not in words(client, "/admin/modules")
    assert WARNED not in words(client, f"/admin/modules/graded/{old.id}")


def test_a_second_module_of_a_title_is_made_and_the_warning_names_the_first(
    client: FlaskClient, old: Module
) -> None:
    form = {"title": "FIRE SAFETY", "pass_mark": "50"}
    answer = client.post("/admin/modules/graded/new", data=form, follow_redirects=True)
    page = read(answer.text).words
    assert "The module is there." in page
    assert f"{WARNED} Grade from the LMS · version 1 · number {old.id}" in page
    titles = db.session.scalars(select(Module.title).order_by(Module.id)).all()
    assert titles == ["Fire safety", "FIRE SAFETY"]


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/admin/modules/certificates/new", {"words": ""}),
        ("/admin/modules/sessions/new", {"words": ""}),
        ("/admin/modules/documents/new", {"file": ""}),
    ],
)
def test_every_kind_warns(
    client: FlaskClient, old: Module, address: str, form: dict[str, str]
) -> None:
    sent = {**form, "title": "Fire safety"}
    answer = client.post(
        address,
        data={**sent, "file": (io.BytesIO(pdf()), "rules.pdf")} if "file" in form else sent,
        follow_redirects=True,
        content_type="multipart/form-data",
    )
    assert answer.status_code == 200
    assert read(answer.text).words.count(WARNED) == 1


def test_the_warning_is_gone_once_one_of_them_is_called_otherwise(
    client: FlaskClient, old: Module, new: Module
) -> None:
    page = f"/admin/modules/graded/{new.id}"
    assert f"number {old.id}" in words(client, page)
    form = {"title": "Fire safety 2027", "pass_mark": "50"}
    answer = client.post(page, data=form, follow_redirects=True)
    assert WARNED not in read(answer.text).words
    assert WARNED not in words(client, page)


def test_whoever_records_a_completion_by_hand_sees_which_is_which(
    world: World, client: FlaskClient, old: Module, new: Module
) -> None:
    lars = world.person("Lars Learner")
    page = words(client, f"/admin/people/{lars.id}/completions/new")
    for module in (old, new):
        assert f"{module.title} – Grade from the LMS, number {module.id}" in page


def test_managers_see_which_is_which_on_a_persons_page_and_in_the_matrix(
    world: World, client: FlaskClient, old: Module, new: Module
) -> None:
    unit, lars = world.unit(), world.person("Lars Learner")
    world.member(lars, unit)
    other = world.module("Height")
    asked = training(unit, row(old), row(new), row(other))
    done = world.completion(lars, new)
    page = words(client, f"/admin/people/{lars.id}/training")
    for module in (old, new):
        assert f"{module.title} (number {module.id}) Required" in page
    assert f"Correct {new.title} (number {new.id})" in page
    assert "Height Required" in page
    called = f"{new.title} (number {new.id})"
    for address in (f"waive/{asked}/{new.id}", f"completions/{done.id}/correct"):
        assert called in words(client, f"/admin/people/{lars.id}/{address}")
    assert called in words(client, f"/admin/units/{unit.id}/matrix")


def test_whose_sitting_is_ended_is_said_with_its_number(
    world: World, client: FlaskClient, grace: Person
) -> None:
    lars = world.person("Lars Learner")
    first, second = world.module("Gas"), world.module("Gas")
    runs = [started(each, lars).id for each in (first, second)]
    page = words(client, f"/admin/people/{lars.id}/training")
    for module, run in zip((first, second), runs, strict=True):
        assert f"End the sitting Gas (number {module.id})" in page
        ending = words(client, f"/admin/people/{lars.id}/sittings/{run}/end")
        assert f"End the sitting of Gas (number {module.id})" in ending
