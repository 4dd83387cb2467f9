"""The one door to the outside: timeouts, size limits, no private addresses, our own name."""

import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from plugin.core.settings import Settings, is_loopback

USER_AGENT = "ModuleAssignment/1 (+LTI Advantage)"
TIMEOUT_SECONDS = 5.0
"""For the connection, and for each silence of the server."""
DEADLINE_SECONDS = 10.0
"""For the whole answer."""
MAX_BYTES = 256 * 1024
BLOCK = 16 * 1024
_TRANSLATED = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("::/96"),
)
"""IPv6 addresses whose last 32 bits are an IPv4 address (RFC 6052, RFC 4291)."""


class OutgoingError(Exception):
    """A call that was not made or did not end well; the text carries no address or secret."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, read whole within the size limit."""

    status: int
    headers: dict[str, str]
    body: bytes


class _PinnedAdapter(HTTPAdapter):
    """Connects to the address that was checked, so that a second DNS answer cannot differ."""

    def __init__(self, address: str, hostname: str) -> None:
        self._address = address
        self._hostname = hostname
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        parts = urlsplit(request.url)
        host, attributes = self.build_connection_pool_key_attributes(request, verify, cert)
        host["host"] = self._address
        pool: dict[str, Any] = dict(attributes)
        if parts.scheme == "https":
            pool["assert_hostname"] = self._hostname
            pool["server_hostname"] = self._hostname
        return self.poolmanager.connection_from_host(**host, pool_kwargs=pool)


def call(
    settings: Settings,
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    data: bytes | dict[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Reply:
    """One request without redirects; raises OutgoingError when it fails or is too large."""
    parts = urlsplit(url)
    address = _checked_address(settings, url)
    session = requests.Session()
    session.trust_env = False
    session.mount(f"{parts.scheme}://", _PinnedAdapter(address, parts.hostname or ""))
    end = time.monotonic() + DEADLINE_SECONDS
    sent = {"User-Agent": USER_AGENT, "Host": parts.netloc.rpartition("@")[2], **(headers or {})}
    try:
        with session.request(
            method,
            url,
            headers=sent,
            data=data,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = _read(response, max_bytes, end)
            return Reply(response.status_code, dict(response.headers), body)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise OutgoingError(type(error).__name__) from error


def _read(response: requests.Response, max_bytes: int, end: float) -> bytes:
    """The whole body; a server that drips it byte by byte is given up at the deadline."""
    body = bytearray()
    while block := response.raw.read1(BLOCK, decode_content=True):  # whatever is there by now
        body += block
        if len(body) > max_bytes:
            raise OutgoingError("the answer is too large")
        if time.monotonic() > end:
            raise OutgoingError("the answer takes too long")
    return bytes(body)


def is_public(text: str) -> bool:
    """Whether an address lies on the public internet, also the IPv4 address inside an IPv6 one."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in each for each in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def _checked_address(settings: Settings, url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme not in {"http", "https"} or not host:
        raise OutgoingError("only http and https addresses can be called")
    allowed = f"{host}:{port}" in {each.strip() for each in settings.outgoing_allow.split(",")}
    if parts.scheme == "http" and not (allowed and is_loopback(host)):
        raise OutgoingError("plain http is accepted on this machine only")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OutgoingError("the host name is unknown") from error
    addresses = [str(each[4][0]) for each in found]
    if not allowed and not all(is_public(each) for each in addresses):
        raise OutgoingError("the address is in a private network (see PLUGIN_OUTGOING_ALLOW)")
    return addresses[0]
