"""What Amazon SNS told is kept first; a job asks for its certificate, believes it, and answers.

No call leaves a request: the certificate is fetched and a subscription confirmed by the job.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from plugin.core import clock, http
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.core.upsert import insert_absent
from plugin.notify import bounce_actions, sns
from plugin.notify.bounces import UnknownFormError, from_json
from plugin.notify.mail_models import (
    AddressSource,
    TopicCertificate,
    TopicKind,
    TopicMessage,
    TopicState,
)
from plugin.notify.sns import TopicNews

PAUSES = tuple(timedelta(minutes=each) for each in (1, 5, 30, 120, 360, 720, 1440))
"""Between the tries; a subscription can be confirmed for three days."""
CERTIFICATE_LIFE = timedelta(days=7)
KEEP = timedelta(days=30)
UNSIGNED = "the signature is not of Amazon SNS"


def keep(tx: Tx, organization_id: int | None, news: TopicNews, *, now: datetime) -> None:
    """It is there once, however often it is told, and will be read."""
    row = {
        "organization_id": organization_id,
        "key": f"{organization_id or 0}:{news.topic}:{news.id}",
        "kind": news.kind,
        "topic": news.topic,
        "content": news.content,
        "state": TopicState.WAITING,
        "attempts": 0,
        "created_at": now,
    }
    insert = insert_absent(tx.session, TopicMessage, [row], key=("key",))
    new = tx.session.execute(insert.returning(TopicMessage.id)).one_or_none()
    if new is not None:
        tx.then(JobName.READ_TOPIC, new.id)


def subscriptions(session: Session, organization_id: int) -> Sequence[TopicMessage]:
    """The last word about the subscription of each topic."""
    last = (
        select(func.max(TopicMessage.id))
        .where(
            TopicMessage.organization_id == organization_id,
            TopicMessage.kind != TopicKind.NOTIFICATION,
        )
        .group_by(TopicMessage.topic)
    )
    return session.scalars(
        select(TopicMessage).where(TopicMessage.id.in_(last)).order_by(TopicMessage.topic)
    ).all()


def read(message_id: int) -> None:
    """It is believed and done, refused, or tried again later; safe to do twice."""
    session = read_session()
    row = session.get_one(TopicMessage, message_id)
    state, content, organization_id = row.state, row.content, row.organization_id
    session.rollback()
    news = sns.read((content or "").encode())
    if state is not TopicState.WAITING or news is None:
        return
    try:
        certificate = _certificate(news.certificate_url)
        if not sns.is_signed(news, certificate, now=clock.now()):
            _end(message_id, TopicState.REFUSED, UNSIGNED)
            return
        if news.visit_url is not None:
            _confirm(news.visit_url)
    except http.OutgoingError as error:
        _later(message_id, str(error))
        return
    if news.kind is TopicKind.NOTIFICATION:
        _record((content or "").encode(), organization_id)
    _end(message_id, TopicState.DONE, None)


def forget(session: Session, *, before: datetime) -> None:
    """What was read long ago is gone; what became of each subscription stays."""
    session.execute(
        delete(TopicMessage).where(
            TopicMessage.kind == TopicKind.NOTIFICATION, TopicMessage.ended_at < before
        )
    )


def _certificate(url: str) -> bytes:
    """The certificate at this address of SNS, asked for once a week."""
    session, now = read_session(), clock.now()
    known = session.execute(
        select(TopicCertificate.pem).where(
            TopicCertificate.url == url, TopicCertificate.fetched_at > now - CERTIFICATE_LIFE
        )
    ).scalar_one_or_none()
    session.rollback()
    if known is not None:
        return known.encode()
    reply = http.call(current_settings(), "GET", url)
    if reply.status != HTTPStatus.OK:
        raise http.OutgoingError(f"HTTP {reply.status} for the certificate")
    pem = reply.body.decode("ascii", "replace")
    with transaction() as tx:
        row = {"url": url, "pem": pem, "fetched_at": now}
        tx.session.execute(insert_absent(tx.session, TopicCertificate, [row], key=("url",)))
        tx.session.execute(
            update(TopicCertificate)
            .where(TopicCertificate.url == url)
            .values(pem=pem, fetched_at=now)
        )
    return reply.body


def _confirm(url: str) -> None:
    reply = http.call(current_settings(), "GET", url)
    if reply.status != HTTPStatus.OK:
        raise http.OutgoingError(f"HTTP {reply.status}")
    log.info("mail.subscription_confirmed")


def _record(content: bytes, organization_id: int | None) -> None:
    """What it says of bounces; a notification about anything else says nothing."""
    try:
        reports = from_json(content)
    except UnknownFormError:
        log.warning("mail.topic_form_unknown")
        return
    with transaction() as tx:
        bounce_actions.record(
            tx.session,
            reports,
            organization_id=organization_id,
            source=AddressSource.HOOK,
            now=clock.now(),
        )


def _end(message_id: int, state: TopicState, words: str | None) -> None:
    """It is over; its contents, which name people and hold tokens, are gone."""
    if state is not TopicState.DONE:
        log.warning("mail.topic_message_not_taken", topic_message_id=message_id, state=state)
    with transaction() as tx:
        tx.session.execute(
            update(TopicMessage)
            .where(TopicMessage.id == message_id, TopicMessage.state == TopicState.WAITING)
            .values(state=state, words=words, content=None, ended_at=clock.now())
        )


def _later(message_id: int, words: str) -> None:
    with transaction() as tx:
        row = tx.session.get_one(TopicMessage, message_id, with_for_update=True)
        if row.state is not TopicState.WAITING:
            return
        row.attempts, row.words = row.attempts + 1, words
        if row.attempts <= len(PAUSES):
            due_at = clock.now() + PAUSES[row.attempts - 1]
            tx.then(JobName.READ_TOPIC, message_id, due_at=due_at)
            return
        row.state, row.content, row.ended_at = TopicState.FAILED, None, clock.now()
