"""What we tell an external tool about a person and what they open (pure; LTI core 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from plugin.lti.platform import scopes
from plugin.lti.tool.claims import AGS_ENDPOINT, DEEP_LINKING, LTI, NRPS_SERVICE, VERSION

LIFE = timedelta(minutes=5)
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
COURSE = "http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"
FAMILY = "module-assignment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who opens the tool; names only as far as the tool is told them."""

    subject: str
    locale: str
    full_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The tool's side of the launch: whom we talk to, and our addresses for it."""

    issuer: str
    client_id: str
    deployment_id: str
    tool_uid: str
    product_name: str
    organization_name: str
    line_items: str
    memberships: str
    scopes: Sequence[str]
    target_url: str
    return_url: str
    in_window: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What is opened."""

    uid: str
    title: str
    line_item: str


def play_claims(
    place: Place,
    visitor: Visitor,
    link: Link,
    custom: Mapping[str, str],
    *,
    nonce: str,
    now: datetime,
) -> dict[str, Any]:
    """A learner opens a module (LtiResourceLinkRequest)."""
    said = _common(place, visitor, "LtiResourceLinkRequest", [LEARNER], nonce=nonce, now=now)
    said[LTI + "resource_link"] = {"id": link.uid, "title": link.title}
    said[LTI + "custom"] = {
        name: substituted(value, place, visitor, link) for name, value in custom.items()
    }
    grades = [each for each in place.scopes if each in scopes.GRADES]
    if grades:
        said[AGS_ENDPOINT] = {
            "scope": grades,
            "lineitems": place.line_items,
            "lineitem": link.line_item,
        }
    if scopes.MEMBERSHIP in place.scopes:
        said[NRPS_SERVICE] = {
            "context_memberships_url": place.memberships,
            "service_versions": ["2.0"],
        }
    return said


def pick_claims(
    place: Place, visitor: Visitor, *, answer_url: str, data: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """An admin picks content in the tool (LtiDeepLinkingRequest)."""
    roles = [INSTRUCTOR, ADMINISTRATOR]
    said = _common(place, visitor, "LtiDeepLinkingRequest", roles, nonce=nonce, now=now)
    said[DEEP_LINKING] = {
        "deep_link_return_url": answer_url,
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": True,
        "accept_lineitem": True,
        "auto_create": False,
        "data": data,
    }
    return said


def _common(
    place: Place,
    visitor: Visitor,
    message_type: str,
    roles: Sequence[str],
    *,
    nonce: str,
    now: datetime,
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "iss": place.issuer,
        "aud": place.client_id,
        "azp": place.client_id,
        "sub": visitor.subject,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
        "nonce": nonce,
        "locale": visitor.locale.replace("_", "-"),
        LTI + "message_type": message_type,
        LTI + "version": VERSION,
        LTI + "deployment_id": place.deployment_id,
        LTI + "target_link_uri": place.target_url,
        LTI + "roles": list(roles),
        LTI + "context": {
            "id": place.tool_uid,
            "title": place.organization_name,
            "type": [COURSE],
        },
        LTI + "tool_platform": {
            "guid": place.tool_uid,
            "name": place.product_name,
            "product_family_code": FAMILY,
        },
        LTI + "launch_presentation": {
            "document_target": "window" if place.in_window else "iframe",
            "return_url": place.return_url,
            "locale": visitor.locale.replace("_", "-"),
        },
    }
    told = {
        "name": visitor.full_name,
        "given_name": visitor.given_name,
        "family_name": visitor.family_name,
        "email": visitor.email,
    }
    return {**said, **{name: value for name, value in told.items() if value}}


def substituted(value: str, place: Place, visitor: Visitor, link: Link) -> str:
    """A custom value that is one variable of the standard becomes what it stands for; what the
    tool is not told, or we do not know, stays as it is (LTI core appendix B)."""
    known = {
        "$User.id": visitor.subject,
        "$ResourceLink.id": link.uid,
        "$ResourceLink.title": link.title,
        "$Context.id": place.tool_uid,
        "$Context.title": place.organization_name,
        "$LineItem.url": link.line_item,
        "$LineItems.url": place.line_items,
        "$Person.name.full": visitor.full_name,
        "$Person.name.given": visitor.given_name,
        "$Person.name.family": visitor.family_name,
        "$Person.email.primary": visitor.email,
        "$Message.returnUrl": place.return_url,
        "$Message.locale": visitor.locale.replace("_", "-"),
    }
    return known.get(value) or value
