"""What stays behind: logs without persons or secrets, and logins that are forgotten in time."""

from datetime import timedelta

from flask.testing import FlaskClient
from structlog.testing import capture_logs

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import OutgoingError
from plugin.lti.tool import login_actions
from plugin.lti.tool.models import Login
from tests.functional.lti.platform import ABSENT, Lms

REFUSED = [
    {"deployment_id": "secret-deployment"},
    {"sub": ABSENT},
    {"nonce": "other"},
    {"exp": 1},
    {"aud": "somebody"},
    {"version": "9"},
    {"iss": "https://secret.example"},
]


def test_refusals_are_logged_by_code_and_ids_only(client: FlaskClient, lms: Lms) -> None:
    with capture_logs() as lines:
        for changes in REFUSED:
            asked = lms.begin(client)
            token = lms.sign(lms.claims(asked["nonce"], **changes))
            lms.post(client, token, asked["state"])
        lms.log_in(client, iss="https://secret.example")
        client.post(f"/lti/{lms.uid}/launch", data={"error": "secret", "state": asked["state"]})
        lms.key_set.fails_with = OutgoingError("ConnectTimeout")
        with clock.shifted(timedelta(days=2)):
            lms.launch(client)
    said = repr(lines)
    assert len(lines) >= len(REFUSED) + 3
    assert {each["event"] for each in lines} == {"request.refused", "lti.keys_not_read"}
    for secret in ("Lars", "learner1@", "secret", asked["state"], asked["nonce"], token, "sesskey"):
        assert secret not in said


def test_a_refusal_shows_the_reference_that_is_in_the_log(client: FlaskClient, lms: Lms) -> None:
    page = lms.launch(client, version="9").get_data(as_text=True)
    reference = page.partition("Reference: <code>")[2].partition("</code>")[0]
    assert len(reference) == 12


def test_old_logins_are_forgotten_and_new_ones_kept(client: FlaskClient, lms: Lms) -> None:
    lms.begin(client)
    with clock.shifted(timedelta(days=2)):
        lms.begin(client)
        with transaction() as tx:
            gone = login_actions.forget_logins(tx.session, before=clock.now() - timedelta(days=1))
    assert gone == 1
    assert db.session.query(Login).count() == 1
