"""INSERT that leaves a row alone, or renews it, when it is there already; on both databases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.core.base import Base


def insert_absent(
    session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]
) -> Any:
    """An INSERT of `rows` that skips those whose `key` exists; the caller adds RETURNING."""
    dialect = session.get_bind().dialect.name
    build: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement: Any = build(table).values(list(rows))
    skipping: Insert = statement.on_conflict_do_nothing(index_elements=list(key))
    return skipping


def insert_or_renew(
    session: Session, table: type[Base], row: Mapping[str, Any], *, key: Sequence[str]
) -> None:
    """One row, new or in the place of the one with its `key`: everything else of it is renewed."""
    dialect = session.get_bind().dialect.name
    build: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement: Any = build(table).values(row)
    renewed = {name: statement.excluded[name] for name in row if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=renewed))


def insert_new(
    session: Session,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    returning: Sequence[Any],
) -> Sequence[Any]:
    """The same for many rows at once, compiled once for any number: `returning` of the new ones."""
    dialect = session.get_bind().dialect.name
    build: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement: Any = build(table.__table__).on_conflict_do_nothing(index_elements=list(key))
    columns = [table.__table__.c[each.key] for each in returning]
    found: Any = session.connection().execute(statement.returning(*columns), list(rows))
    new: Sequence[Any] = found.all()
    return new


def insert_open(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """An INSERT of many `rows` that skips those any "only one is open" index refuses."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    build: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(build(table).on_conflict_do_nothing(), list(rows))
