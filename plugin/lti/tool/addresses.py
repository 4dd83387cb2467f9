"""Our addresses in an LMS's eyes, and the LMS's origins in ours (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from plugin.core.addresses import is_secure_address, origin_of
from plugin.core.secrets import hash_of

__all__ = [
    "ADMIN",
    "HOME",
    "ToolAddresses",
    "cookie_name",
    "host_of",
    "invitation_address",
    "is_ours",
    "is_secure_address",
    "origin_of",
    "origins_of",
    "tool_addresses",
    "way_back",
    "with_query",
]
HOME = "/"
ADMIN = "/admin"
LOGIN_COOKIE = "__Host-lti-"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAddresses:
    """What an LMS must be told about us; the same launch address is target and redirect."""

    login: str
    launch: str
    jwks: str
    icon: str
    domain: str


def tool_addresses(tool_url: str, uid: str) -> ToolAddresses:
    """The addresses of one registration."""
    base = f"{tool_url}/lti/{uid}"
    return ToolAddresses(
        login=f"{base}/login",
        launch=f"{base}/launch",
        jwks=f"{base}/jwks",
        icon=f"{tool_url}/static/icon.svg",
        domain=urlsplit(tool_url).netloc,
    )


def notices_address(tool_url: str, uid: str) -> str:
    """Where an LMS sends notices."""
    return f"{tool_url}/lti/{uid}/notices"


def cookie_name(state: str) -> str:
    """Each login has its own cookie, so that several tabs do not disturb each other."""
    return f"{LOGIN_COOKIE}{hash_of(state)[:16]}"


def is_ours(address: str, tool_url: str) -> bool:
    """Whether an address lies on the tool's own origin."""
    return origin_of(address) == origin_of(tool_url)


def origins_of(addresses: Iterable[object]) -> tuple[str, ...]:
    """The distinct origins of those addresses that have one, in order."""
    found = (origin_of(each) for each in addresses if isinstance(each, str))
    return tuple(dict.fromkeys(each for each in found if each))


def host_of(address: str) -> str:
    """The host of an address, for people to read."""
    return urlsplit(address).hostname or address


def invitation_address(tool_url: str, token: str) -> str:
    """What an admin types into the LMS."""
    return f"{tool_url}/lti/register/{token}"


def with_query(address: str, query: str) -> str:
    """The address with this query added; one it already has is kept as it is."""
    parts = urlsplit(address)
    query = "&".join(each for each in (parts.query, query) if each)
    return urlunsplit(parts._replace(query=query, fragment=""))


def way_back(return_url: str | None, *, message: str, code: str, reference: str) -> str | None:
    """The LMS's return address, told what went wrong (LTI core, launch presentation)."""
    if return_url is None:
        return None
    names = {name for name, _ in parse_qsl(urlsplit(return_url).query, keep_blank_values=True)}
    said = {"lti_errormsg": message, "lti_errorlog": f"{code} {reference}"}
    return with_query(
        return_url, urlencode({name: text for name, text in said.items() if name not in names})
    )
