"""The database a test run uses: a SQLite file, or a database of its own on a PostgreSQL server."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url


@contextmanager
def fresh(folder: Path) -> Iterator[str]:
    """An empty database, gone afterwards. `TEST_POSTGRESQL_URL` names a server to use."""
    server = os.environ.get("TEST_POSTGRESQL_URL")
    if not server:
        yield f"sqlite:///{folder}/product.db"
        return
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
