"""How far a publish has come."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.assign import queries
from plugin.assign.models import Configuration, VersionProgress
from plugin.notify.models import Message, MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far judging everybody by the newest version has come, and its mails about training."""

    number: int
    effective_at: datetime
    is_pending: bool
    people: int
    judged: int
    is_finished: bool
    mails_waiting: int
    mails_from: datetime | None
    """When the first of the waiting mails may go; None: at once, or nothing waits."""
    mails_sent: int
    mails_failed: int
    mails_held_back: int
    """Of a kind that is switched off, or with nothing to say any more."""

    @property
    def percent(self) -> int:
        """Judged people as a share of all, 0 to 100."""
        return 100 if self.is_finished else 100 * self.judged // max(1, self.people)


def progress_of(session: Session, configuration: Configuration, at: datetime) -> Progress | None:
    """The progress of the newest version; None before the first publish."""
    version = queries.current_version(session, configuration)
    if version is None:
        return None
    done = session.scalar(select(VersionProgress).where(VersionProgress.version_id == version.id))
    counted = session.execute(
        select(Message.state, func.count(), func.min(Message.not_before))
        .where(
            Message.organization_id == configuration.organization_id,
            Message.cause == f"configuration_version:{version.id}",
        )
        .group_by(Message.state)
    ).all()
    mails = {line[0]: line[1] for line in counted}
    first = next((line[2] for line in counted if line[0] is MessageState.QUEUED), None)
    return Progress(
        number=version.number,
        effective_at=version.effective_at,
        is_pending=version.effective_at > at,
        people=done.people if done else 0,
        judged=min(done.judged, done.people) if done else 0,
        is_finished=done is not None and done.finished_at is not None,
        mails_waiting=sum(
            mails.get(each, 0) for each in (MessageState.QUEUED, MessageState.SENDING)
        ),
        mails_from=first if first and first > at else None,
        mails_sent=mails.get(MessageState.SENT, 0),
        mails_failed=sum(
            mails.get(each, 0)
            for each in (MessageState.FAILED, MessageState.UNDELIVERABLE, MessageState.BOUNCED)
        ),
        mails_held_back=sum(
            mails.get(each, 0) for each in (MessageState.SUPPRESSED, MessageState.CANCELLED)
        ),
    )
