"""Addresses of ours that an LMS reads by itself, without a person (moodle 2, 3.3, 4.1)."""

from flask.testing import FlaskClient

from plugin.lti.tool.addresses import tool_addresses
from tests.functional.lti.platform import Lms
from tests.support.queries import counted


def test_a_launch_address_that_is_only_looked_at_answers_with_a_short_page(
    client: FlaskClient, lms: Lms
) -> None:
    """Moodle reads the address of an activity when it is saved, and the teacher waits for it."""
    address = f"/lti/{lms.uid}/launch"
    with counted() as statements:
        answer = client.get(address, headers={"User-Agent": "MoodleBot/4.5"})
    assert (answer.status_code, answer.mimetype, statements) == (200, "text/html", [])
    assert len(answer.data) < 20_000
    assert not answer.text.lstrip().startswith("<?xml")
    assert "Set-Cookie" not in answer.headers
    assert client.get(address, query_string={"module": "7"}).status_code == 200


def test_the_icon_of_course_pages_is_kept_and_brings_no_cookie(client: FlaskClient) -> None:
    """Every learner's browser reads it on every page of the course."""
    answer = client.get(tool_addresses("", "x").icon)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert "Set-Cookie" not in answer.headers
    assert "max-age" in answer.headers["Cache-Control"]


def test_k4_our_keys_may_be_kept_for_a_while_and_answer_an_lms_without_a_cookie(
    client: FlaskClient, lms: Lms
) -> None:
    answer = client.get(f"/lti/{lms.uid}/jwks")
    assert "max-age" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert all(
        set(key) >= {"kid", "kty", "n", "e"} and "d" not in key for key in answer.json["keys"]
    )
