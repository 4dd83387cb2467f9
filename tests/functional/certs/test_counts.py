"""Mails are counted: what was asked for, once each, and nothing that nobody asked for."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from plugin.assign.actions import Effect
from plugin.assign.models import StoredStanding
from plugin.certs.impact import Group
from plugin.certs.models import Certificate, Edition
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import evaluate_people
from plugin.modules.history import Past, record_history
from plugin.modules.models import Module
from plugin.notify.mail_models import MailSettings
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Membership, MembershipSource, Organization, Person, Unit
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, publish, row, training
from tests.functional.certs.test_impact import bury, carry_out, foresee, prepare
from tests.support import smtp
from tests.support.days import at, pass_by, subjects
from tests.support.scale import STEPS, scale
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once

DAY = timedelta(days=1)
HISTORY = scale(50_000, usually=2_000)
SWITCHED_ON = scale(20_000, usually=24, on_server=16)
PERIODS = scale(2_400, usually=48)


def crowd(world: World, unit: Unit, people: int, *, silent: bool = False) -> list[int]:
    """The ids of so many members of the unit."""
    organization_id = world.organization.id
    everybody = [
        Person(
            organization_id=organization_id,
            given_name=f"P{number}",
            family_name="X",
            full_name=f"P{number} X",
            email=f"p{number}@example.test",
            created_at=NOW,
        )
        for number in range(people)
    ]
    db.session.add_all(everybody)
    db.session.flush()
    ids = [person.id for person in everybody]
    db.session.add_all(
        Membership(
            organization_id=organization_id,
            unit_id=unit.id,
            person_id=each,
            source=MembershipSource.CSV,
            since_at=NOW - 2 * DAY,
            created_at=NOW - 2 * DAY,
            silent=silent,
        )
        for each in ids
    )
    db.session.commit()
    return ids


def import_history(
    world: World, module: Module, people: list[int], days: Sequence[int] = (), **how: bool
) -> int:
    """Everybody passed so many `days` ago, or on some day of the last 400: a month have run out."""
    organization_id, module_id = world.organization.id, module.id
    ago = days or [1 + number % 400 for number in range(len(people))]
    pasts = [
        Past(
            person_id=person_id,
            module_id=module_id,
            happened_at=NOW - ago[number] * DAY,
            score=0.9,
        )
        for number, person_id in enumerate(people)
    ]
    with transaction() as tx:
        organization = tx.session.get_one(Organization, organization_id)
        return record_history(
            tx, organization, pasts, evidence="register.csv", by=None, now=clock.now(), **how
        )


def kinds() -> Counter[MessageKind]:
    db.session.rollback()
    return Counter(db.session.scalars(select(Message.kind)))


def states() -> Counter[MessageState]:
    db.session.rollback()
    return Counter(db.session.scalars(select(Message.state)))


def test_an_import_of_history_mails_nobody_and_reminders_come_when_their_day_comes(
    world: World, inbox: smtp.Inbox
) -> None:
    unit, module = world.unit(), world.module()
    people = crowd(world, unit, HISTORY, silent=True)
    asked = training(unit, row(module, validity_months=12), certificate=False)
    work_off()
    assert import_history(world, module, people) == HISTORY
    assert import_history(world, module, people) == 0, "the same file again says nothing new"
    at(NOW)
    at(NOW + timedelta(hours=6))
    standing = StoredStanding
    counted = select(func.count()).where(standing.configuration_id == asked, standing.complete)
    assert db.session.scalar(counted) == HISTORY
    ended = db.session.scalar(counted.where(standing.ends_at <= NOW))
    assert ended is not None
    assert ended > HISTORY // 20
    assert kinds() == Counter()
    assert subjects(inbox) == []
    tomorrow = NOW + DAY
    with clock.at(tomorrow):
        due = db.session.scalar(
            select(func.count()).where(standing.notice_at <= tomorrow, standing.complete)
        )
    at(tomorrow)
    assert kinds().total() == due == len(subjects(inbox))
    assert kinds()[MessageKind.EXPIRED] == pytest.approx(HISTORY / 400, abs=1)


def test_history_makes_certificates_without_mail_unless_it_is_asked_to_tell(
    world: World, inbox: smtp.Inbox
) -> None:
    unit, module = world.unit(), world.module()
    people = crowd(world, unit, 6, silent=True)
    training(unit, row(module, validity_months=24))
    work_off()
    import_history(world, module, people[:3])
    work_off()
    assert subjects(inbox) == []
    import_history(world, module, people[3:], tells_people=True)
    work_off()
    assert len(subjects(inbox)) == 3
    editions = db.session.scalars(select(Edition).order_by(Edition.id)).all()
    assert [edition.silent for edition in editions] == [True] * 3 + [False] * 3
    assert all(edition.rendered_at for edition in editions)


def test_people_who_are_imported_with_their_history_known_are_not_mailed_either(
    world: World, inbox: smtp.Inbox
) -> None:
    unit, module = world.unit(), world.module()
    training(unit, row(module, validity_months=24))
    work_off()
    ids = crowd(world, world.unit("Elsewhere"), 2)
    import_history(world, module, ids)
    work_off()
    with clock.at(NOW + timedelta(hours=1)):
        for person_id, silent in zip(ids, (True, False), strict=True):
            person = db.session.get_one(Person, person_id)
            member = world.member(person, unit)
            member.silent = silent
            world.add(member)
            evaluate_later(person)
        work_off()
    assert subjects(inbox) == ["Your certificate for Basic safety"]


def test_a_retake_after_imported_history_is_mailed(world: World, inbox: smtp.Inbox) -> None:
    unit, module = world.unit(), world.module()
    (person_id,) = crowd(world, unit, 1, silent=True)
    training(unit, row(module, validity_months=12))
    work_off()
    import_history(world, module, [person_id])
    work_off()
    with clock.at(NOW + 3 * DAY):
        person = db.session.get_one(Person, person_id)
        world.completion(person, module)
        evaluate_later(person)
        work_off()
    assert subjects(inbox) == ["Your renewed certificate for Basic safety"]


def test_the_toggle_mails_exactly_whom_the_impact_names(world: World, inbox: smtp.Inbox) -> None:
    unit, module = world.unit(), world.module()
    asked = training(unit, row(module, validity_months=12), certificate=False)
    people = crowd(world, unit, SWITCHED_ON, silent=True)
    import_history(world, module, people, days=[1 + each % 300 for each in range(SWITCHED_ON)])
    crowd(world, unit, 5, silent=True)
    work_off(STEPS)
    with clock.at(NOW + timedelta(hours=1)):
        prepare(asked, [row(module, validity_months=12)], on=True)
        shown, _ = foresee(asked, Effect())
        carry_out(asked, Effect())
        work_off(STEPS)
        work_off(STEPS)
    assert shown.counts[Group.ISSUED] == shown.mails == SWITCHED_ON
    assert subjects(inbox) == ["Your certificate for Basic safety"] * SWITCHED_ON
    assert db.session.scalar(select(func.count()).select_from(Certificate)) == SWITCHED_ON


def test_mails_the_impact_leaves_out_are_the_ones_that_do_not_leave(
    world: World, inbox: smtp.Inbox
) -> None:
    unit, done, more = world.unit(), world.module(), world.module("More")
    asked = training(unit, row(done))
    people = crowd(world, unit, 6, silent=True)
    for person_id in people[:4]:
        world.completion(db.session.get_one(Person, person_id), done)
    with transaction() as tx:
        evaluate_people(tx.session, people)
    work_off()
    bury(world, db.session.get_one(Person, people[0]))
    bury(world, db.session.get_one(Person, people[4]))
    off = [MessageKind.NEW_TRAINING.value]
    organization_id = world.organization.id
    world.add(MailSettings(organization_id=organization_id, off_kinds=off, updated_at=NOW))
    before = len(inbox.mails)
    with clock.at(NOW + timedelta(hours=1)):
        prepare(asked, [row(done), row(more)], on=True)
        shown, _ = foresee(asked, Effect())
        carry_out(asked, Effect())
        work_off()
    assert shown.mails == len(inbox.mails) - before == 3, "told of the certificate it took"
    assert shown.counts[Group.SWITCHED_OFF] == states()[MessageState.SUPPRESSED] == 2
    assert shown.counts[Group.WITHOUT_ADDRESS] == states()[MessageState.UNDELIVERABLE] == 1


def passed_over_the_year(world: World) -> tuple[Unit, Module, int]:
    """People who passed one month after another, as many in each; the first eleven months ago."""
    unit, module = world.unit(), world.module()
    asked = training(unit, row(module, validity_months=12))
    ids = crowd(world, unit, PERIODS)
    days = [1 + 30 * (number % 12) for number in range(PERIODS)]
    import_history(world, module, ids, days=days, tells_people=True)
    work_off(STEPS)
    assert db.session.scalar(select(func.count()).select_from(Certificate)) == PERIODS
    return unit, module, asked


def test_a_shorter_period_changes_nothing_for_what_was_passed_before(
    world: World, inbox: smtp.Inbox
) -> None:
    """Domain §9.8."""
    _unit, module, asked = passed_over_the_year(world)
    subjects(inbox)
    before = db.session.scalar(select(func.count()).select_from(Edition))
    with clock.at(NOW + timedelta(hours=1)):
        prepare(asked, [row(module, validity_months=6)], on=True)
        shown, _ = foresee(asked, Effect())
        carry_out(asked, Effect())
        work_off(STEPS)
    assert shown.mails == 0
    at(NOW + timedelta(hours=2))
    assert subjects(inbox) == []
    assert db.session.scalar(select(func.count()).select_from(Edition)) == before


def test_a_shorter_period_for_existing_completions_tells_each_whose_certificate_it_ends(
    world: World, inbox: smtp.Inbox
) -> None:
    _unit, module, asked = passed_over_the_year(world)
    subjects(inbox)
    effect = Effect(apply_to_existing=True)
    with clock.at(NOW + timedelta(hours=1)):
        prepare(asked, [row(module, validity_months=6)], on=True)
        shown, _ = foresee(asked, effect)
        carry_out(asked, effect)
        work_off(STEPS)
    assert shown.counts[Group.TURN_INVALID] == shown.mails >= PERIODS // 3
    arrived = subjects(inbox)
    assert arrived == ["Your training ran out: Basic safety"] * shown.mails
    pass_by(datetime(2027, 3, 11, 9, tzinfo=UTC), 3)
    expired = select(Message.person_id).where(Message.kind == MessageKind.EXPIRED)
    told = db.session.scalars(expired).all()
    assert len(told) == len(set(told)) >= shown.mails, "who has been told is not told again"


def test_a_higher_pass_mark_for_existing_completions_tells_each_whose_certificate_it_ends(
    world: World, inbox: smtp.Inbox
) -> None:
    unit, module = world.unit(), world.module()
    ids = crowd(world, unit, 4)
    asked = training(unit, row(module, validity_months=12, pass_mark=0.5))
    for number, person_id in enumerate(ids):
        person = db.session.get_one(Person, person_id)
        world.completion(person, module, score=0.6 if number < 3 else 0.9)
        evaluate_later(person)
    work_off()
    subjects(inbox)
    with clock.at(NOW + DAY):
        publish(asked, row(module, validity_months=12, pass_mark=0.8), apply_to_existing=True)
        work_off()
    assert subjects(inbox) == ["Your certificate for North Quay is not valid any more"] * 3


def test_a_renewal_that_waited_for_the_night_is_mailed_in_the_morning(
    world: World, inbox: smtp.Inbox
) -> None:
    unit, module, other = world.unit(), world.module("A"), world.module("B")
    (person_id,) = crowd(world, unit, 1)
    person = db.session.get_one(Person, person_id)
    training(unit, row(module, validity_months=12), row(other, validity_months=12))
    world.completion(person, module, happened_at=NOW - 40 * DAY)
    world.completion(person, other, happened_at=NOW - 30 * DAY)
    evaluate_later(person)
    work_off()
    with clock.at(NOW + timedelta(hours=2)):
        world.completion(person, module)
        evaluate_later(person)
        work_off()
    subjects(inbox)
    night = datetime(2027, 3, 11, 0, 5, tzinfo=UTC)
    with clock.at(night):
        work_off()
    assert db.session.scalar(select(func.count()).select_from(Edition)) == 2
    assert subjects(inbox) == []
    with clock.at(night + timedelta(hours=9)):
        work_off()
    assert subjects(inbox) == ["Your renewed certificate for Basic safety"]
