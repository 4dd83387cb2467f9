"""The calendar of `validity` as SQL, for questions about very many people at once.

Days only: a completion counts at a moment when its last day is not before the local day then.
"""

import sqlite3
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Engine, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from plugin.assign.validity import valid_through

FOR_EVER = date(9999, 12, 31)
_NAME = "last_valid_day"


class LastDay(FunctionElement[date]):
    """`validity.valid_through(happened_at, months, zone)`; `FOR_EVER` without months."""

    type = Date()
    inherit_cache = True
    name = _NAME

    def __init__(
        self, happened_at: Any, months: ColumnElement[Any], zone: ColumnElement[Any]
    ) -> None:
        super().__init__(happened_at, months, zone)


@compiles(LastDay, "postgresql")
def _on_postgresql(element: LastDay, compiler: Any, **options: Any) -> str:
    happened, months, zone = (compiler.process(each, **options) for each in element.clauses)
    day = f"({happened} AT TIME ZONE {zone})::date"
    added = f"({day} + make_interval(months => CAST({months} AS integer)))::date"
    return f"COALESCE({added}, DATE '{FOR_EVER.isoformat()}')"


@compiles(LastDay, "sqlite")
def _on_sqlite(element: LastDay, compiler: Any, **options: Any) -> str:
    arguments = ", ".join(compiler.process(each, **options) for each in element.clauses)
    return f"{_NAME}({arguments})"


class Earliest(FunctionElement[date]):
    """The earliest of some days, of which none may be NULL."""

    type = Date()
    inherit_cache = True
    name = "earliest"


@compiles(Earliest)
def _earliest(element: Earliest, compiler: Any, **options: Any) -> str:
    days = [compiler.process(each, **options) for each in element.clauses]
    if len(days) == 1:
        return str(days[0])
    function = "LEAST" if compiler.dialect.name == "postgresql" else "MIN"
    return f"{function}({', '.join(days)})"


def configure_engine(engine: Engine) -> None:
    """Give SQLite the function; PostgreSQL has the calendar itself."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        raw: sqlite3.Connection = connection
        raw.create_function(_NAME, 3, _last_day, deterministic=True)


@lru_cache(maxsize=65536)
def _last_day(happened_at: str, months: int | None, zone: str) -> str:
    moment = datetime.fromisoformat(happened_at).replace(tzinfo=UTC)
    return (valid_through(moment, months, zone) or FOR_EVER).isoformat()
