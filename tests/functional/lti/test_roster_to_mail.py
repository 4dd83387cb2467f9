"""From a course's roster to somebody's mailbox, before they ever open the tool (domain 7)."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.lti.tool.service_models import CourseMember
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Identity, Person, Unit
from plugin.web.roles import Role
from tests.functional.assign.places import row, stored, training
from tests.functional.lti.campus import Peer
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


def priya() -> Person:
    db.session.rollback()
    return (
        db.session.query(Person)
        .join(Identity, Identity.person_id == Person.id)
        .filter(Identity.subject == "8")
        .one()
    )


def test_a_learner_who_never_launched_is_assigned_and_mailed(
    world: World, peer: Peer, unit: Unit, client: FlaskClient, inbox: smtp.Inbox
) -> None:
    """An admin ties the course on the unit's page; everything after that happens by itself."""
    module = world.module("Fire safety")
    configuration = training(unit, row(module), certificate=False)
    peer.launch("marco")
    work_off()
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    page = f"/admin/units/{unit.id}/courses"
    course = db.session.query(CourseMember.course_id).first()
    assert course is not None
    assert client.post(page, data={"course_id": course[0]}).status_code == 303
    work_off()
    standing = stored(priya(), configuration)
    assert standing is not None
    assert not standing.complete
    told = {str(mail["To"]) for mail in inbox.mails if "Fire safety" in smtp.text_of(mail, "plain")}
    assert any("priya@northwind.example" in address for address in told)
    assert db.session.query(Message).filter_by(kind=MessageKind.NEW_TRAINING).count() == 4


def test_their_first_launch_is_the_same_person_and_tells_them_nothing_twice(
    world: World, peer: Peer, unit: Unit, tie: int, inbox: smtp.Inbox
) -> None:
    module = world.module("Fire safety")
    configuration = training(unit, row(module), certificate=False)
    with transaction() as tx:
        tx.then(JobName.SYNC_ROSTER, tie)
    work_off()
    before, people = priya().id, db.session.query(Person).count()
    mails = len(inbox.mails)
    assert mails == 4
    assert peer.launch("priya") == 303
    work_off()
    assert priya().id == before
    assert db.session.query(Person).count() == people
    assert len(inbox.mails) == mails
    assert stored(priya(), configuration) is not None
    mine = db.session.query(CourseMember).filter_by(person_id=before).one()
    assert (mine.subject, mine.learns) == ("8", True)
