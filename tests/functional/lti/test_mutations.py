"""Whatever an LMS signs, a person gets a page: never a failure of ours."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.lti.tool.claims import LTI
from tests.functional.lti.platform import Lms

pytestmark = pytest.mark.once

KEYS = [
    "iss", "aud", "azp", "sub", "iat", "exp", "nbf", "nonce", "name", "given_name", "email",
    *(
        LTI + name
        for name in (
            "version", "message_type", "deployment_id", "target_link_uri", "roles", "custom",
            "resource_link", "context", "launch_presentation", "lis", "tool_platform",
            "role_scope_mentor", "for_user", "ext",
        )
    ),
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "\x00", "\ud800", "$User.id", "é" * 300, "<script>", "\u202e", "en_XX"]),
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(TEXTS, st.sampled_from(["id", "title", "locale", "return_url", "guid"])),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=6,
)


@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=4))
def test_no_signed_claims_make_the_tool_fail(
    client: FlaskClient, lms: Lms, mutation: dict[str, Any]
) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]) | mutation)
    answer = lms.post(client, token, asked["state"])
    assert answer.status_code in {303, 400, 401, 403}, (mutation, answer.get_data(as_text=True))


@settings(
    max_examples=100,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.dictionaries(
        st.sampled_from(["iss", "login_hint", "target_link_uri", "client_id", "lti_message_hint"]),
        st.one_of(TEXTS.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=30)),
        max_size=5,
    )
)
def test_no_login_request_makes_the_tool_fail(
    client: FlaskClient, lms: Lms, changes: dict[str, bytes]
) -> None:
    said: dict[str, Any] = {**lms.login_request(), **changes}
    for answer in (
        client.post(f"/lti/{lms.uid}/login", data=said),
        client.post(f"/lti/{lms.uid}/launch", data=said),
    ):
        assert answer.status_code in {302, 400}
