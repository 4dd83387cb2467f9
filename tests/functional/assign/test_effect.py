"""When a publish counts: at once, on a date, with a grace; and how certificates are switched on."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from plugin.assign import actions, drafting, queries
from plugin.assign import versions as published
from plugin.assign.actions import Effect
from plugin.assign.draft import CertificateWay, DraftRow
from plugin.assign.models import Configuration, VersionProgress
from plugin.certs.models import Certificate, Edition
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.jobs import reconcile
from plugin.notify.models import Message, MessageKind
from plugin.org.errors import FieldError
from plugin.org.models import Membership, MembershipSource
from tests.conftest import NOW
from tests.functional.assign.places import judge, messages, row, stored, training, versions
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World

TODAY = date(2027, 3, 10)


def publish(
    configuration_id: int, *rows: DraftRow, certificate: bool = True, **effect: object
) -> int:
    """The number of the next version, published with this effect."""
    with transaction() as tx:
        configuration = tx.session.get_one(Configuration, configuration_id)
        draft = queries.draft_of(tx.session, configuration)
        drafting.save_draft(
            tx.session,
            configuration,
            rows,
            certificate_on=certificate,
            revision=draft.revision,
            by=None,
            now=clock.now(),
        )
        return actions.publish(
            tx,
            configuration,
            by=None,
            reason="because",
            effect=Effect(**effect),  # type: ignore[arg-type]
            now=clock.now(),
        ).number


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


def certificates_mailed() -> int:
    db.session.rollback()
    kinds = [MessageKind.CERTIFICATE_ISSUED, MessageKind.CERTIFICATE_RENEWED]
    return len(db.session.scalars(select(Message).where(Message.kind.in_(kinds))).all())


def editions() -> list[Edition]:
    db.session.rollback()
    return list(db.session.scalars(select(Edition).order_by(Edition.id)))


def test_a_dated_publish_counts_from_local_midnight_and_not_before(world: World) -> None:
    site = world.unit(time_zone="Pacific/Auckland")
    done, coming, ada = world.module("A"), world.module("B"), world.person()
    world.member(ada, site)
    asked = training(site, row(done))
    world.completion(ada, done)
    judge()
    publish(asked, row(done), row(coming), effective_on=date(2027, 4, 1))
    midnight = datetime(2027, 3, 31, 11, tzinfo=UTC)
    assert versions(asked)[1].effective_at == midnight
    for at, is_valid in ((midnight - timedelta(seconds=1), True), (midnight, False)):
        with clock.at(at):
            judge()
            found = queries.standing_now(db.session(), world.organization.id, ada.id, asked, at)
            assert found.is_valid(at) is is_valid
            line = stored(ada, asked)
            assert line is not None
            assert line.complete is is_valid
    assert [message.kind for message in messages(ada)] == [MessageKind.NEW_REQUIREMENT]


def test_a_publish_replaces_one_that_was_to_take_effect_later(world: World) -> None:
    site, one, two, three = world.unit(), world.module("A"), world.module("B"), world.module("C")
    ada = world.person()
    world.member(ada, site)
    asked = training(site, row(one))
    publish(asked, row(one), row(two), effective_on=date(2027, 4, 1))
    publish(asked, row(one), row(three))
    judge()
    for at in (NOW, NOW + timedelta(days=60)):
        with clock.at(at):
            judge()
            found = queries.standing_now(db.session(), world.organization.id, ada.id, asked, at)
            assert found.number == 3
            assert {row.module_id for row in found.rows} == {one.id, three.id}


def test_two_dated_publishes_follow_one_another(world: World) -> None:
    site, one, two = world.unit(), world.module("A"), world.module("B")
    ada = world.person()
    world.member(ada, site)
    asked = training(site, row(one))
    publish(asked, row(two), effective_on=date(2027, 4, 1))
    publish(asked, row(one), row(two), effective_on=date(2027, 5, 1))
    for day, number in ((date(2027, 3, 20), 1), (date(2027, 4, 2), 2), (date(2027, 5, 2), 3)):
        with clock.at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)):
            judge()
            line = stored(ada, asked)
            assert line is not None
            assert line.version_id == versions(asked)[number - 1].id


@pytest.mark.parametrize(
    ("effect", "field"),
    [
        ({"effective_on": TODAY}, "effective_on"),
        ({"effective_on": date(2029, 4, 1)}, "effective_on"),
        ({"grace_until": TODAY - timedelta(days=1)}, "grace_until"),
        ({"grace_until": date(2029, 4, 1)}, "grace_until"),
        (
            {"grace_until": date(2027, 5, 1), "effective_on": date(2027, 4, 1)},
            "grace_until",
        ),
    ],
)
def test_days_that_make_no_sense_are_refused(
    world: World, effect: dict[str, date], field: str
) -> None:
    module = world.module()
    asked = training(world.unit(), row(module))
    with pytest.raises(FieldError) as refusal:
        publish(asked, row(module), **effect)
    assert refusal.value.field == field
    assert len(versions(asked)) == 1


def test_a_first_version_has_nothing_to_be_lenient_about(world: World) -> None:
    with transaction() as tx:
        unit = tx.session.merge(world.unit())
        asked = drafting.create_configuration(tx.session, unit, name="New", by=None, now=NOW).id
    with pytest.raises(FieldError):
        publish(asked, row(world.module()), grace_until=date(2027, 5, 1))


def test_a_grace_asks_by_mail_at_once_and_turns_invalid_when_it_is_over(world: World) -> None:
    site, done, coming, ada = world.unit(), world.module("A"), world.module("B"), world.person()
    world.member(ada, site)
    asked = training(site, row(done))
    world.completion(ada, done)
    judge()
    with clock.at(NOW + timedelta(hours=1)):
        publish(asked, row(done), row(coming), grace_until=date(2027, 3, 31))
        judge()
    (message,) = messages(ada)
    assert message.kind is MessageKind.NEW_TRAINING
    assert [module["due_on"] for module in message.facts["modules"]] == ["Mar 31, 2027"]
    line = stored(ada, asked)
    assert line is not None
    assert (line.complete, line.valid_through) == (True, date(2027, 3, 31))
    assert [each["reason"] for each in line.missing] == ["new_requirement"]


def test_a_grace_survives_being_stored(world: World) -> None:
    site, module = world.unit(), world.module()
    asked = training(site, row(module, validity_months=12))
    publish(
        asked,
        row(module, validity_months=6),
        apply_to_existing=True,
        grace_until=date(2027, 3, 31),
    )
    with transaction() as tx:
        configuration = tx.session.get_one(Configuration, asked)
        version = published.newest(tx.session, configuration)
        assert version is not None
        written = published.rows_of(version)
    found = queries.facts(
        db.session(),
        world.organization.id,
        person_ids=[0],
        configuration_ids=[asked],
        at=NOW,
    ).configurations[asked]
    assert found.rows == written
    assert written[0].grace is not None
    assert [term.validity_months for term in written[0].grace.terms] == [12]


def test_progress_counts_everybody_once_also_when_a_round_begins_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.assign.judgement.CHUNK", 2)
    site, module = world.unit(), world.module()
    for number in range(5):
        world.member(world.person(f"P{number} X"), site)
    asked = training(site, row(module))
    judge()
    (version,) = versions(asked)
    reconcile.everybody(now=clock.now())
    judge()
    progress = db.session.scalars(select(VersionProgress)).one()
    assert (progress.version_id, progress.people, progress.judged) == (version.id, 5, 5)
    assert progress.finished_at == NOW


@pytest.mark.parametrize(
    ("way", "count", "mails"),
    [(CertificateWay.MAIL, 1, 1), (CertificateWay.SILENT, 1, 0), (CertificateWay.FROM_NOW, 0, 0)],
)
def test_switching_on_treats_those_already_done_as_chosen(
    world: World, inbox: smtp.Inbox, way: CertificateWay, count: int, mails: int
) -> None:
    site, module, ada = world.unit(), world.module(), world.person()
    world.member(ada, site)
    asked = training(site, row(module, validity_months=12), certificate=False)
    world.completion(ada, module)
    judge()
    with clock.at(NOW + timedelta(days=1)):
        publish(asked, row(module, validity_months=12), certificates=way)
        work_off()
        assert (len(editions()), certificates_mailed()) == (count, mails)
        assert reconcile.run(now=clock.now())["issue_certificate"] == 0
    with clock.at(NOW + timedelta(days=30)):
        world.completion(ada, module)
        with transaction() as tx:
            tx.then(JobName.EVALUATE_PERSON, ada.id)
        work_off()
        assert len(editions()) == count + 1
        assert certificates_mailed() == mails + 1
        assert len(db.session.scalars(select(Certificate)).all()) == 1


def test_a_silent_membership_brings_training_without_a_mail(world: World) -> None:
    site, module = world.unit(), world.module()
    ada, bob = world.person("Ada Byron"), world.person("Bob Ross", email="bob@example.test")
    training(site, row(module))
    for person, silent in ((ada, True), (bob, False)):
        world.add(
            Membership(
                organization_id=site.organization_id,
                unit_id=site.id,
                person_id=person.id,
                source=MembershipSource.CSV,
                since_at=NOW,
                created_at=NOW,
                silent=silent,
            )
        )
    with transaction() as tx:
        tx.then(JobName.EVALUATE_PERSON, ada.id)
        tx.then(JobName.EVALUATE_PERSON, bob.id)
    judge()
    assert [message.person_id for message in messages()] == [bob.id]
