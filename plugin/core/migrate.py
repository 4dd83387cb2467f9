"""Bring the database to the shape this version needs."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from plugin.core.paths import MIGRATIONS


def configuration(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Apply every migration that is missing; nothing to do is fine."""
    command.upgrade(configuration(url), "head")


def is_current(engine: Engine) -> bool:
    """Whether no migration is pending."""
    heads = set(ScriptDirectory.from_config(configuration("")).get_heads())
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads
