"""Notices of LMSs: verified like an id_token, kept once, applied by a job."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.secrets import hash_of
from plugin.core.upsert import insert_open
from plugin.lti.tool import copies, pylti, queries, validation
from plugin.lti.tool.errors import DeploymentUnknownError, NonceError
from plugin.lti.tool.models import Registration
from plugin.lti.tool.notice_claims import Notice, read_notice
from plugin.lti.tool.notice_models import LmsNotice
from plugin.lti.tool.pylti import FindKey
from plugin.lti.tool.trust_queries import Trust

MAX_BATCH = 100
"""Notices in one message; each LMS is asked not to send more."""
MAX_AGE = timedelta(hours=1)
"""A notice may have waited in the LMS's queue for longer than a launch does."""
KEEP = timedelta(days=90)
"""How long a notice is known by its id: longer than any LMS goes on repeating one."""


def verify(token: str, trust: Trust, *, find_key: FindKey, now: datetime) -> Notice:
    """What the LMS says, proven: signature by kid, issuer, audience, times; raises an LtiError."""
    header, claims = validation.split_token(token)
    pylti.check_signature(token, find_key(validation.key_id(header)))
    validation.check_audience(claims, issuer=trust.issuer, client_id=trust.client_id)
    validation.check_times(claims, now=now, max_age=MAX_AGE)
    return read_notice(claims)


def keep(tx: Tx, trust: Trust, notice: Notice, *, now: datetime) -> None:
    """The notice is known and will be applied, once. One that is known already changes nothing;
    another one in the same wrapping is a replay."""
    session = tx.session
    if not queries.is_deployment(session, trust.id, notice.deployment_id):
        raise DeploymentUnknownError(trust.uid, notice.deployment_id)
    if _known(session, trust, notice) is not None:
        return
    insert_open(session, LmsNotice, [_row(trust, notice, now)])
    kept = _known(session, trust, notice)
    if kept is None:
        raise NonceError
    tx.then(JobName.APPLY_NOTICE, kept)


def _row(trust: Trust, notice: Notice, now: datetime) -> dict[str, Any]:
    return {
        "organization_id": trust.organization_id,
        "registration_id": trust.id,
        "deployment_id": notice.deployment_id,
        "notice_id": notice.id,
        "notice_type": notice.type,
        "nonce_hash": hash_of(notice.once),
        "said": {
            "context": {"id": notice.context.id, "title": notice.context.title},
            "origins": list(notice.origins),
        },
        "received_at": now,
    }


def _known(session: Session, trust: Trust, notice: Notice) -> int | None:
    return session.scalar(
        select(LmsNotice.id).where(
            LmsNotice.registration_id == trust.id,
            LmsNotice.deployment_id == notice.deployment_id,
            LmsNotice.notice_id == notice.id,
        )
    )


def apply(tx: Tx, notice_id: int, *, now: datetime) -> None:
    """What the notice says is known: a course is a copy of others. Safe to call again."""
    notice = tx.session.get_one(LmsNotice, notice_id, with_for_update=True)
    if notice.applied_at is not None:
        return
    registration = tx.session.get_one(Registration, notice.registration_id)
    said: Mapping[str, Any] = notice.said
    copies.hear_of(
        tx,
        registration,
        notice.deployment_id,
        context_id=said["context"]["id"],
        title=said["context"]["title"],
        origins=said["origins"],
        now=now,
    )
    notice.applied_at = now


def forget(session: Session, *, before: datetime) -> None:
    """Applied notices received before this moment are gone; the courses they told of stay."""
    session.execute(
        delete(LmsNotice).where(LmsNotice.applied_at.is_not(None), LmsNotice.received_at < before)
    )
