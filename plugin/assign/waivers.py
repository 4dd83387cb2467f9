"""Waivers: a row set aside for one person, with a reason, an approver and an end (domain §4.5)."""

from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from plugin.assign.errors import WaiverNotFoundError
from plugin.assign.models import Configuration, Waiver
from plugin.assign.validity import add_months, local_date
from plugin.core import audit
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.org.errors import FieldError, PersonMergedError
from plugin.org.models import Person

MOST_MONTHS = 12


def waive(
    tx: Tx,
    configuration: Configuration,
    module_id: int,
    person: Person,
    *,
    until_on: date | None,
    reason: str,
    approved_by: int,
    zone: str,
    now: datetime,
) -> Waiver:
    """The row counts as satisfied through `until_on`, at most twelve months from today."""
    if person.merged_into_id is not None:
        raise PersonMergedError(person_id=person.id)
    if approved_by == person.id:
        raise FieldError("reason", _("Nobody waives training for themselves. Ask somebody else."))
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    today = local_date(now, zone)
    if until_on is None or not today <= until_on <= add_months(today, MOST_MONTHS):
        raise FieldError(
            "until_on", _("Choose a last day from today on, at most twelve months ahead.")
        )
    waiver = Waiver(
        organization_id=configuration.organization_id,
        configuration_id=configuration.id,
        module_id=module_id,
        person_id=person.id,
        reason=reason.strip(),
        approved_by=approved_by,
        from_at=now,
        until_on=until_on,
    )
    tx.session.add(waiver)
    audit.record(
        tx.session,
        "waiver.given",
        about=person,
        by=approved_by,
        now=now,
        after={
            "configuration_id": configuration.id,
            "module_id": module_id,
            "until_on": until_on.isoformat(),
        },
        reason=waiver.reason,
    )
    tx.then(JobName.EVALUATE_PERSON, person.id)
    return waiver


def end(tx: Tx, waiver: Waiver, *, by: int, reason: str, now: datetime) -> None:
    """The row is judged by the facts again from now on. Safe to repeat."""
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    tx.session.refresh(waiver, with_for_update=True)
    if waiver.ended_at is not None:
        return
    waiver.ended_at = now
    audit.record(
        tx.session,
        "waiver.ended",
        about=tx.session.get_one(Person, waiver.person_id),
        by=by,
        now=now,
        before={"configuration_id": waiver.configuration_id, "module_id": waiver.module_id},
        reason=reason.strip(),
    )
    tx.then(JobName.EVALUATE_PERSON, waiver.person_id)


def waiver_of(session: Session, organization_id: int, person_id: int, waiver_id: int) -> Waiver:
    found = session.scalar(
        select(Waiver).where(
            Waiver.organization_id == organization_id,
            Waiver.person_id == person_id,
            Waiver.id == waiver_id,
        )
    )
    if found is None:
        raise WaiverNotFoundError(waiver_id)
    return found


def in_force(session: Session, person_id: int, at: datetime) -> dict[tuple[int, int], Waiver]:
    """The person's waivers not ended at `at`, by configuration and module; the longest of each."""
    rows = session.scalars(
        select(Waiver)
        .where(
            Waiver.person_id == person_id,
            or_(Waiver.ended_at.is_(None), Waiver.ended_at > at),
            Waiver.from_at <= at,
        )
        .order_by(Waiver.until_on, Waiver.id)
    )
    return {(row.configuration_id, row.module_id): row for row in rows}
