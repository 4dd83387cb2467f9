"""Login requests nobody should send: a page or a redirect to the LMS, never anything else."""

from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.lti.tool.models import Login
from tests.functional.lti.conftest import register
from tests.functional.lti.hostile.values import NASTY, assert_nothing_raw, refusal
from tests.functional.lti.platform import Lms
from tests.support.world import World

pytestmark = pytest.mark.refused_first

FIELDS = [
    *("iss", "login_hint", "target_link_uri", "client_id", "lti_deployment_id"),
    *("lti_message_hint", "lti_storage_target", "canvas_region", "canvas_environment"),
]
TEXTS = {name: value for name, value in NASTY.items() if isinstance(value, str)}


@pytest.mark.parametrize("name", FIELDS)
def test_no_login_parameter_breaks_the_login(client: FlaskClient, lms: Lms, name: str) -> None:
    for label, value in TEXTS.items():
        sent = value.encode("utf-8", "surrogatepass")
        said = {**lms.login_request(), name: sent}
        for answer in (
            client.post(f"/lti/{lms.uid}/login", data=said),
            client.get(f"/lti/{lms.uid}/login", query_string={**said, name: sent[:8000]}),
        ):
            assert answer.status_code in {302, 400}, (label, answer.text)
            if answer.status_code == 400:
                refusal(answer)
            else:
                goal = answer.headers["Location"]
                assert goal.startswith("https://lms.example.test/auth.php?scope=openid&"), label
                assert goal.isascii()
                assert "\n" not in goal


@pytest.mark.parametrize(
    "target",
    [
        *("https://tool.example.test@evil.example/", "https://evil.example@tool.example.test/"),
        *("https://tool.example.test.evil.example/", "https://tool.example.testevil.example/"),
        *(
            "https://eviltool.example.test/",
            "https://tool.example.test:8443/",
            "//tool.example.test/",
        ),
        *(
            "http://tool.example.test/",
            "https://tool.example.test./",
            "https://tool.example.test\\@evil/",
        ),
        *(
            "https://tool.example.test%2eevil.example/",
            "https://tool.example.test%00.evil.example/",
        ),
        *("https:tool.example.test/", "https:///tool.example.test/", "https:/tool.example.test/"),
        *("javascript:alert(1)", "data:text/html,x", "javascript://tool.example.test/%0aalert(1)"),
        *(
            "https://tооl.example.test/",
            "https://ｔool.example.test/",
            "https://tool.example.test:x/",
        ),
        *(
            "https://tool.example.test:99999/",
            "https://[tool.example.test]/",
            "\thttps://tool.example.test/",
        ),
        *(
            "https://tool.example.test\n.evil.example/",
            "https://tool。example。test/",
            "blob:https://tool.example.test/x",
        ),
        *(
            "https://tool.example.test#@evil.example/\r\nX: y",
            "lti://tool.example.test/",
            "\\\\tool.example.test\\",
        ),
    ],
)
def test_l5_an_address_that_only_looks_like_ours_is_refused(
    client: FlaskClient, lms: Lms, target: str
) -> None:
    answer = lms.log_in(client, target_link_uri=target)
    page = refusal(answer)
    assert "lti.target_refused" in page
    assert db.session.query(Login).count() == 0


@pytest.mark.parametrize(
    "target",
    [
        *(
            "https://tool.example.test/",
            "https://tool.example.test:443/x?y=1#z",
            "HTTPS://TOOL.example.test/",
        ),
        "https://tool.example.test/../../x?module=1&a=%00",
    ],
)
def test_l5_other_spellings_of_ours_begin_a_login_and_lead_nowhere(
    client: FlaskClient, lms: Lms, target: str
) -> None:
    answer = lms.log_in(client, target_link_uri=target)
    assert urlsplit(answer.headers["Location"]).hostname == "lms.example.test"
    asked = lms.begin(client, target_link_uri=target)
    token = lms.sign(lms.claims(asked["nonce"], target_link_uri=target))
    assert urlsplit(lms.post(client, token, asked["state"]).location).path.endswith("/")


def test_l2_of_several_values_of_a_parameter_the_first_is_read(
    client: FlaskClient, lms: Lms
) -> None:
    path = f"/lti/{lms.uid}/login"
    good = lms.login_request()
    first = client.post(path, data={**good, "iss": [lms.issuer, "https://evil.example"]})
    second = client.post(path, data={**good, "iss": ["https://evil.example", lms.issuer]})
    assert (first.status_code, second.status_code) == (302, 400)
    in_both = client.post(path, query_string={"iss": "https://evil.example"}, data=good)
    assert in_both.status_code == 302  # the form wins over the address


def test_l2_a_login_in_another_form_than_a_form_is_incomplete(
    client: FlaskClient, lms: Lms
) -> None:
    path = f"/lti/{lms.uid}/login"
    good = lms.login_request()
    for answer in (
        client.post(path, json=good),
        client.post(path, data="{}", content_type="application/json; charset=nonsense"),
        client.post(path, data=b"\xff\xfe", content_type="application/x-www-form-urlencoded"),
        client.post(path, data=b"x", content_type="multipart/form-data; boundary=" + "b" * 300),
        client.post(path),
        client.get(path),
    ):
        assert "lti.login_incomplete" in refusal(answer)
    assert client.put(path, data=good).status_code == 405
    assert client.post(path, data=good, content_type="multipart/form-data").status_code == 302


def test_l4_the_login_of_one_registration_cannot_be_answered_at_another(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, issuer="https://other.example.test", client_id="client-2")
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    assert "lti.login_unknown" in refusal(other.post(client, token, asked["state"]))
    assert lms.post(client, token, asked["state"]).status_code == 303


def test_a_launch_address_that_is_looked_at_says_what_it_is(client: FlaskClient, lms: Lms) -> None:
    for query in ({}, {"id_token": "x"}, {"state": "<script>alert(1)</script>"}):
        answer = client.get(f"/lti/{lms.uid}/launch", query_string=query)
        assert answer.status_code == 200
        assert_nothing_raw(answer.text)
