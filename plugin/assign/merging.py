"""Two people are one, with everything that makes their training: the whole of a merge."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.assign.crossings import note_person
from plugin.assign.models import Waiver
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.modules import merging as completions
from plugin.notify import forwarding
from plugin.org import merging as people
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Person


def merge(
    tx: Tx, survivor: Person, absorbed: Person, *, by: int, reason: str, now: datetime
) -> PersonMerge | None:
    """Identities, memberships, completions and waivers of `absorbed` count for `survivor`.

    Both are judged again; nobody is mailed about training they already had, and what `absorbed` was
    still to hear of, `survivor` hears. None: it is so already.
    Raises FieldError for what cannot be merged.
    """
    note_person(tx, absorbed.id, now=now)  # while the training still covers them
    made = people.begin(tx, survivor, absorbed, by=by, reason=reason, now=now)
    if made is None:
        return None
    completions.carry_over(tx, absorbed.id, now=now)
    tx.session.flush()
    made.moved = {
        **made.moved,
        "waivers": _carry_waivers(tx.session, made, now=now),
        "messages": forwarding.forward(tx.session, absorbed, survivor, made.id, now=now),
    }
    _judge_both(tx, made)
    return made


def unmerge(tx: Tx, made: PersonMerge, *, by: int, reason: str, now: datetime) -> bool:
    """The two are two again and judged each by their own; False if they were already."""
    if not people.undo(tx, made, by=by, reason=reason, now=now):
        return False
    completions.take_back(tx, made, by=by, reason=reason.strip(), now=now)
    tx.session.execute(
        update(Waiver)
        .where(Waiver.id.in_(made.moved["waivers"]), Waiver.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    absorbed = tx.session.get_one(Person, made.absorbed_id)
    forwarding.take_back(tx.session, absorbed, made.id, made.moved.get("messages", []))
    _judge_both(tx, made)
    return True


def _judge_both(tx: Tx, made: PersonMerge) -> None:
    for person_id in (made.absorbed_id, made.survivor_id):
        tx.then(JobName.EVALUATE_PERSON, person_id)


def _carry_waivers(session: Session, made: PersonMerge, *, now: datetime) -> list[int]:
    """What was waived for the absorbed person is waived for the survivor through the same day.

    Not what the survivor approved: nobody waives training for themselves.
    """
    waived = session.scalars(
        select(Waiver).where(
            Waiver.person_id == made.absorbed_id,
            Waiver.ended_at.is_(None),
            Waiver.approved_by != made.survivor_id,
        )
    ).all()
    given = [
        Waiver(
            organization_id=each.organization_id,
            configuration_id=each.configuration_id,
            module_id=each.module_id,
            person_id=made.survivor_id,
            reason=each.reason,
            approved_by=each.approved_by,
            from_at=now,
            until_on=each.until_on,
        )
        for each in waived
    ]
    session.add_all(given)
    session.flush()
    return [each.id for each in given]
