"""What the verify page says in words: the state, then why; no address, score or free text."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask_babel import format_date, get_locale, gettext

from plugin.assign.facts import RowStatus
from plugin.assign.standing import RowStanding, RowState
from plugin.assign.validity import local_date
from plugin.certs.queries import Answer
from plugin.certs.rules import CertificateState


def _(words: str, **facts: object) -> str:
    return str(gettext(words, **facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One required module: how it stands, with the tone of its mark."""

    title: str
    tone: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The page's words. `tone` is valid or invalid."""

    tone: str
    word: str
    reason: str
    person: str
    organization: str
    unit: str
    configuration: str
    valid_through: str
    credential_id: str
    checked_at: str
    lines: tuple[Line, ...]


def verdict(answer: Answer) -> Verdict:
    """The answer in the language of the request and the time of the unit."""
    is_valid = answer.state is CertificateState.VALID
    standing = answer.standing
    return Verdict(
        tone="valid" if is_valid else "invalid",
        word=_("VALID") if is_valid else _("INVALID"),
        reason=_reason(answer),
        person=answer.person,
        organization=answer.organization,
        unit=answer.configuration.unit_name,
        configuration=answer.configuration.name,
        valid_through=_last_day(answer),
        credential_id=answer.credential_id,
        checked_at=_moment(answer.at, standing.zone),
        lines=tuple(
            Line(
                title=answer.modules[row.module_id].title,
                tone="valid" if row.is_satisfied else "invalid",
                words=_row(row, standing.zone),
            )
            for row in standing.rows
            if row.status is RowStatus.REQUIRED
        ),
    )


def withheld_words(state: CertificateState, since: datetime | None, zone: str) -> str:
    """An admin's decision and its day at the unit; nothing when nobody withholds it."""
    day = _day(local_date(since, zone)) if since else ""
    match state:
        case CertificateState.REVOKED:
            return _("Revoked on %(day)s. This is final.", day=day)
        case CertificateState.SUSPENDED:
            return _("Suspended since %(day)s.", day=day)
    return ""


def _reason(answer: Answer) -> str:
    match answer.state:
        case CertificateState.REVOKED | CertificateState.SUSPENDED:
            return withheld_words(answer.state, answer.state_since, answer.standing.zone)
        case CertificateState.ENDED:
            return _("Ended: this training no longer applies to this person.")
        case CertificateState.INVALID:
            missing = len(answer.standing.missing)
            if missing == 1:
                return _("One required module is missing or has expired.")
            return _("%(number)d required modules are missing or have expired.", number=missing)
        case CertificateState.VALID:
            return ""


def _last_day(answer: Answer) -> str:
    """The last day while dates decide, also when it has passed; nothing when an admin or an end
    decided."""
    if answer.state not in {CertificateState.VALID, CertificateState.INVALID}:
        return ""
    if not answer.standing.complete:
        return _("Not complete")
    day = answer.standing.valid_through
    return _day(day) if day else _("No end date")


def _row(row: RowStanding, zone: str) -> str:
    day = _day(row.valid_through) if row.valid_through else ""
    match row.state:
        case RowState.WAIVED:
            return _("Exempt through %(day)s", day=day)
        case RowState.IN_GRACE:
            return _("New requirement, to be completed by %(day)s", day=day)
        case RowState.EXPIRED:
            return _("Expired, was valid through %(day)s", day=day)
        case RowState.NEVER_COMPLETED:
            return _("Never completed")
        case RowState.NEW_REQUIREMENT:
            return _("New requirement since %(day)s", day=_day(local_date(_since(row), zone)))
        case RowState.SATISFIED:
            done = _day(row.completed_on) if row.completed_on else ""
            if day:
                return _("Completed %(done)s, valid through %(day)s", done=done, day=day)
            return _("Completed %(done)s, no end date", done=done)


def _since(row: RowStanding) -> datetime:
    if row.since is None:
        raise ValueError("a new requirement has a beginning")
    return row.since


def _day(day: date) -> str:
    return str(format_date(day, "long"))


def _moment(at: datetime, zone: str) -> str:
    return format_datetime(at, "long", tzinfo=ZoneInfo(zone), locale=get_locale() or "en")
