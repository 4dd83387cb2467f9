"""Real PostgreSQL, real Redis, real SMTP, real processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest
from flask import Flask

from plugin.app import create_app, tables
from plugin.core import migrate, queue
from plugin.core.db import db
from plugin.core.settings import Settings
from tests.support import databases, emptying, services, smtp

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Machinery:
    """The product on real servers, and the means to start its processes."""

    app: Flask
    settings: Settings
    inbox: smtp.Inbox
    killer: "subprocess.Popen[str]"

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """A process of the product with these settings."""
        return subprocess.Popen(
            [sys.executable, *command],
            env=environment(self.settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def worker(self, *how: str) -> int:
        """Work everything off in a worker process; its exit code."""
        assert self.killer.stdin is not None
        assert self.killer.stdout is not None
        order = {"how": how, "mail_port": self.settings.mail_port}
        self.killer.stdin.write(json.dumps(order) + "\n")
        self.killer.stdin.flush()
        code = int(self.killer.stdout.readline())
        assert code <= 0, "it broke; its words are above"
        return code


def environment(settings: Settings) -> dict[str, str]:
    """The environment that `Settings.from_env` reads these settings from."""
    said = {
        f"PLUGIN_{each.name.upper()}": str(getattr(settings, each.name))
        for each in fields(settings)
        if getattr(settings, each.name) not in ("", False)
    }
    said |= {name: "1" for name, value in said.items() if value == "True"}
    return {**os.environ, **said, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, str]]:
    with services.both() as found:
        yield found


@pytest.fixture(scope="session")
def real_settings(
    servers: dict[str, str], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    os.environ["TEST_POSTGRESQL_URL"] = servers["TEST_POSTGRESQL_URL"]
    with databases.fresh(tmp_path_factory.mktemp("unused")) as url:
        found = replace(settings, database_url=url, redis_url=servers["TEST_REDIS_URL"])
        migrate.upgrade(found.sqlalchemy_url)
        with create_app(found).app_context(), db.engine.begin() as connection:
            emptying.prepare(connection, tables())
        yield found


@pytest.fixture(scope="session")
def killer(real_settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    """The process that bears the workers; see `killer.py`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.processes.killer"],
        env=environment(real_settings),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.communicate()


@pytest.fixture
def machinery(real_settings: Settings, killer: "subprocess.Popen[str]") -> Iterator[Machinery]:
    """Empty tables, an empty Redis, an empty inbox."""
    with smtp.server() as inbox:
        settings = replace(real_settings, mail_port=inbox.port)
        app = create_app(settings)
        app.testing = True
        queue.connect(settings).flushall()
        with app.app_context():
            yield Machinery(app, settings, inbox, killer)
            db.session.remove()
            with db.engine.connect() as connection:
                emptying.empty(connection, tables())
            db.engine.dispose()
