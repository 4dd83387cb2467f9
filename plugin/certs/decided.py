"""What admins decided about a person's certificates, for the pages of the training itself."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.certs.models import Certificate, CertificateEvent
from plugin.certs.rules import EventFacts, withheld_by, withheld_since
from plugin.certs.verdict import withheld_words
from plugin.certs.withheld import is_withheld


def held_by(session: Session, person_id: int, at: datetime) -> frozenset[int]:
    """The configurations whose certificate the person has, and no admin withholds at `at`."""
    found = session.scalars(
        select(Certificate.configuration_id).where(
            Certificate.person_id == person_id,
            Certificate.created_at <= at,
            Certificate.erased_at.is_(None),
            ~is_withheld(Certificate.id),
        )
    )
    return frozenset(found)


def withheld_of_person(
    session: Session, organization_id: int, person_id: int, zones: Mapping[int, str], at: datetime
) -> Mapping[int, str]:
    """By configuration: that and since when the certificate is suspended or revoked at `at`."""
    events: dict[int, list[EventFacts]] = defaultdict(list)
    for row in session.execute(
        select(Certificate.configuration_id, CertificateEvent.kind, CertificateEvent.at)
        .join(CertificateEvent, CertificateEvent.certificate_id == Certificate.id)
        .where(
            Certificate.organization_id == organization_id,
            Certificate.person_id == person_id,
            Certificate.erased_at.is_(None),
            Certificate.configuration_id.in_(sorted(zones)),
        )
    ):
        events[row.configuration_id].append(EventFacts(kind=row.kind, at=row.at))
    return {
        each: withheld_words(withheld, withheld_since(some, at=at), zones[each])
        for each, some in events.items()
        if (withheld := withheld_by(some, at=at)) is not None
    }
