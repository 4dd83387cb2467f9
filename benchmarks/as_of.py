"""What a past moment costs: the same lists of 100,000 people in 500 units, now and as of 15 March.

Twice: one person in fifty has changed since, and everybody has. A list that would judge more than
20,000 standings anew is refused as a page (400); then its file is measured.

Asked for through the app as a browser would, on PostgreSQL, by an admin (who reaches everybody) and
by the manager of a region. Shown are medians in milliseconds and how many times the past costs what
now costs.

Run: python -m benchmarks.as_of [times each page]
"""

import platform
import statistics
import sys
import time
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from benchmarks import crowd
from benchmarks.pages import ADMIN, MANAGER, NOW, TOOL, product, visitor
from plugin.core import clock
from plugin.core.db import db

LATER = NOW + timedelta(days=10)
THEN = "as_of=2027-03-15"
PAGES = (
    f"/admin/units/{crowd.FIRST_SITE}/members",
    f"/admin/units/{crowd.BIG_GROUP}/members",
    f"/admin/standings?unit={crowd.FIRST_SITE}",
    f"/admin/standings?unit={crowd.BIG_GROUP}",
    f"/admin/units/{crowd.BIG_GROUP}/matrix",
    "/admin/people",
    "/admin/people?q=family77",
    "/admin/people?unit=3",
    "/admin/people?role=manager",
    "/admin/sites",
    "/admin/regions",
    "/admin/training",
    "/admin/unreachable",
    "/admin/people/5000/activity",
    "/admin/people/5000/training",
    "/admin/standings?unit=3",
    "/admin/standings",
    "/admin/standings?q=family77",
    "/admin/certificates",
    "/admin/overview",
)


def spent(app: Flask, client: FlaskClient, path: str, times: int) -> tuple[float, int]:
    """The median of asking for the page, in milliseconds, and what it answered."""
    found, status = [], 0
    for _turn in range(times):
        with app.app_context():
            start = time.perf_counter()
            answer = client.get(path, base_url=TOOL)
            answer.get_data()
            found.append((time.perf_counter() - start) * 1000)
            status = answer.status_code
    return statistics.median(found), status


CHANGED = f"""UPDATE standing SET updated_at = timestamptz '{LATER - timedelta(days=1)}'
    WHERE person_id % {{every}} = 0"""


def change(app: Flask, every: int) -> None:
    """The standings of one person in so many have changed since the moment asked about."""
    with app.app_context():
        db.session.execute(text(CHANGED.format(every=every)))
        db.session.commit()


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with product() as app, clock.at(LATER):
        print(f"{platform.machine()}, Python {platform.python_version()}, {times} times each")
        for every in (50, 1):
            change(app, every)
            for name, person in (("an admin", ADMIN), ("the manager of a region", MANAGER)):
                print(f"As {name}, one in {every} changed since")
                print(f"{'':<44} now ms    then ms   times")
                compare(app, visitor(app, person), times)


def compare(app: Flask, client: FlaskClient, times: int) -> None:
    """Print each page's figures."""
    for path in PAGES:
        client.get(path, base_url=TOOL)
        now, status = spent(app, client, path, times)
        if status != 200:
            continue
        place, _, question = path.partition("?")
        asked = "&".join(each for each in (question, THEN) if each)
        then, status = spent(app, client, f"{place}?{asked}", times)
        said = ""
        if status != 200:
            then, _ = spent(app, client, f"{place}.csv?{asked}", 1)
            said = "  as a file"
        print(f"{path:<44}{now:7.0f}{then:11.0f}{then / now:8.1f}{said}", flush=True)


if __name__ == "__main__":
    main()
