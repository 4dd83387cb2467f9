"""A module is archived and restored: nothing proven changes, nobody is told, nothing new has it."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.assign import drafting, queries
from plugin.assign.errors import RowError
from plugin.assign.models import Configuration
from plugin.assign.usage import usage
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.core.outbox import OutboxRow
from plugin.modules import archiving, catalogue
from plugin.modules.models import Module, ModuleKind, ModuleState
from plugin.notify.models import Message
from plugin.org.errors import FieldError
from plugin.org.models import Person, Unit, UnitKind
from plugin.org.unit_actions import archive_unit
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, OPTIONAL, publish, row, training
from tests.support.html import read
from tests.support.play import started
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def grace(world: World, client: FlaskClient) -> Person:
    """An admin whose browser is `client`."""
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    return admin


@pytest.fixture
def module(world: World, grace: Person) -> Module:
    return world.module("Ladders", kind=ModuleKind.LMS_GRADE)


def archived(module: Module, by: Person, *, restored: bool = False) -> None:
    act = archiving.restore if restored else archiving.archive
    with transaction() as tx:
        target = tx.session.get_one(Module, module.id)
        act(tx.session, target, by=by.id, reason="Replaced by a new one", now=clock.now())


def words(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return read(answer.text).words


def test_it_is_archived_and_restored_with_a_reason_and_both_are_on_record(
    client: FlaskClient, grace: Person, module: Module
) -> None:
    page = f"/admin/modules/graded/{module.id}"
    assert f'href="/admin/modules/{module.id}/archive"' in client.get(page).text
    for act, sentence in ("archive", "Archived."), ("restore", "Restored."):
        address = f"/admin/modules/{module.id}/{act}"
        assert client.post(address, data={"reason": " "}).status_code == 422
        answer = client.post(address, data={"reason": f"why {act}"}, follow_redirects=True)
        assert sentence in read(answer.text).words
        db.session.expire_all()
        is_archived = db.session.get_one(Module, module.id).state is ModuleState.ARCHIVED
        assert is_archived is (act == "archive")
        assert ("why archive" in words(client, page)) is is_archived
    lines = db.session.scalars(
        select(AuditEntry).where(AuditEntry.about_kind == "module").order_by(AuditEntry.id)
    ).all()
    assert [(each.action, each.reason, each.by_person_id) for each in lines] == [
        ("module.archived", "why archive", grace.id),
        ("module.restored", "why restore", grace.id),
    ]
    acts = words(client, f"/admin/modules/{module.id}/archive")
    assert acts.index("why restore") < acts.index("why archive")


def test_said_twice_it_is_done_once(grace: Person, module: Module) -> None:
    archived(module, grace)
    archived(module, grace)
    count = select(func.count()).select_from(AuditEntry)
    assert db.session.scalar(count.where(AuditEntry.action == "module.archived")) == 1
    target = db.session.get_one(Module, module.id)
    with pytest.raises(FieldError):
        archiving.restore(db.session, target, by=grace.id, reason="", now=clock.now())


def test_only_admins_of_the_organization_archive(
    world: World, client: FlaskClient, module: Module
) -> None:
    address = f"/admin/modules/{module.id}/archive"
    elsewhere = world.person("Eve", organization=world.new_organization("Elsewhere"))
    world.grant(elsewhere, Role.ADMIN)
    unit = world.unit()
    manager, learner = world.person("Mona Manager"), world.person("Lars Learner")
    world.grant(manager, Role.MANAGER, unit)
    for person, status in (elsewhere, 404), (manager, 403), (learner, 403):
        world.sign_in(client, person)
        assert client.get(address).status_code == status
        for act in ("archive", "restore"):
            answer = client.post(f"/admin/modules/{module.id}/{act}", data={"reason": "x"})
            assert answer.status_code == status
    db.session.expire_all()
    assert db.session.get_one(Module, module.id).state is ModuleState.PUBLISHED


def test_nobody_is_judged_anew_and_nobody_is_mailed(
    world: World, grace: Person, module: Module
) -> None:
    unit, lars = world.unit(), world.person("Lars Learner")
    world.member(lars, unit)
    world.completion(lars, module)
    asked = training(unit, row(module, validity_months=12))
    before = queries.standing_now(db.session, lars.organization_id, lars.id, asked, NOW)
    rows, mails = (select(func.count()).select_from(each) for each in (OutboxRow, Message))
    waiting, queued = db.session.scalar(rows), db.session.scalar(mails)
    archived(module, grace)
    assert (db.session.scalar(rows), db.session.scalar(mails)) == (waiting, queued)
    after = queries.standing_now(db.session, lars.organization_id, lars.id, asked, NOW)
    assert after == before
    assert after.complete


def test_where_it_is_asked_for_it_is_opened_renewed_and_counts(
    world: World, client: FlaskClient, grace: Person
) -> None:
    course = world.module("Gas")
    unit, lars = world.unit(), world.person("Lars Learner")
    world.member(lars, unit)
    asked = training(unit, row(course, validity_months=1))
    archived(course, grace)
    world.sign_in(client, lars)
    assert f'action="/modules/{course.id}/start"' in client.get("/").text
    assert client.post(f"/modules/{course.id}/start").status_code == 303
    world.completion(lars, course)
    standing = queries.standing_now(db.session, lars.organization_id, lars.id, asked, NOW)
    assert standing.complete
    publish(asked)
    assert client.post(f"/modules/{course.id}/start").status_code == 404


def test_the_page_says_who_uses_it(world: World, client: FlaskClient, module: Module) -> None:
    region = world.unit("North", kind=UnitKind.REGION)
    site = world.unit("Quay", region=region)
    yard = world.unit("Yard")
    people = [world.person(f"Person {number}", email=None) for number in range(3)]
    world.member(people[0], site)
    world.member(people[1], site)
    world.member(people[1], yard)
    world.member(people[2], yard)
    training(region, row(module), name="Region training")
    training(yard, row(module, OPTIONAL), name="Yard training")
    training(world.unit("Dock"), row(module, HIDDEN), name="Dock training")
    started(module, people[0])
    world.completion(people[2], module)
    with transaction() as tx:
        for name in ("Prepared", "Other"):
            made = drafting.create_configuration(
                tx.session,
                tx.session.merge(yard),
                name=name,
                by=None,
                now=NOW,
                rows=[row(module)] if name == "Prepared" else [],
            )
            drafting.keep_template(tx.session, made, f"{name} kept", by=1, now=NOW)
    page = words(client, f"/admin/modules/{module.id}/archive")
    assert "3 trainings have it and keep it until" in page
    assert "People whom a training shows it 3 People of whom a training requires it 2" in page
    assert "People with an open attempt 1 People who have completed it 1" in page
    assert "Dock training Dock Hidden" in page
    assert "Region training North Required" in page
    assert "Yard training Yard Optional" in page
    assert "Prepared Yard Draft" in page
    assert "Prepared kept Template" in page
    assert "Other" not in page


def test_what_does_not_use_it_is_not_counted(world: World, module: Module) -> None:
    """Others' numbers that begin alike, trainings that are archived, versions that are replaced."""
    others = [world.module(f"M{number}") for number in range(12)]
    unit, lars = world.unit(), world.person("Lars Learner")
    world.member(lars, unit)
    assert any(str(each.id).startswith(str(module.id)) for each in others)
    training(unit, *(row(each) for each in others))
    replaced = training(unit, row(module), name="Replaced")
    publish(replaced)
    ended = training(unit, row(module), name="Ended")
    with transaction() as tx:
        found = tx.session.get_one(Configuration, ended)
        drafting.archive(tx, found, by=lars.id, reason="over", now=NOW)
    region = world.unit("North", kind=UnitKind.REGION)
    world.member(world.person("Iris Inland"), world.unit("Hill", region=region))
    training(region, row(module), name="Shut")
    with transaction() as tx:
        archive_unit(tx, tx.session.merge(region), by=lars.id, reason="shut", now=NOW)
    found = usage(db.session, module, at=NOW + timedelta(seconds=1))
    assert (found.uses, found.drafts, found.templates) == ([], [], [])
    assert (found.asked, found.required, found.sittings, found.completed) == (0, 0, 0, 0)


def test_the_page_costs_the_same_however_much_uses_it(
    world: World, client: FlaskClient, module: Module
) -> None:
    address = f"/admin/modules/{module.id}/archive"
    training(world.unit("Site"), row(module))
    client.get(address)
    with counted() as few:
        client.get(address)
    for number in range(60):
        lars = world.person(f"Person {number}", email=None)
        unit = world.unit(f"Unit {number}")
        world.member(lars, unit)
        training(unit, row(module))
        started(module, lars)
    with counted() as many:
        page = read(client.get(address).text).words
    assert len(many) == len(few)
    assert "61 trainings have it" in page
    assert "and 11 more" in page


def test_it_cannot_be_newly_chosen(
    world: World, client: FlaskClient, grace: Person, module: Module
) -> None:
    archived(module, grace)
    asked = training(world.unit(), row(world.module("Height")))
    assert "Ladders" not in words(client, f"/admin/training/{asked}")
    with pytest.raises(RowError) as refused:
        publish(asked, row(module))
    assert (refused.value.position, refused.value.field) == (0, "module_id")
    assert "Ladders is archived." in str(refused.value.message)


def test_a_draft_that_had_it_is_kept_and_says_so_but_is_not_published(
    world: World, client: FlaskClient, grace: Person, module: Module
) -> None:
    unit = world.unit()
    with transaction() as tx:
        made = drafting.create_configuration(
            tx.session, tx.session.merge(unit), name="New", by=None, now=NOW, rows=[row(module)]
        )
        configuration_id = made.id
    archived(module, grace)
    page = f"/admin/training/{configuration_id}"
    assert "Ladders is archived. Where the training in force has it" in words(client, page)
    draft = queries.draft_of(db.session, db.session.get_one(Configuration, configuration_id))
    saved = client.post(
        page,
        data={
            "revision": draft.revision,
            "rows-0-module_id": module.id,
            "rows-0-status": "optional",
            "rows-0-period": "",
            "save": "1",
        },
    )
    assert saved.status_code == 302
    refused = words(client, f"{page}/publish")
    assert "Ladders is archived. Take it out of the training" in refused
    archived(module, grace, restored=True)
    assert "is archived" not in words(client, f"{page}/publish")


def test_a_training_that_has_it_is_published_again_with_it(
    world: World, client: FlaskClient, grace: Person, module: Module
) -> None:
    unit: Unit = world.unit()
    asked = training(unit, row(module))
    archived(module, grace)
    publish(asked, row(module, validity_months=6))
    assert "Ladders is archived." in words(client, f"/admin/training/{asked}")
    publish(asked)
    with pytest.raises(RowError):
        publish(asked, row(module))


def test_the_list_shows_the_archived_ones_apart(
    world: World, client: FlaskClient, grace: Person, module: Module
) -> None:
    world.module("Height")
    archived(module, grace)
    assert "Ladders" not in words(client, "/admin/modules")
    page = words(client, "/admin/modules?state=archived")
    assert "Ladders Archived" in page
    assert "Height" not in page


def test_what_was_passed_is_recorded_all_the_same(
    world: World, client: FlaskClient, grace: Person, module: Module
) -> None:
    world.module("Zebra crossings")
    archived(module, grace)
    lars = world.person("Lars Learner")
    page = words(client, f"/admin/people/{lars.id}/completions/new")
    assert f"Ladders – Grade from the LMS, number {module.id}, archived" in page
    lines = catalogue.to_record(db.session, grace.organization_id)
    assert [each.title for each in lines] == ["Zebra crossings", "Ladders"]
    form = {
        "module_id": module.id,
        "happened_on": "2027-03-01",
        "reason": "An old list was found",
        "once": "x",
    }
    answer = client.post(f"/admin/people/{lars.id}/completions/new", data=form)
    assert answer.status_code == 302
