"""Used once, whatever the number of processes: the database decides."""

import threading

from flask import Flask
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.org.models import Identity, Person, SignIn
from tests.functional.lti.platform import Lms

THREADS = 6


def at_once(app: Flask, lms: Lms, forms: list[tuple[str, str]], cookie: str) -> list[int]:
    """Every form posted at the same moment, each by its own connection."""
    barrier, statuses = threading.Barrier(len(forms)), []

    def post(token: str, state: str) -> None:
        barrier.wait()
        with app.app_context():
            answer = app.test_client(use_cookies=False).post(
                f"/lti/{lms.uid}/launch",
                data={"id_token": token, "state": state},
                headers={"Cookie": cookie},
                base_url=lms.tool_url,
            )
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=post, args=form) for form in forms]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def cookies_of(client: FlaskClient) -> str:
    return "; ".join(f"{each.key}={each.value}" for each in client._cookies.values())


def test_of_many_launches_with_one_token_exactly_one_wins(
    app: Flask, client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    form = (lms.sign(lms.claims(asked["nonce"])), asked["state"])
    assert at_once(app, lms, [form] * THREADS, cookies_of(client)) == [303, *[400] * (THREADS - 1)]
    assert db.session.query(SignIn).count() == 1


def test_without_a_cookie_exactly_one_of_many_gets_the_button(
    app: Flask, client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    form = (lms.sign(lms.claims(asked["nonce"])), asked["state"])
    assert at_once(app, lms, [form] * THREADS, "") == [200, *[400] * (THREADS - 1)]


def test_first_launches_of_one_person_at_the_same_moment_make_one_person(
    app: Flask, client: FlaskClient, lms: Lms
) -> None:
    begun = [lms.begin(client) for _ in range(THREADS)]
    forms = [(lms.sign(lms.claims(each["nonce"])), each["state"]) for each in begun]
    assert at_once(app, lms, forms, cookies_of(client)) == [303] * THREADS
    assert db.session.query(Person).count() == 1
    assert db.session.query(Identity).count() == 1
    assert db.session.query(SignIn).count() == THREADS
