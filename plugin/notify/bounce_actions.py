"""A mail came back: its messages say so, and an address that takes no mail is known as dead."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true, update
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.upsert import insert_absent
from plugin.notify.bounces import Report
from plugin.notify.gate import addressee
from plugin.notify.mail_models import AddressEvent, AddressFact, AddressSource, SentMail
from plugin.notify.models import Message, MessageState
from plugin.org.models import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of some reports: new facts, and reports about nothing of ours."""

    recorded: int
    unknown: int


def record(
    session: Session,
    reports: Sequence[Report],
    *,
    organization_id: int | None,
    source: AddressSource,
    now: datetime,
) -> Outcome:
    """Each report is kept once, however often it is told. None: of any organization.

    A mailbox anybody can write to is believed only about mails it can name; one who has signed is
    believed about an address too.
    """
    mails = _mails(session, reports, organization_id)
    holders = _holders(session, reports, organization_id) if source is AddressSource.HOOK else {}
    rows, unknown, came_back = list[dict[str, Any]](), 0, list[int]()
    for report in reports:
        mail = mails.get(report.header_id or "")
        if mail is not None:
            rows.append(_row(report, mail.organization_id, mail.holder_id, mail.address, mail.id))
            came_back += [mail.id] if report.is_hard or report.gave_up else []
        elif found := holders.get((report.address or "").lower()):
            rows += [_row(report, each.organization_id, each.id, each.email) for each in found]
        else:
            unknown += 1
    recorded = _add(session, rows, source=source, now=now)
    _end_messages(session, came_back, now=now)
    return Outcome(recorded=recorded, unknown=unknown)


def clear(session: Session, person: Person, *, by: int, now: datetime) -> bool:
    """An admin says that the address works again; False when nothing was said against it."""
    if person.email is None or not addressee(session, person.id).is_dead:
        return False
    session.add(
        AddressEvent(
            organization_id=person.organization_id,
            person_id=person.id,
            address=session.scalars(select(func.lower(person.email))).one(),
            fact=AddressFact.CLEARED,
            source=AddressSource.ADMIN,
            words="",
            by_person_id=by,
            at=now,
            seal=f"cleared:{person.id}:{now.isoformat()}",
        )
    )
    audit.record(session, "person.address_cleared", about=person, by=by, now=now)
    return True


def _mails(
    session: Session, reports: Iterable[Report], organization_id: int | None
) -> Mapping[str, Any]:
    """The mails that are named, with whoever their person is by now."""
    names = {report.header_id for report in reports if report.header_id}
    if not names:
        return {}
    found = session.execute(
        select(
            SentMail.id,
            SentMail.header_id,
            SentMail.organization_id,
            SentMail.address,
            func.coalesce(Person.merged_into_id, Person.id).label("holder_id"),
        )
        .join(Person, Person.id == SentMail.person_id)
        .where(SentMail.header_id.in_(names), _of(SentMail.organization_id, organization_id))
    )
    return {row.header_id: row for row in found}


def _holders(
    session: Session, reports: Iterable[Report], organization_id: int | None
) -> Mapping[str, list[Any]]:
    """The people whose address is named where no mail is."""
    addresses = {(each.address or "").lower() for each in reports if not each.header_id}
    addresses.discard("")
    holders: dict[str, list[Any]] = {}
    if not addresses:
        return holders
    found = session.execute(
        select(Person.id, Person.organization_id, func.lower(Person.email).label("email")).where(
            func.lower(Person.email).in_(addresses),
            Person.merged_into_id.is_(None),
            _of(Person.organization_id, organization_id),
        )
    )
    for row in found:
        holders.setdefault(row.email, []).append(row)
    return holders


def _of(column: Any, organization_id: int | None) -> ColumnElement[bool]:
    return true() if organization_id is None else column == organization_id


def _row(
    report: Report, organization_id: int, person_id: int, address: str, mail_id: int | None = None
) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "person_id": person_id,
        "address": address,
        "fact": AddressFact.HARD if report.is_hard else AddressFact.SOFT,
        "words": report.words,
        "mail_id": mail_id,
        "by_person_id": None,
        "seal": f"{person_id}:{report.seal}",
    }


def _add(
    session: Session, rows: list[dict[str, Any]], *, source: AddressSource, now: datetime
) -> int:
    if not rows:
        return 0
    whole = [
        row | {"source": source, "at": now, "address": func.lower(row["address"])} for row in rows
    ]
    key = ("organization_id", "seal")
    insert = insert_absent(session, AddressEvent, whole, key=key).returning(AddressEvent.id)
    return len(session.execute(insert).all())


def _end_messages(session: Session, mail_ids: Sequence[int], *, now: datetime) -> None:
    """What was sent and did not arrive has bounced, with the words of whoever said so."""
    words = (
        select(AddressEvent.words)
        .where(AddressEvent.mail_id == Message.mail_id)
        .order_by(AddressEvent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    session.execute(
        update(Message)
        .where(Message.mail_id.in_(mail_ids), Message.state == MessageState.SENT)
        .values(state=MessageState.BOUNCED, error=words, ended_at=now)
        .execution_options(synchronize_session=False)
    )
