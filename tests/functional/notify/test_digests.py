"""All the news a person has of one day is one mail; each cause keeps its own message."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.notify import delivery
from plugin.notify.actions import CLAIM_LIFE, NewMessage, queue_messages
from plugin.notify.mail_models import MailRate
from plugin.notify.mailer import UnavailableError, UncertainError
from plugin.notify.models import Digest, Message, MessageKind, MessageState
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.notify.conftest import Wish
from tests.support import smtp
from tests.support.days import inbox_of, subjects
from tests.support.work import work_off
from tests.support.world import World

LONDON, KIRITIMATI, BAKER = "Europe/London", "Pacific/Kiritimati", "Etc/GMT+12"
HOUR = timedelta(hours=1)
NEWS = "Your training: news of today"
TRAINING = "New training for you at North Quay"


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with inbox_of(app) as server:
        yield server


def tell(
    person: Person,
    *titles: str,
    kind: MessageKind = MessageKind.NEW_TRAINING,
    at: datetime | None = None,
    zone: str = LONDON,
    **more: Any,
) -> None:
    organization_id, person_id = person.organization_id, person.id
    news = [
        NewMessage(
            person_id=person_id,
            kind=kind,
            key=f"{kind}:{person_id}:{title}",
            facts={"unit_name": "North Quay", "modules": [{"title": title}], **more},
            not_before=at,
            zone=zone,
        )
        for title in titles
    ]
    with transaction() as tx:
        queue_messages(tx, organization_id, news, now=clock.now())


def states() -> list[MessageState]:
    db.session.rollback()
    return list(db.session.scalars(select(Message.state).order_by(Message.id)))


def test_several_causes_of_a_day_are_one_mail_that_names_all_of_them(
    world: World, inbox: smtp.Inbox
) -> None:
    tell(world.person(), "Lifting", "Diving")
    tell(world.person("Lars Learner", email="l@example.test"), "Welding")
    work_off()
    assert sorted(subjects_of(inbox)) == [TRAINING, NEWS]
    (mail,) = (mail for mail in inbox.mails if mail["Subject"] == NEWS)
    for kind in ("plain", "html"):
        assert "Lifting" in smtp.text_of(mail, kind)
        assert "Diving" in smtp.text_of(mail, kind)
        assert "Welding" not in smtp.text_of(mail, kind)
    messages = db.session.scalars(select(Message).order_by(Message.id)).all()
    assert [each.state for each in messages] == [MessageState.SENT] * 3
    assert messages[0].digest_id == messages[1].digest_id != messages[2].digest_id
    assert all(digest.sent_at == NOW for digest in db.session.scalars(select(Digest)))


def subjects_of(inbox: smtp.Inbox) -> list[str]:
    return [str(mail["Subject"]) for mail in inbox.mails]


def test_what_comes_after_the_days_mail_waits_for_nine_tomorrow(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    tell(person, "Lifting")
    work_off()
    with clock.at(NOW + HOUR):
        tell(person, "Diving", "Welding")
        work_off()
    assert subjects(inbox) == [TRAINING]
    with clock.at(datetime(2027, 3, 11, 8, 59, tzinfo=UTC)):
        work_off()
    assert subjects(inbox) == []
    with clock.at(datetime(2027, 3, 11, 9, 0, tzinfo=UTC)):
        work_off()
    assert subjects(inbox) == [NEWS]


def test_a_certificate_that_turned_invalid_after_the_days_mail_is_said_today_once(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    tell(person, "Lifting")
    work_off()
    subjects(inbox)
    tell(person, "Diving", kind=MessageKind.NEW_REQUIREMENT)
    work_off()
    assert subjects(inbox) == ["Your certificate for North Quay needs new training"]
    tell(person, "Welding", kind=MessageKind.NEW_REQUIREMENT)
    work_off()
    assert subjects(inbox) == []
    with clock.at(NOW + timedelta(days=1)):
        work_off()
    assert len(subjects(inbox)) == 1


def test_a_certificate_that_is_lost_without_a_new_duty_is_not_told_as_one(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    tell(person, "Lifting")
    tell(person, "Diving", kind=MessageKind.NEW_REQUIREMENT, is_nothing_new=True)
    work_off()
    (mail,) = inbox.mails
    for kind in ("plain", "html"):
        words = smtp.text_of(mail, kind)
        assert "Training that North Quay requires is not complete any more." in words
        assert "now requires more training" not in words


def test_nothing_of_the_day_leaves_before_nine_where_the_unit_is(
    world: World, inbox: smtp.Inbox
) -> None:
    early = datetime(2027, 3, 10, 5, tzinfo=UTC)
    tell(world.person(), "Lifting", at=early)
    with clock.at(early):
        work_off()
    assert subjects(inbox) == []
    with clock.at(datetime(2027, 3, 10, 9, tzinfo=UTC)):
        work_off()
    assert subjects(inbox) == [TRAINING]


def test_units_in_different_zones_share_the_days_mail_where_morning_comes_first(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    tell(person, "Diving", zone=LONDON, at=datetime(2027, 3, 10, 9, tzinfo=UTC))
    tell(person, "Lifting", zone="Asia/Tokyo", at=datetime(2027, 3, 10, 0, tzinfo=UTC))
    with clock.at(datetime(2027, 3, 10, 0, tzinfo=UTC)):
        work_off()
    assert subjects(inbox) == [NEWS]
    with clock.at(datetime(2027, 3, 10, 9, tzinfo=UTC)):
        tell(person, "Welding", zone=LONDON)
        work_off()
    assert subjects(inbox) == [], "the day has had its mail, also by the clocks of London"


def test_a_day_ahead_and_a_day_behind_each_have_their_morning(
    world: World, inbox: smtp.Inbox
) -> None:
    tell(world.person(), "Lifting", zone=KIRITIMATI, at=datetime(2027, 3, 10, 19, tzinfo=UTC))
    tell(
        world.person("Lars", email="l@example.test"),
        "Diving",
        zone=BAKER,
        at=datetime(2027, 3, 10, 21, tzinfo=UTC),
    )
    for hour, arrived in ((18, 0), (19, 1), (20, 0), (21, 1)):
        with clock.at(datetime(2027, 3, 10, hour, tzinfo=UTC)):
            work_off()
        assert len(subjects(inbox)) == arrived
    days = db.session.scalars(select(Digest.day).order_by(Digest.id)).all()
    assert [day.isoformat() for day in days] == ["2027-03-11", "2027-03-10"]


def test_two_workers_at_once_still_make_one_mail(
    app: Flask, world: World, inbox: smtp.Inbox
) -> None:
    tell(world.person(), *(f"Module {number}" for number in range(6)))
    ids = db.session.scalars(select(Message.id)).all()
    db.session.rollback()

    def work(message_id: int) -> None:
        with app.app_context(), clock.at(NOW):
            delivery.deliver(message_id)
            db.session.remove()

    threads = [threading.Thread(target=work, args=[each]) for each in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert subjects(inbox) == [NEWS]
    assert set(states()) == {MessageState.SENT}


def test_a_mail_that_could_not_leave_goes_with_all_that_has_come_since(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    tell(person, "Lifting")
    inbox.answers = ["451 4.7.1 come back later"]
    with pytest.raises(UnavailableError):
        work_off()
    assert states() == [MessageState.QUEUED]
    with clock.at(NOW + HOUR):
        tell(person, "Diving")
        work_off()
    assert subjects(inbox) == [NEWS]


def test_a_mail_whose_sender_died_goes_again_word_for_word_under_its_id(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    tell(person, "Lifting", "Diving")
    work_off()
    first = inbox.mails.pop()
    db.session.execute(update(Message).values(state=MessageState.SENDING, claimed_at=NOW))
    db.session.execute(update(OutboxRow).values(done_at=None, due_at=NOW + CLAIM_LIFE))
    db.session.commit()
    with clock.at(NOW + CLAIM_LIFE):
        tell(person, "Welding")
        work_off()
    (again,) = inbox.mails
    assert again["Message-ID"] == first["Message-ID"]
    assert "Welding" not in smtp.text_of(again)
    assert states() == [MessageState.SENT, MessageState.SENT, MessageState.QUEUED]


def test_a_refused_mail_fails_every_message_in_it(world: World, inbox: smtp.Inbox) -> None:
    inbox.answers = ["550 5.1.1 no such mailbox"]
    tell(world.person(), "Lifting", "Diving")
    work_off()
    assert states() == [MessageState.FAILED] * 2


def test_a_mail_of_its_own_waits_for_no_digest(world: World, inbox: smtp.Inbox) -> None:
    person = world.person()
    tell(person, "Lifting")
    work_off()
    subjects(inbox)
    organization_id, person_id = person.organization_id, person.id
    with transaction() as tx:
        queue_messages(
            tx,
            organization_id,
            [
                NewMessage(
                    person_id=person_id,
                    kind=MessageKind.REMINDER,
                    key="by hand",
                    facts={"items": [{"title": "Diving", "unit": "Quay"}]},
                )
            ],
            now=clock.now(),
        )
    work_off()
    assert subjects(inbox) == ["Reminder: training to complete"]


def test_every_step_of_a_message_is_one_job(world: World, inbox: smtp.Inbox) -> None:
    tell(world.person(), "Lifting", "Diving", "Welding")
    assert work_off() == 3
    jobs = db.session.scalars(select(OutboxRow.job).distinct()).all()
    assert jobs == [JobName.DELIVER_MESSAGE]


def cut_off(inbox: smtp.Inbox, person: Person) -> None:
    """The server takes two of the person's news in one mail, and is cut off before it says so."""
    tell(person, "Lifting")
    tell(person, "Rowing", kind=MessageKind.REMINDER)
    inbox.silent_after_data = 1
    with pytest.raises(UncertainError):
        work_off()


def ids(inbox: smtp.Inbox) -> list[str]:
    return [str(mail["Message-ID"]) for mail in inbox.mails]


def test_what_a_server_may_have_taken_comes_again_as_the_same_mail(
    world: World, inbox: smtp.Inbox
) -> None:
    """Or the same news would be told twice, in two mails no mailbox knows as one."""
    person = world.person()
    cut_off(inbox, person)
    assert states() == [MessageState.QUEUED] * 2
    with clock.at(NOW + HOUR):
        tell(person, "Diving")
        work_off()
    first, second = inbox.mails
    assert len(set(ids(inbox))) == 1
    assert smtp.text_of(first) == smtp.text_of(second)
    with clock.at(NOW + timedelta(days=1)):
        work_off()
    assert len(set(ids(inbox))) == 2
    assert states() == [MessageState.SENT] * 3
    assert "Diving" in smtp.text_of(inbox.mails[-1])
    assert "Lifting" not in smtp.text_of(inbox.mails[-1])


def test_what_may_not_go_any_more_leaves_the_mail_its_message_id(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    cut_off(inbox, world.person())
    wish(off_kinds=["reminder"])
    with clock.at(NOW + HOUR):
        work_off()
    assert len(inbox.mails) == 2
    assert len(set(ids(inbox))) == 1
    assert sorted(states()) == [MessageState.SENT, MessageState.SUPPRESSED]
    assert "Rowing" not in smtp.text_of(inbox.mails[-1])


def test_waiting_for_a_minute_takes_no_message_id_from_a_mail_that_may_be_there(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    person, later = world.person(), NOW + HOUR
    cut_off(inbox, person)
    wish(per_minute=1)
    full = {"single_minute": int(later.timestamp()) // 60, "single_used": 1}
    given = {"bulk_minute": 0, "bulk_used": 0, "failures": 0} | full
    scope = f"organization:{world.organization.id}"
    world.add(MailRate(scope=scope, organization_id=world.organization.id, **given))
    with clock.at(later):
        tell(person, "Diving")
        work_off()
    assert len(inbox.mails) == 1, "its minute is full"
    with clock.at(later + timedelta(minutes=5)):
        work_off()
    assert len(inbox.mails) == 2
    assert len(set(ids(inbox))) == 1
