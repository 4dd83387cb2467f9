"""Everything that changes units: edit, archive, restore."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit, outbox
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.org import history, rules
from plugin.org.errors import FieldError
from plugin.org.models import Membership, Unit, UnitKind


def edit_unit(
    tx: Tx,
    unit: Unit,
    *,
    name: str,
    id_code: str | None,
    description: str,
    time_zone: str | None,
    region: Unit | None,
    by: int,
    now: datetime,
) -> None:
    """The unit is as given; when its zone or region changed, everybody in it is judged anew."""
    if not name.strip():
        raise FieldError("name", _("Give the unit a name."))
    if time_zone and not rules.is_time_zone(time_zone):
        raise FieldError("time_zone", _("Use a time zone such as Europe/Oslo."))
    if region is not None and (
        unit.kind is not UnitKind.SITE or region.kind is not UnitKind.REGION
    ):
        raise FieldError("region_id", _("Only a site can lie in a region."))
    before = _facts(unit)
    people = everybody(tx.session, unit)
    try:
        with tx.session.begin_nested():
            unit.name = name.strip()
            unit.id_code = (id_code or "").strip() or None
            unit.description = description.strip()
            unit.time_zone = time_zone or None
            unit.region_id = region.id if region else None
    except IntegrityError:
        raise FieldError("id_code", _("Another unit of this kind already has this code.")) from None
    after = _facts(unit)
    if after == before:
        return
    changed = {key for key in after if after[key] != before[key]}
    audit.record(
        tx.session,
        "unit.edited",
        about=unit,
        by=by,
        now=now,
        before={key: before[key] for key in changed},
        after={key: after[key] for key in changed},
    )
    for each in sorted(changed & {"time_zone", "region_id"}):
        history.remember(tx.session, unit, each, before[each], now=now)
    if changed & {"time_zone", "region_id"}:
        outbox.evaluate_people(tx.session, people)


def _facts(unit: Unit) -> JsonDict:
    return {
        "name": unit.name,
        "id_code": unit.id_code,
        "description": unit.description,
        "time_zone": unit.time_zone,
        "region_id": unit.region_id,
    }


def archive_unit(tx: Tx, unit: Unit, *, by: int, reason: str, now: datetime) -> None:
    """The unit covers nobody any more; its memberships and its history stay. Safe to repeat."""
    _set_archived(tx, unit, now, by=by, reason=reason, now=now)


def restore_unit(tx: Tx, unit: Unit, *, by: int, reason: str, now: datetime) -> None:
    """The unit covers its members again. Safe to repeat."""
    _set_archived(tx, unit, None, by=by, reason=reason, now=now)


def _set_archived(
    tx: Tx, unit: Unit, at: datetime | None, *, by: int, reason: str, now: datetime
) -> None:
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    if (unit.archived_at is None) is (at is None):
        return
    if unit.archived_at is not None:
        history.remember(tx.session, unit, "archived_at", unit.archived_at, now=now)
    unit.archived_at = at
    audit.record(
        tx.session,
        "unit.archived" if at else "unit.restored",
        about=unit,
        by=by,
        now=now,
        reason=reason.strip(),
    )
    outbox.evaluate_people(tx.session, everybody(tx.session, unit))


def everybody(session: Session, unit: Unit) -> list[int]:
    """The ids of all who are in the unit or, of a region, in a site of it."""
    sites = select(Unit.id).where(Unit.region_id == unit.id)
    return list(
        session.scalars(
            select(Membership.person_id)
            .where(
                Membership.organization_id == unit.organization_id,
                Membership.until_at.is_(None),
                or_(Membership.unit_id == unit.id, Membership.unit_id.in_(sites)),
            )
            .distinct()
        )
    )
