"""One migrated database for the run; every test starts with empty tables and a known clock."""

import gc
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as search

from plugin.app import create_app, tables
from plugin.core import clock, log, migrate
from plugin.core.db import db
from plugin.core.settings import Environment, Settings
from plugin.scorm import vendor
from tests.support import databases, emptying, key_pairs, services
from tests.support.world import World
from tools import assets

search.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
search.load_profile("untimed")  # how long something takes is a matter of benchmarks

log.configure("WARNING")  # as in a server: no drawn tracebacks
gc.set_threshold(50_000, 20, 50)  # requests leave little behind: looking less often saves a tenth

NOW = datetime(2027, 3, 10, 9, 30, tzinfo=UTC)
TOOL = "https://tool.example.test"
CONTENT = "https://content.example.test"


@pytest.fixture(scope="session", autouse=True)
def player_files() -> None:
    """After an update the browser's runtime may be newer than what was copied last."""
    if not all((vendor.FOLDER / name).is_file() for name in vendor.INTEGRITY):
        assets.copy_player()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder: Path = tmp_path_factory.mktemp("product")
    with databases.fresh(folder) as url:
        yield Settings(
            env=Environment.TEST,
            tool_url=TOOL,
            content_url=CONTENT,
            database_url=url,
            redis_url=services.own_redis(os.environ.get("TEST_REDIS_URL", "")),
            secret_key="a secret only tests know, long enough",
            encryption_key="another secret only tests know, long",
            storage_dir=str(folder / "files"),
            mail_sender="training@example.test",
            mail_host="127.0.0.1",
            mail_tls="none",
        ).checked()


@pytest.fixture(scope="session")
def whole_app(settings: Settings) -> Flask:
    migrate.upgrade(settings.sqlalchemy_url)
    key_pairs.reuse()
    app = create_app(settings)
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context(), db.engine.connect() as connection, connection.begin():
        emptying.prepare(connection, tables())
    gc.freeze()  # what is there now stays to the end
    return app


@pytest.fixture
def app(whole_app: Flask, settings: Settings) -> Iterator[Flask]:
    """The product with empty tables; what a test commits is gone afterwards."""
    with clock.at(NOW), whole_app.app_context():
        yield whole_app
        db.session.remove()
        _empty_tables()
        shutil.rmtree(settings.storage_path, ignore_errors=True)


@pytest.fixture
def world(app: Flask) -> World:
    return World()


class ToolClient(FlaskClient):
    """A browser that is on the tool's origin unless told otherwise.

    Each request has a context and a database session of its own, as in a server; what the test
    itself had read is read anew afterwards.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("base_url", TOOL)
        db.session.rollback()
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser on the tool's origin."""
    app.test_client_class = ToolClient
    return app.test_client()


def _empty_tables() -> None:
    """All tables are empty, and numbers begin with 1 again."""
    with db.engine.connect() as connection:
        emptying.empty(connection, tables())
