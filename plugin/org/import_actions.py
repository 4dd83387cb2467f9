"""What an import changes: itself; and one of people, by chunks, the people, units and rights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any, BinaryIO

from sqlalchemy import bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit, outbox
from plugin.core.audit import AuditEntry
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.secrets import new_token
from plugin.core.storage import Storage
from plugin.org.errors import ImportBusyError, ImportHasErrorsError, ImportOverError
from plugin.org.history import remember_many
from plugin.org.import_file import describe
from plugin.org.import_format import Format
from plugin.org.import_kinds import Cause
from plugin.org.import_models import ImportKind, ImportRow, ImportState, PersonImport
from plugin.org.import_rules import PEOPLE, Line
from plugin.org.import_verdict import Verdict
from plugin.org.models import Grant, Membership, MembershipSource, Person
from plugin.web.roles import Role

CANCELLABLE = frozenset(
    {
        ImportState.UPLOADED,
        ImportState.CHECKING,
        ImportState.CHECKED,
        ImportState.APPLYING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A file that is in the storage and can be an import."""

    filename: str
    key: str
    sha256: str
    lines: int


def keep_file(
    storage: Storage, organization_id: int, filename: str, source: BinaryIO, kind: Format = PEOPLE
) -> Received:
    """The file is stored; FileProblemError, and nothing stored, when it is no file of its kind."""
    lines = describe(source, kind).lines
    source.seek(0)
    stored = storage.put_stream(f"imports/{organization_id}/{new_token()}.csv", source)
    name = PurePath(filename.replace("\\", "/")).name[:200] or "import.csv"
    return Received(filename=name, key=stored.key, sha256=stored.sha256, lines=lines)


def receive(
    tx: Tx,
    organization_id: int,
    file: Received,
    *,
    kind: ImportKind = ImportKind.PEOPLE,
    tells_people: bool,
    by: int,
    now: datetime,
) -> PersonImport:
    """An import of this file exists and its check is owed."""
    row = PersonImport(
        organization_id=organization_id,
        kind=kind,
        filename=file.filename,
        file_key=file.key,
        sha256=file.sha256,
        state=ImportState.UPLOADED,
        tells_people=tells_people,
        lines=file.lines,
        created_at=now,
        created_by=by,
    )
    tx.session.add(row)
    audit.record(
        tx.session,
        "import.uploaded",
        about=row,
        by=by,
        now=now,
        after={"kind": kind.value, "filename": file.filename, "sha256": file.sha256},
    )
    tx.then(JobName.CHECK_IMPORT, row.id)
    return row


def begin_applying(
    tx: Tx, row: PersonImport, *, also_with_errors: bool, by: int, now: datetime
) -> None:
    """The good rows are owed. With errors in the file that must be said; one import at a time."""
    tx.session.refresh(row, with_for_update=True)
    if row.state is not ImportState.CHECKED:
        raise ImportOverError(row.id)
    if row.good == 0 or (row.bad and not also_with_errors):
        raise ImportHasErrorsError(row.id)
    try:
        with tx.session.begin_nested():
            row.state, row.applied_by, row.through_line = ImportState.APPLYING, by, 0
    except IntegrityError:
        raise ImportBusyError(row.id) from None
    audit.record(
        tx.session,
        "import.applied",
        about=row,
        by=by,
        now=now,
        after={"good": row.good, "bad": row.bad, "tells_people": row.tells_people},
    )
    tx.then(JobName.APPLY_IMPORT, row.id)


def cancel(tx: Tx, row: PersonImport, *, by: int, now: datetime) -> None:
    """Nothing more of the import is done; what was done stays. Safe to call again."""
    tx.session.refresh(row, with_for_update=True)
    if row.state not in CANCELLABLE:
        return
    before, row.state, row.finished_at = row.state, ImportState.CANCELLED, now
    audit.record(
        tx.session,
        "import.cancelled",
        about=row,
        by=by,
        now=now,
        before={"state": before.value},
        after={"done": row.done},
    )


def write(tx: Tx, rows: Sequence[tuple[Line, Verdict]], cause: Cause) -> Sequence[int]:
    """What the verdicts say is so, in a fixed number of statements; the person of each row."""
    if not rows:
        return []
    session = tx.session
    verdicts = [verdict for _line, verdict in rows]
    people = _people(session, verdicts, cause)
    told = list(zip(verdicts, people, strict=True))
    trail = [_person_entry(cause, each, who) for each, who in told if each.changes]
    joined = _join(session, [(unit, who) for each, who in told for unit in each.joins], cause)
    managed = _manage(session, [(unit, who) for each, who in told for unit in each.manages], cause)
    trail += [
        _entry(cause, "membership.started", who, None, {"unit_id": unit, "source": "csv"})
        for unit, who in joined
    ]
    trail += [
        _entry(cause, "grant.given", who, None, {"role": "manager", "unit_id": unit})
        for unit, who in managed
    ]
    if trail:
        session.execute(insert(AuditEntry), trail)
    outbox.evaluate_people(session, [who for _unit, who in joined])
    return people


def _people(session: Session, verdicts: Sequence[Verdict], cause: Cause) -> list[int]:
    """The people of the rows, new ones made and known ones changed."""
    new = [each for each in verdicts if each.person_id is None]
    made = iter(_create(session, new, cause))
    changed = [each for each in verdicts if each.person_id is not None and each.changes]
    _change(session, changed, cause)
    return [each.person_id if each.person_id is not None else next(made) for each in verdicts]


def _create(session: Session, verdicts: Sequence[Verdict], cause: Cause) -> Sequence[int]:
    """New people, in the order of the rows; employee ID and address together tell them apart."""
    if not verdicts:
        return []
    statement = insert(Person).returning(Person.id, Person.employee_id, Person.email)
    rows: list[JsonDict] = [
        {
            "organization_id": cause.organization_id,
            "given_name": _after(each, "given_name") or "",
            "family_name": _after(each, "family_name") or "",
            "full_name": _after(each, "full_name") or "",
            "email": _after(each, "email"),
            "employee_id": _after(each, "employee_id"),
            "created_at": cause.now,
        }
        for each in verdicts
    ]
    made = {(row[1], row[2]): row[0] for row in session.execute(statement, rows)}
    return [made[(row["employee_id"], row["email"])] for row in rows]


def _change(session: Session, verdicts: Sequence[Verdict], cause: Cause) -> None:
    """Each column that changes for somebody is one statement for all of those."""
    remember_many(
        session,
        cause.organization_id,
        Person.__tablename__,
        "email",
        [
            (each.person_id, each.changes["email"][0])
            for each in verdicts
            if each.person_id is not None and "email" in each.changes
        ],
        now=cause.now,
    )
    for name in ("given_name", "family_name", "full_name", "email", "employee_id"):
        rows = [
            {"who": each.person_id, "after": each.changes[name][1]}
            for each in verdicts
            if name in each.changes
        ]
        if rows:
            table: Any = Person.__table__
            session.connection().execute(
                update(table)
                .where(table.c.id == bindparam("who"))
                .values({name: bindparam("after")}),
                rows,
            )


def _join(
    session: Session, pairs: Sequence[tuple[int, int]], cause: Cause
) -> list[tuple[int, int]]:
    """These people are in these units; returns who was not before."""
    rows = [
        {
            "organization_id": cause.organization_id,
            "unit_id": unit_id,
            "person_id": person_id,
            "source": MembershipSource.CSV,
            "since_at": cause.now,
            "created_at": cause.now,
            "silent": cause.is_silent,
        }
        for unit_id, person_id in pairs
    ]
    return _insert_absent(session, Membership, rows)


def _manage(
    session: Session, pairs: Sequence[tuple[int, int]], cause: Cause
) -> list[tuple[int, int]]:
    """These people manage these units; returns who did not before."""
    rows = [
        {
            "organization_id": cause.organization_id,
            "unit_id": unit_id,
            "person_id": person_id,
            "role": Role.MANAGER,
            "granted_at": cause.now,
            "granted_by": cause.by,
        }
        for unit_id, person_id in pairs
    ]
    return _insert_absent(session, Grant, rows)


def _insert_absent(
    session: Session, table: type[Membership] | type[Grant], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, int]]:
    if not rows:
        return []
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    build: Any = postgresql.insert if is_postgresql else sqlite.insert
    statement = build(table).on_conflict_do_nothing().returning(table.unit_id, table.person_id)
    return [(row[0], row[1]) for row in session.execute(statement, list(rows))]


def update_rows(session: Session, import_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Columns of findings change; each mapping names its `line` and has the same columns."""
    table: Any = ImportRow.__table__
    names = [name for name in rows[0] if name != "line"]
    session.connection().execute(
        update(table)
        .where(table.c.import_id == import_id, table.c.line == bindparam("its_line"))
        .values({name: bindparam(f"its_{name}", type_=table.c[name].type) for name in names}),
        [{f"its_{name}": value for name, value in row.items()} for row in rows],
    )


def _after(verdict: Verdict, name: str) -> str | None:
    return verdict.changes[name][1] if name in verdict.changes else None


def _person_entry(cause: Cause, verdict: Verdict, person_id: int) -> JsonDict:
    before = {name: pair[0] for name, pair in verdict.changes.items()}
    after = {name: pair[1] for name, pair in verdict.changes.items()}
    if verdict.person_id is None:
        return _entry(cause, "person.created", person_id, None, after)
    return _entry(cause, "person.changed", person_id, before, after)


def _entry(
    cause: Cause, action: str, person_id: int, before: JsonDict | None, after: JsonDict | None
) -> JsonDict:
    return {
        "organization_id": cause.organization_id,
        "at": cause.now,
        "action": action,
        "about_kind": "person",
        "about_id": person_id,
        "by_person_id": cause.by,
        "before": before,
        "after": after,
        "reason": f"import {cause.import_id}",
    }
