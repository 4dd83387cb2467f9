"""List pages of admins: how long each takes with 100,000 people in 500 units on PostgreSQL.

Every page is asked for through the app as a browser would, warm, and in turn by an admin (who
reaches everything) and by the manager of a region. A page fails above 300 ms at p95.

Run: python -m benchmarks.pages [times each page]
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from benchmarks import crowd
from plugin.app import create_app
from plugin.core import clock, migrate
from plugin.core.db import db
from plugin.core.secrets import hash_of, new_token
from plugin.core.settings import Environment, Settings
from plugin.org.models import SignIn
from plugin.web.identity import TOKEN
from tests.support import databases, services
from tests.support.queries import counted

TOOL = "https://tool.example.test"
NOW = datetime(2027, 3, 10, 9, 30, tzinfo=UTC)
LIMIT_MS = 300
ADMIN, MANAGER = 1, 2
PAGES = (
    "/admin/overview",
    "/admin/overview?region=3",
    "/admin/overview?sort=share",
    "/admin/people",
    "/admin/people?q=family77",
    "/admin/groups",
    "/admin/sites",
    "/admin/regions",
    f"/admin/units/{crowd.BIG_GROUP}",
    f"/admin/units/{crowd.BIG_GROUP}/members",
    f"/admin/units/{crowd.BIG_GROUP}/training",
    f"/admin/units/{crowd.BIG_GROUP}/matrix",
    f"/admin/units/{crowd.BIG_GROUP}/matrix?columns=3&page=100",
    "/admin/standings",
    "/admin/standings?q=family77",
    "/admin/standings?state=expired&sort=unit",
    "/admin/standings?state=expiring_30&sort=through",
    "/admin/standings?unit=3&state=invalid",
    "/admin/standings?page=100",
    "/admin/certificates",
    "/admin/certificates?q=family77",
    "/admin/certificates?state=valid",
    "/admin/certificates?state=invalid",
    "/admin/certificates?state=ended",
    "/admin/certificates?state=suspended",
    "/admin/certificates?sort=through",
    "/admin/unreachable",
    "/admin/training",
    "/admin/imports",
    "/admin/rules",
    "/admin/templates",
    "/admin/people/5000/training",
)


@contextmanager
def product() -> Iterator[Flask]:
    """The app on a PostgreSQL of its own that holds the crowd."""
    with services.postgresql() as server, tempfile.TemporaryDirectory() as folder:
        os.environ["TEST_POSTGRESQL_URL"] = server
        with databases.fresh(Path(folder)) as url:
            settings = _settings(url, folder)
            migrate.upgrade(settings.sqlalchemy_url)
            crowd.fill(url)
            app = create_app(settings)
            yield app
            with app.app_context():
                db.engine.dispose()


def _settings(url: str, folder: str) -> Settings:
    return Settings(
        env=Environment.TEST,
        tool_url=TOOL,
        content_url="https://content.example.test",
        database_url=url,
        secret_key="a secret only benchmarks know, long",
        encryption_key="another secret only benchmarks know",
        storage_dir=folder,
        mail_sender="training@example.test",
        mail_host="127.0.0.1",
        mail_tls="none",
    ).checked()


def visitor(app: Flask, person_id: int) -> FlaskClient:
    """A browser signed in as this person."""
    token = new_token()
    with app.app_context():
        db.session.add(
            SignIn(
                organization_id=1,
                person_id=person_id,
                token_hash=hash_of(token),
                frame_ancestors="",
                launch={},
                created_at=NOW,
                expires_at=NOW.replace(year=2050),
            )
        )
        db.session.commit()
    client = app.test_client()
    with client.session_transaction(base_url=TOOL) as session:
        session[TOKEN] = token
    return client


def measured(app: Flask, client: FlaskClient, path: str, times: int) -> bool:
    """Print the page's figures; whether it is as fast as promised."""
    first = client.get(path, base_url=TOOL)
    if first.status_code != 200:
        print(f"{path:<58} answers {first.status_code}")
        return first.status_code in {403, 404}  # not there, or not theirs
    spent: list[float] = []
    for turn in range(times + 2):
        with app.app_context(), counted() as statements:
            start = time.perf_counter()
            answer = client.get(path, base_url=TOOL)
            answer.get_data()
            if turn >= 2:
                spent.append((time.perf_counter() - start) * 1000)
    middle, late = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
    mark = "" if late <= LIMIT_MS else "  SLOW"
    print(f"{path:<58} {middle:7.0f} {late:7.0f} {len(statements):5}{mark}")
    return late <= LIMIT_MS


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with product() as app, clock.at(NOW):
        print(f"{platform.machine()}, Python {platform.python_version()}, {times} times each")
        fast = []
        for name, person in (("an admin", ADMIN), ("the manager of a region", MANAGER)):
            client = visitor(app, person)
            print(f"{f'As {name}':<58} p50 ms  p95 ms  statements")
            fast += [measured(app, client, path, times) for path in PAGES]
    sys.exit(0 if all(fast) else 1)


if __name__ == "__main__":
    main()
