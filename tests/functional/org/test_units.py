"""The small admin pages for units, and who may see them."""

import contextlib
import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.org import actions
from plugin.org.models import Membership, Unit, UnitKind
from plugin.web.roles import Role
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


def test_an_admin_creates_a_site_in_a_region(world: World, admin: FlaskClient) -> None:
    region = world.unit("North", kind=UnitKind.REGION)
    answer = admin.post(
        "/admin/units/new",
        data={"kind": "site", "name": "North Quay", "id_code": "NQ", "region_id": region.id},
    )
    assert answer.status_code == 302
    site = db.session.scalars(select(Unit).where(Unit.name == "North Quay")).one()
    assert (site.kind, site.region_id, site.id_code) == (UnitKind.SITE, region.id, "NQ")
    assert "North Quay" in admin.get("/admin/sites").get_data(as_text=True)
    assert db.session.scalar(select(AuditEntry.action)) == "unit.created"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "site", "name": " "}, "This field is required"),
        ({"kind": "site", "name": "Quay", "time_zone": "Mars/Base"}, "Use a time zone such as"),
        ({"kind": "site", "name": "Quay", "id_code": "TAKEN"}, "already has this code"),
    ],
)
def test_a_bad_unit_is_refused_at_its_field_and_nothing_typed_is_lost(
    world: World, admin: FlaskClient, form: dict[str, str], sentence: str
) -> None:
    world.add(
        Unit(
            organization_id=world.organization.id,
            kind=UnitKind.SITE,
            name="Old",
            id_code="TAKEN",
            description="",
            created_at=clock.now(),
        )
    )
    answer = admin.post(
        "/admin/units/new", data={**form, "region_id": 0, "description": "By the sea"}
    )
    page = answer.get_data(as_text=True)
    assert sentence in page
    assert "By the sea" in page
    assert db.session.scalar(select(func.count(Unit.id))) == 1


def test_only_sites_lie_in_regions(world: World, admin: FlaskClient) -> None:
    region = world.unit("North", kind=UnitKind.REGION)
    answer = admin.post(
        "/admin/units/new", data={"kind": "group", "name": "Welders", "region_id": region.id}
    )
    assert "Only a site can lie in a region." in answer.get_data(as_text=True)


def test_two_admins_who_end_a_membership_at_once_end_it_once(app: Flask, world: World) -> None:
    membership_id = world.member(world.person(), world.unit()).id
    db.session.rollback()
    both_have_it = threading.Barrier(2)

    def one() -> None:
        with app.app_context(), transaction() as tx:
            membership = tx.session.get_one(Membership, membership_id)
            with contextlib.suppress(threading.BrokenBarrierError):
                both_have_it.wait(timeout=0.5)  # where the database lets both read it
            actions.end_membership(tx, membership, by=None, now=clock.now())

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = select(func.count()).where(AuditEntry.action == "membership.ended")
    assert db.session.scalar(ended) == 1
