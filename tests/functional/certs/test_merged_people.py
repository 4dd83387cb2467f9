"""Certificates of two entries that turned out to be one person."""

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.db import db
from plugin.notify.models import Message
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import row, training
from tests.support.work import work_off
from tests.support.world import World


def test_the_certificate_goes_over_to_the_one_who_stays(world: World, client: FlaskClient) -> None:
    admin = world.person("Grace Hopper", email="grace@example.test")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    quay, height = world.unit("Quay"), world.module("Height")
    ada, double = world.person("Ada Byron"), world.person("Ada B.", email="other@example.test")
    world.member(double, quay, since=NOW - timedelta(days=300))
    world.completion(double, height, happened_at=NOW - timedelta(days=40))
    training(quay, row(height))
    work_off()
    client.post(
        f"/admin/people/{ada.id}/merge/{double.id}",
        data={"stays": ada.id, "reason": "one human"},
    )
    work_off()
    db.session.rollback()
    mails = [
        (who, kind.value)
        for who, kind in db.session.execute(select(Message.person_id, Message.kind))
    ]
    assert (ada.id, "certificate_issued") in mails
    assert (ada.id, "new_training") not in mails
    states = client.get("/admin/certificates?state=valid").text
    assert "Ada Byron" in states
    assert "Ada B." not in states
