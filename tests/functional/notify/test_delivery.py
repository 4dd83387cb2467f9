"""Mail leaves to a real SMTP server: once per cause, kept when the server cannot take it."""

from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.notify import delivery
from plugin.notify.actions import Attachment, NewMessage, queue_message, queue_messages
from plugin.notify.mailer import UnavailableError
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Person
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World

FACTS = {
    "unit_name": "North Quay",
    "modules": [{"title": "Working at height", "due_on": "24 Mar 2027"}],
}


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


def tell(person: Person, key: str = "cause", **more: Any) -> bool:
    organization_id, person_id = person.organization_id, person.id
    with transaction() as tx:
        return queue_message(
            tx,
            organization_id=organization_id,
            person_id=person_id,
            kind=MessageKind.NEW_TRAINING,
            key=key,
            facts=FACTS,
            now=clock.now(),
            **more,
        )


def only_message() -> Message:
    db.session.rollback()
    return db.session.scalars(select(Message)).one()


def test_a_message_arrives_as_text_and_html_in_the_organizations_name(
    world: World, inbox: smtp.Inbox
) -> None:
    tell(world.person("Łucja Ødegård", email="lucja@example.test"))
    work_off()
    (mail,) = inbox.mails
    assert mail["Subject"] == "New training for you at North Quay"
    assert mail["To"] == "Łucja Ødegård <lucja@example.test>"
    assert mail["From"] == "Harbour Works <training@example.test>"
    for kind in ("plain", "html"):
        words = smtp.text_of(mail, kind)
        assert "Hello Łucja Ødegård" in words
        assert "Working at height" in words
        assert "due 24 Mar 2027" in words
    message = only_message()
    assert (message.state, message.sent_at) == (MessageState.SENT, clock.now())


def test_the_same_cause_is_mailed_once(world: World, inbox: smtp.Inbox) -> None:
    person = world.person()
    assert tell(person)
    assert not tell(person)
    work_off()
    assert not tell(person)
    work_off()
    assert len(inbox.mails) == 1


def test_a_step_that_runs_twice_mails_once(world: World, inbox: smtp.Inbox, app: Flask) -> None:
    tell(world.person())
    work_off()
    message_id = only_message().id
    db.session.rollback()
    with app.app_context():
        delivery.deliver(message_id)
    assert len(inbox.mails) == 1


def test_nothing_is_mailed_before_its_time(world: World, inbox: smtp.Inbox) -> None:
    tell(world.person(), not_before=clock.now() + timedelta(hours=3))
    work_off()
    assert inbox.mails == []
    with clock.at(clock.now() + timedelta(hours=3)):
        work_off()
    assert len(inbox.mails) == 1


def test_a_mail_is_dated_by_the_clock_that_the_ledger_goes_by(
    world: World, inbox: smtp.Inbox
) -> None:
    later = clock.now() + timedelta(days=300)
    tell(world.person(), not_before=later)
    with clock.at(later):
        work_off()
    assert parsedate_to_datetime(inbox.mails[0]["Date"]) == only_message().sent_at == later


def test_who_has_no_address_gets_a_row_and_no_mail(world: World, inbox: smtp.Inbox) -> None:
    assert tell(world.person(email=None))
    work_off()
    assert inbox.mails == []
    assert only_message().state is MessageState.UNDELIVERABLE


def test_a_refusal_for_good_is_kept_with_the_servers_words(world: World, inbox: smtp.Inbox) -> None:
    inbox.answers = ["550 5.1.1 no such mailbox"]
    tell(world.person())
    work_off()
    message = only_message()
    assert message.state is MessageState.FAILED
    assert message.error == "550 5.1.1 no such mailbox"
    with clock.at(clock.now() + timedelta(days=2)):
        work_off()
    assert inbox.mails == []


def test_a_refusal_for_now_is_tried_again_later_with_the_same_message_id(
    world: World, inbox: smtp.Inbox
) -> None:
    inbox.answers = ["451 4.7.1 come back later"]
    tell(world.person())
    with pytest.raises(UnavailableError):
        work_off()
    message = only_message()
    assert (message.state, message.error) == (MessageState.QUEUED, "451 4.7.1 come back later")
    with clock.at(clock.now() + timedelta(minutes=1)):
        work_off()
    assert len(inbox.mails) == 1
    assert only_message().state is MessageState.SENT


def test_a_server_that_is_not_there_loses_nothing(world: World, app: Flask) -> None:
    app.extensions["mail"].port = smtp.free_port()
    app.extensions["mail"].use_tls = False
    tell(world.person())
    with pytest.raises(UnavailableError):
        work_off()
    with smtp.server() as server, clock.at(clock.now() + timedelta(minutes=1)):
        app.extensions["mail"].port = server.port
        work_off()
        assert len(server.mails) == 1


def test_a_message_in_a_dead_senders_hands_is_sent_by_another(
    world: World, inbox: smtp.Inbox
) -> None:
    tell(world.person())
    message = only_message()
    message.state, message.claimed_at = MessageState.SENDING, clock.now()
    db.session.commit()
    work_off()
    assert inbox.mails == [], "it may still be under way"
    with clock.at(clock.now() + timedelta(minutes=5)):
        work_off()
    assert len(inbox.mails) == 1


def test_the_message_id_depends_on_the_cause_alone(world: World, inbox: smtp.Inbox) -> None:
    person = world.person()
    tell(person, key="one")
    tell(person, key="two")
    work_off()
    first, second = (mail["Message-ID"] for mail in inbox.mails)
    assert first != second
    message = db.session.scalars(select(Message).where(Message.key == "one")).one()
    message.state, message.claimed_at = MessageState.QUEUED, None
    db.session.add(
        OutboxRow(
            job=JobName.DELIVER_MESSAGE,
            args=[message.id],
            queue="mail",
            created_at=clock.now(),
            due_at=clock.now(),
        )
    )
    db.session.commit()
    work_off()
    assert inbox.mails[-1]["Message-ID"] == first


def test_a_line_break_in_a_name_makes_no_header(world: World, inbox: smtp.Inbox) -> None:
    tell(world.person("Eve\r\nBcc: all@example.test"))
    work_off()
    (mail,) = inbox.mails
    assert mail["Bcc"] is None


def test_long_lines_reach_servers_that_refuse_them(world: World, inbox: smtp.Inbox) -> None:
    person = world.person()
    organization_id, person_id = person.organization_id, person.id
    with transaction() as tx:
        queue_message(
            tx,
            organization_id=organization_id,
            person_id=person_id,
            kind=MessageKind.NEW_TRAINING,
            key="long",
            facts={"unit_name": "Quay", "modules": [{"title": "Höhe " * 400}]},
            now=clock.now(),
        )
    work_off()
    assert len(inbox.mails) == 1
    assert max(map(len, inbox.mails[0].as_bytes().splitlines())) < 998


def test_an_attachment_travels_with_the_mail(world: World, inbox: smtp.Inbox) -> None:
    stored = storage().put("editions/1.pdf", b"%PDF-1.4 content")
    tell(
        world.person(),
        attachments=[Attachment(key=stored.key, filename="Certificate.pdf", sha256=stored.sha256)],
    )
    work_off()
    (part,) = inbox.mails[0].iter_attachments()
    assert part.get_content_type() == "application/pdf"
    assert part.get_filename() == "Certificate.pdf"
    assert part.get_content() == b"%PDF-1.4 content"


def test_many_messages_take_few_statements_and_each_cause_counts_once(
    world: World, inbox: smtp.Inbox
) -> None:
    people = [world.person(f"Person {n}", email=f"p{n}@example.test") for n in range(5)]
    organization_id = world.organization.id
    messages = [
        NewMessage(
            person_id=person.id, kind=MessageKind.NEW_TRAINING, key=f"bulk:{person.id}", facts=FACTS
        )
        for person in people
    ]
    for expected in (5, 0):
        with transaction() as tx:
            assert queue_messages(tx, organization_id, messages, now=clock.now()) == expected
    work_off()
    assert len(inbox.mails) == 5
