"""A tool registers itself by an invitation (dynamic registration 1.0, the platform's side)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin.core.secrets import hash_of
from plugin.lti.platform import actions, scopes
from plugin.lti.platform.addresses import PlatformAddresses
from plugin.lti.platform.claims import FAMILY
from plugin.lti.platform.custom import custom_of
from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.platform.models import ExternalTool, ToolInvitation, ToolState
from plugin.lti.platform.rules import json_object
from plugin.lti.tool.addresses import is_secure_address
from plugin.lti.tool.claim_values import is_id, text_of, web_address
from plugin.lti.tool.claims import VERSION
from plugin.org.errors import FieldError

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
MAX_REDIRECTS = 20


def configuration(ours: PlatformAddresses) -> dict[str, Any]:
    """What a tool reads first: our addresses and what we offer (section 3.4)."""
    return {
        "issuer": ours.issuer,
        "authorization_endpoint": ours.authorization,
        "token_endpoint": ours.token,
        "jwks_uri": ours.jwks,
        "registration_endpoint": ours.registration,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", *scopes.ALL],
        "response_types_supported": ["id_token"],
        "response_modes_supported": ["form_post"],
        "grant_types_supported": ["implicit", "client_credentials"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
        PLATFORM: {
            "product_family_code": FAMILY,
            "version": "1",
            "messages_supported": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest"},
            ],
            "variables": [
                "User.id",
                "ResourceLink.id",
                "ResourceLink.title",
                "Context.id",
                "Context.title",
                "LineItem.url",
                "LineItems.url",
                "Person.name.full",
                "Person.name.given",
                "Person.name.family",
                "Person.email.primary",
                "Message.returnUrl",
                "Message.locale",
            ],
        },
    }


def use_invitation(
    session: Session, uid: str, authorization: str, *, now: datetime
) -> ToolInvitation:
    """The invitation this registration token belongs to, used up by this caller."""
    kind, _, token = authorization.partition(" ")
    row = session.execute(
        update(ToolInvitation)
        .where(
            ToolInvitation.uid == (uid if is_id(uid) else ""),
            ToolInvitation.token_hash == hash_of(token.strip()),
            ToolInvitation.used_at.is_(None),
            ToolInvitation.expires_at > now,
        )
        .values(used_at=now)
        .returning(ToolInvitation.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if kind.lower() != "bearer" or row is None:
        raise ServiceRefusal(401, "invalid_token", "the invitation is unknown, used or too old")
    return session.get_one(ToolInvitation, row.id)


def register(
    session: Session, invitation: ToolInvitation, body: bytes, *, now: datetime
) -> dict[str, Any]:
    """The tool, as it described itself, waits for an admin; the answer says what it was granted.

    Raises ServiceRefusal with `invalid_client_metadata` that names the field (RFC 7591, 3.2.2).
    """
    said = json_object(body)
    described = said.get(TOOL)
    if not isinstance(described, Mapping):
        raise _wrong(TOOL)
    if said.get("token_endpoint_auth_method", "private_key_jwt") != "private_key_jwt":
        raise _wrong("token_endpoint_auth_method")
    target = _address(described, "target_link_uri")
    if described.get("domain") not in (urlsplit(target).netloc, urlsplit(target).hostname):
        raise _wrong("domain")
    try:
        tool = actions.create_tool(
            session,
            invitation.organization_id,
            _described(said, described, target),
            uid=invitation.uid,
            custom=custom_of(described.get("custom_parameters")),
            state=ToolState.PENDING,
            wanted_scopes=[each for each in _scopes(said) if each in scopes.USUAL],
            by=None,
            now=now,
        )
    except FieldError as error:
        raise _wrong(error.field) from None
    return _granted(tool, described)


def _described(
    said: Mapping[str, Any], described: Mapping[str, Any], target: str
) -> actions.Described:
    return actions.Described(
        name=text_of(said.get("client_name")) or urlsplit(target).netloc,
        login_url=_address(said, "initiate_login_uri"),
        redirect_urls=_redirects(said),
        jwks_url=_address(said, "jwks_uri"),
        target_url=target,
        picker_url=_picker(described, target),
    )


def _wrong(field: str) -> ServiceRefusal:
    return ServiceRefusal(400, "invalid_client_metadata", f"{field} is missing or cannot be used")


def _address(said: Mapping[str, Any], name: str) -> str:
    address = web_address(said.get(name))
    if address is None or not is_secure_address(address):
        raise _wrong(name)
    return address


def _redirects(said: Mapping[str, Any]) -> Sequence[str]:
    listed = said.get("redirect_uris")
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_REDIRECTS:
        raise _wrong("redirect_uris")
    return [_address({"redirect_uris": each}, "redirect_uris") for each in listed]


def _scopes(said: Mapping[str, Any]) -> Sequence[str]:
    wanted = said.get("scope", "")
    return wanted.split() if isinstance(wanted, str) else []


def _picker(described: Mapping[str, Any], target: str) -> str | None:
    messages = described.get("messages")
    for each in messages if isinstance(messages, list) else []:
        if isinstance(each, Mapping) and each.get("type") == "LtiDeepLinkingRequest":
            address = web_address(each.get("target_link_uri", target))
            if address is not None and is_secure_address(address):
                return address
    return None


def _granted(tool: ExternalTool, described: Mapping[str, Any]) -> dict[str, Any]:
    kinds = ["LtiResourceLinkRequest"] + (["LtiDeepLinkingRequest"] if tool.picker_url else [])
    return {
        "client_id": tool.client_id,
        "client_name": tool.name,
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": tool.login_url,
        "redirect_uris": list(tool.redirect_urls),
        "jwks_uri": tool.jwks_url,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(tool.scopes),
        TOOL: {
            "version": VERSION,
            "deployment_id": actions.DEPLOYMENT,
            "domain": described.get("domain"),
            "target_link_uri": tool.target_url,
            "claims": ["sub", "iss"],
            "custom_parameters": dict(tool.custom),
            "messages": [{"type": each} for each in kinds],
        },
    }
