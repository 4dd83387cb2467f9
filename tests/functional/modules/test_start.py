import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import db, transaction
from plugin.modules import actions
from plugin.modules.models import Module, ModuleState, Run, RunState
from plugin.org.models import Person
from plugin.scorm.models import ScormLaunch
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, OPTIONAL, row, training
from tests.support.play import brought_in
from tests.support.world import World


@pytest.fixture
def learner(world: World, client: FlaskClient) -> Person:
    person = world.person("Lars Learner")
    world.sign_in(client, person)
    return person


@pytest.fixture
def module(world: World) -> Module:
    return brought_in(world, title="Ladders")


def assigned(world: World, person: Person, module: Module, *status: object) -> None:
    unit = world.unit()
    world.member(person, unit)
    training(unit, row(module, *status))  # type: ignore[arg-type]


def runs() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Run.id))) or 0


def test_starting_makes_a_sitting_and_shows_the_player(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module)
    answer = client.post(f"/modules/{module.id}/start")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    text = page.get_data(as_text=True)
    found = re.search(r'src="(https://content\.example\.test/c/[\w-]+/)"', text)
    assert found
    assert "Back to my training" in text
    assert f"frame-src {'https://content.example.test'}" in page.headers["Content-Security-Policy"]
    assert "unload=*" in page.headers["Permissions-Policy"]
    player = client.get(found[1], base_url="https://content.example.test")
    assert player.status_code == 200
    assert db.session.scalar(select(func.count(ScormLaunch.id))) == 1


def test_starting_again_resumes_the_open_sitting(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module)
    first = client.post(f"/modules/{module.id}/start").headers["Location"]
    assert client.post(f"/modules/{module.id}/start").headers["Location"] == first
    assert runs() == 1


def test_after_the_end_starting_begins_a_new_sitting(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module)
    client.post(f"/modules/{module.id}/start")
    run = db.session.scalars(select(Run)).one()
    run.state, run.ended_at = RunState.COMPLETED, clock.now()
    db.session.commit()
    client.post(f"/modules/{module.id}/start")
    assert db.session.scalars(select(Run.number).order_by(Run.id)).all() == [1, 2]


def test_optional_modules_may_be_started(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module, OPTIONAL)
    assert client.post(f"/modules/{module.id}/start").status_code == 303


def test_a_hidden_module_and_one_that_does_not_exist_are_refused_alike(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module, HIDDEN)
    hidden = client.post(f"/modules/{module.id}/start")
    missing = client.post("/modules/999999/start")
    assert hidden.status_code == missing.status_code == 404
    one, other = (_without_reference(each.get_data(as_text=True)) for each in (hidden, missing))
    assert one == other
    assert runs() == 0


def _without_reference(page: str) -> str:
    return re.sub(r"[0-9a-f]{12}", "", page)


def test_what_was_never_assigned_or_no_longer_is_cannot_be_opened_by_any_address(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assert client.post(f"/modules/{module.id}/start").status_code == 404
    unit = world.unit()
    membership = world.member(learner, unit)
    training(unit, row(module))
    address = client.post(f"/modules/{module.id}/start").headers["Location"]
    assert client.get(address).status_code == 200
    membership.until_at = clock.now()
    world.add(membership)
    assert client.get(address).status_code == 404
    assert client.post(f"/modules/{module.id}/start").status_code == 404


def test_drafts_cannot_be_started(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module)
    module.state = ModuleState.DRAFT
    world.add(module)
    assert client.post(f"/modules/{module.id}/start").status_code == 409


def test_another_persons_sitting_does_not_exist(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module)
    address = client.post(f"/modules/{module.id}/start").headers["Location"]
    other = world.person("Olga Other")
    assigned(world, other, module)
    world.sign_in(client, other)
    assert client.get(address).status_code == 404


def test_another_browser_is_offered_to_continue(
    world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    assigned(world, learner, module)
    address = client.post(f"/modules/{module.id}/start").headers["Location"]
    world.sign_in(client, learner)  # a new visit forgets the launches of the last
    with client.session_transaction(base_url="https://tool.example.test") as session:
        session.pop("launches", None)
    page = client.get(address).get_data(as_text=True)
    assert "Continue the course" in page
    assert "<iframe" not in page


def test_strangers_start_nothing(client: FlaskClient, module: Module) -> None:
    assert client.post(f"/modules/{module.id}/start").status_code == 401


def test_starts_at_the_same_moment_make_one_sitting(
    app: Flask, world: World, module: Module
) -> None:
    person = world.person()
    ids = (module.id, person.id)

    def start(_number: int) -> int:
        with app.app_context(), transaction() as tx:
            found = tx.session.get_one(Module, ids[0])
            return actions.start_run(tx.session, found, ids[1], now=NOW).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(16)))) == 1
    assert runs() == 1


def test_packages_are_not_offered_where_only_the_operator_brings_them(
    app: Flask, world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = world.person("Anna Admin")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    assert "/admin/modules/import" in client.get("/admin/modules/new").text
    by_operator = replace(current_settings(), uploads_by="operator")
    monkeypatch.setitem(app.extensions, "plugin_settings", by_operator)
    page = client.get("/admin/modules/new").text
    assert "/admin/modules/import" not in page
    assert "/admin/modules/documents/new" in page
    assert "brought in by the operator" in page
