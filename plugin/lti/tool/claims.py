"""An LTI message read into one frozen `Launch`, or refused (pure; LTI core 5.3 and 5.4)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from plugin.lti.tool.addresses import is_secure_address
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
from plugin.lti.tool.claim_values import (
    MAX_ID,
    MAX_TEXT,
    is_id,
    is_unresolved,
    locale_of,
    printable,
    resolved_text_of,
    text_of,
    web_address,
)
from plugin.lti.tool.roles import Roles, roles_of

__all__ = ["Context", "Launch", "MessageType", "ResourceLink", "Roles", "read_launch", "roles_of"]

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_SERVICE = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
NOTICE_SERVICE = LTI + "platformnotificationservice"
NOTICES_SCOPE = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
VERSION = "1.3.0"
MAX_CUSTOM = 100


class MessageType(StrEnum):
    """The messages we understand."""

    RESOURCE_LINK = "LtiResourceLinkRequest"
    DEEP_LINKING = "LtiDeepLinkingRequest"
    SUBMISSION_REVIEW = "LtiSubmissionReviewRequest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The course; its id is unique only within the deployment."""

    id: str
    label: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLink:
    """The activity; its id is unique only within the deployment."""

    id: str
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the LMS takes grades and lists the course's people, and what it lets us do (A1, A2)."""

    scopes: tuple[str, ...] = ()
    line_items: str | None = None
    line_item: str | None = None
    members: str | None = None
    notices: str | None = None
    """Where the LMS is asked to send notices, if it lets us."""
    notice_types: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.line_items or self.line_item or self.members or self.notices)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepLinking:
    """What may be picked, and where the choice goes (deep linking 2.0, 4.1)."""

    return_url: str
    accept_types: tuple[str, ...] = ()
    accept_multiple: bool = True
    accept_line_item: bool = True
    title: str | None = None
    text: str | None = None
    data: str | None = None
    """What goes back unaltered, of whatever kind, as JSON; None: nothing was sent (DL5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything one verified message said, cleaned; what was not said is None or empty."""

    message_type: MessageType
    deployment_id: str
    target_link_uri: str
    subject: str
    roles: Roles
    resource_link: ResourceLink | None = None
    context: Context | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    given_name: str | None = None
    family_name: str | None = None
    full_name: str | None = None
    email: str | None = None
    locale: str | None = None
    document_target: str | None = None
    return_url: str | None = None
    person_sourcedid: str | None = None
    course_section_sourcedid: str | None = None
    platform_guid: str | None = None
    mentor_of: tuple[str, ...] = ()
    for_user: str | None = None
    deep_linking: DeepLinking | None = None
    services: Services = field(default_factory=Services)
    key_id: str = ""
    """Which of the LMS's keys signed it."""


def read_launch(claims: Mapping[str, Any], *, target_link_uri: str) -> Launch:
    """The launch these verified claims describe; `target_link_uri` is the one of the login."""
    if claims.get(LTI + "version") != VERSION:
        raise VersionError("version")
    message_type = _message_type(claims.get(LTI + "message_type"))
    presentation = _map(claims, "launch_presentation")
    lis = _map(claims, "lis")
    return Launch(
        message_type=message_type,
        deployment_id=_deployment_id(claims.get(LTI + "deployment_id")),
        target_link_uri=_target(claims.get(LTI + "target_link_uri"), target_link_uri),
        subject=_subject(claims.get("sub")),
        roles=_roles(claims.get(LTI + "roles"), message_type),
        resource_link=_resource_link(claims, message_type),
        context=context_of(claims.get(LTI + "context")),
        custom=_with_ids(custom_of(claims), lis),
        given_name=text_of(claims.get("given_name")),
        family_name=text_of(claims.get("family_name")),
        full_name=text_of(claims.get("name")),
        email=text_of(claims.get("email")),
        locale=locale_of(presentation.get("locale")),
        document_target=text_of(presentation.get("document_target")),
        return_url=web_address(presentation.get("return_url")),
        person_sourcedid=resolved_text_of(lis.get("person_sourcedid")),
        course_section_sourcedid=resolved_text_of(lis.get("course_section_sourcedid")),
        platform_guid=resolved_text_of(_map(claims, "tool_platform").get("guid")),
        mentor_of=_mentor_of(claims.get(LTI + "role_scope_mentor")),
        for_user=_for_user(claims, message_type),
        deep_linking=_deep_linking(claims, message_type),
        services=_services(claims),
    )


def _message_type(value: object) -> MessageType:
    try:
        return MessageType(value)  # type: ignore[arg-type]
    except ValueError:
        raise MessageTypeError("message_type") from None


def _deployment_id(value: object) -> str:
    if not is_id(value):
        raise DeploymentClaimError("deployment_id")
    return str(value)


def _target(value: object, expected: str) -> str:
    if value != expected:
        raise TargetMismatchError("target_link_uri")
    return expected


def _subject(value: object) -> str:
    if not is_id(value) or not str(value).isascii():
        raise SubjectError("sub")
    return str(value)


def _roles(value: object, message_type: MessageType) -> Roles:
    """An array, maybe empty; optional only in deep linking (deep linking 4.4.6)."""
    if value is None and message_type is MessageType.DEEP_LINKING:
        return Roles()
    if not isinstance(value, list):
        raise RolesError("roles")
    return roles_of(value)


def _resource_link(claims: Mapping[str, Any], message_type: MessageType) -> ResourceLink | None:
    value = claims.get(LTI + "resource_link")
    if not isinstance(value, Mapping) or not is_id(value.get("id")):
        if message_type is MessageType.RESOURCE_LINK:
            raise ResourceLinkError("resource_link.id")
        return None
    return ResourceLink(id=value["id"], title=text_of(value.get("title")))


def context_of(value: object) -> Context | None:
    """The course a message names, if it names one."""
    if value is None or value == []:  # some PHP platforms write an empty map as a list
        return None
    if not isinstance(value, Mapping) or not is_id(value.get("id")):
        raise ContextError("context.id")
    return Context(
        id=value["id"], label=text_of(value.get("label")), title=text_of(value.get("title"))
    )


def custom_of(claims: Mapping[str, Any]) -> Mapping[str, str]:
    """Texts only; a variable the platform did not resolve was not said, "" was."""
    said: dict[str, str] = {}
    for name, value in list(_map(claims, "custom").items())[:MAX_CUSTOM]:
        if isinstance(value, str) and not is_unresolved(value):
            said[printable(name)[:MAX_ID]] = printable(value)[:MAX_TEXT]
    return said


def _with_ids(custom: Mapping[str, str], lis: Mapping[str, Any]) -> Mapping[str, str]:
    """What an LMS says by itself of person and course counts like the parameters we ask for, and
    before them: no teacher can edit it (C12)."""
    names = {"person_sourcedid": "person_sourcedid", "course_sourcedid": "course_section_sourcedid"}
    said = {name: resolved_text_of(lis.get(claim)) for name, claim in names.items()}
    return {**custom, **{name: text for name, text in said.items() if text}}


def _for_user(claims: Mapping[str, Any], message_type: MessageType) -> str | None:
    """Whose work a submission review is about."""
    if message_type is not MessageType.SUBMISSION_REVIEW:
        return None
    user = _map(claims, "for_user").get("user_id")
    if not is_id(user):
        raise ClaimError("for_user.user_id")
    if _services(claims).line_item is None:
        raise ClaimError("lineitem")
    return str(user)


def _deep_linking(claims: Mapping[str, Any], message_type: MessageType) -> DeepLinking | None:
    """The settings of a request to pick content; without an address to return to there is none."""
    if message_type is not MessageType.DEEP_LINKING:
        return None
    said = claims.get(DEEP_LINKING)
    if not isinstance(said, Mapping):
        raise ClaimError("deep_linking_settings")
    return_url = web_address(said.get("deep_link_return_url"))
    if return_url is None or not is_secure_address(return_url):
        raise ClaimError("deep_link_return_url")
    return DeepLinking(
        return_url=return_url,
        accept_types=_ids(said.get("accept_types")),
        accept_multiple=said.get("accept_multiple") is not False,
        accept_line_item=said.get("accept_lineitem") is not False,
        title=text_of(said.get("title")),
        text=text_of(said.get("text")),
        data=_data(said),
    )


def _data(said: Mapping[str, Any]) -> str | None:
    """It goes back unaltered or not at all: as ASCII, any text in it can be kept by any database;
    a number too large for a computer cannot."""
    if "data" not in said:
        return None
    try:
        return json.dumps(said["data"], allow_nan=False)
    except (ValueError, RecursionError):
        raise ClaimError("data") from None


def _services(claims: Mapping[str, Any]) -> Services:
    """Optional claims; one of the wrong shape was not said."""
    grades, people = claims.get(AGS_ENDPOINT), claims.get(NRPS_SERVICE)
    grades = grades if isinstance(grades, Mapping) else {}
    people = people if isinstance(people, Mapping) else {}
    notices = claims.get(NOTICE_SERVICE)
    notices = notices if isinstance(notices, Mapping) else {}
    may_ask = NOTICES_SCOPE in _ids(notices.get("scope"))
    return Services(
        scopes=_ids(grades.get("scope")),
        line_items=web_address(grades.get("lineitems")),
        line_item=web_address(grades.get("lineitem")),
        members=web_address(people.get("context_memberships_url")),
        notices=web_address(notices.get("platform_notification_service_url")) if may_ask else None,
        notice_types=_ids(notices.get("notice_types_supported")),
    )


def _ids(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(each for each in value[:MAX_CUSTOM] if is_id(each))


def _mentor_of(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if is_id(each)) if isinstance(value, list) else ()


def _map(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An optional claim; one of the wrong shape was not said (PHP writes `[]` for an empty map)."""
    value = claims.get(LTI + name)
    return value if isinstance(value, Mapping) else {}
