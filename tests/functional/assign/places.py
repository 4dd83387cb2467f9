"""Training in the tests' world, made by the product's own actions, and what came of it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select

from plugin.assign import actions, drafting, queries
from plugin.assign.draft import DraftRow
from plugin.assign.facts import RowStatus
from plugin.assign.models import Configuration, ConfigurationVersion, StoredStanding
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import step
from plugin.modules import actions as module_actions
from plugin.modules import retraining
from plugin.modules.models import Module
from plugin.notify.models import Message
from plugin.org.models import Person, Unit

JUDGING = [
    JobName.EVALUATE_PERSON,
    JobName.EVALUATE_PEOPLE,
    JobName.APPLY_VERSION,
    JobName.APPLY_RETRAINING,
]
REQUIRED, OPTIONAL, HIDDEN = RowStatus.REQUIRED, RowStatus.OPTIONAL, RowStatus.HIDDEN


def row(module: Module, status: RowStatus = REQUIRED, **what: Any) -> DraftRow:
    return DraftRow(module_id=module.id, status=status, **what)


def training(
    unit: Unit,
    *rows: DraftRow,
    certificate: bool = True,
    name: str = "Basic safety",
) -> int:
    """The id of a new configuration of the unit, published with these rows."""
    with transaction() as tx:
        created = drafting.create_configuration(
            tx.session, tx.session.merge(unit), name=name, by=None, now=clock.now()
        )
        configuration_id = created.id
    publish(configuration_id, *rows, certificate=certificate)
    return configuration_id


def publish(
    configuration_id: int,
    *rows: DraftRow,
    certificate: bool = True,
    apply_to_existing: bool = False,
    effect: actions.Effect | None = None,
) -> int:
    """The id of the next version of the configuration, with these rows."""
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
            reason="as the regulation asks",
            apply_to_existing=apply_to_existing,
            effect=effect,
            now=clock.now(),
        ).id


def new_version(module: Module) -> int:
    """The module has a version more; its number."""
    module_id = module.id
    with transaction() as tx:
        known = tx.session.get_one(Module, module_id)
        return module_actions.add_version(
            tx.session, known, package_id=None, by=None, now=clock.now()
        ).number


def learn_anew(module: Module, number: int, from_on: date | None, *, by: int) -> int:
    """The id of the decision: from that day on the version is required; None: equivalent."""
    module_id = module.id
    with transaction() as tx:
        known = tx.session.get_one(Module, module_id)
        version = retraining.version_of(tx.session, known, number)
        before = retraining.decisions(tx.session, known).get(version.id, retraining.EQUIVALENT)
        return retraining.decide(
            tx, version, from_on, known_id=before.id, by=by, reason="safer", now=clock.now()
        ).id


def evaluate_later(person: Person) -> None:
    """What every changed fact about a person asks for."""
    person_id = person.id
    with transaction() as tx:
        tx.then(JobName.EVALUATE_PERSON, person_id)


def stored(person: Person, configuration_id: int) -> StoredStanding | None:
    db.session.rollback()
    return db.session.scalar(
        select(StoredStanding).where(
            StoredStanding.person_id == person.id,
            StoredStanding.configuration_id == configuration_id,
        )
    )


def versions(configuration_id: int) -> Sequence[ConfigurationVersion]:
    db.session.rollback()
    return db.session.scalars(
        select(ConfigurationVersion)
        .where(ConfigurationVersion.configuration_id == configuration_id)
        .order_by(ConfigurationVersion.number)
    ).all()


def messages(person: Person | None = None) -> Sequence[Message]:
    db.session.rollback()
    statement = select(Message).order_by(Message.id)
    if person is not None:
        statement = statement.where(Message.person_id == person.id)
    return db.session.scalars(statement).all()


def steps(job: JobName) -> list[list[int]]:
    """The arguments of every step of this kind that was ever asked for, in order."""
    db.session.rollback()
    return [
        list(args)
        for args in db.session.scalars(
            select(OutboxRow.args).where(OutboxRow.job == job).order_by(OutboxRow.id)
        )
    ]


def judge(*also: JobName) -> int:
    """Run every due step that judges people (and `also` these), and those they cause; how many."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    done = 0
    while True:
        db.session.rollback()
        row_id = db.session.scalar(
            select(OutboxRow.id)
            .where(
                OutboxRow.done_at.is_(None),
                OutboxRow.job.in_([*JUDGING, *also]),
                OutboxRow.due_at <= clock.now(),
            )
            .order_by(OutboxRow.id)
            .limit(1)
        )
        db.session.rollback()
        if row_id is None:
            return done
        with app.app_context():
            step.run(row_id)
        done += 1
