"""The list of the certificates an organization has issued, with what each is worth now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from plugin.assign import listed
from plugin.assign.listed import Duties
from plugin.assign.models import Configuration
from plugin.certs.models import Certificate, CertificateEvent
from plugin.certs.rules import CertificateState, EventKind
from plugin.org.models import Person, Unit
from plugin.org.reach import Reach
from plugin.org.search import has_words
from plugin.web.listing import Asked, Slice, like

SORTS = ("person", "credential", "issued", "through")
STATES = tuple(state.value for state in reversed(CertificateState))
BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedLine:
    """A certificate in the list; `valid_through` only while dates decide."""

    id: int
    credential_id: str
    person: str
    email: str | None
    employee_id: str | None
    unit: str
    configuration: str
    state: CertificateState
    valid_through: date | None
    issued_at: datetime


def certificates(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Slice[IssuedLine]:
    """One page of the certificates of the people in reach, in three statements."""
    duties = listed.answering(session, reach, at, past=past, filters=asked.filters)
    total = session.scalar(_counted(reach, asked, duties))
    page = _lines(reach, asked, duties).limit(asked.size).offset(asked.offset)
    lines = [_line(row, duties) for row in session.execute(page)]
    return Slice(items=lines, total=total or 0, asked=asked)


def all_certificates(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Iterator[IssuedLine]:
    """The whole list as it is narrowed now, read a batch at a time."""
    duties = listed.answering(session, reach, at, past=past, filters=asked.filters, most=None)
    statement = _lines(reach, asked, duties).execution_options(yield_per=BATCH)
    for row in session.execute(statement):
        yield _line(row, duties)


def _lines(reach: Reach, asked: Asked, duties: Duties) -> Select[Any]:
    standing = duties.beside
    columns: list[Any] = [
        Certificate.id,
        Certificate.credential_id,
        Certificate.created_at,
        Certificate.configuration_id,
        Person.full_name,
        Person.email,
        Person.employee_id,
        Unit.name.label("unit"),
        Configuration.name.label("configuration"),
        standing.covered,
        standing.complete,
        standing.ends_at,
        standing.valid_through,
        _is_revoked(duties.at).label("is_revoked"),
        _is_suspended(duties.at).label("is_suspended"),
    ]
    return (
        _with_standing(_with_places(select(*columns).select_from(Certificate)), duties)
        .join(Person, Person.id == Certificate.person_id)
        .where(
            Person.organization_id == reach.organization_id,
            _is_wanted(reach, asked, duties, a_page=reach.is_whole and asked.sort != "through"),
        )
        .order_by(*_order(asked, duties))
    )


def _counted(reach: Reach, asked: Asked, duties: Duties) -> Select[Any]:
    """How many there are, reading no table the filters do not name."""
    number = _with_places(select(func.count()).select_from(Certificate))
    return number.where(_is_wanted(reach, asked, duties))


def _with_places(statement: Select[Any]) -> Select[Any]:
    return statement.join(Configuration, Configuration.id == Certificate.configuration_id).join(
        Unit, Unit.id == Configuration.unit_id
    )


def _with_standing(statement: Select[Any], duties: Duties) -> Select[Any]:
    standing = duties.beside
    return statement.outerjoin(
        standing,
        and_(
            standing.person_id == Certificate.person_id,
            standing.configuration_id == Certificate.configuration_id,
        ),
    )


def _is_wanted(
    reach: Reach, asked: Asked, duties: Duties, *, a_page: bool = False
) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [
        Certificate.organization_id == reach.organization_id,
        Certificate.erased_at.is_(None),
        reach.people(Certificate.person_id, duties.at),
    ]
    if duties.is_past:
        conditions.append(Certificate.created_at <= duties.at)
    if asked.q:
        conditions.append(_has_words(reach, asked.q))
    if state := asked.filters.get("state"):
        conditions.append(_is_in(CertificateState(state), duties, a_page=a_page))
    if unit := asked.filters.get("unit"):
        conditions.append(or_(Unit.id == int(unit), Unit.region_id == int(unit)))
    if configuration := asked.filters.get("configuration"):
        conditions.append(Certificate.configuration_id == int(configuration))
    return and_(*conditions)


def _has_words(reach: Reach, words: str) -> ColumnElement[bool]:
    people = (
        select(Person.id)
        .where(Person.organization_id == reach.organization_id, has_words(words))
        .correlate(None)
    )
    credential = Certificate.credential_id.like(like(words.upper()), escape="\\")
    return or_(Certificate.person_id.in_(people), credential)


def _is_in(state: CertificateState, duties: Duties, *, a_page: bool) -> ColumnElement[bool]:
    """The certificate's strongest state, as `rules.state` decides it.

    Most are valid, so `a_page` of those is found soonest by looking at one after the other in the
    list's order; counting them, or finding few, goes through all at once.
    """
    revoked, suspended = _is_revoked(duties.at), _is_suspended(duties.at)
    if state is CertificateState.REVOKED:
        return revoked
    if state is CertificateState.SUSPENDED:
        return and_(suspended, not_(revoked))
    is_free = and_(not_(revoked), not_(suspended))
    if state is CertificateState.ENDED:
        same = and_(
            duties.standing.person_id == Certificate.person_id,
            duties.standing.configuration_id == Certificate.configuration_id,
        )
        return and_(is_free, not_(exists(_given(duties).where(same))))
    proven = listed.is_proven(duties)
    if state is CertificateState.INVALID:
        return and_(is_free, exists(_given(duties).where(_is_its(duties), not_(proven))))
    valid = _given(duties).where(_is_its(duties), proven)
    is_valid = valid.limit(1).scalar_subquery().is_not(None) if a_page else exists(valid)
    return and_(is_free, is_valid)


def _given(duties: Duties) -> Select[Any]:
    """The standings covered by what gives certificates; the caller says whose."""
    return (
        select(duties.standing.id)
        .where(
            duties.standing.covered.is_(True),
            duties.standing.configuration_id.in_(sorted(duties.certifying)),
        )
        .correlate(Certificate)
    )


def _is_its(duties: Duties) -> ColumnElement[bool]:
    """The standing is the certificate's, by person and configuration.

    The configuration is compared by range: PostgreSQL takes the two for unrelated, and with two
    equalities expects a thousandth of the rows there are, and then reads them one by one.
    """
    return and_(
        duties.standing.person_id == Certificate.person_id,
        duties.standing.configuration_id >= Certificate.configuration_id,
        duties.standing.configuration_id <= Certificate.configuration_id,
    )


def _is_revoked(at: datetime) -> ColumnElement[bool]:
    event = aliased(CertificateEvent)
    return Certificate.id.in_(
        select(event.certificate_id).where(event.kind == EventKind.REVOKED, event.at <= at)
    )


def _is_suspended(at: datetime) -> ColumnElement[bool]:
    """The last thing an admin did was to suspend it."""
    event, later = aliased(CertificateEvent), aliased(CertificateEvent)
    overtaken = exists(
        select(later.id).where(
            later.certificate_id == event.certificate_id,
            later.at <= at,
            or_(later.at > event.at, and_(later.at == event.at, later.id > event.id)),
        )
    )
    return Certificate.id.in_(
        select(event.certificate_id).where(
            event.kind == EventKind.SUSPENDED, event.at <= at, not_(overtaken)
        )
    )


def _order(asked: Asked, duties: Duties) -> list[Any]:
    keys: dict[str, list[Any]] = {
        "person": [Person.full_name, Person.id, Certificate.id],
        "credential": [Certificate.credential_id],
        "issued": [Certificate.created_at, Certificate.id],
        "through": [duties.beside.ends_at, Certificate.id],
    }
    if asked.descending:
        return [key.desc().nulls_first() for key in keys[asked.sort]]
    return [key.asc().nulls_last() for key in keys[asked.sort]]


def _line(row: Any, duties: Duties) -> IssuedLine:
    state = _state(row, duties)
    by_dates = state in {CertificateState.VALID, CertificateState.INVALID}
    return IssuedLine(
        id=row.id,
        credential_id=row.credential_id,
        person=row.full_name,
        email=row.email,
        employee_id=row.employee_id,
        unit=row.unit,
        configuration=row.configuration,
        state=state,
        valid_through=row.valid_through if by_dates else None,
        issued_at=row.created_at,
    )


def _state(row: Any, duties: Duties) -> CertificateState:
    if row.is_revoked:
        return CertificateState.REVOKED
    if row.is_suspended:
        return CertificateState.SUSPENDED
    if not row.covered or row.configuration_id not in duties.certifying:
        return CertificateState.ENDED
    is_valid = row.complete and (row.ends_at is None or row.ends_at > duties.at)
    return CertificateState.VALID if is_valid else CertificateState.INVALID
