"""Reads of imports of people: the facts a chunk of rows is judged by, and what the pages show."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, and_, func, or_, select, true, union
from sqlalchemy.orm import Session

from plugin.org.errors import ImportNotFoundError
from plugin.org.import_format import RowOutcome
from plugin.org.import_models import ImportKind, ImportRow, ImportState, PersonImport
from plugin.org.import_rules import FileRole, Line
from plugin.org.import_verdict import Facts, Known, Named
from plugin.org.models import Grant, Membership, MembershipSource, Person, Unit
from plugin.web.listing import Asked, Slice, like

BATCH = 1000
SORTS = ("created", "filename")


def facts_of(session: Session, organization_id: int, lines: Sequence[Line]) -> Facts:
    """Everything known that these rows may be about, in at most four statements."""
    found = people_of(session, organization_id, lines)
    ids = sorted(
        {each.id for each in found.by_employee_id.values()}
        | {each.id for people in found.by_email.values() for each in people}
    )
    manages = any(line.role is FileRole.MANAGER for line in lines)
    return replace(
        found,
        units=_units(session, organization_id),
        imported=_imported(session, organization_id, ids),
        managed=_managed(session, organization_id, ids) if manages else frozenset(),
    )


def people_of(session: Session, organization_id: int, lines: Sequence[Named]) -> Facts:
    """The people these rows may be about, in one statement."""
    people = _people(session, organization_id, lines)
    by_email: dict[str, list[Known]] = defaultdict(list)
    for each in people:
        if each.email:
            by_email[each.email.lower()].append(each)
    return Facts(
        by_employee_id={each.employee_id: each for each in people if each.employee_id},
        by_email=by_email,
    )


def _people(session: Session, organization_id: int, lines: Sequence[Named]) -> Sequence[Known]:
    """Whoever has one of the employee IDs or addresses; of an address, everybody who has it."""
    ids = {line.employee_id for line in lines if line.employee_id}
    written = {line.email for line in lines if line.email}
    # SQLite lowers only the letters of ASCII; what differs is asked for both ways
    emails = {text.lower() for text in written} | {_ascii_lower(text) for text in written}
    own = Person.organization_id == organization_id
    columns = (
        Person.id,
        Person.given_name,
        Person.family_name,
        Person.full_name,
        Person.email,
        Person.employee_id,
        Person.deactivated_at.is_(None).label("is_active"),
    )
    found = union(
        select(*columns).where(own, Person.employee_id.in_(ids)),
        select(*columns).where(own, func.lower(Person.email).in_(emails)),
    )
    return [
        Known(
            id=row.id,
            given=row.given_name,
            family=row.family_name,
            full=row.full_name,
            email=row.email,
            employee_id=row.employee_id,
            is_active=bool(row.is_active),
        )
        for row in session.execute(found)
    ]


def _ascii_lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _units(session: Session, organization_id: int) -> Mapping[tuple[str, str], int]:
    rows = session.execute(
        select(Unit.kind, Unit.id_code, Unit.id).where(
            Unit.organization_id == organization_id,
            Unit.id_code.is_not(None),
            Unit.archived_at.is_(None),
        )
    )
    return {(kind.value, str(code)): unit_id for kind, code, unit_id in rows}


def _imported(
    session: Session, organization_id: int, person_ids: Sequence[int]
) -> frozenset[tuple[int, int]]:
    rows = session.execute(
        select(Membership.unit_id, Membership.person_id).where(
            Membership.organization_id == organization_id,
            Membership.person_id.in_(person_ids),
            Membership.source == MembershipSource.CSV,
            Membership.until_at.is_(None),
        )
    )
    return frozenset((unit_id, person_id) for unit_id, person_id in rows)


def _managed(
    session: Session, organization_id: int, person_ids: Sequence[int]
) -> frozenset[tuple[int, int]]:
    rows = session.execute(
        select(Grant.unit_id, Grant.person_id).where(
            Grant.organization_id == organization_id,
            Grant.person_id.in_(person_ids),
            Grant.unit_id.is_not(None),
            Grant.revoked_at.is_(None),
        )
    )
    return frozenset((int(unit_id or 0), person_id) for unit_id, person_id in rows)


def people_of_lines(session: Session, import_id: int, first: int, last: int) -> dict[int, int]:
    """The known person of each line, as far as rows between these lines found one."""
    rows = session.execute(
        select(ImportRow.line, ImportRow.person_id).where(
            ImportRow.import_id == import_id,
            ImportRow.line.between(first, last),
            ImportRow.person_id.is_not(None),
        )
    )
    return {line: int(person_id or 0) for line, person_id in rows}


def good_lines(session: Session, import_id: int, after: int, last: int) -> frozenset[int]:
    """The lines of the rows that may be applied."""
    return frozenset(
        session.scalars(
            select(ImportRow.line).where(
                ImportRow.import_id == import_id,
                ImportRow.line > after,
                ImportRow.line <= last,
                ImportRow.outcome != RowOutcome.ERROR,
            )
        )
    )


def import_of(session: Session, organization_id: int, import_id: int) -> PersonImport:
    found = session.scalar(
        select(PersonImport).where(
            PersonImport.organization_id == organization_id, PersonImport.id == import_id
        )
    )
    if found is None:
        raise ImportNotFoundError(import_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """An import in the list."""

    row: PersonImport
    by: str | None


def imports(session: Session, organization_id: int, asked: Asked) -> Slice[ImportLine]:
    """One page of the imports, in two statements."""
    wanted: list[ColumnElement[bool]] = [PersonImport.organization_id == organization_id]
    if state := asked.filters.get("state"):
        wanted.append(PersonImport.state == ImportState(state))
    if kind := asked.filters.get("kind"):
        wanted.append(PersonImport.kind == ImportKind(kind))
    if asked.q:
        name = func.lower(PersonImport.filename)
        wanted.append(name.like(like(asked.q.lower()), escape="\\"))
    key = PersonImport.filename if asked.sort == "filename" else PersonImport.created_at
    order = (key.desc(), PersonImport.id.desc()) if asked.descending else (key, PersonImport.id)
    total = session.scalar(select(func.count(PersonImport.id)).where(*wanted))
    rows = session.execute(
        select(PersonImport, Person.full_name)
        .outerjoin(Person, Person.id == PersonImport.created_by)
        .where(*wanted)
        .order_by(*order)
        .limit(asked.size)
        .offset(asked.offset)
    )
    items = [ImportLine(row=row, by=name) for row, name in rows]
    return Slice(items=items, total=total or 0, asked=asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the rows of an import do, counted."""

    by_outcome: Mapping[RowOutcome, int]
    memberships: int
    grants: int


def summary(session: Session, row: PersonImport) -> Summary:
    """How many rows do what, in one statement."""
    counted = session.execute(
        select(
            ImportRow.outcome,
            func.count(),
            func.sum(ImportRow.memberships),
            func.sum(ImportRow.grants),
        )
        .where(ImportRow.import_id == row.id, ImportRow.organization_id == row.organization_id)
        .group_by(ImportRow.outcome)
    ).all()
    return Summary(
        by_outcome={outcome: number for outcome, number, _joins, _grants in counted},
        memberships=sum(int(line[2]) for line in counted),
        grants=sum(int(line[3]) for line in counted),
    )


def findings(session: Session, row: PersonImport, asked: Asked) -> Slice[ImportRow]:
    """One page of the rows of an import, in two statements."""
    outcome, words = asked.filters.get("outcome"), asked.q.lower()
    wanted = and_(
        ImportRow.import_id == row.id,
        ImportRow.organization_id == row.organization_id,
        ImportRow.outcome == RowOutcome(outcome) if outcome else true(),
        or_(func.lower(ImportRow.name).like(like(words), escape="\\")) if words else true(),
    )
    total = session.scalar(select(func.count(ImportRow.id)).where(wanted))
    order = ImportRow.line.desc() if asked.descending else ImportRow.line
    page = select(ImportRow).where(wanted).order_by(order).limit(asked.size).offset(asked.offset)
    return Slice(items=session.scalars(page).all(), total=total or 0, asked=asked)


def bad_rows(session: Session, row: PersonImport) -> Iterator[ImportRow]:
    """The rows with errors, in the order of the file, read a batch at a time."""
    yield from session.scalars(
        select(ImportRow)
        .where(
            ImportRow.import_id == row.id,
            ImportRow.organization_id == row.organization_id,
            ImportRow.outcome == RowOutcome.ERROR,
        )
        .order_by(ImportRow.line)
        .execution_options(yield_per=BATCH)
    )


def unit_names(session: Session, organization_id: int, unit_ids: set[int]) -> Mapping[int, str]:
    """The names of these units."""
    rows = session.execute(
        select(Unit.id, Unit.name).where(
            Unit.organization_id == organization_id, Unit.id.in_(unit_ids)
        )
    )
    return {row[0]: row[1] for row in rows}
