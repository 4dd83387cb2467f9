"""Empties every table in two requests: a hundred cost more than many a small test."""

import sqlite3

from sqlalchemy import Connection, MetaData, text

FUNCTION = "empty_every_table"


def prepare(connection: Connection, metadata: MetaData) -> None:
    """PostgreSQL gets a function for it, which says which tables had rows.

    Truncating all would cost far more after a small test. No row of another table is left to
    complain, so the keys need not be looked at, and numbers nobody took need not begin anew.
    """
    if connection.dialect.name != "postgresql":
        return
    steps = "".join(
        f"DELETE FROM \"{name}\"; IF FOUND THEN had := array_append(had, '{name}'); END IF; "
        for name in _children_first(metadata)
    )
    connection.execute(
        text(
            f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS text[] LANGUAGE plpgsql "
            "SET session_replication_role = replica AS $$ DECLARE had text[] := '{}'; "
            f"BEGIN {steps} PERFORM setval(seqrelid::regclass, 1, false) FROM pg_sequence "
            "WHERE pg_sequence_last_value(seqrelid) IS NOT NULL; RETURN had; END $$"
        )
    )


def empty(connection: Connection, metadata: MetaData) -> None:
    """Every table is empty, and its numbers begin with 1 again."""
    if connection.dialect.name == "postgresql":
        _empty_postgresql(connection)
        return
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("BEGIN IMMEDIATE")
    for name in _children_first(metadata):
        raw.execute(f'DELETE FROM "{name}"')
    raw.execute("COMMIT")


def _empty_postgresql(connection: Connection) -> None:
    """Without the second step new rows would take the places of old ones, in any order."""
    at_once = connection.execution_options(isolation_level="AUTOCOMMIT")
    had = at_once.scalar(text(f"SELECT {FUNCTION}()"))
    if had:
        names = ", ".join(f'"{name}"' for name in had)
        at_once.execute(text(f"VACUUM (INDEX_CLEANUP ON, TRUNCATE ON) {names}"))


def _children_first(metadata: MetaData) -> list[str]:
    return [table.name for table in reversed(metadata.sorted_tables)]
