"""News that waits is asked again when it leaves: what it tells of, and what it says of a proof."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from plugin.assign.actions import Effect
from plugin.assign.draft import CertificateWay
from plugin.assign.models import StoredStanding
from plugin.certs import actions as certificates
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.notify.actions import CLAIM_LIFE
from plugin.notify.models import CancelReason, Message, MessageKind, MessageState
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, messages, publish, row, training
from tests.functional.certs.proofs import certificate
from tests.support import smtp, story
from tests.support.days import at, inbox_of, subjects
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)
EXPIRED = "Your training ran out: Site safety"
REMINDER = "Reminder: training to complete"
END = date(2028, 3, 10)


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with inbox_of(app) as server:
        yield server


@pytest.fixture
def ada(world: World, inbox: smtp.Inbox) -> story.Story:
    """Ada has passed; her certificate is valid through 10 March 2028."""
    begun = story.begin(world)
    work_off()
    story.complete(begun.person, begun.module)
    work_off()
    subjects(inbox)
    return begun


def morning(days: int) -> datetime:
    """09:00 in London so many days before (negative: after) the last day."""
    day = END - timedelta(days=days)
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def decide(name: str) -> None:
    found = certificate()
    with transaction() as tx:
        getattr(certificates, name)(
            tx, tx.session.merge(found), by=None, reason="decided", now=clock.now()
        )
    work_off()


def die_with(days: int) -> None:
    """Whoever had the mail of that morning in hand died before the server had it."""
    at(morning(days))
    hour = morning(days)
    told = select(Message.id).where(Message.kind == MessageKind.REMINDER)
    db.session.execute(
        update(Message)
        .where(Message.id.in_(told))
        .values(state=MessageState.SENDING, claimed_at=hour, sent_at=None)
    )
    step = OutboxRow.job == JobName.DELIVER_MESSAGE
    later = hour + CLAIM_LIFE
    db.session.execute(update(OutboxRow).where(step).values(done_at=None, due_at=later))
    db.session.commit()


def test_ten_days_after_a_sender_died_its_reminder_is_not_told_late(
    ada: story.Story, inbox: smtp.Inbox
) -> None:
    """Domain §9.7: after an outage the expired mail, and no late 7."""
    die_with(7)
    subjects(inbox)
    at(morning(-3))
    assert subjects(inbox) == [EXPIRED]
    found = [each for each in messages() if each.kind is MessageKind.REMINDER]
    assert found[-1].state is MessageState.CANCELLED
    assert found[-1].error == CancelReason.SUPERSEDED


def test_a_retake_cancels_the_reminder_a_dead_sender_had_in_hand(
    ada: story.Story, inbox: smtp.Inbox
) -> None:
    die_with(7)
    subjects(inbox)
    with clock.at(morning(7) + timedelta(minutes=1)):
        story.complete(ada.person, ada.module)
        work_off()
    at(morning(7) + 2 * CLAIM_LIFE)
    assert REMINDER not in subjects(inbox)


@pytest.mark.parametrize("name", ["revoke", "suspend"])
def test_no_mail_says_that_training_restores_a_certificate_an_admin_withholds(
    ada: story.Story, inbox: smtp.Inbox, name: str
) -> None:
    with clock.at(NOW + DAY):
        decide(name)
    at(morning(1))
    subjects(inbox)
    at(morning(-1))
    (mail,) = inbox.mails
    assert mail["Subject"] == EXPIRED
    for kind in ("plain", "html"):
        assert "certificate" not in smtp.text_of(mail, kind)


@pytest.mark.parametrize("together", [False, True])
def test_new_training_promises_nothing_about_a_certificate_that_is_revoked(
    world: World, ada: story.Story, inbox: smtp.Inbox, together: bool
) -> None:
    with clock.at(NOW + DAY):
        decide("revoke")
        subjects(inbox)
        if together:
            other = world.unit("South Quay")
            world.member(ada.person, other)
            training(other, row(world.module("Rowing")), certificate=False)
            evaluate_later(ada.person)
        height, diving = row(ada.module, validity_months=12), row(world.module("Diving"))
        publish(ada.configuration.id, height, diving)
        work_off()
        (mail,) = inbox.mails
        assert "certificate" not in str(mail["Subject"])
        for kind in ("plain", "html"):
            words = smtp.text_of(mail, kind)
            assert "Diving" in words
            assert "certificate" not in words


def test_who_was_never_given_a_certificate_is_not_told_that_it_reads_invalid(
    world: World, inbox: smtp.Inbox
) -> None:
    """The certificate was switched on for those who pass from then on."""
    person, unit, module = world.person(), world.unit(), world.module("Lifting")
    world.member(person, unit)
    asked = training(unit, row(module, validity_months=12), certificate=False, name="Site safety")
    world.completion(person, module)
    evaluate_later(person)
    work_off()
    with clock.at(NOW + DAY):
        from_now_on = Effect(certificates=CertificateWay.FROM_NOW)
        publish(asked, row(module, validity_months=12), effect=from_now_on)
        work_off()
    at(morning(1))
    subjects(inbox)
    at(morning(-1))
    (mail,) = inbox.mails
    assert mail["Subject"] == EXPIRED
    assert "certificate" not in smtp.text_of(mail)


def test_what_was_done_before_the_morning_is_not_told_with_what_was_told_before(
    world: World, inbox: smtp.Inbox
) -> None:
    """Diving is asked for at night and passed at night: nothing is new any more at 09:00."""
    person, unit = world.person(), world.unit()
    world.member(person, unit)
    lifting, diving = world.module("Lifting"), world.module("Diving")
    asked = training(unit, row(lifting))
    work_off()
    assert len(subjects(inbox)) == 1
    night = NOW + DAY - timedelta(hours=3)
    with clock.at(night):
        publish(asked, row(lifting), row(diving))
        work_off()
    with clock.at(night + timedelta(hours=1)):
        world.completion(person, diving)
        evaluate_later(person)
        work_off()
    at(NOW + DAY)
    assert subjects(inbox) == []
    assert messages()[-1].error == CancelReason.DONE
    assert db.session.scalars(select(StoredStanding.complete)).all() == [False]
