"""Empties the tables that tests wrote to, row by row: emptying a hundred files costs far more."""

import re
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, event, text

ALWAYS = frozenset({"outbox", "periodic", "audit_entry"})
"""Written by workers too, which a test may start as processes of their own."""
_INSERT = re.compile(r'INSERT INTO "?(\w+)', re.IGNORECASE)
_written: set[str] = set()


def watch(engine: Engine) -> None:
    """From now on every table that gets rows through this engine is remembered."""
    event.listen(engine, "before_cursor_execute", _note)


def _note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
    if "INSERT" in statement:
        _written.update(_INSERT.findall(statement))


def empty(connection: Connection, metadata: MetaData) -> None:
    """Every remembered table is empty, and its numbers begin with 1. They stay remembered: a thread
    of a test that has ended may still be writing."""
    wanted = _written | ALWAYS
    names = [each.name for each in reversed(metadata.sorted_tables) if each.name in wanted]
    if connection.dialect.name != "postgresql":
        for name in names:
            connection.execute(text(f'DELETE FROM "{name}"'))
        return
    # No row of another table is left to complain, so the keys need not be looked at.
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for name in names:
        connection.execute(text(f'DELETE FROM "{name}"'))
    numbered = [name for name in names if "id" in metadata.tables[name].c]
    restarts = [f"setval(pg_get_serial_sequence('{name}', 'id'), 1, false)" for name in numbered]
    connection.execute(text(f"SELECT {', '.join(restarts)}"))
