"""What a decision about a version does: people are judged by it, and told, a chunk at a time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign.fetch import Facts, facts
from plugin.assign.judgement import refresh_standings
from plugin.assign.models import ConfigurationRow, ConfigurationVersion
from plugin.assign.news import to_learn_anew
from plugin.assign.standing import RowStanding, RowState, Standing
from plugin.assign.statement import in_force
from plugin.assign.validity import morning
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.modules.models import Completion, Retraining
from plugin.notify.actions import NewMessage, queue_messages
from plugin.notify.models import MessageKind
from plugin.org.models import Person

CHUNK = 500


def apply(tx: Tx, retraining_id: int, after_person_id: int, *, now: datetime) -> Sequence[int]:
    """The next people by id who completed the module are judged, and told that it has to be learned
    anew, each once; the step after these is under way. Returns who was judged."""
    decided = tx.session.get_one(Retraining, retraining_id)
    now = max(now, decided.decided_at)  # our clock may be behind the decider's
    people = _people(tx.session, decided, after_person_id)
    trainings = _trainings(tx.session, decided, now)
    if people and trainings:
        refresh_standings(tx, decided.organization_id, trainings, people, now=now)
        if decided.from_on is not None:
            _tell(tx, decided, trainings, people, now=now)
    if len(people) == CHUNK:
        tx.then(JobName.APPLY_RETRAINING, retraining_id, people[-1])
    return people


def _people(session: Session, decided: Retraining, after: int) -> Sequence[int]:
    return session.scalars(
        select(Completion.person_id)
        .where(Completion.module_id == decided.module_id, Completion.person_id > after)
        .distinct()
        .order_by(Completion.person_id)
        .limit(CHUNK)
    ).all()


def _trainings(session: Session, decided: Retraining, at: datetime) -> Sequence[int]:
    """The configurations that list the module now."""
    return session.scalars(
        select(ConfigurationVersion.configuration_id)
        .join(ConfigurationRow, ConfigurationRow.version_id == ConfigurationVersion.id)
        .where(
            ConfigurationVersion.organization_id == decided.organization_id,
            ConfigurationRow.module_id == decided.module_id,
            in_force(at),
        )
        .order_by(ConfigurationVersion.configuration_id)
    ).all()


def _tell(
    tx: Tx, decided: Retraining, trainings: Sequence[int], people: Sequence[int], *, now: datetime
) -> None:
    found = facts(
        tx.session,
        decided.organization_id,
        person_ids=people,
        configuration_ids=trainings,
        at=now,
        history=False,
    )
    lines = tx.session.execute(select(Person.id, Person.locale).where(Person.id.in_(people)))
    locales = {line.id: line.locale for line in lines}
    at = max(now, found.recorded_at or now)  # facts we can read have been learned by now
    messages = [
        _message(found, decided, standing, person_id, locales[person_id], now=now)
        for person_id in people
        for configuration_id in sorted(found.configurations)
        if is_told(standing := found.standing(person_id, configuration_id, at), decided.id)
    ]
    queue_messages(tx, decided.organization_id, messages, now=now)


def is_told(standing: Standing, retraining_id: int) -> bool:
    """Whether the decision ends what satisfies something that is required of the person."""
    return standing.covered and any(
        row.retraining is not None and row.retraining.id == retraining_id
        for row in ending(standing)
    )


def ending(standing: Standing) -> Sequence[RowStanding]:
    """What still counts and ends because a newer version has to be learned."""
    return [
        row
        for row in standing.rows
        if row.status == "required" and row.state is RowState.SATISFIED and row.retraining
    ]


def _message(
    found: Facts,
    decided: Retraining,
    standing: Standing,
    person_id: int,
    locale: str | None,
    *,
    now: datetime,
) -> NewMessage:
    locale = locale or found.lines[standing.configuration_id].locale
    return NewMessage(
        person_id=person_id,
        kind=MessageKind.NEW_TRAINING,
        key=f"retraining:{person_id}:{standing.configuration_id}:{decided.id}",
        facts=to_learn_anew(found, standing, decided.id, locale),
        not_before=morning(now, standing.zone),
        zone=standing.zone,
        cause=f"retraining:{decided.id}",
    )
