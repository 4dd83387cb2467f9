"""What a mail still has to say when it leaves: of training, and of certificates."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign import news
from plugin.certs.actions import MAIL_OF
from plugin.certs.decided import held_by
from plugin.certs.models import Certificate, CertificateEvent
from plugin.certs.rules import EventKind
from plugin.notify.models import CancelReason, Message
from plugin.notify.parcels import Verdict

GIVEN = frozenset(MAIL_OF.values())


def reread(session: Session, messages: Sequence[Message], now: datetime) -> dict[int, Verdict]:
    """What each of one person's messages has to say now, or why it has nothing to say any more.

    Nobody is given a certificate by mail that was revoked meanwhile: they hear of that instead.
    """
    verdicts = news.reread(session, messages, now, held=held_by)
    given = {each.id: each.facts["credential_id"] for each in messages if each.kind in GIVEN}
    if given:
        revoked = _revoked(session, messages[0].organization_id, sorted(given.values()))
        verdicts |= {
            each: CancelReason.SUPERSEDED for each, name in given.items() if name in revoked
        }
    return verdicts


def _revoked(session: Session, organization_id: int, names: Sequence[str]) -> frozenset[str]:
    found = session.scalars(
        select(Certificate.credential_id)
        .join(CertificateEvent, CertificateEvent.certificate_id == Certificate.id)
        .where(
            Certificate.organization_id == organization_id,
            Certificate.credential_id.in_(names),
            CertificateEvent.kind == EventKind.REVOKED,
        )
    )
    return frozenset(found)
