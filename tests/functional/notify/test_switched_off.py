"""Whose access is switched off while mail waits for them is mailed nothing any more."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.notify import delivery
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org import people_actions
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.functional.notify.test_gate import KINDS, outcomes, tell
from tests.support import smtp
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World

CANCELLED = ("cancelled", "deactivated")


def switch_off(world: World, person: Person, *, on: bool = False) -> None:
    organization_id, person_id, by = person.organization_id, person.id, world.person("Ali Admin").id
    act = people_actions.reactivate_many if on else people_actions.deactivate_many
    with transaction() as tx:
        chosen = select(Person.id).where(Person.id == person_id)
        assert act(tx, organization_id, chosen, by=by, reason="left", now=clock.now()) == 1


def test_only_a_revocation_still_reaches_who_was_deactivated_meanwhile(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    for kind in KINDS:
        zone = "Europe/London" if kind in {MessageKind.REMINDER, MessageKind.EXPIRED} else None
        tell_news(person, kind, zone)
    switch_off(world, person)
    work_off()
    said = outcomes()
    assert said.pop(MessageKind.CERTIFICATE_REVOKED) == ("sent", None)
    assert set(said.values()) == {CANCELLED}
    (mail,) = inbox.mails
    assert str(mail["Subject"]).endswith("is revoked")


def tell_news(person: Person, kind: MessageKind, zone: str | None) -> None:
    tell(person, kind)
    message = db.session.scalars(select(Message).where(Message.kind == kind)).one()
    message.zone = zone
    db.session.commit()


def test_what_a_dead_sender_left_half_sent_ends_too(
    world: World, inbox: smtp.Inbox, app: Flask
) -> None:
    person = world.person()
    tell(person, MessageKind.CERTIFICATE_ISSUED)
    message = db.session.scalars(select(Message)).one()
    message.state, message.claimed_at = MessageState.SENDING, clock.now().replace(hour=0)
    message_id = message.id
    db.session.commit()
    switch_off(world, person)
    with app.app_context():
        delivery.deliver(message_id)
    assert outcomes() == {MessageKind.CERTIFICATE_ISSUED: CANCELLED}
    assert inbox.mails == []


def test_who_is_let_in_again_before_it_leaves_gets_their_mail(
    world: World, inbox: smtp.Inbox
) -> None:
    person = world.person()
    tell(person, MessageKind.CERTIFICATE_ISSUED)
    switch_off(world, person)
    switch_off(world, person, on=True)
    work_off()
    assert len(inbox.mails) == 1


def test_an_entry_merged_into_another_is_nobody_who_left(world: World, inbox: smtp.Inbox) -> None:
    """Their certificate is still theirs: the two entries are one person."""
    person = world.person()
    tell(person, MessageKind.CERTIFICATE_ISSUED)
    survivor = world.person("Ada Lovelace", email="ada.l@example.test")
    person.merged_into_id, person.deactivated_at = survivor.id, clock.now()
    world.add(person)
    work_off()
    assert outcomes() == {MessageKind.CERTIFICATE_ISSUED: ("sent", None)}


def test_the_ledger_says_why_it_was_not_sent(
    world: World, inbox: smtp.Inbox, client: FlaskClient
) -> None:
    person = world.person()
    tell(person, MessageKind.NEW_TRAINING)
    switch_off(world, person)
    work_off()
    admin = world.person("Mia Admin", email="mia@example.test")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    message_id = db.session.scalars(select(Message.id)).one()
    page = read(client.get(f"/admin/mail/{message_id}").text).words
    assert "Not needed any more" in page
    assert "The person’s access was switched off before." in page
