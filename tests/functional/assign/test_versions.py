"""History, copies, templates, renaming and archiving of configurations; the list and its file."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationTemplate,
    ConfigurationVersion,
)
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.modules.models import Module
from plugin.org.models import Unit, UnitKind
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, judge, publish, row, stored, training
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


@pytest.fixture
def site(world: World) -> Unit:
    return world.unit("North Quay")


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Height")


@pytest.fixture
def asked(site: Unit, module: Module) -> int:
    return training(site, row(module, validity_months=12), name="Site access")


def actions_of(about: str) -> list[str]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(AuditEntry.action).where(AuditEntry.about_kind == about).order_by(AuditEntry.id)
        )
    )


def test_the_history_says_who_when_why_and_what_changed(
    world: World, admin: FlaskClient, asked: int, module: Module
) -> None:
    more = world.module("Gas")
    with clock.at(NOW + timedelta(days=1)):
        publish(asked, row(module, HIDDEN, validity_months=6), row(more, pass_mark=0.8))
        page = admin.get(f"/admin/training/{asked}/versions").text
    for words in (
        "Version 2",
        "Mar 11, 2027",
        "as the regulation asks",
        "Height: Required → Hidden",
        "Height: valid for 12 months → valid for 6 months",
        "Gas added: Required, never expires, pass mark 80 %",
        "command line",
    ):
        assert words in page
    assert page.count("In force") == 1
    one = admin.get(f"/admin/training/{asked}/versions/1").text
    assert "Required, valid for 12 months" in one
    assert admin.get(f"/admin/training/{asked}/versions/9").status_code == 404


def test_a_history_costs_the_same_however_long_it_is(
    admin: FlaskClient, asked: int, module: Module
) -> None:
    with counted() as few:
        admin.get(f"/admin/training/{asked}/versions")
    for months in range(1, 10):
        publish(asked, row(module, validity_months=months))
    with counted() as many:
        admin.get(f"/admin/training/{asked}/versions")
    assert len(many) == len(few)


def test_a_copy_is_a_draft_in_each_chosen_unit_and_publishes_nothing(
    world: World, admin: FlaskClient, asked: int
) -> None:
    yard = world.unit("Yard")
    welders = world.unit("Welders", kind=UnitKind.GROUP)
    theirs = world.unit("Theirs", organization=world.new_organization("Other"))
    listed = admin.get(f"/admin/training/{asked}/more?q=wel").text
    assert "Welders" in listed
    assert "Yard" not in listed
    answer = admin.post(
        f"/admin/training/{asked}/copy", data={"unit": [yard.id, welders.id, theirs.id]}
    )
    assert "Each unit has a draft of its own now." in answer.text
    db.session.rollback()
    made = db.session.scalars(select(Configuration).where(Configuration.id != asked)).all()
    assert {each.unit_id for each in made} == {yard.id, welders.id}
    assert all(each.current_version_id is None for each in made)
    drafts = db.session.scalars(select(ConfigurationDraft.rows)).all()
    assert drafts == [drafts[0]] * 3
    assert len(db.session.scalars(select(ConfigurationVersion)).all()) == 1


def test_copying_to_nothing_is_said(admin: FlaskClient, asked: int) -> None:
    answer = admin.post(f"/admin/training/{asked}/copy")
    assert answer.status_code == 422
    assert "Choose at least one unit." in answer.text


def test_a_template_keeps_the_rows_and_starts_other_trainings(
    world: World, admin: FlaskClient, asked: int
) -> None:
    kept = admin.post(f"/admin/training/{asked}/template", data={"template-name": "Basic safety"})
    assert kept.location == "/admin/templates"
    template = db.session.scalars(select(ConfigurationTemplate)).one()
    assert "Basic safety" in admin.get("/admin/templates").text
    assert "Required, valid for 12 months" in admin.get(f"/admin/templates/{template.id}").text
    yard = world.unit("Yard")
    page = admin.get(f"/admin/units/{yard.id}/training").text
    assert "Basic safety" in page
    admin.post(f"/admin/units/{yard.id}/training", data={"name": "Yard", "template": template.id})
    db.session.rollback()
    drafts = db.session.scalars(select(ConfigurationDraft).order_by(ConfigurationDraft.id)).all()
    assert drafts[1].rows == drafts[0].rows
    assert drafts[1].certificate_on
    taken = admin.post(f"/admin/training/{asked}/template", data={"template-name": "Basic  safety"})
    assert taken.status_code == 422
    assert "Another template already has this name." in taken.text


def test_a_template_is_renamed_and_archived(admin: FlaskClient, asked: int) -> None:
    admin.post(f"/admin/training/{asked}/template", data={"template-name": "Old"})
    template_id = db.session.scalars(select(ConfigurationTemplate.id)).one()
    admin.post(f"/admin/templates/{template_id}", data={"name": "New"})
    assert "New" in admin.get("/admin/templates").text
    assert admin.post(f"/admin/templates/{template_id}", data={"name": " "}).status_code == 422
    admin.post(f"/admin/templates/{template_id}", data={"archive": "1"})
    assert "There is no template yet" in admin.get("/admin/templates").text
    assert admin.get(f"/admin/templates/{template_id}").status_code == 404
    assert actions_of("configuration_template") == [
        "template.created",
        "template.renamed",
        "template.archived",
    ]


def test_a_new_name_is_kept_and_audited(admin: FlaskClient, asked: int) -> None:
    admin.post(f"/admin/training/{asked}/rename", data={"name-name": "Quay access"})
    assert "Quay access" in admin.get(f"/admin/training/{asked}").text
    assert actions_of("configuration")[-1] == "configuration.renamed"
    refused = admin.post(f"/admin/training/{asked}/rename", data={"name-name": " "})
    assert refused.status_code == 422


def test_archiving_ends_what_is_asked_and_restoring_judges_anew(
    world: World, admin: FlaskClient, asked: int, site: Unit
) -> None:
    ada = world.person()
    world.member(ada, site)
    judge()
    refused = admin.post(f"/admin/training/{asked}/archive", data={"archive": "1"})
    assert refused.status_code == 422
    for button, covered in (("archive", False), ("restore", True)):
        admin.post(
            f"/admin/training/{asked}/archive", data={button: "1", "archive-reason": "moved"}
        )
        judge()
        line = stored(ada, asked)
        assert line is not None
        assert line.covered is covered
        listed = admin.get("/admin/training?state=archived").text
        assert ("Site access" in listed) is not covered
    assert actions_of("configuration")[-2:] == [
        "configuration.archived",
        "configuration.restored",
    ]


def test_the_list_is_searched_filtered_sorted_and_given_as_a_file(
    world: World, admin: FlaskClient, asked: int, module: Module
) -> None:
    training(world.unit("Welders", kind=UnitKind.GROUP), row(module), name="Welding")

    def names(address: str) -> list[str]:
        rows = read(admin.get(address).text).all("tbody")
        return [each.all("bdi")[0].words for line in rows for each in line.all("tr")]

    assert names("/admin/training") == ["Site access", "Welding"]
    assert names("/admin/training?sort=name&dir=desc") == ["Welding", "Site access"]
    assert names("/admin/training?q=quay") == ["Site access"]
    assert names("/admin/training?kind=group") == ["Welding"]
    assert names("/admin/training?state=unpublished") == []
    file = admin.get("/admin/training.csv?kind=group")
    assert file.text.splitlines()[1].startswith("Welders,Group,Welding,1,2027-03-10")
    assert admin.get("/admin/training.xlsx").status_code == 200
    assert admin.get("/admin/training.pdf").status_code == 404


def test_the_list_costs_the_same_for_any_number(
    world: World, admin: FlaskClient, asked: int, module: Module
) -> None:
    with counted() as few:
        admin.get("/admin/training")
    for number in range(15):
        training(world.unit(f"U{number}"), row(module))
    with counted() as many:
        admin.get("/admin/training")
    assert len(many) == len(few) <= 4


def test_a_manager_reads_the_training_of_the_unit_and_changes_nothing(
    world: World, client: FlaskClient, asked: int, site: Unit
) -> None:
    manager = world.person("Mona Manager")
    world.grant(manager, Role.MANAGER, site)
    world.sign_in(client, manager)
    page = client.get(f"/admin/units/{site.id}/training")
    assert "Site access" in page.text
    assert "Add training configuration" not in page.text
    assert f"/admin/training/{asked}" not in page.text
    assert client.post(f"/admin/units/{site.id}/training", data={"name": "x"}).status_code == 403


ADDRESSES = [
    ("GET", "/admin/training/{asked}/versions"),
    ("GET", "/admin/training/{asked}/versions/1"),
    ("GET", "/admin/training/{asked}/more"),
    ("GET", "/admin/training/{asked}/preview"),
    ("POST", "/admin/training/{asked}/rename"),
    ("POST", "/admin/training/{asked}/archive"),
    ("POST", "/admin/training/{asked}/copy"),
    ("POST", "/admin/training/{asked}/template"),
    ("POST", "/admin/training/{asked}/discard"),
    ("GET", "/admin/templates/{template}"),
    ("POST", "/admin/templates/{template}"),
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_only_admins_of_the_organization_may(
    world: World, admin: FlaskClient, asked: int, site: Unit, method: str, address: str
) -> None:
    admin.post(f"/admin/training/{asked}/template", data={"template-name": "Basic safety"})
    template_id = db.session.scalars(select(ConfigurationTemplate.id)).one()
    path = address.format(asked=asked, template=template_id)
    manager = world.person("Mona Manager")
    world.grant(manager, Role.MANAGER, site)
    stranger = world.person("Eve Other", organization=world.new_organization("Other"))
    world.grant(stranger, Role.ADMIN)
    data = {
        "name": "mine", "name-name": "mine", "template-name": "mine", "archive-reason": "mine",
        "archive": "1", "unit": site.id,
    }  # fmt: skip
    before = actions_of("configuration")
    for person, status in ((world.person("Lars"), 403), (manager, 403), (stranger, 404)):
        world.sign_in(admin, person)
        answer = admin.open(path, method=method, data=data if method == "POST" else None)
        assert answer.status_code == status
    assert actions_of("configuration") == before
