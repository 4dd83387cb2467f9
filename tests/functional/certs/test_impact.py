"""The numbers shown before a publish are the numbers that then happen (domain §6.1)."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from plugin.assign import actions, drafting, queries
from plugin.assign.actions import Effect, NextVersion
from plugin.assign.draft import CertificateWay, DraftRow
from plugin.assign.models import Configuration
from plugin.certs import actions as certificates
from plugin.certs.impact import Group, Impact, impact, names
from plugin.certs.models import Certificate, Edition
from plugin.certs.queries import events_of
from plugin.certs.rules import CertificateState, EditionKind, state
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import step
from plugin.notify import gate
from plugin.notify.letterhead import letterhead
from plugin.notify.mail_models import AddressEvent, AddressFact, AddressSource, MailSettings
from plugin.notify.models import Hindrance, Message, MessageKind
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.assign.places import row, training
from tests.functional.assign.test_equality import History
from tests.support.queries import counted
from tests.support.scale import scale
from tests.support.world import World

STEPS = [
    JobName.EVALUATE_PERSON,
    JobName.EVALUATE_PEOPLE,
    JobName.APPLY_VERSION,
    JobName.APPLY_RETRAINING,
    JobName.ISSUE_CERTIFICATE,
]


def work() -> None:
    """Judge and issue; nothing is printed or mailed, the rows for it are enough."""
    app: Flask = current_app._get_current_object()
    while True:
        db.session.rollback()
        row_id = db.session.scalar(
            select(OutboxRow.id)
            .where(
                OutboxRow.done_at.is_(None),
                OutboxRow.job.in_(STEPS),
                OutboxRow.due_at <= clock.now(),
            )
            .order_by(OutboxRow.id)
            .limit(1)
        )
        db.session.rollback()
        if row_id is None:
            return
        with app.app_context():
            step.run(row_id)


SWITCHABLE = [
    MessageKind.NEW_TRAINING,
    MessageKind.NEW_REQUIREMENT,
    MessageKind.EXPIRED,
    MessageKind.CERTIFICATE_RENEWED,
    MessageKind.CERTIFICATE_RESTORED,
]
UNREACHED = {Hindrance.NO_ADDRESS, Hindrance.DEAD_ADDRESS}


def bury(world: World, person: Person) -> None:
    """A mail server said that the person's address does not exist."""
    person.email = f"dead{person.id}@example.test"
    world.add(person)
    event = AddressEvent(
        organization_id=person.organization_id,
        person_id=person.id,
        address=person.email,
        fact=AddressFact.HARD,
        source=AddressSource.REPORT,
        words="550 5.1.1 unknown",
        at=NOW,
        seal=f"dead:{person.id}",
    )
    world.add(event)


def fate(kind: MessageKind, person_id: int) -> Hindrance | None:
    """What becomes of a mail of this kind to this person: what is queued, and then the gate."""
    session = db.session()
    person = session.get_one(Person, person_id)
    if person.email is None:
        return Hindrance.NO_ADDRESS
    head = letterhead(session, person.organization_id)
    return gate.hindrance(kind, gate.addressee(session, person_id), head)


class Life(History):
    """A history in which certificates are issued too, and sometimes withheld."""

    PEOPLE = 7

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        for person in self.people[::3]:
            person.email = None
            world.add(person)
        for person in self.people[1::3]:
            bury(world, person)
        dice = random.Random(seed)
        off = [kind.value for kind in SWITCHABLE if dice.random() < 0.4]
        organization_id = world.organization.id
        world.add(MailSettings(organization_id=organization_id, off_kinds=off, updated_at=NOW))
        work()

    def step(self) -> None:
        super().step()
        work()
        if self.dice.random() < 0.15:
            self.withhold()

    def withhold(self) -> None:
        found = db.session.scalars(select(Certificate)).all()
        if not found:
            return
        certificate_id = self.dice.choice(found).id
        with transaction() as tx:
            certificate = tx.session.get_one(Certificate, certificate_id)
            act = certificates.revoke if self.dice.random() < 0.3 else certificates.suspend
            try:
                act(tx, certificate, by=None, reason="seen", now=clock.now())
            except certificates.CertificateRevokedError:
                return

    def any_effect(self) -> Effect:
        day = clock.now().date() + timedelta(days=self.dice.randint(2, 40))
        return Effect(
            apply_to_existing=self.dice.random() < 0.5,
            certificates=self.dice.choice(list(CertificateWay)),
            **self.dice.choice([{}, {}, {"grace_until": day}, {"effective_on": day}]),
        )


def prepare(configuration_id: int, rows: list[DraftRow], *, on: bool) -> None:
    """Save these rows as the draft."""
    with transaction() as tx:
        configuration = tx.session.get_one(Configuration, configuration_id)
        drafting.save_draft(
            tx.session,
            configuration,
            rows,
            certificate_on=on,
            revision=queries.draft_of(tx.session, configuration).revision,
            by=None,
            now=clock.now(),
        )


def foresee(configuration_id: int, effect: Effect) -> tuple[Impact, NextVersion]:
    db.session.rollback()
    session = db.session()
    configuration = session.get_one(Configuration, configuration_id)
    draft = queries.draft_of(session, configuration)
    coming = actions.next_version(session, configuration, draft, effect, now=clock.now())
    return impact(session, configuration, coming), coming


def carry_out(configuration_id: int, effect: Effect) -> None:
    with transaction() as tx:
        configuration = tx.session.get_one(Configuration, configuration_id)
        actions.publish(
            tx, configuration, by=None, reason="because", effect=effect, now=clock.now()
        )


def holders(life: Life, configuration_id: int) -> dict[int, CertificateState]:
    """The state of each certificate of the configuration, as the rules have it now."""
    db.session.rollback()
    found = {}
    for certificate in db.session.scalars(
        select(Certificate).where(Certificate.configuration_id == configuration_id)
    ):
        events = events_of(db.session(), certificate)
        standing = queries.standing_now(
            db.session(),
            life.world.organization.id,
            certificate.person_id,
            configuration_id,
            clock.now(),
        )
        found[certificate.person_id] = state(events, standing, at=clock.now())
    return found


def happened(configuration_id: int, before: dict[str, Any], life: Life) -> dict[Group, int]:
    """What the publish did, read from the rows it left."""
    db.session.rollback()
    messages = db.session.scalars(select(Message).where(Message.id > before["message"])).all()
    editions = db.session.scalars(select(Edition).where(Edition.id > before["edition"])).all()
    waiting = db.session.scalars(
        select(OutboxRow).where(
            OutboxRow.id > before["step"],
            OutboxRow.job == JobName.ISSUE_CERTIFICATE,
            OutboxRow.done_at.is_(None),
        )
    ).all()
    kinds = Counter(edition.kind for edition in editions)
    owner = {each.id: each.person_id for each in db.session.scalars(select(Certificate))}
    proofs = [
        (certificates.MAIL_OF[each.kind], owner[each.certificate_id])
        for each in editions
        if not each.silent
    ]
    proofs += [(MessageKind.CERTIFICATE_RENEWED, each.args[0]) for each in waiting]
    news = [(message.kind, message.person_id) for message in messages]
    ends = {mail: fate(*mail) for mail in news + proofs}
    states = holders(life, configuration_id)
    valid_before = [who for who, was in before["states"].items() if was is CertificateState.VALID]
    return {
        Group.COVERED: before["covered"],
        Group.TRAINING_MAILS: sum(ends[mail] is None for mail in news),
        Group.TURN_INVALID: sum(states[who] is CertificateState.INVALID for who in valid_before),
        Group.END: sum(states[who] is CertificateState.ENDED for who in valid_before),
        Group.ISSUED: kinds[EditionKind.FIRST],
        Group.RESTORED: kinds[EditionKind.RESTORATION],
        Group.RENEWED: kinds[EditionKind.RENEWAL] + len(waiting),
        Group.CERTIFICATE_MAILS: sum(ends[mail] is None for mail in proofs),
        Group.WITHOUT_ADDRESS: len({who for (_, who), end in ends.items() if end in UNREACHED}),
        Group.SWITCHED_OFF: len(
            {who for (_, who), end in ends.items() if end is Hindrance.SWITCHED_OFF}
        ),
    }


def now_is(life: Life, configuration_id: int) -> dict[str, Any]:
    db.session.rollback()
    live = life.live(clock.now())
    return {
        "message": max(db.session.scalars(select(Message.id)).all(), default=0),
        "edition": max(db.session.scalars(select(Edition.id)).all(), default=0),
        "step": max(db.session.scalars(select(OutboxRow.id)).all(), default=0),
        "states": holders(life, configuration_id),
        "covered": sum(
            standing.covered for (_, which), standing in live.items() if which == configuration_id
        ),
    }


@pytest.mark.parametrize("seed", range(scale(10, usually=5, on_server=3)))
def test_what_is_shown_is_what_happens(world: World, seed: int) -> None:
    life = Life(world, seed)
    now = NOW
    for _ in range(14):
        now += timedelta(hours=life.dice.choice([1, 20, 200]))
        with clock.at(now):
            life.step()
    for _ in range(4):
        now += timedelta(days=45)
        configuration_id = life.dice.choice(life.configurations)
        with clock.at(now):
            work()
            for person in life.people * life.dice.randint(0, 3):
                life.complete(person)
                with transaction() as tx:
                    tx.then(JobName.EVALUATE_PERSON, person.id)
            work()
        now += timedelta(minutes=5)
        with clock.at(now):
            effect = life.any_effect()
            try:
                prepare(configuration_id, life.rows(), on=life.dice.random() < 0.8)
                shown, coming = foresee(configuration_id, effect)
            except actions.FieldError:
                continue
        with clock.at(coming.effective_at):
            before = now_is(life, configuration_id)
        with clock.at(now):
            carry_out(configuration_id, effect)
        with clock.at(coming.effective_at):
            work()
            found = happened(configuration_id, before, life)
        assert {group: shown.counts[group] for group in found} == found
        assert shown.mails == found[Group.TRAINING_MAILS] + found[Group.CERTIFICATE_MAILS]
        now = coming.effective_at


def test_example_11_four_hundred_are_ready_when_the_certificate_is_switched_on(
    world: World,
) -> None:
    site, module = world.unit(), world.module()
    asked = training(site, row(module), certificate=False)
    for number in range(40):
        person = world.person(f"P{number} X")
        world.member(person, site)
        world.completion(person, module)
    work()
    with clock.at(NOW + timedelta(hours=1)):
        prepare(asked, [row(module)], on=True)
        shown, _ = foresee(asked, Effect())
        assert (shown.counts[Group.ISSUED], shown.mails) == (40, 40)
        carry_out(asked, Effect())
        work()
    assert len(db.session.scalars(select(Edition)).all()) == 40


def test_switched_on_without_a_required_row_nothing_is_issued(world: World) -> None:
    site, module = world.unit(), world.module()
    asked = training(site, row(module), certificate=False)
    prepare(asked, [], on=True)
    shown, _ = foresee(asked, Effect())
    assert set(shown.counts.values()) == {0}


def test_the_counts_can_be_opened_to_names_and_cost_the_same_for_any_number(world: World) -> None:
    site, done, coming_module = world.unit(), world.module("A"), world.module("B")
    asked = training(site, row(done))
    for number in range(12):
        person = world.person(f"P{number:02} X")
        world.member(person, site)
        world.completion(person, done)
    work()
    with clock.at(NOW + timedelta(hours=1)):
        prepare(asked, [row(done), row(coming_module, due_days=30)], on=True)
        shown, coming = foresee(asked, Effect())
        assert shown.counts[Group.TURN_INVALID] == shown.counts[Group.NEWLY_OBLIGED] == 12
        assert shown.first_due == (NOW + timedelta(days=30)).date()
        with counted() as statements:
            configuration = db.session.get_one(Configuration, asked)
            listed = names(
                db.session(), configuration, coming, Group.TURN_INVALID, offset=10, limit=10
            )
        assert [name for _, name in listed] == ["P10 X", "P11 X"]
        assert len(statements) <= 4


def test_a_grace_shows_who_is_at_risk_and_until_when(world: World) -> None:
    site, done, more = world.unit(), world.module("A"), world.module("B")
    asked = training(site, row(done, validity_months=12))
    ada, bob = world.person("Ada Byron"), world.person("Bob Ross", email="bob@example.test")
    for person in (ada, bob):
        world.member(person, site)
        world.completion(person, done)
    world.completion(bob, more)
    work()
    with clock.at(NOW + timedelta(hours=1)):
        effect = Effect(grace_until=(NOW + timedelta(days=20)).date())
        prepare(asked, [row(done, validity_months=12), row(more)], on=True)
        shown, _ = foresee(asked, effect)
    assert shown.counts[Group.TURN_INVALID] == 0
    assert shown.counts[Group.AT_RISK] == 1
    assert shown.first_due == shown.first_end == effect.grace_until
