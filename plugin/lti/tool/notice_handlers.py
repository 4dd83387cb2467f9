"""Asking LMSs to send us notices: one handler per kind and deployment."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.core.upsert import insert_absent
from plugin.lti.tool import services
from plugin.lti.tool.addresses import is_secure_address, notices_address
from plugin.lti.tool.answers import words_in
from plugin.lti.tool.claims import NOTICES_SCOPE as NOTICES
from plugin.lti.tool.models import Registration
from plugin.lti.tool.notice_claims import KNOWN_TYPES
from plugin.lti.tool.notice_models import NoticeHandler
from plugin.lti.tool.notices import MAX_BATCH
from plugin.lti.tool.services import ServiceError

PATIENCE = timedelta(days=1)
"""After a refusal a launch asks again no sooner."""
MAX_WORDS = 300


def note(
    tx: Tx,
    registration: Registration,
    deployment_id: str,
    offered: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """A launch named the service: every kind of notice we understand is asked for, as far as the
    LMS supports it. Safe to call again."""
    url = offered.get("notices")
    if not isinstance(url, str) or not is_secure_address(url):
        return
    wanted = notices_address(current_settings().tool_url, registration.uid)
    for kind in KNOWN_TYPES:
        if kind in offered.get("notice_types", ()):
            row = _kept(tx.session, registration, deployment_id, kind, url)
            is_patient = row.tried_at is not None and row.tried_at > now - PATIENCE
            if row.handler != wanted and not (row.problem and is_patient):
                tx.then(JobName.SUBSCRIBE_NOTICES, row.id)


def _kept(
    session: Session, registration: Registration, deployment_id: str, kind: str, url: str
) -> NoticeHandler:
    key = {
        "registration_id": registration.id,
        "deployment_id": deployment_id,
        "notice_type": kind,
    }
    row = {**key, "organization_id": registration.organization_id, "service_url": url}
    session.execute(insert_absent(session, NoticeHandler, [row], key=tuple(key)))
    found = session.scalars(select(NoticeHandler).filter_by(**key).with_for_update()).one()
    found.service_url = url
    return found


def subscribe(handler_id: int) -> None:
    """The LMS knows where to send these notices, or the page says why not. Safe to run again."""
    session = read_session()
    row = session.get_one(NoticeHandler, handler_id)
    registration = session.get_one(Registration, row.registration_id)
    wanted = notices_address(current_settings().tool_url, registration.uid)
    client = services.client_of(session, current_settings(), registration.id, row.deployment_id)
    url, kind = row.service_url, row.notice_type
    session.rollback()
    said = {"notice_type": kind, "handler": wanted, "max_batch_size": MAX_BATCH}
    problem = None
    try:
        reply = client.call(
            "PUT",
            url,
            scopes=[NOTICES],
            accept="application/json",
            content_type="application/json",
            body=said,
        )
        if reply.status not in services.OK:
            problem = services.told(reply.status, words_in(reply))
    except (OutgoingError, ServiceError) as error:
        problem = services.words_of_error(error)
    if problem:
        log.warning("notices.not_subscribed", handler_id=handler_id)
    _keep(handler_id, wanted, problem)


def _keep(handler_id: int, wanted: str, problem: str | None) -> None:
    with transaction() as tx:
        row = tx.session.get_one(NoticeHandler, handler_id, with_for_update=True)
        row.tried_at, row.problem = clock.now(), problem[:MAX_WORDS] if problem else None
        if problem is None:
            row.handler, row.subscribed_at = wanted, clock.now()


def ask_again(tx: Tx, registration_id: int | None = None) -> int:
    """Handlers that are not in place are asked for again: of one LMS, or nightly of all."""
    missing = select(NoticeHandler.id).where(
        or_(NoticeHandler.handler.is_(None), NoticeHandler.problem.is_not(None))
    )
    if registration_id is not None:
        missing = select(NoticeHandler.id).where(NoticeHandler.registration_id == registration_id)
    ids = tx.session.scalars(missing).all()
    tx.then_many(JobName.SUBSCRIBE_NOTICES, [(each,) for each in ids])
    return len(ids)


def handlers(session: Session, registration_id: int) -> Sequence[NoticeHandler]:
    """The notices an LMS offers, by deployment."""
    return session.scalars(
        select(NoticeHandler)
        .where(NoticeHandler.registration_id == registration_id)
        .order_by(NoticeHandler.deployment_id, NoticeHandler.notice_type)
    ).all()
