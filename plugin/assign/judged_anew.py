"""Standings judged from the facts here and now, in the shape of the stored ones.

Lists ask stored standings, which follow the facts. They cannot answer for the past, nor, until its
step has run, for a version that has just taken effect. There these answers take their place: each
is `evaluate`'s own, given to the same statements as if it were the table.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Date,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from plugin.assign.errors import TooManyChangedError
from plugin.assign.fetch import facts
from plugin.assign.judgement import stored_values
from plugin.assign.models import Configuration, StoredStanding
from plugin.assign.statement import is_active
from plugin.core.base import Int, Json, UTCDateTime
from plugin.core.db import chunks
from plugin.org.models import Membership, Person, Unit
from plugin.org.reach import Reach

CHUNK = 500
MOST_NOW = 20_000
MOST_THEN = 20_000
"""So many no page waits for: some seconds of judging."""
KINDS: Mapping[str, Any] = {
    "id": Int,
    "organization_id": Int,
    "person_id": Int,
    "configuration_id": Int,
    "covered": Boolean(),
    "complete": Boolean(),
    "valid_through": Date(),
    "ends_at": UTCDateTime(),
    "missing": Json,
}
"""What lists read of a standing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose standings are asked for: of the people in reach, under these configurations."""

    reach: Reach
    configuration_ids: Collection[int]
    at: datetime


def of_past(session: Session, scope: Scope, versions: Iterable[int], *, most: int | None) -> CTE:
    """Every standing of the scope as the facts stood at its moment, in place of the table.

    A stored standing that has not changed since is what it was: it holds dates. Judged from the
    facts are only those that have changed, or were never stored. Raises TooManyChangedError when
    these are more than `most`. `versions`: ids of the versions in force then.
    """
    settled = _is_settled(StoredStanding, scope, versions)
    changed = union_all(_stored(scope).where(not_(settled)), _unsettled(scope, versions))
    pairs = session.execute(changed if most is None else changed.limit(most + 1)).all()
    if most is not None and len(pairs) > most:
        raise TooManyChangedError
    judged = _judged(session, scope, pairs, past=True)
    kept = _kept(scope.reach).where(
        settled,
        StoredStanding.configuration_id.in_(sorted(scope.configuration_ids)),
        scope.reach.people(StoredStanding.person_id, scope.at),
    )
    return union_all(kept, _table_of(session, judged)).cte("kept_and_judged")


def of_now(session: Session, reach: Reach, versions: Mapping[int, int], at: datetime) -> CTE | None:
    """The stored standings, with those judged here that `versions` have yet to judge.

    `versions`: the version in force of each configuration whose people may not all be judged yet.
    None when there are no such people, or so many that no page could wait for them: the table
    itself answers, and follows as fast as the steps go through them.
    """
    scope = Scope(reach=reach, configuration_ids=versions.keys(), at=at)
    behind = _is_behind(versions)
    waiting = union_all(_stored(scope).where(behind), _newcomers(scope)).limit(MOST_NOW + 1)
    pairs = session.execute(waiting).all()
    if not 0 < len(pairs) <= MOST_NOW:
        return None
    judged = _judged(session, scope, pairs, past=False)
    kept = _kept(reach).where(not_(behind))
    return union_all(kept, _table_of(session, judged)).cte("kept_and_judged")


def _kept(reach: Reach) -> Select[Any]:
    """Stored standings as they are."""
    return select(*(getattr(StoredStanding, name) for name in KINDS)).where(
        StoredStanding.organization_id == reach.organization_id
    )


def _is_settled(model: Any, scope: Scope, versions: Iterable[int]) -> ColumnElement[bool]:
    """The stored standing was judged by the version of then and has not changed since."""
    return and_(model.updated_at <= scope.at, model.version_id.in_(sorted(versions)))


def _is_behind(versions: Mapping[int, int]) -> ColumnElement[bool]:
    return or_(
        *(
            and_(StoredStanding.configuration_id == each, StoredStanding.version_id != version)
            for each, version in sorted(versions.items())
        )
    )


def _stored(scope: Scope) -> Select[Any]:
    columns: list[Any] = [
        StoredStanding.person_id,
        StoredStanding.configuration_id,
        func.coalesce(StoredStanding.first_at, StoredStanding.updated_at),
    ]
    return select(*columns).where(
        StoredStanding.organization_id == scope.reach.organization_id,
        StoredStanding.configuration_id.in_(sorted(scope.configuration_ids)),
        scope.reach.people(StoredStanding.person_id, scope.at),
    )


def _members(scope: Scope) -> Select[Any]:
    """Who was a member where the training is asked for, whether ever judged or not."""
    columns: list[Any] = [Membership.person_id, Configuration.id, cast(null(), UTCDateTime())]
    return (
        select(*columns)
        .select_from(Membership)
        .join(Unit, Unit.id == Membership.unit_id)
        .join(Person, Person.id == Membership.person_id)
        .join(
            Configuration,
            or_(Configuration.unit_id == Unit.id, Configuration.unit_id == Unit.region_id),
        )
        .where(
            Membership.organization_id == scope.reach.organization_id,
            Membership.since_at <= scope.at,
            Membership.created_at <= scope.at,
            Configuration.id.in_(sorted(scope.configuration_ids)),
            scope.reach.people(Membership.person_id, scope.at),
        )
    )


def _newcomers(scope: Scope) -> Select[Any]:
    """Who is covered and was never judged."""
    return _members_without(scope, aliased(StoredStanding), true()).where(is_active(scope.at))


def _unsettled(scope: Scope, versions: Iterable[int]) -> Select[Any]:
    """Who was a member and has no stored standing that is still what it was."""
    known = aliased(StoredStanding)
    return _members_without(scope, known, _is_settled(known, scope, versions))


def _members_without(scope: Scope, known: Any, such: ColumnElement[bool]) -> Select[Any]:
    """Members who have no stored standing such as this."""
    return (
        _members(scope)
        .outerjoin(
            known,
            and_(
                known.person_id == Membership.person_id,
                known.configuration_id == Configuration.id,
                such,
            ),
        )
        .where(known.id.is_(None))
    )


def _judged(
    session: Session, scope: Scope, pairs: Sequence[Any], *, past: bool
) -> Iterator[dict[str, Any]]:
    """What would be stored of each pair of person and configuration, a chunk of people at a time.

    A pair comes with the moment it was first stored. Who is not covered is listed as ended if that
    was known then, and else not at all, as nothing is stored of who was never covered.
    """
    wanted: dict[int, dict[int, bool]] = defaultdict(dict)
    for person_id, configuration_id, first_at in pairs:
        known = wanted[person_id].get(configuration_id, False)
        wanted[person_id][configuration_id] = known or (
            first_at is not None and first_at <= scope.at
        )
    for some in chunks(sorted(wanted), CHUNK):
        found = facts(
            session,
            scope.reach.organization_id,
            person_ids=some,
            configuration_ids=sorted(scope.configuration_ids),
            at=scope.at,
            past=past,
        )
        for person_id in some:
            for configuration_id, was_known in sorted(wanted[person_id].items()):
                if configuration_id not in found.configurations:
                    continue
                standing = found.standing(person_id, configuration_id)
                if standing.covered or was_known:
                    yield stored_values(standing) | {
                        "organization_id": scope.reach.organization_id,
                        "person_id": person_id,
                        "configuration_id": configuration_id,
                    }


def _table_of(session: Session, lines: Iterable[dict[str, Any]]) -> Select[Any]:
    """The lines as a table, sent along as one JSON value."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    text = json.dumps(
        [
            {name: _said(line[name], is_postgresql) for name in KINDS if name != "id"}
            | {"id": -number}
            for number, line in enumerate(lines, 1)
        ]
    )
    sent = bindparam("judged", text, type_=Text(), unique=True)
    if is_postgresql:
        columns = [column(name, kind) for name, kind in KINDS.items()]
        records = (
            func.jsonb_to_recordset(cast(sent, JSONB))
            .table_valued(*columns)
            .render_derived(with_types=True)
        )
        return select(*records.c)
    each = func.json_each(sent).table_valued("value")
    return select(
        *(
            type_coerce(func.json_extract(each.c.value, f"$.{name}"), kind).label(name)
            for name, kind in KINDS.items()
        )
    )


def _said(value: Any, is_postgresql: bool) -> Any:
    """The value as the database reads it back from JSON."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return moment.isoformat() if is_postgresql else f"{moment:%Y-%m-%d %H:%M:%S.%f}"
    return value.isoformat() if isinstance(value, date) else value
