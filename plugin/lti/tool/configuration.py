"""Dynamic registration, read and written (pure; LTI Dynamic Registration 1.0, rules R2 to R5)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugin.lti.tool.addresses import ToolAddresses, is_secure_address, origin_of
from plugin.lti.tool.claim_values import is_id, web_address
from plugin.lti.tool.claims import NOTICES_SCOPE as NOTICES
from plugin.lti.tool.profiles import VARIABLES, Profile, profile_of
from plugin.lti.tool.registration_errors import ConfigurationError

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/"
SCOPES = (
    AGS + "lineitem",
    AGS + "lineitem.readonly",
    AGS + "result.readonly",
    AGS + "score",
    NRPS + "contextmembership.readonly",
)
ALL_SCOPES = (*SCOPES, NOTICES)
DESCRIPTION = "Training, assigned and kept valid"
CLAIMS = ("iss", "sub", "name", "given_name", "family_name", "email")
MAX_WORDS = 300
MAX_READ = 8_000
_VENDORS = (("instructure.com", "canvaslms.com"),)
"""Hosts of one vendor that vouch for one another: Canvas signs in on another host than it runs."""
_NAMES = {"issuer", "authorization_endpoint", "token_endpoint", "registration_endpoint"}
_TAGS = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What an LMS says of itself, checked."""

    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    registration_url: str
    token_audience: str | None
    product: str | None
    scopes: tuple[str, ...]
    variables: tuple[str, ...]

    @property
    def profile(self) -> Profile:
        return profile_of(self.product)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the LMS gave us; the deployment may come later."""

    client_id: str
    deployment_id: str | None
    scopes: tuple[str, ...]


def is_configuration(body: bytes) -> bool:
    """Whether this is meant to be one, right or wrong: not a page, and not an error in JSON."""
    try:
        return not _NAMES.isdisjoint(_object(body))
    except ConfigurationError:
        return False


def read_configuration(body: bytes, *, address: str) -> Platform:
    """The configuration published at `address`; raises ConfigurationError naming what is wrong."""
    said = _object(body)
    issuer = said.get("issuer")
    if not isinstance(issuer, str) or not is_id(issuer) or not _vouches(address, issuer):
        raise ConfigurationError("issuer")
    more = said.get(PLATFORM)
    more = more if isinstance(more, Mapping) else {}
    product = more.get("product_family_code")
    audience = said.get("authorization_server")
    return Platform(
        issuer=issuer,
        auth_url=_address(said, "authorization_endpoint"),
        token_url=_address(said, "token_endpoint"),
        jwks_url=_address(said, "jwks_uri"),
        registration_url=_address(said, "registration_endpoint"),
        token_audience=audience if isinstance(audience, str) and is_id(audience) else None,
        product=product[:64] if isinstance(product, str) and product.isprintable() else None,
        scopes=_texts(said.get("scopes_supported")),
        variables=_texts(more.get("variables")),
    )


def _vouches(address: str, issuer: str) -> bool:
    """The address lies where the issuer does, or with the same known vendor (R3)."""
    origins = [origin_of(address), origin_of(issuer)]
    if None in origins:
        return False
    if origins[0] == origins[1]:
        return True
    if not all(str(each).startswith("https://") for each in origins):
        return False
    hosts = [str(each).removeprefix("https://") for each in origins]
    return any(
        all(any(host == name or host.endswith("." + name) for name in names) for host in hosts)
        for names in _VENDORS
    )


def registration_request(
    platform: Platform, ours: ToolAddresses, *, product_name: str
) -> dict[str, Any]:
    """What we ask the LMS to register (R4): only services and variables it says it has."""
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": ours.login,
        "redirect_uris": [ours.launch],
        "client_name": product_name,
        "jwks_uri": ours.jwks,
        "logo_uri": ours.icon,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(wanted_scopes(platform)),
        TOOL: tool_wishes(
            platform.profile, ours, product_name=product_name, variables=platform.variables
        ),
    }


def tool_wishes(
    profile: Profile, ours: ToolAddresses, *, product_name: str, variables: Sequence[str] = ()
) -> dict[str, Any]:
    """What the tool is, where it is opened and what it wants to be told; of `variables` only, if
    the LMS names any."""
    return {
        "domain": ours.domain,
        "description": DESCRIPTION,
        "target_link_uri": ours.launch,
        "custom_parameters": _variables(profile, variables),
        "claims": list(CLAIMS),
        "messages": _messages(profile, ours, product_name),
        **profile.tool_extension,
    }


def wanted_scopes(platform: Platform) -> tuple[str, ...]:
    """The services we use, as far as the LMS names any."""
    wanted = ALL_SCOPES if NOTICES in platform.scopes else SCOPES
    if not any("purl.imsglobal.org" in each for each in platform.scopes):
        return wanted
    return tuple(each for each in wanted if each in platform.scopes)


def _variables(profile: Profile, known: Sequence[str]) -> dict[str, str]:
    wanted = {**VARIABLES, **profile.variables}
    return {
        name: f"${variable}" for name, variable in wanted.items() if not known or variable in known
    }


def _messages(profile: Profile, ours: ToolAddresses, label: str) -> list[dict[str, Any]]:
    """One message to pick content with, then the places where the tool itself is opened."""
    target = {"target_link_uri": ours.launch, "label": label}
    return [
        {"type": "LtiDeepLinkingRequest", **target, **profile.deep_linking},
        *(
            {"type": "LtiResourceLinkRequest", **target, **place}
            for place in profile.navigation or ({},)
        ),
    ]


def read_registration(body: bytes, *, asked: Sequence[str]) -> Granted:
    """What the LMS answered; only what it grants is ours (R5)."""
    said = _object(body)
    client_id = said.get("client_id")
    if not is_id(client_id):
        raise ConfigurationError("client_id")
    tool = said.get(TOOL)
    deployment = tool.get("deployment_id") if isinstance(tool, Mapping) else None
    if isinstance(deployment, int) and not isinstance(deployment, bool):
        deployment = str(deployment)
    scope = said.get("scope")
    granted = scope.split() if isinstance(scope, str) else list(_texts(scope))
    return Granted(
        client_id=str(client_id),
        deployment_id=str(deployment) if is_id(deployment) else None,
        scopes=tuple(each for each in asked if each in granted),
    )


def words_of(body: bytes) -> str:
    """What an LMS said in its own words, fit to be shown: JSON's message, or a page's text.

    JSON that is broken says nothing: it may be a list of people, or hold a token.
    """
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
        text = "" if text.lstrip()[:1] in {"{", "["} else text[:MAX_READ]
    if isinstance(said, Mapping | list):
        text = _message(said)[:MAX_READ]
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>", " ", text)
    text = _SPACES.sub(" ", _TAGS.sub(" ", text)).strip()
    return "".join(sign for sign in text if sign.isprintable())[:MAX_WORDS]


def _message(said: Any, depth: int = 3) -> str:
    """The sentence in an LMS's JSON: by one of its usual names, perhaps in an object or a list."""
    if isinstance(said, str):
        return said
    if isinstance(said, list) and said and depth:
        return _message(said[0], depth - 1)
    if not isinstance(said, Mapping) or not depth:
        return ""
    names = ("error_description", "message", "reason", "detail", "error", "errors")
    found = (_message(said.get(each), depth - 1) for each in names)
    return next((each for each in found if each), "")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise ConfigurationError("json") from None
    if not isinstance(said, Mapping):
        raise ConfigurationError("json")
    return said


def _address(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if web_address(value) is None or not is_secure_address(str(value)):
        raise ConfigurationError(name)
    return str(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(each for each in value[:500] if isinstance(each, str))
