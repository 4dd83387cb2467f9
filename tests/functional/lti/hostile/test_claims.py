"""Signed messages that say nonsense: each a page, and nothing left behind."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.lti.tool import deployments
from plugin.lti.tool.claims import LTI
from plugin.lti.tool.models import Deployment
from plugin.org.models import Person, SignIn
from tests.functional.lti.hostile.sending import with_claims, with_raw
from tests.functional.lti.hostile.values import (
    NASTY,
    RAW,
    SCRIPT,
    assert_nothing_raw,
    nobody_is_here,
    refusal,
)
from tests.functional.lti.platform import ABSENT, TEACHER, Lms

pytestmark = pytest.mark.once

DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
GRADES = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
PEOPLE = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
NEEDED = ["iss", "aud", "iat", "exp", "nonce", "sub"]
NEEDED_LTI = ["version", "message_type", "deployment_id", "target_link_uri", "resource_link"]
OPTIONAL = ["name", "given_name", "family_name", "email", "locale", "picture", "azp", "nbf", "jti"]
OPTIONAL_LTI = [
    *("context", "custom", "launch_presentation", "lis", "tool_platform", "role_scope_mentor"),
    *("for_user", "ext", "lti1p1", "eulaservice"),
]
INNER = {
    "context": ("id", "label", "title", "type"),
    "resource_link": ("title", "description"),
    "launch_presentation": ("return_url", "locale", "document_target", "width", "height"),
    "lis": ("person_sourcedid", "course_section_sourcedid", "course_offering_sourcedid"),
    "tool_platform": ("guid", "name", "version", "product_family_code"),
    "custom": ("view", "module", "configuration", "context_history", "groups", "site"),
}


@pytest.mark.parametrize("name", [*NEEDED, *(LTI + each for each in NEEDED_LTI)])
def test_a_needed_claim_that_is_nonsense_is_refused(
    client: FlaskClient, lms: Lms, name: str
) -> None:
    for label, value in {"absent": ABSENT, **NASTY}.items():
        if label in USABLE.get(name, ()):
            continue
        answer = with_claims(client, lms, {name: value})
        assert answer.status_code in {400, 401, 403}, (label, answer.text)
        refusal(answer)
    for value in RAW.values():
        refusal(with_raw(client, lms, name, value))
    nobody_is_here()


USABLE = {
    "sub": ("space", "digits", "markup", "template", "sql", "path", "address"),
    "exp": ("huge float", "large int"),
    LTI + "deployment_id": ("digits",),
    LTI + "resource_link": ("object of markup",),
}
"""Any printable ASCII of up to 255 characters may be a name; a token may end in a far future."""


LARGE = ("64 KB", "very large int", "many names", "emoji")
"""One of these fills a token: they come one by one."""
REFUSES = ("azp", "nbf", LTI + "context")
"""Optional claims that end the reading when they are wrong: each comes alone."""
AT_ONCE = [name for name in [*OPTIONAL, *(LTI + n for n in OPTIONAL_LTI), GRADES, PEOPLE]
           if name not in REFUSES]  # fmt: skip


def breaks_nothing(client: FlaskClient, answer: Any, label: object) -> None:
    """A page that says no, or one that opens."""
    assert answer.status_code in {303, 400, 401}, (label, answer.text)
    assert_nothing_raw(answer.text)
    if answer.status_code == 303:
        page = client.get(answer.headers["Location"])
        assert page.status_code in {200, 403}, (label, page.text)
        assert_nothing_raw(page.text)


@pytest.mark.parametrize("name", REFUSES)
def test_an_optional_claim_that_is_nonsense_breaks_nothing(
    client: FlaskClient, lms: Lms, name: str
) -> None:
    for label, value in NASTY.items():
        breaks_nothing(client, with_claims(client, lms, {name: value}), label)
    for label, raw in RAW.items():
        breaks_nothing(client, with_raw(client, lms, name, raw), label)


@pytest.mark.parametrize("label", [each for each in NASTY if each not in LARGE])
def test_optional_claims_that_are_all_nonsense_break_nothing(
    client: FlaskClient, lms: Lms, label: str
) -> None:
    answer = with_claims(client, lms, dict.fromkeys(AT_ONCE, NASTY[label]))
    breaks_nothing(client, answer, label)
    assert answer.status_code == 303
    inside = {
        LTI + claim: {"id": "1", **dict.fromkeys((n for n in names if n != "id"), NASTY[label])}
        for claim, names in INNER.items()
    }
    answer = with_claims(client, lms, inside)
    breaks_nothing(client, answer, label)
    assert answer.status_code == 303
    breaks_nothing(client, with_claims(client, lms, {LTI + "context": {"id": NASTY[label]}}), label)


@pytest.mark.parametrize("label", LARGE)
def test_optional_claims_that_are_large_break_nothing(
    client: FlaskClient, lms: Lms, label: str
) -> None:
    for name in AT_ONCE:
        breaks_nothing(client, with_claims(client, lms, {name: NASTY[label]}), (label, name))
    for claim, names in INNER.items():
        for name in names:
            said = {"id": "1", name: NASTY[label]}
            breaks_nothing(client, with_claims(client, lms, {LTI + claim: said}), (label, name))


@pytest.mark.parametrize("name", ["name", LTI + "custom", GRADES])
def test_json_that_python_would_not_write_breaks_nothing(
    client: FlaskClient, lms: Lms, name: str
) -> None:
    for label, raw in RAW.items():
        breaks_nothing(client, with_raw(client, lms, name, raw), label)


@pytest.mark.parametrize("label", NASTY)
def test_settings_of_deep_linking_that_are_nonsense_break_nothing(
    client: FlaskClient, lms: Lms, label: str
) -> None:
    base = {LTI + "message_type": "LtiDeepLinkingRequest", LTI + "roles": ["Instructor"]}
    good: dict[str, Any] = {
        "deep_link_return_url": "https://lms.example.test/back",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe"],
    }
    for name in (
        *good, "accept_media_types", "accept_multiple", "accept_lineitem", "auto_create",
        "title", "text", "data", SCRIPT,
    ):  # fmt: skip
        answer = with_claims(client, lms, {**base, DEEP_LINKING: {**good, name: NASTY[label]}})
        assert answer.status_code in {303, 400, 401}, (name, answer.text)
        if name == "deep_link_return_url":
            refusal(answer)
        elif answer.status_code == 303:
            assert "/content/" in answer.headers["Location"]
            assert_nothing_raw(client.get(answer.headers["Location"]).text)
            sent = client.post(answer.headers["Location"], data={"cancel": "1"})
            assert sent.status_code == 200, (name, sent.text)
            assert_nothing_raw(sent.text)
    answer = with_claims(client, lms, {**base, DEEP_LINKING: NASTY[label]})
    refusal(answer)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://lms.example.test/back",
            "javascript:alert(1)",
            "//lms.example.test/back",
            "/back",
        ),
        *(
            "data:text/html,x",
            "https://",
            "https:///x",
            "https://lms@evil.example/",
            "https://a b/",
        ),
        *(
            "https://lms.example.test\\@evil.example/",
            "https://h;x/",
            "https://h/\r\nX: y",
            "ftp://h/",
        ),
        *("https://h/#fragment", "https://[::1", "https://h:99999/", "\thttps://h/", "https://*/"),
        *("https://h', 'unsafe-inline", "https://h,x/", 'https://h"x/'),
    ],
)
def test_dl1_choices_go_to_a_complete_https_address_only(
    client: FlaskClient, lms: Lms, address: str
) -> None:
    said = {
        LTI + "message_type": "LtiDeepLinkingRequest",
        LTI + "roles": ["Instructor"],
        DEEP_LINKING: {"deep_link_return_url": address},
    }
    assert "lti.claim" in refusal(with_claims(client, lms, said))
    nobody_is_here()


@pytest.mark.parametrize("data", ["1e400", '{"a": [-1e999]}'])
def test_dl5_data_that_cannot_be_echoed_unaltered_is_refused_by_name(
    client: FlaskClient, lms: Lms, data: str
) -> None:
    asked = f'{{"deep_link_return_url": "https://lms.example.test/r", "data": {data}}}'
    message = json.dumps({LTI + "message_type": "LtiDeepLinkingRequest", LTI + "roles": [TEACHER]})
    answer = with_raw(client, lms, DEEP_LINKING, f"{asked}, {message[1:-1]}")
    assert "“data”" in refusal(answer)
    nobody_is_here()


@pytest.mark.parametrize("value", [v for k, v in NASTY.items() if not k.startswith("list")])
def test_c6_roles_that_are_no_list_are_refused(client: FlaskClient, lms: Lms, value: Any) -> None:
    if isinstance(value, list):
        assert with_claims(client, lms, {LTI + "roles": value}).status_code == 303
        return
    refusal(with_claims(client, lms, {LTI + "roles": value}))
    nobody_is_here()


def test_c6_a_thousand_roles_are_read_and_grant_nothing(client: FlaskClient, lms: Lms) -> None:
    many = [f"x{i}" for i in range(2000)]
    assert with_claims(client, lms, {LTI + "roles": many}).status_code == 303
    many = [*NASTY.values(), "Administrator", "Instructor" * 3, "instructor", " Instructor"]
    many = [each for each in many if len(repr(each)) < 20_000]
    assert with_claims(client, lms, {LTI + "roles": many}).status_code == 303
    visits = db.session.query(SignIn).all()  # in no order of their own
    assert sorted(each.launch["roles"] for each in visits) == [[], ["context:Administrator"]]


@pytest.mark.parametrize(
    "address",
    [
        *(
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "//evil.example",
        ),
        *(
            "https://lms.example.test/\r\nSet-Cookie: a=b",
            "https://lms.example.test/\x00",
            "\\\\evil",
        ),
        *(
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "file:///etc/passwd",
        ),
        *(
            'https://lms.example.test/"onmouseover="alert(1)',
            "https://lms.example.test/<script>alert(1)</script>",
        ),
    ],
)
def test_c9_a_way_back_that_is_none_is_not_offered(
    client: FlaskClient, lms: Lms, address: str
) -> None:
    said = {LTI + "launch_presentation": {"return_url": address}, LTI + "deployment_id": "new"}
    page = refusal(with_claims(client, lms, said))
    if not address.startswith("https://lms.example.test/"):
        assert "Back to the course" not in page
    assert 'onmouseover="alert' not in page


def test_c3_deployments_made_up_in_masses_wait_in_small_numbers(
    client: FlaskClient, lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "MAX_WAITING", 5)
    for number in range(8):
        refusal(with_claims(client, lms, {LTI + "deployment_id": f"made-up-{number}"}))
    waiting = db.session.query(Deployment).where(Deployment.accepted_at.is_(None)).count()
    assert waiting == 5
    nobody_is_here()


def test_names_that_play_with_the_direction_of_text_are_made_plain(
    client: FlaskClient, lms: Lms
) -> None:
    spoof = "Ann\u202e nimdA\u2066 \u200fX\u2069\u0085"
    assert (
        with_claims(
            client, lms, {"name": spoof, "given_name": ABSENT, "family_name": ABSENT}
        ).status_code
        == 303
    )
    assert db.session.query(Person).one().full_name == "Ann nimdA \u200fX"
