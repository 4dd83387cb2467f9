"""How an organization's mails look and what it mails at all."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.notify.mail_models import MailSettings
from plugin.notify.models import MessageKind
from plugin.org.models import Organization

ALWAYS_MAILED = frozenset(
    {MessageKind.CERTIFICATE_ISSUED, MessageKind.CERTIFICATE_REVOKED, MessageKind.TEST}
)
"""Nobody gets or loses a certificate without being told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What an organization's mails have in common."""

    organization_name: str
    locale: str
    sender_name: str
    reply_to: str | None
    logo_key: str | None
    per_minute: int | None
    off_kinds: frozenset[MessageKind]

    def mails(self, kind: MessageKind) -> bool:
        """Whether messages of this kind are mailed."""
        return kind not in self.off_kinds or kind in ALWAYS_MAILED


def letterhead(session: Session, organization_id: int) -> Letterhead:
    """In one statement; what the organization has not settled is as the installation does it."""
    row = session.execute(
        select(Organization, MailSettings)
        .outerjoin(MailSettings, MailSettings.organization_id == Organization.id)
        .where(Organization.id == organization_id)
    ).one()
    organization: Organization = row[0]
    settings: MailSettings | None = row[1]
    off = settings.off_kinds if settings is not None else []
    return Letterhead(
        organization_name=organization.name,
        locale=organization.locale,
        sender_name=(settings.sender_name if settings is not None else None) or organization.name,
        reply_to=settings.reply_to if settings is not None else None,
        logo_key=organization.logo_key,
        per_minute=settings.per_minute if settings is not None else None,
        off_kinds=frozenset(MessageKind(kind) for kind in off if kind in set(MessageKind)),
    )


def settings_of(session: Session, organization_id: int, *, now: datetime) -> MailSettings:
    """The organization's row, made when it is first needed."""
    found = session.scalar(
        select(MailSettings)
        .where(MailSettings.organization_id == organization_id)
        .with_for_update()
    )
    if found is None:
        found = MailSettings(organization_id=organization_id, off_kinds=[], updated_at=now)
        session.add(found)
        session.flush()
    return found
