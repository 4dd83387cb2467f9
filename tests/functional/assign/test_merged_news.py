"""What somebody was still to hear of when two entries became one, the one who stays hears."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from plugin.assign import merging
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.history import Past, record_history
from plugin.modules.models import Module
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Organization, Person, Unit
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, row, training
from tests.support import smtp
from tests.support.days import at, inbox_of
from tests.support.work import work_off
from tests.support.world import World

DAWN = NOW - timedelta(hours=3)
MORNING = NOW


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with inbox_of(app) as found:
        yield found


@pytest.fixture
def grace(world: World) -> Person:
    return world.person("Grace Hopper", email="grace@example.test")


@pytest.fixture
def ada(world: World) -> Person:
    return world.person("Ada Byron", email="ada@example.test")


@pytest.fixture
def double(world: World) -> Person:
    return world.person("Ada B.", email="double@example.test")


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def height(world: World) -> Module:
    return world.module("Height")


def joins(world: World, person: Person, unit: Unit) -> None:
    world.member(person, unit)
    evaluate_later(person)


def merge(survivor: Person, absorbed: Person, by: Person) -> int:
    ids = survivor.id, absorbed.id, by.id
    db.session.rollback()
    with transaction() as tx:
        stays, goes = (tx.session.get_one(Person, each) for each in ids[:2])
        made = merging.merge(tx, stays, goes, by=ids[2], reason="one", now=clock.now())
        assert made is not None
        return made.id


def unmerge(merge_id: int, by: Person) -> None:
    by_id = by.id
    db.session.rollback()
    with transaction() as tx:
        made = tx.session.get_one(PersonMerge, merge_id)
        assert merging.unmerge(tx, made, by=by_id, reason="two", now=clock.now())


def mails(inbox: smtp.Inbox) -> list[tuple[str, str]]:
    found = [(str(mail["To"]), str(mail["Subject"])) for mail in inbox.mails]
    inbox.mails.clear()
    return found


def states() -> list[tuple[int, MessageState, str | None]]:
    db.session.rollback()
    found = select(Message.person_id, Message.state, Message.error).order_by(Message.id)
    return [(row[0], row[1], row[2]) for row in db.session.execute(found)]


def test_new_training_that_waits_for_the_morning_is_told_to_the_one_who_stays(
    world: World,
    inbox: smtp.Inbox,
    grace: Person,
    ada: Person,
    double: Person,
    quay: Unit,
    height: Module,
) -> None:
    with clock.at(DAWN):
        training(quay, row(height))
        joins(world, double, quay)
        work_off()
        merge(ada, double, grace)
        work_off()
    assert mails(inbox) == []
    at(MORNING)
    assert mails(inbox) == [("Ada Byron <ada@example.test>", "New training for you at Quay")]


def test_what_the_one_who_stays_hears_anyway_is_told_once(
    world: World,
    inbox: smtp.Inbox,
    grace: Person,
    ada: Person,
    double: Person,
    quay: Unit,
    height: Module,
) -> None:
    with clock.at(DAWN):
        training(quay, row(height))
        joins(world, double, quay)
        joins(world, ada, quay)
        work_off()
        merge(ada, double, grace)
        work_off()
    at(MORNING)
    assert mails(inbox) == [("Ada Byron <ada@example.test>", "New training for you at Quay")]
    assert sorted(states(), key=str) == sorted(
        [
            (ada.id, MessageState.SENT, None),
            (double.id, MessageState.CANCELLED, "superseded"),
        ],
        key=str,
    )


def test_what_the_one_who_stays_has_done_is_not_told(
    world: World,
    inbox: smtp.Inbox,
    grace: Person,
    ada: Person,
    double: Person,
    quay: Unit,
    height: Module,
) -> None:
    with clock.at(DAWN):
        training(quay, row(height), certificate=False)
        joins(world, double, quay)
        world.completion(ada, height)
        work_off()
        merge(ada, double, grace)
        work_off()
    at(MORNING)
    assert mails(inbox) == []
    assert states() == [(ada.id, MessageState.CANCELLED, "done")]


def test_a_day_that_has_come_and_was_not_looked_at_is_not_forgotten(
    world: World,
    inbox: smtp.Inbox,
    grace: Person,
    ada: Person,
    double: Person,
    quay: Unit,
    height: Module,
) -> None:
    """The workers were away when the reminder of thirty days before was due."""
    with clock.at(NOW - timedelta(days=40)):
        training(quay, row(height, validity_months=12), certificate=False)
        world.completion(double, height, happened_at=NOW - timedelta(days=340))
        joins(world, double, quay)
        work_off()
    with clock.at(NOW):
        merge(ada, double, grace)
        work_off()
    at(NOW + timedelta(minutes=5))
    assert [who for who, _what in mails(inbox)] == ["Ada Byron <ada@example.test>"]
    told = db.session.execute(select(Message.person_id, Message.kind)).all()
    assert told == [(ada.id, MessageKind.REMINDER)]


def test_undone_before_it_left_it_is_told_to_whom_it_was_for(
    world: World,
    inbox: smtp.Inbox,
    grace: Person,
    ada: Person,
    double: Person,
    quay: Unit,
    height: Module,
) -> None:
    with clock.at(DAWN):
        training(quay, row(height))
        joins(world, double, quay)
        work_off()
        made = merge(ada, double, grace)
        work_off()
        unmerge(made, grace)
        work_off()
    at(MORNING)
    assert mails(inbox) == [('"Ada B." <double@example.test>', "New training for you at Quay")]


def test_history_stays_silent_when_it_goes_over(
    world: World,
    inbox: smtp.Inbox,
    grace: Person,
    ada: Person,
    double: Person,
    quay: Unit,
    height: Module,
) -> None:
    training(quay, row(height, validity_months=24))
    joins(world, ada, quay)
    past = Past(person_id=double.id, module_id=height.id, happened_at=NOW - timedelta(days=40))
    organization_id = world.organization.id
    db.session.rollback()
    with transaction() as tx:
        organization = tx.session.get_one(Organization, organization_id)
        record_history(tx, organization, [past], evidence="register", by=None, now=clock.now())
    work_off()
    at(NOW)
    mails(inbox)
    merge(ada, double, grace)
    work_off()
    assert mails(inbox) == []
