"""An import of 50,000 people, checked and applied, on SQLite and on PostgreSQL.

The organization has 100,000 people already; half the rows are about some of them, found by email,
and half are new. Each row names a site and a group. Then the same file again: nothing to do. The
memory is what this process grew by, beside a tenth of the rows.

Run: python -m benchmarks.imports [number of rows]
"""

import io
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert

from plugin.app import create_app
from plugin.core import clock, migrate
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.core.settings import Environment, Settings
from plugin.org import import_actions, importing
from plugin.org.actions import create_organization, create_person, create_unit
from plugin.org.import_models import PersonImport
from plugin.org.models import Person, UnitKind
from tests.support import databases
from tests.support.services import postgresql

ROWS = 50_000
KNOWN = 100_000
SITES, GROUPS = 40, 20
HEADER = "first name,last name,email,employee ID,role,groups,sites,regions\r\n"


def main(rows: int) -> None:
    """Each database in a process of its own, so that its memory is its own."""
    print(f"{platform.node()}, {platform.machine()}, Python {platform.python_version()},")
    print(f"{os.cpu_count()} cores; {KNOWN:,} people known before")
    print(f"{'':12}{'rows':>8}{'check':>9}{'apply':>9}{'rows/s':>9}{'again':>9}{'memory':>10}")
    with postgresql() as server:
        for name, environment in (("SQLite", {}), ("PostgreSQL", {"TEST_POSTGRESQL_URL": server})):
            for number in (rows // 10, rows):
                subprocess.run(
                    [sys.executable, "-m", "benchmarks.imports", name, str(number)],
                    env={**os.environ, **environment},
                    check=True,
                )


def measure(name: str, rows: int) -> None:
    """Print one line of the table."""
    with tempfile.TemporaryDirectory() as folder, databases.fresh(Path(folder)) as url:
        settings = Settings(
            env=Environment.TEST,
            tool_url="https://tool.example.test",
            content_url="https://content.example.test",
            database_url=url,
            secret_key="a secret only benchmarks know, long",
            encryption_key="another secret only benchmarks know",
            storage_dir=folder,
            mail_sender="training@example.test",
        ).checked()
        migrate.upgrade(settings.sqlalchemy_url)
        app = create_app(settings)
        with app.app_context():
            organization_id, admin_id = _organization()
            content = _file(rows)
            before = _peak()
            first = _import(organization_id, admin_id, content)
            grown = _peak() - before
            second = _import(organization_id, admin_id, content)
            db.session.remove()
    both = first[0] + first[1]
    print(
        f"{name:12}{rows:>8,}{first[0]:>8.1f}s{first[1]:>8.1f}s{rows / both:>9,.0f}"
        f"{sum(second):>8.1f}s{grown:>7.0f} MB",
        flush=True,
    )


def _organization() -> tuple[int, int]:
    now = clock.now()
    with transaction() as tx:
        organization = create_organization(
            tx.session, name="Harbour", slug="harbour", time_zone="UTC", locale="en", now=now
        )
        admin = create_person(
            tx.session,
            organization.id,
            full_name="Anna Admin",
            email=None,
            employee_id=None,
            by=None,
            now=now,
        )
        for kind, number in ((UnitKind.SITE, SITES), (UnitKind.GROUP, GROUPS)):
            for each in range(number):
                create_unit(
                    tx.session,
                    organization.id,
                    kind=kind,
                    name=f"{kind} {each}",
                    id_code=f"C{each}",
                    by=None,
                    now=now,
                )
        ids = organization.id, admin.id
        for start in range(0, KNOWN, 5000):
            tx.session.execute(
                insert(Person), [_known(ids[0], n) for n in range(start, start + 5000)]
            )
    return ids


def _known(organization_id: int, number: int) -> dict[str, object]:
    return {
        "organization_id": organization_id,
        "given_name": f"Given{number % 1000}",
        "family_name": f"Family{number}",
        "full_name": f"Given{number % 1000} Family{number}",
        "email": f"P{number}@example.test",
        "created_at": clock.now(),
    }


def _file(rows: int) -> bytes:
    """Every second row is about somebody known."""
    out = io.StringIO()
    out.write(HEADER)
    for each in range(rows):
        number = each if each % 2 else KNOWN + each
        out.write(
            f"Given{number % 1000},Family{number},p{number}@example.test,E{number},,"
            f"C{each % GROUPS},C{each % SITES},\r\n"
        )
    return out.getvalue().encode()


def _import(organization_id: int, admin_id: int, content: bytes) -> tuple[float, float]:
    """Seconds of the check and of the application."""
    file = import_actions.keep_file(storage(), organization_id, "people.csv", io.BytesIO(content))
    with transaction() as tx:
        import_id = import_actions.receive(
            tx, organization_id, file, tells_people=False, by=admin_id, now=clock.now()
        ).id
    checked = _seconds(lambda: importing.check(import_id))
    with transaction() as tx:
        row = tx.session.get_one(PersonImport, import_id)
        import_actions.begin_applying(tx, row, also_with_errors=False, by=admin_id, now=clock.now())
    return checked, _seconds(lambda: importing.apply(import_id))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _peak() -> float:
    """The most memory this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
