"""The certification suite's twelve bad payloads: each a page a person understands, and no visit."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.lti.tool.claims import LTI
from plugin.org.models import Person, SignIn
from tests.functional.lti.platform import ABSENT, Lms

LTI_CLAIMS: dict[str, Any] = dict.fromkeys(
    (
        "version",
        "message_type",
        "deployment_id",
        "target_link_uri",
        "roles",
        "resource_link",
        "context",
        "custom",
        "launch_presentation",
    ),
    ABSENT,
)

BAD: list[tuple[str, dict[str, Any], dict[str, Any], int, str]] = [
    ("b1_no_kid", {}, {"kid": ABSENT}, 401, "lti.token_refused"),
    ("b2_unknown_kid", {}, {"kid": "nobody"}, 401, "lti.key_unknown"),
    ("b3_wrong_version", {"version": "11.3.0"}, {}, 400, "lti.version"),
    ("b4_no_version", {"version": ABSENT}, {}, 400, "lti.version"),
    ("b5_not_an_lti_message", {**LTI_CLAIMS, "name": "badltilaunch"}, {}, 400, "lti.version"),
    ("b6_missing_lti_claims", LTI_CLAIMS | {"version": "1.3.0"}, {}, 400, "lti.message_type"),
    ("b7_wrong_timestamps", {"iat": 11111, "exp": 22222}, {}, 401, "lti.token_time"),
    ("b8_no_message_type", {"message_type": ABSENT}, {}, 400, "lti.message_type"),
    ("b9_no_roles", {"roles": ABSENT}, {}, 400, "lti.roles"),
    ("b10_no_deployment_id", {"deployment_id": ABSENT}, {}, 400, "lti.deployment_claim"),
    ("b11_no_resource_link_id", {"resource_link": {"title": "x"}}, {}, 400, "lti.resource_link"),
    ("b12_no_user", {"sub": ABSENT}, {}, 400, "lti.subject"),
]


@pytest.mark.parametrize(
    ("claims", "header", "status", "code"),
    [each[1:] for each in BAD],
    ids=[each[0] for each in BAD],
)
def test_a_bad_payload_is_refused(
    client: FlaskClient,
    lms: Lms,
    claims: dict[str, Any],
    header: dict[str, Any],
    status: int,
    code: str,
) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"], **claims), **header)
    answer = lms.post(client, token, asked["state"])
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert f"<code>{code}</code>" in page
    assert "Reference" in page
    assert "For the administrator of the LMS" in page
    assert "Traceback" not in page
    assert LTI not in page
    assert db.session.query(SignIn).count() == 0
    assert db.session.query(Person).count() == 0
