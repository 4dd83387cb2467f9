"""Empties every table in one request: a hundred requests cost more than many a small test."""

import sqlite3

from sqlalchemy import Connection, MetaData, text

FUNCTION = "empty_every_table"


def prepare(connection: Connection, metadata: MetaData) -> None:
    """PostgreSQL gets a function for it, whose plans it keeps.

    Truncating would cost far more after a small test. No row of another table is left to complain,
    so the keys need not be looked at, and numbers nobody took need not begin anew.
    """
    if connection.dialect.name != "postgresql":
        return
    connection.execute(
        text(
            f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS void LANGUAGE plpgsql "
            f"SET session_replication_role = replica AS $$ BEGIN {_deletions(metadata)} "
            "PERFORM setval(seqrelid::regclass, 1, false) FROM pg_sequence "
            "WHERE pg_sequence_last_value(seqrelid) IS NOT NULL; END $$"
        )
    )


def empty(connection: Connection, metadata: MetaData) -> None:
    """Every table is empty, and its numbers begin with 1 again."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT {FUNCTION}()"))
        return
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    for each in _deletions(metadata).split(";")[:-1]:
        raw.execute(each)


def _deletions(metadata: MetaData) -> str:
    return "".join(f'DELETE FROM "{table.name}";' for table in reversed(metadata.sorted_tables))
