"""What is decided of a new version: it is equivalent, or has to be learned anew from a day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.modules import actions
from plugin.modules.errors import RetrainingChangedError, VersionNotFoundHereError
from plugin.modules.models import Module, ModuleVersion, Retraining
from plugin.org.errors import FieldError
from plugin.org.models import Organization, Unit

MAX_AHEAD = timedelta(days=731)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What stands of one version; `id` 0 and no day while nothing was ever decided."""

    id: int = 0
    from_on: date | None = None
    reason: str = ""


EQUIVALENT = Decision()


def version_of(session: Session, module: Module, number: int) -> ModuleVersion:
    """A version that came after another one, or the refusal."""
    found = session.scalar(
        select(ModuleVersion).where(
            ModuleVersion.organization_id == module.organization_id,
            ModuleVersion.module_id == module.id,
            ModuleVersion.number == number,
        )
    )
    if found is None or number == 1:
        raise VersionNotFoundHereError(number)
    return found


def newest_number(session: Session, module: Module) -> int:
    """The number of the newest version; 1 as long as there is none."""
    newest = session.scalar(
        select(ModuleVersion.number).where(ModuleVersion.id == module.current_version_id)
    )
    return newest or 1


def coming(session: Session, module: Module, *, now: datetime) -> ModuleVersion:
    """The version that asking for the module anew would make; nothing is stored."""
    return ModuleVersion(
        organization_id=module.organization_id,
        module_id=module.id,
        number=newest_number(session, module) + 1,
        created_at=now,
    )


def renew(tx: Tx, module: Module, by: int | None, now: datetime) -> None:
    """The same module as a version of its own, so that it can be asked for anew."""
    if module.current_version_id is None:
        actions.add_version(tx.session, module, package_id=None, by=by, now=now)
    actions.add_version(tx.session, module, package_id=None, by=by, now=now)


def decisions(session: Session, module: Module) -> dict[int, Decision]:
    """What stands of each version of which something was decided, by the version's id."""
    return {
        each.module_version_id: Decision(id=each.id, from_on=each.from_on, reason=each.reason)
        for each in session.scalars(
            select(Retraining)
            .where(
                Retraining.organization_id == module.organization_id,
                Retraining.module_id == module.id,
            )
            .order_by(Retraining.id)
        )
    }


def zones_of(session: Session, organization_id: int) -> Sequence[str]:
    """The time zones of the organization and of its units, each once."""
    return session.scalars(
        select(Organization.time_zone)
        .where(Organization.id == organization_id)
        .union(
            select(Unit.time_zone).where(
                Unit.organization_id == organization_id, Unit.time_zone.is_not(None)
            )
        )
    ).all()


def first_day(session: Session, organization_id: int, now: datetime) -> date:
    """The first day that has begun in none of the organization's places."""
    zones = zones_of(session, organization_id)
    return max(now.astimezone(ZoneInfo(zone)).date() for zone in zones) + timedelta(days=1)


def check(
    session: Session, organization_id: int, before: Decision, from_on: date | None, now: datetime
) -> None:
    """Refuses days that have begun or lie too far ahead, and changes of what has begun."""
    first = first_day(session, organization_id, now)
    if before.from_on is not None and before.from_on < first:
        raise FieldError(
            "from_on",
            _("That day has begun: it can no longer be changed. Bring a new version instead."),
        )
    if from_on is not None and not first <= from_on <= first + MAX_AHEAD:
        raise FieldError("from_on", _("Choose a day after today, at most two years ahead."))


def decide(
    tx: Tx,
    version: ModuleVersion,
    from_on: date | None,
    *,
    known_id: int,
    by: int,
    reason: str,
    now: datetime,
) -> Retraining:
    """From `from_on` on the version has to be learned; None: what was learned goes on counting.

    Everybody who completed the module is judged anew by a job. `known_id`: the decision that was
    looked at; refuses when another one stands by now.
    """
    session = tx.session
    module = session.get_one(Module, version.module_id, with_for_update=True)
    before = decisions(session, module).get(version.id, EQUIVALENT)
    if before.id != known_id:
        raise RetrainingChangedError(version.number)
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words. It is kept with the version."))
    check(session, module.organization_id, before, from_on, now)
    made = Retraining(
        organization_id=module.organization_id,
        module_id=module.id,
        module_version_id=version.id,
        from_on=from_on,
        reason=reason.strip(),
        decided_at=now,
        decided_by=by,
    )
    session.add(made)
    session.flush()
    audit.record(
        session,
        "module.retraining_decided",
        about=module,
        by=by,
        now=now,
        before={"version": version.number, "from_on": _said(before.from_on)},
        after={"version": version.number, "from_on": _said(from_on)},
        reason=made.reason,
    )
    tx.then(JobName.APPLY_RETRAINING, made.id, 0)
    return made


def _said(day: date | None) -> str | None:
    return day.isoformat() if day else None


def is_over(session: Session, module: Module, version_id: int, *, now: datetime) -> bool:
    """Whether a newer version has to be learned already, so that nobody goes on with this one."""
    number = select(ModuleVersion.number).where(ModuleVersion.id == version_id).scalar_subquery()
    newer: Sequence[ModuleVersion] = session.scalars(
        select(ModuleVersion).where(
            ModuleVersion.module_id == module.id, ModuleVersion.number > number
        )
    ).all()
    if not newer:
        return False
    standing = decisions(session, module)
    today = _today(session, module.organization_id, now)
    days = (standing.get(each.id, EQUIVALENT).from_on for each in newer)
    return any(day is not None and day <= today for day in days)


def _today(session: Session, organization_id: int, now: datetime) -> date:
    zone = session.scalars(
        select(Organization.time_zone).where(Organization.id == organization_id)
    ).one()
    return now.astimezone(ZoneInfo(zone)).date()
