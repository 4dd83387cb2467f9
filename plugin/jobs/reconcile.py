"""Find every row whose next row is missing, and ask for the same step again.

Nothing is done here: steps are queued, and each of them is harmless to run again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from sqlalchemy import exists, func, or_, select, union_all
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration, ConfigurationVersion, StoredStanding
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.rules import EventKind
from plugin.core import queue
from plugin.core.context import current_settings
from plugin.core.db import transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import dispatch
from plugin.modules.models import Completion
from plugin.notify.actions import CLAIM_LIFE
from plugin.notify.models import Message, MessageState
from plugin.org.models import Membership
from plugin.scorm.models import Package, PackageState

RECENT = timedelta(days=6)
"""Shorter than done steps are kept, so a fact this young must still have its step."""
LIMIT = 10_000

Wanted = Iterable[tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The steps the outbox remembers: those still to do, and when each was last asked for."""

    live: frozenset[tuple[JobName, tuple[int, ...]]]
    asked: dict[tuple[JobName, tuple[int, ...]], datetime]


def run(*, now: datetime, lost_at_once: bool = False) -> dict[str, int]:
    """Queue every missing step; returns how many of each kind."""
    repaired = {"lost": _release_lost(now, lost_at_once=lost_at_once)}
    for job, find in FINDERS.items():
        with transaction() as tx:
            known = _known(tx.session, job)
            missing = [
                args for args in find(tx.session, known, now) if (job, args) not in known.live
            ]
            tx.then_many(job, missing)
        repaired[job.value] = len(missing)
    return repaired


def everybody(*, now: datetime) -> int:
    """Every configuration's newest version is applied anew, in chunks; returns how many."""
    with transaction() as tx:
        versions = tx.session.scalars(
            select(Configuration.current_version_id)
            .join(ConfigurationVersion, ConfigurationVersion.id == Configuration.current_version_id)
            .where(ConfigurationVersion.effective_at <= now)
        ).all()
        tx.then_many(
            JobName.APPLY_VERSION, [(version, 0) for version in versions if version is not None]
        )
    return len(versions)


def _release_lost(now: datetime, *, lost_at_once: bool) -> int:
    settings = current_settings()
    if not settings.redis_url:
        return 0
    after = timedelta(0) if lost_at_once else dispatch.LOST_AFTER
    try:
        return dispatch.reap(queue.connect(settings), now=now, lost_after=after)
    except redis.RedisError:
        return 0


def _known(session: Session, job: JobName) -> Known:
    rows = session.execute(
        select(OutboxRow.args, OutboxRow.created_at, OutboxRow.done_at).where(
            OutboxRow.job == job, OutboxRow.failed_at.is_(None)
        )
    )
    live, asked = set(), dict[tuple[JobName, tuple[int, ...]], datetime]()
    for args, created_at, done_at in rows:
        key = (job, tuple(args))
        asked[key] = max(created_at, asked.get(key, created_at))
        if done_at is None:
            live.add(key)
    return Known(live=frozenset(live), asked=asked)


def _people(session: Session, known: Known, now: datetime) -> Wanted:
    """A completion, or the beginning or end of a membership, that nobody was asked to judge."""
    since = now - RECENT
    happened = union_all(
        select(Completion.person_id, Completion.learned_at.label("at")).where(
            Completion.learned_at > since
        ),
        select(Membership.person_id, Membership.created_at).where(Membership.created_at > since),
        select(Membership.person_id, Membership.until_at).where(
            Membership.until_at > since, Membership.until_at <= now
        ),
    ).subquery()
    news = session.execute(
        select(happened.c.person_id, func.max(happened.c.at).label("at"))
        .group_by(happened.c.person_id)
        .order_by(happened.c.person_id)
        .limit(LIMIT)
    )
    return [
        (person_id,)
        for person_id, at in news
        if known.asked.get((JobName.EVALUATE_PERSON, (person_id,)), since) < at
    ]


def _versions(session: Session, known: Known, now: datetime) -> Wanted:
    """A version in force that was never applied."""
    versions = session.scalars(
        select(ConfigurationVersion.id)
        .join(Configuration, Configuration.current_version_id == ConfigurationVersion.id)
        .where(
            ConfigurationVersion.published_at > now - RECENT,
            ConfigurationVersion.effective_at <= now,
        )
        .limit(LIMIT)
    )
    return [
        (version, 0)
        for version in versions
        if (JobName.APPLY_VERSION, (version, 0)) not in known.asked
    ]


def _certificates(session: Session, known: Known, now: datetime) -> Wanted:  # noqa: ARG001
    """A valid standing whose facts no edition prints yet."""
    printed = exists().where(
        Edition.certificate_id == Certificate.id,
        Edition.issued_at >= StoredStanding.continuous_since_at,
        or_(
            Edition.valid_through.is_(None),
            Edition.valid_through >= StoredStanding.valid_through,
        ),
    )
    withheld = exists().where(
        CertificateEvent.certificate_id == Certificate.id,
        CertificateEvent.kind == EventKind.REVOKED,
    )
    rows = session.execute(
        select(StoredStanding.person_id, StoredStanding.configuration_id)
        .join(Configuration, Configuration.id == StoredStanding.configuration_id)
        .join(ConfigurationVersion, ConfigurationVersion.id == StoredStanding.version_id)
        .outerjoin(
            Certificate,
            (Certificate.person_id == StoredStanding.person_id)
            & (Certificate.configuration_id == StoredStanding.configuration_id),
        )
        .where(
            StoredStanding.covered,
            StoredStanding.complete,
            or_(StoredStanding.ends_at.is_(None), StoredStanding.ends_at > now),
            StoredStanding.continuous_since_at.is_not(None),
            ConfigurationVersion.certificate_on,
            Configuration.archived_at.is_(None),
            Certificate.erased_at.is_(None),
            ~printed,
            ~withheld,
        )
        .limit(LIMIT)
    )
    return [(row.person_id, row.configuration_id) for row in rows]


def _editions(session: Session, known: Known, now: datetime) -> Wanted:  # noqa: ARG001
    """An edition without its PDF."""
    ids = session.scalars(select(Edition.id).where(Edition.rendered_at.is_(None)).limit(LIMIT))
    return [(each,) for each in ids]


def _messages(session: Session, known: Known, now: datetime) -> Wanted:  # noqa: ARG001
    """A message nobody is going to send."""
    ids = session.scalars(
        select(Message.id)
        .where(
            or_(
                Message.state == MessageState.QUEUED,
                (Message.state == MessageState.SENDING) & (Message.claimed_at < now - CLAIM_LIFE),
            ),
            Message.not_before <= now,
        )
        .order_by(Message.id)
        .limit(LIMIT)
    )
    return [(each,) for each in ids]


def _packages(session: Session, known: Known, now: datetime) -> Wanted:  # noqa: ARG001
    """A package whose import nobody is doing."""
    ids = session.scalars(
        select(Package.id).where(Package.state == PackageState.IMPORTING).limit(LIMIT)
    )
    return [(each,) for each in ids]


FINDERS: dict[JobName, Callable[[Session, Known, datetime], Wanted]] = {
    JobName.EVALUATE_PERSON: _people,
    JobName.APPLY_VERSION: _versions,
    JobName.ISSUE_CERTIFICATE: _certificates,
    JobName.RENDER_EDITION: _editions,
    JobName.DELIVER_MESSAGE: _messages,
    JobName.IMPORT_PACKAGE: _packages,
}
