"""The migrations make exactly the tables the models describe, and can be undone."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Engine, create_engine, inspect

from plugin.app import tables
from plugin.core import migrate
from plugin.core.db import configure_engine, db
from plugin.core.settings import Settings
from tests.support import databases


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
