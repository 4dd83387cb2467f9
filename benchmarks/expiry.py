"""The expiry pass on PostgreSQL: what it costs follows who crosses a day, not how many there are.

Everybody has one standing of twelve months; their last days lie evenly over a year, so that a day's
pass finds one in 365 of them thirty days before the end. Each is judged by the rules and has its
reminder queued. Beside it, in the same run: one scan of all standings, the search alone, a pass
that finds nobody, and a pass over the same number of crossings at every size.

Run: python -m benchmarks.expiry [standings ...]
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from plugin.app import create_app
from plugin.assign.crossings import CHUNK, any_due, note_crossings
from plugin.assign.models import StoredStanding
from plugin.core import clock, migrate
from plugin.core.db import db, read_session, transaction
from plugin.core.settings import Environment, Settings
from tests.support import databases
from tests.support.services import postgresql

SIZES = (10_000, 100_000, 1_000_000)
SAME = 1_000
REPEATS = 5
NOW = datetime(2027, 3, 10, 9, 0, tzinfo=UTC)
AT = "timestamptz '2027-03-10 09:00:00+00'"
LAST_DAY = f"""(CASE WHEN id % {{step}} = 1 AND id <= {{step}} * {SAME} THEN date '2027-04-10'
    WHEN id % 365 = 0 THEN date '2027-04-09'
    ELSE date '2027-04-10' + (id % 365)::integer END)"""
FILL = (
    f"""INSERT INTO organization (id, name, slug, time_zone, locale, created_at)
    VALUES (1, 'Harbour Works', 'harbour-works', 'UTC', 'en', {AT})""",
    f"""INSERT INTO unit (id, organization_id, kind, name, description, created_at)
    VALUES (1, 1, 'region', 'North', '', {AT})""",
    f"""INSERT INTO module (id, organization_id, kind, title, description, state, created_at)
    VALUES (1, 1, 'scorm', 'Working at height', '', 'published', {AT})""",
    f"""INSERT INTO configuration (id, organization_id, unit_id, name, current_version_id,
        created_at)
    VALUES (1, 1, 1, 'Safety', 1, {AT})""",
    f"""INSERT INTO configuration_version (id, organization_id, configuration_id, number, name,
        certificate_on, published_at, reason, effective_at, apply_to_existing)
    VALUES (1, 1, 1, 1, 'Safety', true, {AT} - interval '900 days', '', {AT} - interval '900 days',
        false)""",
    f"""INSERT INTO configuration_row (id, organization_id, version_id, module_id, position, status,
        required_since_at)
    VALUES (1, 1, 1, 1, 0, 'required', {AT} - interval '900 days')""",
    """INSERT INTO row_term (organization_id, row_id, validity_months, in_grace)
    VALUES (1, 1, 12, false)""",
    f"""INSERT INTO person (id, organization_id, given_name, family_name, full_name, email,
        created_at)
    SELECT n, 1, 'Given', 'Family' || n, 'Given Family' || n, 'p' || n || '@example.test', {AT}
    FROM generate_series(1, {{people}}) n""",
    f"""INSERT INTO membership (organization_id, unit_id, person_id, source, since_at, created_at,
        silent)
    SELECT 1, 1, id, 'csv', {AT} - interval '800 days', {AT} - interval '800 days', false
    FROM person""",
    f"""INSERT INTO completion (organization_id, person_id, module_id, passed, score, happened_at,
        learned_at, source, evidence, silent)
    SELECT 1, id, 1, true, 0.9, ({LAST_DAY} - interval '1 year')::timestamp AT TIME ZONE 'UTC',
        {AT} - interval '30 days', 'import', '{{{{}}}}', false
    FROM person""",
    f"""INSERT INTO standing (organization_id, person_id, configuration_id, version_id, covered,
        complete, valid_through, ends_at, continuous_since_at, missing, notice_on, notice_at,
        updated_at)
    SELECT 1, id, 1, 1, true, true, {LAST_DAY},
        ({LAST_DAY} + 1)::timestamp AT TIME ZONE 'UTC', {AT} - interval '300 days', '[]',
        {LAST_DAY} - 30, ({LAST_DAY} - 30)::timestamp AT TIME ZONE 'UTC' + interval '9 hours', {AT}
    FROM person""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds at one size, and how many crossed."""

    people: int
    scan: float
    search: float
    idle: float
    crossed: int
    day: float
    same: float


def main() -> None:
    """Print a line for each size, as seconds and as ratios."""
    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    with tempfile.TemporaryDirectory() as folder, postgresql() as server:
        with psycopg.connect(server) as connection:
            version = connection.info.server_version // 10000
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
        print(f"PostgreSQL {version}, chunks of {CHUNK}; seconds, medians of {REPEATS}")
        os.environ["TEST_POSTGRESQL_URL"] = server
        found = []
        for people in sizes:
            with databases.fresh(Path(folder)) as url:
                found.append(_measure(url, folder, people))
        _show(found)


def _show(found: Sequence[Figures]) -> None:
    print()
    print("standings   scan    search   nobody   crossed   the day   1,000 crossings")
    for each in found:
        print(
            f"{each.people:>9,} {each.scan:7.4f} {each.search:8.5f} {each.idle:8.5f} "
            f"{each.crossed:>9,} {each.day:9.3f} {each.same:14.3f}"
        )
    print()
    print(
        "standings   search/scan   nobody/scan   ms a crossing   1,000 crossings, times the first"
    )
    for each in found:
        print(
            f"{each.people:>9,} {each.search / each.scan:13.3f} {each.idle / each.scan:13.3f} "
            f"{1000 * each.day / each.crossed:15.2f} {each.same / found[0].same:12.2f}"
        )


def _measure(url: str, folder: str, people: int) -> Figures:
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
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement.format(people=people, step=_step(people)).encode())
        connection.execute("VACUUM ANALYZE")
    app = create_app(settings)
    with app.app_context(), clock.at(NOW):
        figures = _ask(people)
        db.session.remove()
        db.engine.dispose()
    return figures


def _ask(people: int) -> Figures:
    session = read_session()
    scan = _median(lambda: _scan(session))
    search = _median(lambda: _search(session))
    session.rollback()
    start = time.perf_counter()
    crossed = _pass()
    day = time.perf_counter() - start
    idle = _median(lambda: any_due(read_session(), clock.now()))
    with clock.at(NOW + timedelta(days=1)):
        _pass()
        same = _median(_pass, prepare=_ring)
    return Figures(
        people=people, scan=scan, search=search, idle=idle, crossed=crossed, day=day, same=same
    )


def _scan(session: Session) -> None:
    session.execute(
        text("SELECT count(ends_at), max(valid_through), count(notice_at) FROM standing")
    )


def _search(session: Session) -> None:
    standing = StoredStanding
    session.execute(select(standing.id, standing.notice_on).where(standing.notice_at <= NOW)).all()


def _pass() -> int:
    """Everybody whose day has come, chunk by chunk; returns how many."""
    total = 0
    while True:
        with transaction() as tx:
            looked = note_crossings(tx, now=clock.now())
        total += looked
        if looked < CHUNK:
            return total


def _ring() -> None:
    """The day of the same many standings, far from each other, comes anew; nothing was said."""
    with transaction() as tx:
        tx.session.execute(text("DELETE FROM outbox"))
        tx.session.execute(text("DELETE FROM message"))
        tx.session.execute(
            text(
                "UPDATE standing SET notice_on = date '2027-03-11', notice_at = :at "
                "WHERE valid_through = date '2027-04-10'"
            ),
            {"at": clock.now()},
        )


def _step(people: int) -> int:
    return max(2, people // SAME)


def _median(work: Callable[[], object], *, prepare: Callable[[], None] | None = None) -> float:
    taken = []
    for _ in range(REPEATS):
        if prepare is not None:
            prepare()
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
