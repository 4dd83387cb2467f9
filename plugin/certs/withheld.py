"""Which certificates an admin has set aside, as a condition."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased

from plugin.certs.models import CertificateEvent
from plugin.certs.rules import EventKind


def is_withheld(certificate_id: Any) -> ColumnElement[bool]:
    """The certificate is revoked, or suspended and not lifted since."""
    said, later = aliased(CertificateEvent), aliased(CertificateEvent)
    lifted = exists().where(
        later.certificate_id == said.certificate_id,
        later.kind == EventKind.LIFTED,
        later.id > said.id,
    )
    return exists().where(
        said.certificate_id == certificate_id,
        or_(
            said.kind == EventKind.REVOKED,
            and_(said.kind == EventKind.SUSPENDED, ~lifted),
        ),
    )
