"""Which certificates an admin has set aside, as a condition."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased

from plugin.certs.models import CertificateEvent
from plugin.certs.rules import EventKind


def is_withheld(certificate_id: Any) -> ColumnElement[bool]:
    """The certificate is revoked, or suspended and not lifted since."""
    later = aliased(CertificateEvent)
    lifted = exists().where(
        later.certificate_id == CertificateEvent.certificate_id,
        later.kind == EventKind.LIFTED,
        later.id > CertificateEvent.id,
    )
    return exists().where(
        CertificateEvent.certificate_id == certificate_id,
        or_(
            CertificateEvent.kind == EventKind.REVOKED,
            and_(CertificateEvent.kind == EventKind.SUSPENDED, ~lifted),
        ),
    )
