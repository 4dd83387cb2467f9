"""The impact of a publish to everybody: 100,000 people on PostgreSQL, beside one scan of the facts.

One configuration covers the whole crowd and asks five modules; its draft asks one more and shortens
a period. What is measured is what the publish page asks: the numbers, then a page of names.

Run: python -m benchmarks.impact
"""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks import crowd
from plugin.app import create_app
from plugin.assign import actions, queries
from plugin.assign.actions import Effect
from plugin.assign.draft import DraftRow
from plugin.assign.models import Configuration
from plugin.certs.impact import Group, impact, names
from plugin.core import clock, migrate
from plugin.core.db import db, read_session
from plugin.core.settings import Environment, Settings
from tests.support import databases
from tests.support.services import postgresql

EVERYBODY = 1000
NOW = datetime(2027, 3, 10, 9, 30, tzinfo=UTC)
REPEATS = 5
MORE = (
    f"""INSERT INTO unit (id, organization_id, kind, name, description, created_at)
    VALUES ({EVERYBODY}, 1, 'group', 'Everybody', '', {crowd.NOW})""",
    f"""INSERT INTO membership (organization_id, unit_id, person_id, source, since_at, created_at,
        silent)
    SELECT 1, {EVERYBODY}, id, 'csv', {crowd.NOW} - interval '400 days', {crowd.NOW}, false
    FROM person""",
    f"""INSERT INTO configuration (id, organization_id, unit_id, name, current_version_id,
        created_at) VALUES ({EVERYBODY}, 1, {EVERYBODY}, 'For everybody', {EVERYBODY},
        {crowd.NOW})""",
    f"""INSERT INTO configuration_draft (organization_id, configuration_id, rows, certificate_on,
        revision, updated_at) VALUES (1, {EVERYBODY}, '[]', true, 1, {crowd.NOW})""",
    f"""INSERT INTO configuration_version (id, organization_id, configuration_id, number, name,
        certificate_on, published_at, reason, effective_at, apply_to_existing)
    VALUES ({EVERYBODY}, 1, {EVERYBODY}, 1, '', true, {crowd.NOW} - interval '400 days', '',
        {crowd.NOW} - interval '400 days', false)""",
    f"""INSERT INTO configuration_row (id, organization_id, version_id, module_id, position, status,
        required_since_at)
    SELECT 100000 + n, 1, {EVERYBODY}, n, n, 'required', {crowd.NOW} - interval '400 days'
    FROM generate_series(1, 5) n""",
    """INSERT INTO row_term (organization_id, row_id, validity_months, in_grace)
    SELECT 1, 100000 + n, 12, false FROM generate_series(1, 5) n""",
    f"""INSERT INTO completion (organization_id, person_id, module_id, module_version_id, passed,
        score, happened_at, learned_at, source, evidence)
    SELECT 1, person.id, n, n, true, 0.9, {crowd.NOW} - (person.id % 390) * interval '1 day',
        {crowd.NOW} - interval '1 day', 'manual', '{{}}'
    FROM person, generate_series(1, 5) n WHERE (person.id + n) % 9 > 0""",
    f"""INSERT INTO standing (organization_id, person_id, configuration_id, version_id, covered,
        complete, valid_through, ends_at, continuous_since_at, missing, updated_at)
    SELECT 1, id, {EVERYBODY}, {EVERYBODY}, true, true,
        ({crowd.NOW} + (365 - id % 390) * interval '1 day')::date,
        date_trunc('day', {crowd.NOW}) + (366 - id % 390) * interval '1 day',
        {crowd.NOW} - interval '300 days', '[]', {crowd.NOW}
    FROM person""",
    f"""INSERT INTO certificate (organization_id, person_id, configuration_id, credential_id, token,
        passcode, created_at)
    SELECT 1, id, {EVERYBODY}, 'X-' || id, 'x-' || id, 'xc-' || id, {crowd.NOW} FROM person""",
    f"""INSERT INTO edition (organization_id, certificate_id, number, kind, facts, issued_at,
        silent)
    SELECT 1, id, 1, 'first', '{{}}', {crowd.NOW} - interval '200 days', false FROM certificate
    WHERE configuration_id = {EVERYBODY}""",
)


def main() -> None:
    """Print how long each question takes."""
    with tempfile.TemporaryDirectory() as folder, postgresql() as server:
        with psycopg.connect(server) as connection:
            version = connection.info.server_version // 10000
        print(f"{platform.node()}, {platform.machine()}, Python {platform.python_version()},")
        print(f"PostgreSQL {version}, {crowd.PEOPLE:,} people")
        os.environ["TEST_POSTGRESQL_URL"] = server
        with databases.fresh(Path(folder)) as url:
            _measure(url, folder)


def _measure(url: str, folder: str) -> None:
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
    crowd.fill(url)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (*MORE, "VACUUM ANALYZE"):
            connection.execute(statement.encode())
    app = create_app(settings)
    with app.app_context(), clock.at(NOW):
        session = read_session()
        floor = _seconds(lambda: _scan(session))
        counts, asked = _ask(session)
        print(f"one scan of completions and standings   {floor:6.2f} s   1.0")
        print(f"the numbers                             {asked[0]:6.2f} s {asked[0] / floor:5.1f}")
        print(f"a page of names                         {asked[1]:6.2f} s {asked[1] / floor:5.1f}")
        print({group.value: number for group, number in counts.items()})
        db.session.remove()


def _ask(session: Session) -> tuple[dict[Group, int], tuple[float, float]]:
    configuration = session.get_one(Configuration, EVERYBODY)
    draft = queries.draft_of(session, configuration)
    rows = [DraftRow(module_id=number, validity_months=12) for number in range(2, 7)]
    rows.append(DraftRow(module_id=1, validity_months=6))
    draft.rows = [row.as_json() for row in rows]
    effect = Effect(apply_to_existing=True)
    coming = actions.next_version(session, configuration, draft, effect, now=NOW)
    counts = dict(impact(session, configuration, coming).counts)

    def list_names() -> None:
        names(session, configuration, coming, Group.TURN_INVALID, offset=0, limit=50)

    return counts, (
        _seconds(lambda: impact(session, configuration, coming)),
        _seconds(list_names),
    )


def _scan(session: Session) -> None:
    session.execute(text("SELECT count(score), max(happened_at) FROM completion"))
    session.execute(text("SELECT count(ends_at) FROM standing"))


def _seconds(work: Callable[[], object]) -> float:
    """The median of a few runs."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
