"""Run migrations with the product's own tables as the target."""

from alembic import context
from sqlalchemy import create_engine, event

from plugin.app import tables
from plugin.core.db import configure_engine


def render_item(kind, item, autogen):
    """Write our column types by the types they become, so that old migrations stay readable."""
    if kind != "type":
        return False
    name = type(item).__name__
    if name == "UTCDateTime":
        autogen.imports.add("from plugin.core.base import UTCDateTime")
        return "UTCDateTime()"
    if name == "EnumText":
        return "sa.String(length=40)"
    if name == "JSON":
        autogen.imports.add("from plugin.core.base import Json")
        return "Json"
    return False


def let_tables_be_made_anew(raw, _record):
    """SQLite changes a column by making its table anew: rows that point at it must not object."""
    raw.execute("PRAGMA foreign_keys=OFF")


def check_references(connection):
    """Every row still points at one that is there."""
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if lost is not None:
        raise RuntimeError(f"the migration would leave a row of {lost[0]} without its {lost[2]}")


engine = create_engine(context.config.attributes["url"])
configure_engine(engine)
is_sqlite = engine.dialect.name == "sqlite"
if is_sqlite:
    event.listen(engine, "connect", let_tables_be_made_anew)
with engine.connect().execution_options(writes=True) as connection:
    context.configure(
        connection=connection,
        target_metadata=tables(),
        render_as_batch=is_sqlite,
        render_item=render_item,
        compare_type=False,
    )
    with context.begin_transaction():
        context.run_migrations()
        if is_sqlite:
            check_references(connection)
engine.dispose()
