"""Every row whose next row is missing gets it: the same steps, asked for again."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from plugin.assign.models import ConfigurationVersion, StoredStanding
from plugin.certs import actions as certificates
from plugin.certs.models import Certificate, Edition
from plugin.core import clock, outbox
from plugin.core.db import db, transaction
from plugin.core.outbox import QUEUE_OF, JobName, OutboxRow
from plugin.jobs import reconcile
from plugin.modules.models import Completion
from plugin.notify.mail_models import TopicKind, TopicMessage, TopicState
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Membership, MembershipSource
from plugin.scorm.models import Package, PackageState
from tests.support import smtp, story
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


def lose(*jobs: JobName) -> None:
    """The steps of these kinds were never written, or their rows are gone."""
    db.session.rollback()
    db.session.execute(delete(OutboxRow).where(OutboxRow.job.in_(jobs)))
    db.session.commit()


def repair() -> dict[str, int]:
    db.session.rollback()
    found = reconcile.run(now=clock.now())
    return {name: number for name, number in found.items() if number}


def count_of_everything() -> tuple[int, int, int]:
    db.session.rollback()
    issued = select(func.count(Message.id)).where(Message.kind == MessageKind.CERTIFICATE_ISSUED)
    return (
        db.session.scalar(select(func.count(Certificate.id))) or 0,
        db.session.scalar(select(func.count(Edition.id))) or 0,
        db.session.scalar(issued) or 0,
    )


def test_nothing_missing_means_nothing_is_asked_for(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    story.complete(told.person, told.module)
    work_off()
    assert repair() == {}
    assert count_of_everything() == (1, 1, 1)


def test_a_version_that_was_never_applied_is_applied(world: World, inbox: smtp.Inbox) -> None:
    story.begin(world)
    lose(JobName.APPLY_VERSION)
    assert repair() == {"apply_version": 1}
    work_off()
    assert db.session.scalar(select(func.count(StoredStanding.id))) == 1
    assert repair() == {}


def test_a_completion_nobody_judged_is_judged(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    work_off()
    with clock.at(clock.now() + timedelta(hours=1)):
        story.complete(told.person, told.module)
        lose(JobName.EVALUATE_PERSON)
        assert repair() == {"evaluate_person": 1}
        work_off()
    assert count_of_everything() == (1, 1, 1)


def test_many_judged_in_one_step_are_not_judged_again(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    others = [world.person(f"P{number} X") for number in range(3)]
    ids = [person.id for person in others]
    lose(JobName.EVALUATE_PERSON)
    with transaction() as tx:
        unit = tx.session.merge(told.unit)
        for person_id in ids:
            tx.session.add(
                Membership(
                    organization_id=unit.organization_id,
                    unit_id=unit.id,
                    person_id=person_id,
                    source=MembershipSource.CSV,
                    since_at=clock.now(),
                    created_at=clock.now(),
                )
            )
        outbox.evaluate_people(tx.session, [*ids, told.person.id])
    work_off()
    assert db.session.scalar(select(func.count(StoredStanding.id))) == 4
    assert repair() == {}
    lose(JobName.EVALUATE_PEOPLE)
    assert repair() == {"evaluate_person": 4}


def test_a_membership_that_ended_unseen_is_judged(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    work_off()
    with clock.at(clock.now() + timedelta(hours=1)):
        membership = db.session.scalars(select(Membership)).one()
        membership.until_at = clock.now()
        db.session.commit()
        assert repair() == {"evaluate_person": 1}
        work_off()
    standing = db.session.scalars(select(StoredStanding)).one()
    assert (standing.person_id, standing.covered) == (told.person.id, False)


def test_a_valid_standing_without_a_certificate_gets_it(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    work_off()
    story.complete(told.person, told.module)
    _work_until(JobName.ISSUE_CERTIFICATE)
    lose(JobName.ISSUE_CERTIFICATE)
    assert repair() == {"issue_certificate": 1}
    work_off()
    assert count_of_everything() == (1, 1, 1)
    assert repair() == {}


def test_an_edition_without_its_pdf_is_rendered(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    work_off()
    story.complete(told.person, told.module)
    _work_until(JobName.RENDER_EDITION)
    lose(JobName.RENDER_EDITION)
    assert repair() == {"render_edition": 1}
    work_off()
    assert count_of_everything() == (1, 1, 1)


def test_a_message_nobody_was_going_to_send_is_sent_once(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    work_off()
    story.complete(told.person, told.module)
    _work_until(JobName.DELIVER_MESSAGE)
    lose(JobName.DELIVER_MESSAGE)
    inbox.mails.clear()
    assert repair() == {"deliver_message": 1}
    work_off()
    assert len(inbox.mails) == 1
    assert repair() == {}


def test_a_message_in_a_dead_senders_hands_is_asked_for_when_its_time_is_over(
    world: World, inbox: smtp.Inbox
) -> None:
    story.begin(world)
    work_off()
    message = db.session.scalars(select(Message)).one()
    message.state, message.claimed_at = MessageState.SENDING, clock.now()
    db.session.commit()
    assert repair() == {}
    with clock.at(clock.now() + timedelta(minutes=6)):
        assert repair() == {"deliver_message": 1}


def test_a_version_that_was_applied_to_some_only_is_applied_again(
    world: World, inbox: smtp.Inbox
) -> None:
    story.begin(world)
    work_off()
    version_id = db.session.scalars(select(ConfigurationVersion.id)).one()
    with clock.at(clock.now() + timedelta(hours=1)):
        world.add(given_up(JobName.APPLY_VERSION, version_id, 500))
        assert repair() == {"apply_version": 1}
        work_off()
        assert repair() == {}


def test_a_version_that_comes_into_force_long_after_its_publishing_is_applied(
    world: World, inbox: smtp.Inbox
) -> None:
    story.begin(world)
    work_off()
    version_id = db.session.scalars(select(ConfigurationVersion.id)).one()
    later = clock.now() + timedelta(days=60)
    lose(JobName.APPLY_VERSION)
    db.session.execute(update(ConfigurationVersion).values(effective_at=later))
    db.session.commit()
    assert repair() == {}
    with clock.at(later + timedelta(days=1)):
        assert repair() == {"apply_version": 1}
    steps = db.session.scalars(select(OutboxRow).where(OutboxRow.done_at.is_(None))).all()
    assert [step.args for step in steps] == [[version_id, 0]]


def test_a_step_that_was_given_up_is_asked_for_again(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    work_off()
    with clock.at(clock.now() + timedelta(hours=1)):
        story.complete(told.person, told.module)
        step = db.session.scalars(select(OutboxRow).where(OutboxRow.done_at.is_(None))).one()
        step.failed_at = clock.now()
        db.session.commit()
        assert repair() == {"evaluate_person": 1}


def test_a_withheld_certificate_is_left_alone_until_it_is_lifted(
    world: World, inbox: smtp.Inbox
) -> None:
    told = story.begin(world)
    story.complete(told.person, told.module)
    work_off()
    certificate = db.session.scalars(select(Certificate)).one()
    with transaction() as tx:
        found = tx.session.get_one(Certificate, certificate.id)
        certificates.suspend(tx, found, by=None, reason="Test", now=clock.now())
    db.session.execute(update(StoredStanding).values(valid_through=date(2099, 1, 1), ends_at=None))
    db.session.commit()
    assert repair() == {}
    with transaction() as tx:
        found = tx.session.get_one(Certificate, certificate.id)
        certificates.lift(tx, found, by=None, reason="Test", now=clock.now())
    lose(JobName.ISSUE_CERTIFICATE)
    assert repair() == {"issue_certificate": 1}


def test_an_erased_certificate_is_never_printed(world: World, inbox: smtp.Inbox) -> None:
    told = story.begin(world)
    work_off()
    story.complete(told.person, told.module)
    _work_until(JobName.RENDER_EDITION)
    lose(JobName.RENDER_EDITION)
    certificate = db.session.scalars(select(Certificate)).one()
    certificates.erase(db.session, certificate, by=None, now=clock.now())
    db.session.commit()
    assert repair() == {}


def test_a_package_nobody_imports_is_imported(world: World, inbox: smtp.Inbox) -> None:
    package = Package(
        organization_id=world.organization.id,
        filename="course.zip",
        sha256="",
        size=0,
        upload_key="uploads/1/course.zip",
        state=PackageState.IMPORTING,
        findings=[],
        created_at=clock.now(),
    )
    world.add(package)
    assert repair() == {"import_package": 1}
    assert repair() == {}


def test_news_of_a_mail_service_that_nobody_reads_are_read(world: World, inbox: smtp.Inbox) -> None:
    news = TopicMessage(
        organization_id=world.organization.id,
        key="1:topic:1",
        kind=TopicKind.NOTIFICATION,
        topic="arn:aws:sns:eu-west-1:1:bounces",
        content="{}",
        state=TopicState.WAITING,
        attempts=0,
        created_at=clock.now(),
    )
    world.add(news)
    assert repair() == {"read_topic": 1}
    assert repair() == {}


def test_many_missing_steps_are_asked_for_in_chunks_each_once(
    world: World, inbox: smtp.Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "CHUNK", 3)
    people = [world.person(f"Person {number}") for number in range(8)]
    module = world.module()
    for person in people:
        world.completion(person, module)
    assert repair() == {"evaluate_person": 8}
    steps = db.session.scalars(select(OutboxRow.args).order_by(OutboxRow.id)).all()
    assert steps == [[person.id] for person in people]
    assert repair() == {}


def test_the_number_of_statements_does_not_grow_with_what_is_missing(
    world: World, inbox: smtp.Inbox
) -> None:
    module = world.module()

    def statements_for(number: int) -> int:
        for each in range(number):
            world.completion(world.person(f"Person {each}"), module)
        with counted() as statements:
            assert repair() == {"evaluate_person": number}
        return len(statements)

    assert statements_for(2) == statements_for(40)


def test_asking_twice_asks_once(world: World, inbox: smtp.Inbox) -> None:
    story.begin(world)
    lose(JobName.APPLY_VERSION)
    assert repair() == {"apply_version": 1}
    assert repair() == {}


def test_comparing_everybody_applies_each_newest_version_in_chunks(
    world: World, inbox: smtp.Inbox
) -> None:
    told = story.begin(world)
    work_off()
    story.complete(told.person, told.module)
    work_off()
    standing = db.session.scalars(select(StoredStanding)).one()
    standing.complete, standing.valid_through = False, None
    db.session.commit()
    assert reconcile.everybody(now=clock.now()) == 1
    work_off()
    db.session.refresh(standing)
    assert standing.complete
    assert db.session.scalar(select(func.count(Completion.id))) == 1
    assert count_of_everything() == (1, 1, 1)


def given_up(job: JobName, *args: int) -> OutboxRow:
    """A step that failed once too often."""
    now = clock.now()
    return OutboxRow(
        job=job, args=list(args), queue=QUEUE_OF[job], created_at=now, due_at=now, failed_at=now
    )


def _work_until(job: JobName) -> None:
    """Do what is due until a step of this kind waits."""
    waiting = select(func.count(OutboxRow.id)).where(
        OutboxRow.job == job, OutboxRow.done_at.is_(None)
    )
    while not db.session.scalar(waiting):
        assert work_off(limit=1, patient=True) == 1
