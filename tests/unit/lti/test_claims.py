"""Rules C1 to C13 of the LTI message, and V10, V11, as pure decisions."""

from typing import Any

import pytest

from plugin.lti.tool.claim_errors import (
    ClaimError,
    ContextError,
    DeploymentClaimError,
    MessageTypeError,
    ResourceLinkError,
    RolesError,
    SubjectError,
    TargetMismatchError,
    VersionError,
)
from plugin.lti.tool.claims import (
    AGS_ENDPOINT,
    DEEP_LINKING,
    LTI,
    Launch,
    MessageType,
    read_launch,
)
from plugin.lti.tool.errors import LtiError

TARGET = "https://tool.example.test/lti/u/launch"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
ABSENT = object()


def claims(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "sub": "6",
        "name": "Lars Learner",
        LTI + "version": "1.3.0",
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "deployment_id": "1",
        LTI + "target_link_uri": TARGET,
        LTI + "roles": [MEMBERSHIP + "#Learner"],
        LTI + "resource_link": {"id": "1"},
    }
    for name, value in changes.items():
        said[name if name in {"sub", "name", "email", "given_name", "other"} else LTI + name] = (
            value
        )
    return {name: value for name, value in said.items() if value is not ABSENT}


def read(**changes: Any) -> Launch:
    return read_launch(claims(**changes), target_link_uri=TARGET)


def refused(kind: type[LtiError], **changes: Any) -> None:
    with pytest.raises(kind):
        read(**changes)


@pytest.mark.parametrize("version", [ABSENT, None, "1.3", "1.3.1", 1.3, ["1.3.0"], {}])
def test_c1_only_version_1_3_0_is_read(version: object) -> None:
    refused(VersionError, version=version)


@pytest.mark.parametrize("kind", [ABSENT, None, "", "LtiFuture", ["LtiResourceLinkRequest"], {}, 3])
def test_c2_an_unknown_message_type_is_refused(kind: object) -> None:
    refused(MessageTypeError, message_type=kind)


@pytest.mark.parametrize("value", [ABSENT, None, "", 1, "x" * 256, ["1"], {"id": "1"}, "a\x00b"])
def test_c3_the_deployment_id_is_a_text_of_at_most_255_characters(value: object) -> None:
    refused(DeploymentClaimError, deployment_id=value)


def test_c3_the_deployment_id_keeps_its_case() -> None:
    assert read(deployment_id="AbC" + "x" * 252).deployment_id == "AbC" + "x" * 252


@pytest.mark.parametrize("value", [ABSENT, None, "", TARGET + "?x=1", TARGET.upper(), [TARGET]])
def test_c4_the_target_must_equal_the_one_of_the_login(value: object) -> None:
    refused(TargetMismatchError, target_link_uri=value)


@pytest.mark.parametrize(
    "value",
    [ABSENT, None, "link", [], {}, {"id": None}, {"id": ""}, {"id": 7}, {"id": "x" * 256}],
)
def test_c5_a_resource_link_needs_an_id(value: object) -> None:
    refused(ResourceLinkError, resource_link=value)


@pytest.mark.parametrize("value", [ABSENT, None, "Learner", {"0": "Learner"}, 1])
def test_c6_roles_are_a_list(value: object) -> None:
    refused(RolesError, roles=value)


def test_c6_an_empty_list_of_roles_is_fine() -> None:
    assert read(roles=[]).roles.names() == []


@pytest.mark.parametrize("value", ["course", {}, {"id": ""}, {"id": 2}, {"title": "T"}, ["x"]])
def test_c7_a_context_without_an_id_is_refused(value: object) -> None:
    refused(ContextError, context=value)


@pytest.mark.parametrize("value", [ABSENT, None, []])
def test_c7_no_context_is_fine(value: object) -> None:
    assert read(context=value).context is None


def test_c8_an_unresolved_variable_was_not_said_and_an_empty_text_was() -> None:
    custom = {
        "site": "NO-OSL",
        "empty": "",
        "department": "$User.department",
        "link": "{link_id}",
        "hidden": None,
        "number": 3,
        "list": ["a"],
        "price": "$5",
        "brace": "{link_id} and more",
    }
    assert read(custom=custom).custom == {
        "site": "NO-OSL",
        "empty": "",
        "price": "$5",
        "brace": "{link_id} and more",
    }


@pytest.mark.parametrize("value", [ABSENT, None, [], ["a"], "text", 7])
def test_c8_custom_of_another_shape_says_nothing(value: object) -> None:
    assert read(custom=value).custom == {}


def test_c9_presentation_gives_language_place_and_the_way_back() -> None:
    launch = read(
        launch_presentation={
            "locale": "pt-BR",
            "document_target": "iframe",
            "return_url": "https://lms.example.test/return.php?sesskey=1",
        }
    )
    assert launch.locale == "pt_BR"
    assert launch.document_target == "iframe"
    assert launch.return_url == "https://lms.example.test/return.php?sesskey=1"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//x", "data:text/html,x", 3, "http://["]
)
def test_c9_a_way_back_is_a_web_address(address: object) -> None:
    assert read(launch_presentation={"return_url": address}).return_url is None


@pytest.mark.parametrize("locale", ["xx", "en-XX-YY-ZZ-AA", "../../etc", "", 4, None, "e" * 300])
def test_c9_a_language_nobody_speaks_is_not_said(locale: object) -> None:
    assert read(launch_presentation={"locale": locale}).locale is None


def test_c10_the_user_key_is_the_subject_never_the_email() -> None:
    assert read(sub="42", email="a@example.test").subject == "42"


def test_c11_everything_personal_may_be_absent() -> None:
    launch = read(name=ABSENT)
    assert (launch.full_name, launch.given_name, launch.email) == (None, None, None)


def test_c12_optional_identifiers_are_read_when_present() -> None:
    launch = read(
        role_scope_mentor=["7", 8, ""],
        lis={
            "person_sourcedid": "EMP-1003",
            "course_section_sourcedid": "$CourseSection.sourcedId",
        },
        tool_platform={"guid": "05e9"},
    )
    assert launch.mentor_of == ("7",)
    assert launch.person_sourcedid == "EMP-1003"
    assert launch.course_section_sourcedid is None
    assert launch.platform_guid == "05e9"


def test_c13_a_deep_linking_request_needs_neither_resource_link_nor_roles() -> None:
    said = claims(message_type="LtiDeepLinkingRequest", resource_link=ABSENT, roles=ABSENT) | {
        DEEP_LINKING: {"deep_link_return_url": "https://lms.example.test/r"}
    }
    launch = read_launch(said, target_link_uri=TARGET)
    assert launch.message_type is MessageType.DEEP_LINKING
    del said[DEEP_LINKING]
    with pytest.raises(ClaimError):
        read_launch(said, target_link_uri=TARGET)


def test_c13_a_submission_review_names_the_reviewed_person_and_the_line_item() -> None:
    said = claims(message_type="LtiSubmissionReviewRequest", for_user={"user_id": "9"})
    with pytest.raises(ClaimError):
        read_launch(said, target_link_uri=TARGET)
    said[AGS_ENDPOINT] = {"lineitem": "https://lms.example.test/lineitem?type_id=1"}
    launch = read_launch(said, target_link_uri=TARGET)
    assert (launch.for_user, launch.services.line_item) == (
        "9",
        "https://lms.example.test/lineitem?type_id=1",
    )
    del said[LTI + "for_user"]
    with pytest.raises(ClaimError):
        read_launch(said, target_link_uri=TARGET)


@pytest.mark.parametrize("value", [ABSENT, None, "", 6, "x" * 256, "Åse", "a\x00", ["6"], {}])
def test_v10_a_launch_without_a_usable_subject_is_refused(value: object) -> None:
    refused(SubjectError, sub=value)


def test_v11_unknown_claims_are_ignored() -> None:
    assert read(other={"deep": [1, None]}, future="x").subject == "6"


def test_what_no_database_can_hold_is_taken_out_of_texts() -> None:
    launch = read(name="La\x00rs \ud800Learner", custom={"k\x00": "v\udfff"}, context={"id": "2"})
    assert launch.full_name == "Lars Learner"
    assert launch.custom == {"k": "v"}
