"""How far a decision about a version has come."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core.outbox import JobName, OutboxRow
from plugin.modules.models import Completion, Retraining
from plugin.notify.models import Message, MessageState

WAITING = (MessageState.QUEUED, MessageState.SENDING)
LOST = (MessageState.FAILED, MessageState.UNDELIVERABLE, MessageState.BOUNCED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingProgress:
    """How many of those who completed the module are judged by it, and its mails."""

    people: int
    judged: int
    is_finished: bool
    mails_waiting: int
    mails_sent: int
    mails_failed: int

    @property
    def percent(self) -> int:
        return 100 if self.is_finished else 100 * self.judged // max(1, self.people)


def progress_of(session: Session, retraining_id: int) -> RetrainingProgress:
    """Steps go through the people by id: whoever comes before the step that waits is judged."""
    decided = session.get_one(Retraining, retraining_id)
    steps = session.scalars(
        select(OutboxRow.args).where(
            OutboxRow.job == JobName.APPLY_RETRAINING, OutboxRow.done_at.is_(None)
        )
    )
    after = [args[1] for args in steps if args[0] == retraining_id]
    people, judged = session.execute(
        select(
            func.count(Completion.person_id.distinct()),
            func.count(Completion.person_id.distinct()).filter(
                Completion.person_id <= min(after, default=0)
            ),
        ).where(Completion.module_id == decided.module_id)
    ).one()
    counted = session.execute(
        select(Message.state, func.count())
        .where(
            Message.organization_id == decided.organization_id,
            Message.cause == f"retraining:{retraining_id}",
        )
        .group_by(Message.state)
    )
    mails: dict[MessageState, int] = {line[0]: line[1] for line in counted}
    return RetrainingProgress(
        people=people,
        judged=judged if after else people,
        is_finished=not after,
        mails_waiting=sum(mails.get(each, 0) for each in WAITING),
        mails_sent=mails.get(MessageState.SENT, 0),
        mails_failed=sum(mails.get(each, 0) for each in LOST),
    )
