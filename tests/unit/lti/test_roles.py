"""Rule C6: roles are read exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.lti.tool.roles import CONTEXT_ROLES, TEST_USER, roles_of

LIS = "http://purl.imsglobal.org/vocab/lis/v2/"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ([LIS + "membership#Learner"], ["context:Learner"]),
        (["Learner", "Instructor"], ["context:Instructor", "context:Learner"]),
        (["Student", "Faculty", "SysAdmin"], []),
        (["Administrator"], ["context:Administrator"]),
        ([LIS + "institution/person#Student"], ["institution:Student"]),
        ([LIS + "system/person#SysAdmin"], ["system:SysAdmin"]),
        ([LIS + "membership#Wizard", "urn:x", LIS + "membership#Learner/"], []),
        ([LIS + "membership/Wizard#Instructor"], []),
        ([None, 3, ["Learner"], {"a": 1}, ""], []),
        ([LIS + "membership#Learner\n", "learner", " Learner"], []),
        (["https" + (LIS + "membership#Learner")[4:]], []),
    ],
)
def test_c6_full_names_everywhere_short_names_in_the_context_only(
    said: list[object], names: list[str]
) -> None:
    assert roles_of(said).names() == names


def test_c6_a_sub_role_implies_its_principal_and_never_itself() -> None:
    learner = roles_of([LIS + "membership/Learner#Instructor"])
    assert learner.names() == ["context:Learner"]
    assert not learner.teaches
    assert roles_of([LIS + "membership/Instructor#TeachingAssistant"]).teaches
    assert not roles_of([LIS + "membership/Member#Administrator"]).is_lms_administrator


@given(st.sampled_from(sorted(CONTEXT_ROLES)), st.sampled_from(sorted(CONTEXT_ROLES)))
def test_c6_a_sub_role_never_adds_a_role(principal: str, sub: str) -> None:
    assert roles_of([f"{LIS}membership/{principal}#{sub}"]).context == {principal}


@pytest.mark.parametrize(
    ("role", "is_administrator"),
    [
        (LIS + "institution/person#Administrator", True),
        (LIS + "system/person#Administrator", True),
        (LIS + "system/person#SysAdmin", True),
        (LIS + "membership#Administrator", False),
        ("Administrator", False),
        (LIS + "system/person#AccountAdmin", False),
        (LIS + "institution/person#Administrator ", False),
        (LIS + "institution/person/Administrator#Staff", False),
    ],
)
def test_only_an_administrator_of_the_whole_lms_counts_as_one(
    role: str, is_administrator: bool
) -> None:
    assert roles_of([role]).is_lms_administrator is is_administrator


def test_c6_the_test_user_of_an_lms_is_recognized() -> None:
    assert roles_of([LIS + "membership#Learner", TEST_USER]).is_test_user
    assert not roles_of([LIS + "system/person#TestUser"]).is_test_user
