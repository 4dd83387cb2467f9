"""Which moment a page or file is asked for: now, or one in the past."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core.days import INSTANT, end_of, local_date
from plugin.core.errors import PluginError
from plugin.org.models import Organization, Unit

DAY, TIME = "as_of", "as_of_time"
FIELDS: Mapping[str, None] = {DAY: None, TIME: None}
"""The fields of an address, as filters of a list: any text."""


class AsOfError(PluginError):
    code = "assign.as_of"
    http_status = 400
    public_message = _l(
        "Ask for a day such as 2027-03-12, if you like with a time such as 14:30, that is not in "
        "the future."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The moment asked about. A past one is answered from the facts as they stood then."""

    at: datetime
    zone: str
    is_past: bool = False
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The moment as the reader's language writes it, with the zone it is of."""
        zone, locale = ZoneInfo(self.zone), get_locale() or "en"
        return f"{format_datetime(self.at, 'medium', tzinfo=zone, locale=locale)} ({self.zone})"

    @property
    def args(self) -> dict[str, str]:
        """What keeps the moment in the address of another page; nothing for now."""
        if not self.is_past:
            return {}
        return {name: self.said[name] for name in FIELDS if self.said.get(name)}

    @property
    def name(self) -> str:
        """How the name of a file goes on; nothing for now."""
        local = self.at.astimezone(ZoneInfo(self.zone))
        return f"-as-of-{local:%Y-%m-%dT%H%M}" if self.is_past else ""


def asked_for(said: Mapping[str, str], zone: str, *, now: datetime) -> AsOf:
    """The moment a day, and perhaps a time, mean in the zone; a day alone means its end.

    Without a day, or of the day that has not ended yet, it is now. Raises AsOfError for what cannot
    be read and for the future.
    """
    day_text, time_text = said.get(DAY, "").strip(), said.get(TIME, "").strip()
    if not day_text:
        return AsOf(at=now, zone=zone)
    try:
        day = date.fromisoformat(day_text)
        at = _moment(day, time.fromisoformat(time_text) if time_text else None, zone)
    except (ValueError, OverflowError):
        raise AsOfError from None
    if at <= now:
        return AsOf(at=at, zone=zone, is_past=True, said=said)
    if not time_text and day == local_date(now, zone):
        return AsOf(at=now, zone=zone)
    raise AsOfError


def _moment(day: date, at: time | None, zone: str) -> datetime:
    if at is None:
        return end_of(day, zone) - INSTANT
    if at.tzinfo is not None:
        raise ValueError("the zone is the unit's")
    return datetime.combine(day, at, ZoneInfo(zone))


def asked_of_list(
    session: Session, organization_id: int, filters: Mapping[str, str], zone: str, *, now: datetime
) -> AsOf:
    """The same of a list: by the days of the unit it is narrowed to, else of `zone`."""
    if filters.get(DAY) and filters.get("unit"):
        zone = _zone_of_unit(session, organization_id, int(filters["unit"]), zone)
    return asked_for(filters, zone, now=now)


def _zone_of_unit(session: Session, organization_id: int, unit_id: int, otherwise: str) -> str:
    found = session.scalar(
        select(func.coalesce(Unit.time_zone, Organization.time_zone))
        .join(Organization, Organization.id == Unit.organization_id)
        .where(Unit.organization_id == organization_id, Unit.id == unit_id)
    )
    return found or otherwise
