"""Run migrations with the product's own tables as the target."""

from alembic import context
from sqlalchemy import create_engine

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


engine = create_engine(context.config.attributes["url"])
configure_engine(engine)
with engine.connect().execution_options(writes=True) as connection:
    context.configure(
        connection=connection,
        target_metadata=tables(),
        render_as_batch=engine.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=False,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
