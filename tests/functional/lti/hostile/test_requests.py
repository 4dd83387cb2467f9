"""Launch requests nobody should make: swapped, repeated, misshapen, without end."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from plugin.core import clock
from plugin.core.db import db
from plugin.lti.tool.claims import LTI
from plugin.org.models import SignIn
from tests.functional.lti.conftest import register
from tests.functional.lti.hostile.sending import with_claims
from tests.functional.lti.hostile.values import (
    NASTY,
    SCRIPT,
    nobody_is_here,
    refusal,
)
from tests.functional.lti.platform import Lms
from tests.support.world import World

pytestmark = pytest.mark.refused_first


@pytest.mark.parametrize("size", [10_000, 100_000])
def test_a_message_larger_than_any_lms_sends_is_refused(
    client: FlaskClient, lms: Lms, size: int
) -> None:
    answer = with_claims(client, lms, {LTI + "roles": [f"role{i}" for i in range(size)]})
    refusal(answer, statuses=(401, 413))
    nobody_is_here()


def test_v9_a_token_taken_by_another_browser_signs_nobody_in_there(
    app: Flask, client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    assert lms.post(client, token, asked["state"]).status_code == 303
    again = lms.post(app.test_client(), token, asked["state"])
    assert "lti.login_used" in refusal(again)
    assert db.session.query(SignIn).count() == 1


def test_v9_states_and_nonces_of_two_logins_cannot_be_swapped(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="client-2")
    first, second, foreign = lms.begin(client), lms.begin(client), other.begin(client)
    for nonce, state in (
        (first["nonce"], second["state"]),
        (second["nonce"], first["state"]),
        (first["nonce"], foreign["state"]),
        (foreign["nonce"], first["state"]),
        (first["nonce"], first["nonce"]),
        (first["state"], first["state"]),
        (first["nonce"], ""),
        (first["nonce"], first["state"] + " "),
        (first["nonce"], first["state"].swapcase()),
        (first["nonce"], "x" * 60_000),
        (first["nonce"], "\x00\ufffd"),
    ):
        refusal(lms.post(client, lms.sign(lms.claims(nonce)), state))
    theirs = other.sign(other.claims(foreign["nonce"]))
    refusal(lms.post(client, theirs, foreign["state"]))
    nobody_is_here()
    assert lms.post(client, lms.sign(lms.claims(first["nonce"])), first["state"]).status_code == 303


def test_a_launch_reads_one_form_field_of_a_name_and_nothing_of_the_address(
    client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    path = f"/lti/{lms.uid}/launch"
    good = {"id_token": token, "state": asked["state"]}
    for answer in (
        client.post(path, query_string=good),
        client.post(path, json=good),
        client.post(path, data=json.dumps(good), content_type="text/plain"),
        client.post(path, data={"id_token": ["x", token], "state": asked["state"]}),
        client.post(path, data=b"--x\r\nnonsense", content_type="multipart/form-data; boundary=x"),
        client.post(path, data=b"x", content_type="multipart/form-data"),
        client.post(
            path, data=b"\xff\xfe%%%=&&&", content_type="application/x-www-form-urlencoded"
        ),
        client.post(path, data={"id_token": (__file__, "x"), "state": asked["state"]}),
    ):
        refusal(answer)
    for method in ("put", "patch", "delete"):
        assert getattr(client, method)(path, data=good).status_code == 405
    assert client.get(path, query_string=good).status_code == 200
    nobody_is_here()
    assert client.post(path, data=good, content_type="multipart/form-data").status_code == 303


@pytest.mark.parametrize("path", ["login", "launch", "continue"])
def test_bodies_without_end_are_cut(client: FlaskClient, lms: Lms, path: str) -> None:
    address = f"/lti/{lms.uid}/{path}"
    refusal(client.post(address, data={"x": "a" * 300_000}), statuses=(400, 413))
    refusal(client.post(address, data={f"a{i}": "" for i in range(40_000)}), statuses=(400, 413))
    many = {f"a{i}": "x" for i in range(1500)}
    refusal(
        client.post(address, data=many, content_type="multipart/form-data"), statuses=(400, 413)
    )


def test_l9_an_error_answer_is_never_shown_in_its_own_words(client: FlaskClient, lms: Lms) -> None:
    with capture_logs() as lines:
        for error in (
            *(v for v in NASTY.values() if isinstance(v, str) and "\ud800" not in v),
            SCRIPT,
        ):
            said = {
                "error": error,
                "error_description": SCRIPT * 100,
                "error_uri": SCRIPT,
                "state": SCRIPT,
            }
            for answer in (
                client.post(f"/lti/{lms.uid}/launch", data=said),
                client.get(f"/lti/{lms.uid}/launch", query_string=said | {"error": error[:2000]}),
            ):
                assert "lti.platform_refused" in refusal(answer)
    assert "alert" not in repr(lines)


def test_a_login_that_is_late_by_hours_is_refused(client: FlaskClient, lms: Lms) -> None:
    asked = lms.begin(client)
    for late in (timedelta(minutes=11), timedelta(days=400), -timedelta(days=1)):
        with clock.shifted(late):
            answer = lms.post(client, lms.sign(lms.claims(asked["nonce"])), asked["state"])
        if late > timedelta():
            assert "lti.login_unknown" in refusal(answer)
