"""What a past moment costs: the same lists of 100,000 people in 500 units, now and as of a day ago.

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

from benchmarks import crowd
from benchmarks.pages import ADMIN, MANAGER, NOW, TOOL, product, visitor
from plugin.core import clock

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


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with product() as app, clock.at(LATER):
        print(f"{platform.machine()}, Python {platform.python_version()}, {times} times each")
        for name, person in (("an admin", ADMIN), ("the manager of a region", MANAGER)):
            client = visitor(app, person)
            print(f"{f'As {name}':<44} now ms    then ms   times")
            for path in PAGES:
                client.get(path, base_url=TOOL)
                now, status = spent(app, client, path, times)
                if status != 200:
                    continue
                mark = "&" if "?" in path else "?"
                then, status = spent(app, client, f"{path}{mark}{THEN}", times)
                said = "" if status == 200 else f"  answers {status}"
                print(f"{path:<44}{now:7.0f}{then:11.0f}{then / now:8.1f}{said}", flush=True)


if __name__ == "__main__":
    main()
