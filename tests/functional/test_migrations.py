"""The migrations make exactly the tables the models describe, and can be undone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Connection, Engine, MetaData, create_engine, inspect, select
from sqlalchemy.exc import IntegrityError

from plugin.app import tables
from plugin.core import migrate
from plugin.core.db import configure_engine, db
from plugin.core.settings import Settings
from tests.support import databases

LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)
FILLED: dict[type, object] = {str: "x", int: 1, bool: True, datetime: LONG_AGO, object: {}}


def _differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, tables()))


def test_the_migrated_database_is_what_the_models_say(app: Flask) -> None:
    assert _differences(db.engine) == []


def test_every_migration_can_be_undone_and_done_again(
    settings: Settings, tmp_path_factory: object
) -> None:
    with databases.fresh(tmp_path_factory.mktemp("again")) as plain:  # type: ignore[attr-defined]
        url = plain.replace("postgresql://", "postgresql+psycopg://")
        migrate.upgrade(url)
        command.downgrade(migrate.configuration(url), "base")
        engine = create_engine(url)
        configure_engine(engine)
        assert set(inspect(engine).get_table_names()) == {"alembic_version"}
        assert not migrate.is_current(engine)
        migrate.upgrade(url)
        assert migrate.is_current(engine)
        engine.dispose()


def _put(connection: Connection, name: str, **said: Any) -> None:
    """A row of the table as the database has it now; whatever it insists on is filled in."""
    table = MetaData()
    table.reflect(connection, only=[name])
    columns = table.tables[name].columns
    must = {
        each.name: FILLED[each.type.python_type]
        for each in columns
        if not each.nullable and each.name != "id"
    }
    connection.execute(table.tables[name].insert().values({**must, **said}))


def _retired(connection: Connection, name: str) -> dict[str, datetime | None]:
    found = MetaData()
    found.reflect(connection, only=[name])
    key = found.tables[name]
    return {
        row.kid: row.retired_at and row.retired_at.replace(tzinfo=UTC)
        for row in connection.execute(select(key.c.kid, key.c.retired_at))
    }


@pytest.mark.parametrize(
    ("keys", "owner", "owners"),
    [
        ("tool_key", "registration_id", "registration"),
        ("platform_key", "tool_id", "external_tool"),
    ],
)
def test_of_keys_that_signed_side_by_side_the_newest_goes_on_and_the_others_overlap(
    keys: str, owner: str, owners: str, tmp_path: Path
) -> None:
    with databases.fresh(tmp_path) as plain:
        url = plain.replace("postgresql://", "postgresql+psycopg://")
        command.upgrade(migrate.configuration(url), "0021")
        engine = create_engine(url)
        configure_engine(engine)
        with engine.begin() as connection:
            _put(connection, "organization", id=1)
            for number in (1, 2):
                one = {"uid": f"u{number}", "client_id": f"c{number}"}
                _put(connection, owners, id=number, organization_id=1, **one)
            _put(connection, keys, id=1, kid="ended", retired_at=LONG_AGO, **{owner: 1})
            for number, kid, whose in ((2, "older", 1), (3, "newer", 1), (4, "newest", 1)):
                _put(connection, keys, id=number, kid=kid, retired_at=None, **{owner: whose})
            _put(connection, keys, id=5, kid="alone", retired_at=None, **{owner: 2})
        before = datetime.now(UTC)
        command.upgrade(migrate.configuration(url), "0022")
        with engine.connect() as connection:
            found = _retired(connection, keys)
        assert (found["newest"], found["alone"], found["ended"]) == (None, None, LONG_AGO)
        for kid in ("older", "newer"):
            ends = found[kid]
            assert ends is not None
            assert before + timedelta(days=2) <= ends <= datetime.now(UTC) + timedelta(days=2)
        with pytest.raises(IntegrityError), engine.begin() as connection:
            _put(connection, keys, id=6, kid="second", retired_at=None, **{owner: 2})
        migrate.upgrade(url)
        assert migrate.is_current(engine)
        engine.dispose()


def test_a_table_that_others_point_at_is_changed_with_its_rows(tmp_path: Path) -> None:
    with databases.fresh(tmp_path) as plain:
        url = plain.replace("postgresql://", "postgresql+psycopg://")
        command.upgrade(migrate.configuration(url), "0026")
        engine = create_engine(url)
        configure_engine(engine)
        with engine.begin() as connection:
            _put(connection, "organization", id=1)
            _put(connection, "module", id=1, organization_id=1)
            _put(connection, "package", id=1, organization_id=1)
            version = {"organization_id": 1, "module_id": 1, "package_id": 1}
            _put(connection, "module_version", id=1, **version)
        migrate.upgrade(url)
        with engine.connect() as connection:
            found = MetaData()
            found.reflect(connection, only=["package", "module_version"])
            package, version_row = found.tables["package"], found.tables["module_version"]
            assert connection.execute(select(package.c.id, package.c.attempts)).all() == [(1, 0)]
            assert connection.scalars(select(version_row.c.package_id)).all() == [1]
        engine.dispose()
