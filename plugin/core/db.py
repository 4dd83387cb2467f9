"""The database and the one place that commits."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from plugin.core import outbox
from plugin.core.base import (
    AppendOnly,
    AppendOnlyError,
    Base,
    EnumText,
    IntKey,
    Json,
    JsonDict,
    JsonList,
    UTCDateTime,
)

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

__all__ = [
    "AppendOnly",
    "AppendOnlyError",
    "Base",
    "EnumText",
    "IntKey",
    "Json",
    "JsonDict",
    "JsonList",
    "NestedTransactionError",
    "Tx",
    "UTCDateTime",
    "chunks",
    "configure_engine",
    "db",
    "read_session",
    "transaction",
]

db = SQLAlchemy(metadata=Base.metadata, engine_options={"hide_parameters": True})
"""What a statement was given may be a name or an address; errors are logged without it."""


class Tx:
    """One unit of work: facts and the next steps they cause are saved together or not at all."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def then(
        self,
        job: outbox.JobName,
        *args: int,
        due_at: datetime | None = None,
    ) -> None:
        """After the commit, `job` runs with these row ids, at once or not before `due_at`."""
        outbox.add(self.session, job, args, due_at=due_at)

    def then_many(
        self,
        job: outbox.JobName,
        many: Sequence[Sequence[int]],
        *,
        due_at: datetime | None = None,
    ) -> None:
        """Like `then` for many rows at once, in one statement."""
        outbox.add_many(self.session, job, many, due_at=due_at)


class NestedTransactionError(RuntimeError):
    """One view or job is one transaction; a second inside it would half-commit."""


@contextmanager
def transaction() -> Iterator[Tx]:
    """A write transaction: commits at the end, rolls back on any error."""
    session = cast(Session, db.session())
    if session.info.get("writing"):
        raise NestedTransactionError
    session.rollback()  # ends a read of the same request, so that we see and lock the newest rows
    session.info["writing"] = True
    try:
        session.connection(execution_options={"writes": True})
        yield Tx(session)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writing"] = False


def read_session() -> Session:
    """The session of this request or job, for reading."""
    return cast(Session, db.session())


def configure_engine(engine: Engine) -> None:
    """Give the database the behaviour the product relies on.

    PostgreSQL compiles no statement: ours are short, and compiling costs more than it gains.
    """
    if engine.dialect.name != "sqlite":

        @event.listens_for(engine, "connect")
        def on_connect_postgresql(connection: "DBAPIConnection", _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("SET jit TO off")
            cursor.close()
            connection.commit()

        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: "DBAPIConnection", _record: object) -> None:
        raw = cast(sqlite3.Connection, connection)
        raw.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "busy_timeout=10000",
            "foreign_keys=ON",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The ids in slices of at most `size`, in order."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
