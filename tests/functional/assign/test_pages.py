"""The small admin pages for training."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.assign import queries
from plugin.assign.models import Configuration, ConfigurationVersion
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.modules.models import Module
from plugin.web.roles import Role
from tests.functional.assign.places import HIDDEN, row, training, versions
from tests.support.pages import last_form, press_publish, values_of
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


def fields(revision: int, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a browser sends for the edit page."""
    sent: dict[str, Any] = {"revision": revision, **more}
    for place, values in enumerate(rows):
        line = {"status": "required", "validity_months": "", "pass_mark": "", "due_days": ""}
        for name, value in (line | values).items():
            sent[f"rows-{place}-{name}"] = value
    return sent


def draft_rows(configuration_id: int) -> list[dict[str, Any]]:
    db.session.rollback()
    configuration = db.session.get_one(Configuration, configuration_id)
    return list(queries.draft_of(db.session, configuration).rows)


def test_an_admin_makes_a_training_fills_it_and_publishes_it(
    world: World, admin: FlaskClient
) -> None:
    site, module = world.unit(), world.module("Working at height")
    site_id, module_id = site.id, module.id
    created = admin.post(f"/admin/units/{site_id}/training", data={"name": "Basic safety"})
    asked = db.session.scalars(select(Configuration.id)).one()
    assert created.location == f"/admin/training/{asked}"
    page = admin.get(created.location).get_data(as_text=True)
    assert "Not published yet" in page
    admin.post(created.location, data=fields(1, add="1", add_module=module_id))
    page = admin.get(created.location).get_data(as_text=True)
    assert re.search(r"<legend[^>]*>Working at height", page)
    line = {"module_id": module_id, "validity_months": "12", "pass_mark": "66.5", "due_days": "14"}
    saved = admin.post(created.location, data=fields(2, line, certificate_on="y", publish="1"))
    assert saved.location == f"/admin/training/{asked}/publish"
    assert draft_rows(asked)[0] | {"module_id": 0} == {
        "module_id": 0,
        "status": "required",
        "validity_months": 12,
        "pass_mark": 0.665,
        "due_days": 14,
    }
    page = admin.get(saved.location).get_data(as_text=True)
    assert "valid for 12 months" in page
    assert "pass mark 66.5 %" in page
    done = press_publish(admin, saved.location, reason="New law")
    assert done.location == f"/admin/training/{asked}/progress"
    (version,) = versions(asked)
    assert (version.number, version.reason, version.certificate_on) == (1, "New law", True)
    assert version.published_by is not None
    page = admin.get(created.location).get_data(as_text=True)
    assert "Version 1 is published." in page
    assert 'value="66.5"' in page
    for address in ("/admin/training", f"/admin/units/{site_id}/training"):
        assert "Basic safety" in admin.get(address).text


@pytest.mark.parametrize(
    ("line", "sentence", "typed"),
    [
        ({"validity_months": "0"}, "Use 1 to 240 months, or leave it empty.", 'value="0"'),
        (
            {"validity_months": "a year"},
            "Use 1 to 240 months, or leave it empty.",
            'value="a year"',
        ),
        ({"pass_mark": "101"}, "Use 0 to 100 percent, or leave it empty.", 'value="101"'),
        ({"pass_mark": "NaN"}, "Use 0 to 100 percent, or leave it empty.", 'value="NaN"'),
        ({"due_days": "-3"}, "Use 1 to 3650 days, or leave it empty.", 'value="-3"'),
    ],
)
def test_a_bad_value_is_refused_at_its_field_and_nothing_typed_is_lost(
    world: World, admin: FlaskClient, line: dict[str, str], sentence: str, typed: str
) -> None:
    module = world.module()
    asked = training(world.unit(), row(module, validity_months=12))
    revision = queries.draft_of(db.session, db.session.get_one(Configuration, asked)).revision
    answer = admin.post(
        f"/admin/training/{asked}",
        data=fields(revision, {"module_id": module.id, **line}, certificate_on="y", save="1"),
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert sentence in page
    assert typed in page
    assert 'aria-invalid="true"' in page
    assert re.search(r'<input[^>]*checked[^>]*id="certificate_on"', page)
    assert draft_rows(asked)[0]["validity_months"] == 12


def test_a_row_is_removed_and_the_others_stay(world: World, admin: FlaskClient) -> None:
    modules = [world.module(f"M{number}") for number in range(3)]
    ids = [module.id for module in modules]
    asked = training(world.unit(), *(row(module) for module in modules))
    revision = queries.draft_of(db.session, db.session.get_one(Configuration, asked)).revision
    lines = [{"module_id": each} for each in ids]
    admin.post(f"/admin/training/{asked}", data=fields(revision, *lines, remove="1"))
    assert [each["module_id"] for each in draft_rows(asked)] == [ids[0], ids[2]]


def test_a_module_cannot_be_listed_twice(world: World, admin: FlaskClient) -> None:
    module = world.module()
    asked = training(world.unit(), row(module))
    revision = queries.draft_of(db.session, db.session.get_one(Configuration, asked)).revision
    lines = [{"module_id": module.id}] * 2
    answer = admin.post(f"/admin/training/{asked}", data=fields(revision, *lines, save="1"))
    assert answer.status_code == 422
    assert "This module is in the list already." in answer.get_data(as_text=True)


def test_a_second_editor_is_told_and_sees_what_they_typed(world: World, admin: FlaskClient) -> None:
    module = world.module()
    asked = training(world.unit(), row(module))
    answer = admin.post(
        f"/admin/training/{asked}",
        data=fields(1, {"module_id": module.id, "due_days": "77"}, save="1"),
    )
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "Nothing of yours is saved yet, and nothing of theirs is lost." in page
    assert f"{module.title}: no due days → due after 77 days" in page
    assert draft_rows(asked)[0]["due_days"] is None
    mine = admin.post(f"/admin/training/{asked}", data=values_of(last_form(page)) | {"mine": "1"})
    assert mine.status_code == 302
    assert draft_rows(asked)[0]["due_days"] == 77


def test_example_11_the_switch_without_a_required_module_is_warned_about(
    world: World, admin: FlaskClient
) -> None:
    module = world.module()
    asked = training(world.unit(), row(module, HIDDEN), certificate=True)
    for address in (f"/admin/training/{asked}", f"/admin/training/{asked}/publish"):
        assert "no module is required" in admin.get(address).get_data(as_text=True)
    sane = training(world.unit("Yard"), row(module), certificate=True)
    assert "no module is required" not in admin.get(f"/admin/training/{sane}").get_data(
        as_text=True
    )


def test_an_empty_name_is_refused(world: World, admin: FlaskClient) -> None:
    site = world.unit()
    page = admin.post(f"/admin/units/{site.id}/training", data={"name": " "})
    assert "Give the training a name." in page.get_data(as_text=True)
    assert db.session.scalars(select(Configuration)).all() == []


def test_only_published_modules_that_are_not_listed_are_offered(
    world: World, admin: FlaskClient
) -> None:
    listed, free = world.module("Listed"), world.module("Free")
    world.module("Theirs", organization=world.new_organization("Other"))
    asked = training(world.unit(), row(listed))
    page = admin.get(f"/admin/training/{asked}").get_data(as_text=True)
    offered = re.findall(r'name="add_module" value="(\d+)"', page)
    assert str(free.id) in offered
    assert str(listed.id) not in offered
    assert "Theirs" not in page


def test_a_forged_module_is_refused(world: World, admin: FlaskClient) -> None:
    theirs = world.module("Theirs", organization=world.new_organization("Other"))
    asked = training(world.unit(), row(world.module()))
    revision = queries.draft_of(db.session, db.session.get_one(Configuration, asked)).revision
    answer = admin.post(
        f"/admin/training/{asked}",
        data=fields(revision, {"module_id": theirs.id}, save="1"),
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "This module is not published." in page
    assert "Theirs" not in page


def pages(world: World) -> list[tuple[str, str]]:
    asked = training(world.unit(), row(world.module()))
    unit_id = db.session.get_one(Configuration, asked).unit_id
    return [
        ("GET", "/admin/training"),
        ("GET", f"/admin/units/{unit_id}/training"),
        ("POST", f"/admin/units/{unit_id}/training"),
        ("GET", f"/admin/training/{asked}"),
        ("POST", f"/admin/training/{asked}"),
        ("GET", f"/admin/training/{asked}/publish"),
        ("POST", f"/admin/training/{asked}/publish"),
    ]


def test_learners_managers_and_strangers_change_and_see_nothing(
    world: World, client: FlaskClient
) -> None:
    everything = pages(world)
    for method, address in everything:
        assert client.open(address, method=method).status_code == 401
    person = world.person("Lars Learner")
    world.sign_in(client, person)
    for method, address in everything:
        assert client.open(address, method=method).status_code == 403
    world.grant(person, Role.MANAGER, world.unit("Yard"))
    for method, address in everything:
        is_unit = address.startswith("/admin/units")
        assert client.open(address, method=method).status_code == (404 if is_unit else 403)


def test_another_organizations_training_does_not_exist(world: World, client: FlaskClient) -> None:
    everything = pages(world)
    other = world.new_organization("Other")
    stranger = world.person("Eve Other", organization=other)
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    data = {"name": "Mine", "reason": "Mine", "revision": 3}
    for method, address in everything:
        answer = client.open(address, method=method, data=data if method == "POST" else None)
        assert answer.status_code == (200 if address == "/admin/training" else 404)
        assert "Basic safety" not in answer.get_data(as_text=True)
    assert len(db.session.scalars(select(ConfigurationVersion)).all()) == 1


def test_what_admins_write_is_escaped(world: World, admin: FlaskClient) -> None:
    nasty = "<script>alert(1)</script>"
    module: Module = world.module(nasty)
    site = world.unit(nasty)
    asked = training(site, row(module), name=nasty)
    for address in (
        "/admin/training",
        f"/admin/units/{site.id}/training",
        f"/admin/training/{asked}",
        f"/admin/training/{asked}/publish",
    ):
        page = admin.get(address).get_data(as_text=True)
        assert nasty not in page
        assert "&lt;script&gt;" in page


def test_a_units_page_leads_to_its_training(world: World, admin: FlaskClient) -> None:
    site = world.unit()
    page = admin.get(f"/admin/units/{site.id}").get_data(as_text=True)
    assert f'href="/admin/units/{site.id}/training"' in page


def test_who_made_a_training_is_audited(world: World, admin: FlaskClient) -> None:
    site = world.unit()
    admin.post(f"/admin/units/{site.id}/training", data={"name": "Basic safety"})
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "configuration.created")
    ).one()
    assert entry.by_person_id is not None
