"""What is held back is a row that says why; what a person must know always goes."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.notify import reminder_choices
from plugin.notify.actions import queue_message
from plugin.notify.mail_models import (
    AddressEvent,
    AddressFact,
    AddressSource,
    ChoicePlace,
    ReminderLink,
    SentMail,
)
from plugin.notify.models import Message, MessageKind
from plugin.notify.samples import SAMPLES
from plugin.org.models import Person
from tests.functional.notify.conftest import Wish
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World

KINDS = [MessageKind(kind) for kind in SAMPLES]


def tell(person: Person, kind: MessageKind, **more: Any) -> None:
    organization_id, person_id = person.organization_id, person.id
    with transaction() as tx:
        queue_message(
            tx,
            organization_id=organization_id,
            person_id=person_id,
            kind=kind,
            key=f"{kind}:{person_id}",
            facts=SAMPLES[kind],
            now=clock.now(),
            **more,
        )


def outcomes() -> dict[MessageKind, tuple[str, str | None]]:
    db.session.rollback()
    found: Sequence[Message] = db.session.scalars(select(Message)).all()
    return {message.kind: (message.state.value, message.error) for message in found}


def switch_off_reminders(person: Person) -> None:
    with transaction() as tx:
        found = tx.session.get_one(Person, person.id)
        reminder_choices.choose(
            tx.session, found, wanted=False, place=ChoicePlace.PAGE, now=clock.now()
        )


def dead(world: World, person: Person, fact: AddressFact = AddressFact.HARD) -> None:
    world.add(
        AddressEvent(
            organization_id=person.organization_id,
            person_id=person.id,
            address=str(person.email).lower(),
            fact=fact,
            source=AddressSource.HOOK,
            words="550 5.1.1 unknown",
            at=clock.now(),
            seal=f"seal {world.number()}",
        )
    )


def test_what_an_organization_switches_off_is_a_row_that_says_so(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    wish(off_kinds=[kind.value for kind in KINDS])
    person = world.person()
    for kind in KINDS:
        tell(person, kind)
    work_off()
    always = {MessageKind.CERTIFICATE_ISSUED, MessageKind.CERTIFICATE_REVOKED}
    for kind, outcome in outcomes().items():
        assert outcome == (("sent", None) if kind in always else ("suppressed", "switched off"))
    assert len(inbox.mails) == 2


def test_who_switched_reminders_off_gets_everything_but_reminders(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    switch_off_reminders(person)
    for kind in KINDS:
        tell(person, kind)
    work_off()
    for kind, outcome in outcomes().items():
        is_reminder = kind is MessageKind.REMINDER
        assert outcome == (("suppressed", "unsubscribed") if is_reminder else ("sent", None))


def test_reminders_alone_carry_the_headers_of_one_click(world: World, inbox: smtp.Inbox) -> None:
    person = world.person()
    for kind in KINDS:
        tell(person, kind)
    work_off()
    with_headers = [mail for mail in inbox.mails if mail["List-Unsubscribe"]]
    (reminder,) = with_headers
    token = db.session.scalars(select(ReminderLink.token)).one()
    address = f"https://tool.example.test/reminders/{token}"
    assert reminder["List-Unsubscribe"].strip() == f"<{address}>"
    assert reminder["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for kind in ("plain", "html"):
        assert address in smtp.text_of(reminder, kind)
    others = [mail for mail in inbox.mails if mail is not reminder]
    assert all("/reminders/" not in smtp.text_of(mail, "html") for mail in others)


def test_a_dead_address_gets_nothing_until_it_is_cleared_or_another(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person(email="Ada@Example.test")
    dead(world, person)
    tell(person, MessageKind.REMINDER)
    work_off()
    assert outcomes() == {MessageKind.REMINDER: ("undeliverable", "dead address")}
    dead(world, person, AddressFact.CLEARED)
    tell(person, MessageKind.NEW_TRAINING)
    work_off()
    assert len(inbox.mails) == 1
    dead(world, person)
    person.email = "ada.byron@example.test"
    world.add(person)
    tell(person, MessageKind.CERTIFICATE_ISSUED)
    work_off()
    assert len(inbox.mails) == 2


def test_a_soft_bounce_makes_no_address_dead(world: World, inbox: smtp.Inbox) -> None:
    person = world.person()
    dead(world, person, AddressFact.SOFT)
    tell(person, MessageKind.NEW_TRAINING)
    work_off()
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_of_a_mail_are_kept_as_they_were_sent(
    world: World, inbox: smtp.Inbox, wish: Wish, kind: MessageKind
) -> None:
    wish(sender_name="Harbour Training", reply_to="help@harbour.test")
    tell(world.person(), kind)
    work_off()
    (mail,) = inbox.mails
    db.session.rollback()
    kept = db.session.scalars(select(SentMail)).one()
    assert kept.text == smtp.text_of(mail).replace("\r\n", "\n")
    assert kept.subject == mail["Subject"]
    assert mail["Message-ID"].startswith(f"<{kept.header_id}@")
    assert mail["From"] == "Harbour Training <training@example.test>"
    assert mail["Reply-To"] == "help@harbour.test"
    assert (kept.sender, kept.reply_to) == ("Harbour Training", "help@harbour.test")
    message = db.session.scalars(select(Message)).one()
    assert message.mail_id == kept.id


def test_a_refused_mail_is_kept_too(world: World, inbox: smtp.Inbox) -> None:
    inbox.answers = ["550 5.1.1 unknown"]
    tell(world.person(), MessageKind.NEW_TRAINING)
    work_off()
    db.session.rollback()
    message = db.session.scalars(select(Message)).one()
    assert message.mail_id == db.session.scalars(select(SentMail.id)).one()
    assert message.ended_at == clock.now()
