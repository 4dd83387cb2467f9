"""Several launches in one browser: tabs, courses, people and LMSs do not disturb each other."""

from datetime import timedelta

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.web import visits
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.visits import kept_visits, visit_and_page
from tests.support.world import World


def root_of(answer: TestResponse) -> str:
    return visits.PATH + visit_and_page(answer)[0]


def test_l8_two_courses_in_two_tabs_keep_their_person_their_frame_and_their_way_back(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(
        world,
        issuer="https://other.example.test",
        auth_url="https://other.example.test/auth",
        client_id="c2",
    )
    first = root_of(lms.launch(client))
    second = root_of(other.launch(client, sub="9", name="Mona Manager"))
    assert first != second
    for root, name, origin in (
        (first, "Lars Learner", "https://lms.example.test"),
        (second, "Mona Manager", "https://other.example.test"),
        (first, "Lars Learner", "https://lms.example.test"),
    ):
        page = client.get(f"{root}/")
        assert name in page.text
        assert page.headers["Content-Security-Policy"].endswith(f"frame-ancestors {origin}")


def test_logins_begun_in_several_tabs_end_in_any_order(client: FlaskClient, lms: Lms) -> None:
    begun = [lms.begin(client) for _ in range(3)]
    roots = {
        root_of(
            lms.post(client, lms.sign(lms.claims(each["nonce"], sub=each["nonce"])), each["state"])
        )
        for each in reversed(begun)
    }
    assert len(roots) == 3
    assert all(client.get(f"{root}/").status_code == 200 for root in roots)


def test_a_browser_keeps_its_ten_newest_visits(client: FlaskClient, lms: Lms) -> None:
    roots = []
    for minute in range(12):
        with clock.shifted(timedelta(minutes=minute)):
            answer = lms.launch(client)
        roots.append(root_of(answer))
    assert kept_visits(answer)[roots[1].removeprefix(visits.PATH)] is False
    statuses = [client.get(f"{root}/").status_code for root in roots]
    assert statuses == [401] * 2 + [200] * 10
    jar = [each for each in client._cookies.values() if each.key.startswith(visits.COOKIE)]
    assert sum(len(each.key) + len(each.value) for each in jar) < 10 * 1024


def test_large_visits_leave_before_the_browser_s_limit(client: FlaskClient, lms: Lms) -> None:
    for minute in range(3):
        with clock.shifted(timedelta(minutes=minute)):
            lms.launch(client)
        with client.session_transaction(base_url="https://tool.example.test") as session:
            session["much"] = clock.now().isoformat() + "".join(map(chr, range(600, 1400)))
    with clock.shifted(timedelta(minutes=5)):
        dropped = [each for each, kept in kept_visits(lms.launch(client)).items() if not kept]
    assert dropped
