"""Find every row whose next row is missing, and ask for the same step again.

Nothing is done here: steps are queued, and each of them is harmless to run again. Each search is
one statement that also knows which steps are still to do.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import redis
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from plugin.assign.models import Configuration, ConfigurationVersion, StoredStanding, Waiver
from plugin.assign.statement import in_force
from plugin.certs.models import Certificate, Edition
from plugin.certs.withheld import is_withheld
from plugin.core import queue
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.outbox import JobName, OutboxRow, QueueName, as_urgent_as
from plugin.jobs import dispatch, set_back
from plugin.modules.models import Completion, Retraining
from plugin.notify.actions import CLAIM_LIFE
from plugin.notify.mail_models import TopicMessage, TopicState
from plugin.notify.models import ManagerRound, Message, MessageState
from plugin.org.import_models import ImportState, PersonImport
from plugin.org.models import Membership
from plugin.scorm.models import Package, PackageState

RECENT = timedelta(days=6)
"""Shorter than done steps are kept, so a fact this young must still have its step."""
CHUNK = 1000

Missing = Any
"""A SELECT of the arguments of the steps that are missing."""


def run(*, now: datetime, lost_at_once: bool = False) -> dict[str, int]:
    """Queue every missing step; returns how many of each kind."""
    lost = set_back.forget_the_future(now=now) + _release_lost(now, lost_at_once=lost_at_once)
    repaired = {"lost": lost}
    for job, missing in FINDERS.items():
        repaired[job.value] = _ask(job, missing(now))
    return repaired


def everybody(*, now: datetime) -> int:
    """Every configuration's newest version is applied anew, in chunks; returns how many."""
    return _ask(
        JobName.APPLY_VERSION,
        _versions_in_force(now),
    )


def _ask(job: JobName, missing: Missing) -> int:
    session = read_session()
    found = [tuple(row) for row in session.execute(missing)]
    session.rollback()
    for start in range(0, len(found), CHUNK):
        with as_urgent_as(QueueName.BULK), transaction() as tx:
            tx.then_many(job, found[start : start + CHUNK])
    return len(found)


def _release_lost(now: datetime, *, lost_at_once: bool) -> int:
    settings = current_settings()
    if not settings.redis_url:
        return 0
    after = timedelta(0) if lost_at_once else dispatch.LOST_AFTER
    try:
        return dispatch.reap(queue.connect(settings), now=now, lost_after=after)
    except redis.RedisError:
        return 0


def _argument(position: int) -> ColumnElement[int]:
    return cast(OutboxRow.args[position].as_string(), BigInteger)


def _steps(job: JobName, *, arguments: int = 1) -> Subquery:
    """What the outbox knows of this step, by its first arguments.

    `live`: how many are still to do. `begun_at`: when the newest that was not given up was asked
    for (of a step that goes on in chunks: its first chunk). `failed_at`: when one was given up.
    """
    by = [_argument(position).label(f"id{position}") for position in range(arguments)]
    is_kept: ColumnElement[bool] = OutboxRow.failed_at.is_(None)
    if job in {JobName.APPLY_VERSION, JobName.APPLY_RETRAINING}:
        is_kept &= _argument(1) == 0
    return _summary(by, is_kept).where(OutboxRow.job == job).group_by(*by).subquery()


def _judgings() -> Subquery:
    """The same of the steps that judge people, alone or many at once, by person."""
    is_postgresql = read_session().get_bind().dialect.name == "postgresql"
    each: Any = func.jsonb_array_elements_text if is_postgresql else func.json_each
    people = each(OutboxRow.args).table_valued("value")
    person_id = cast(people.c.value, BigInteger)
    return (
        _summary([person_id.label("id0")], OutboxRow.failed_at.is_(None))
        .select_from(OutboxRow)
        .join(people, true())
        .where(OutboxRow.job.in_((JobName.EVALUATE_PERSON, JobName.EVALUATE_PEOPLE)))
        .group_by(person_id)
        .subquery()
    )


def _summary(by: Sequence[ColumnElement[int]], is_kept: ColumnElement[bool]) -> Select[Any]:
    columns: list[ColumnElement[Any]] = [
        *by,
        func.count()
        .filter(OutboxRow.done_at.is_(None), OutboxRow.failed_at.is_(None))
        .label("live"),
        func.max(OutboxRow.created_at).filter(is_kept).label("begun_at"),
        func.max(OutboxRow.failed_at).label("failed_at"),
    ]
    return select(*columns)


def _is_idle(steps: Subquery) -> ColumnElement[bool]:
    return func.coalesce(steps.c.live, 0) == 0


def _people(now: datetime) -> Missing:
    """A completion, or the beginning or end of a membership or waiver, that nobody has judged."""
    since = now - RECENT
    happened = union_all(
        select(Completion.person_id, Completion.learned_at.label("at")).where(
            Completion.learned_at > since
        ),
        select(Membership.person_id, Membership.created_at).where(Membership.created_at > since),
        select(Membership.person_id, Membership.until_at).where(
            Membership.until_at > since, Membership.until_at <= now
        ),
        select(Waiver.person_id, Waiver.from_at).where(
            Waiver.from_at > since, Waiver.from_at <= now
        ),
        select(Waiver.person_id, Waiver.ended_at).where(
            Waiver.ended_at > since, Waiver.ended_at <= now
        ),
    ).subquery()
    newest = (
        select(happened.c.person_id, func.max(happened.c.at).label("at"))
        .group_by(happened.c.person_id)
        .subquery()
    )
    steps = _judgings()
    return (
        select(newest.c.person_id)
        .outerjoin(steps, steps.c.id0 == newest.c.person_id)
        .where(
            or_(steps.c.begun_at.is_(None), steps.c.begun_at < newest.c.at),
            _is_idle(steps),
        )
        .order_by(newest.c.person_id)
    )


def _versions_in_force(now: datetime) -> Missing:
    return select(ConfigurationVersion.id, literal(0)).where(in_force(now))


def _versions(now: datetime) -> Missing:
    """A version in force that was never applied, or not to everybody."""
    steps = _steps(JobName.APPLY_VERSION)
    return (
        _versions_in_force(now)
        .outerjoin(steps, steps.c.id0 == ConfigurationVersion.id)
        .where(
            ConfigurationVersion.effective_at > now - RECENT,
            or_(steps.c.begun_at.is_(None), steps.c.begun_at < steps.c.failed_at),
            _is_idle(steps),
        )
        .order_by(ConfigurationVersion.id)
    )


def _retrainings(now: datetime) -> Missing:
    """A decision about a version that was never applied, or not to everybody."""
    steps = _steps(JobName.APPLY_RETRAINING)
    return (
        select(Retraining.id, literal(0))
        .outerjoin(steps, steps.c.id0 == Retraining.id)
        .where(
            Retraining.decided_at > now - RECENT,
            or_(steps.c.begun_at.is_(None), steps.c.begun_at < steps.c.failed_at),
            _is_idle(steps),
        )
        .order_by(Retraining.id)
    )


def _certificates(now: datetime) -> Missing:
    """A valid standing whose facts no edition prints yet."""
    steps = _steps(JobName.ISSUE_CERTIFICATE, arguments=2)
    standing = StoredStanding
    return (
        select(standing.person_id, standing.configuration_id)
        .join(Configuration, Configuration.id == standing.configuration_id)
        .join(ConfigurationVersion, ConfigurationVersion.id == standing.version_id)
        .outerjoin(
            Certificate,
            (Certificate.person_id == standing.person_id)
            & (Certificate.configuration_id == standing.configuration_id),
        )
        .outerjoin(
            steps,
            (steps.c.id0 == standing.person_id) & (steps.c.id1 == standing.configuration_id),
        )
        .where(
            standing.covered,
            standing.complete,
            or_(standing.ends_at.is_(None), standing.ends_at > now),
            standing.continuous_since_at.is_not(None),
            ConfigurationVersion.certificate_on,
            Configuration.archived_at.is_(None),
            Certificate.erased_at.is_(None),
            or_(
                ConfigurationVersion.issue_from_at.is_(None),
                Certificate.id.is_not(None),
                standing.proved_at >= ConfigurationVersion.issue_from_at,
            ),
            ~_is_printed(),
            ~is_withheld(Certificate.id),
            _is_idle(steps),
        )
        .order_by(standing.person_id, standing.configuration_id)
    )


def _is_printed() -> ColumnElement[bool]:
    return exists().where(
        Edition.certificate_id == Certificate.id,
        Edition.issued_at >= StoredStanding.continuous_since_at,
        or_(
            Edition.valid_through.is_(None),
            Edition.valid_through >= StoredStanding.valid_through,
        ),
    )


def _editions(now: datetime) -> Missing:  # noqa: ARG001
    """An edition without its PDF, and so without its mail."""
    steps = _steps(JobName.RENDER_EDITION)
    return (
        select(Edition.id)
        .join(Certificate, Certificate.id == Edition.certificate_id)
        .outerjoin(steps, steps.c.id0 == Edition.id)
        .where(Edition.rendered_at.is_(None), Certificate.erased_at.is_(None), _is_idle(steps))
        .order_by(Edition.id)
    )


def _messages(now: datetime) -> Missing:
    """A message nobody is going to send."""
    steps = _steps(JobName.DELIVER_MESSAGE)
    return (
        select(Message.id)
        .outerjoin(steps, steps.c.id0 == Message.id)
        .where(
            or_(
                Message.state == MessageState.QUEUED,
                (Message.state == MessageState.SENDING) & (Message.claimed_at < now - CLAIM_LIFE),
            ),
            Message.not_before <= now,
            _is_idle(steps),
        )
        .order_by(Message.id)
    )


def _rounds(now: datetime) -> Missing:  # noqa: ARG001
    """Managers who were to be told and were not."""
    steps = _steps(JobName.TELL_MANAGERS)
    return (
        select(ManagerRound.id)
        .outerjoin(steps, steps.c.id0 == ManagerRound.id)
        .where(ManagerRound.told_at.is_(None), _is_idle(steps))
        .order_by(ManagerRound.id)
    )


def _packages(now: datetime) -> Missing:  # noqa: ARG001
    """A package whose import nobody is doing."""
    steps = _steps(JobName.IMPORT_PACKAGE)
    return (
        select(Package.id)
        .outerjoin(steps, steps.c.id0 == Package.id)
        .where(Package.state == PackageState.IMPORTING, _is_idle(steps))
        .order_by(Package.id)
    )


def _topics(now: datetime) -> Missing:  # noqa: ARG001
    """A message of a mail service's topic that nobody is reading."""
    steps = _steps(JobName.READ_TOPIC)
    return (
        select(TopicMessage.id)
        .outerjoin(steps, steps.c.id0 == TopicMessage.id)
        .where(TopicMessage.state == TopicState.WAITING, _is_idle(steps))
        .order_by(TopicMessage.id)
    )


def _imports(job: JobName, *states: ImportState) -> Missing:
    """An import of people in one of these states that nobody is doing."""
    steps = _steps(job)
    return (
        select(PersonImport.id)
        .outerjoin(steps, steps.c.id0 == PersonImport.id)
        .where(PersonImport.state.in_(states), _is_idle(steps))
        .order_by(PersonImport.id)
    )


def _checks(now: datetime) -> Missing:  # noqa: ARG001
    return _imports(JobName.CHECK_IMPORT, ImportState.UPLOADED, ImportState.CHECKING)


def _applications(now: datetime) -> Missing:  # noqa: ARG001
    return _imports(JobName.APPLY_IMPORT, ImportState.APPLYING)


FINDERS: dict[JobName, Callable[[datetime], Missing]] = {
    JobName.EVALUATE_PERSON: _people,
    JobName.APPLY_VERSION: _versions,
    JobName.APPLY_RETRAINING: _retrainings,
    JobName.ISSUE_CERTIFICATE: _certificates,
    JobName.RENDER_EDITION: _editions,
    JobName.DELIVER_MESSAGE: _messages,
    JobName.TELL_MANAGERS: _rounds,
    JobName.IMPORT_PACKAGE: _packages,
    JobName.READ_TOPIC: _topics,
    JobName.CHECK_IMPORT: _checks,
    JobName.APPLY_IMPORT: _applications,
}
