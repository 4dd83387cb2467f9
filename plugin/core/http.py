"""The one door to the outside: deadlines, size limits, no private addresses, our own name."""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from plugin.core.settings import Settings, is_loopback

USER_AGENT = "ModuleAssignment/1 (+LTI Advantage)"
TIMEOUT_SECONDS = 5.0
"""For the connection, and for each silence of the server."""
DEADLINE_SECONDS = 10.0
"""For everything: connection, handshake, headers and body, however slowly they drip."""
MAX_BYTES = 256 * 1024
BLOCK = 16 * 1024
TOO_LONG = "the answer takes too long"
_UNSAFE = frozenset("\\@ <>\"'`{}|^")
"""In a host part these are read differently by different libraries (RFC 3986, 3.2)."""
_TRANSLATED = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("::/96"),
)
"""IPv6 addresses whose last 32 bits are an IPv4 address (RFC 6052, RFC 4291)."""

_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that was ever given to anybody (RFC 4291); what is private or translated lies beside
it, and inside it what Python knows."""
_EXAMPLES = ipaddress.ip_network("3fff::/20")


class OutgoingError(Exception):
    """A call that was not made or did not end well; the text carries no address or secret."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, read whole within the size limit."""

    status: int
    headers: dict[str, str]
    body: bytes
    reason: str = ""
    """The words beside the status; one LMS says there why it refuses."""


class _Line:
    """One connection to an address that was checked, cut when the time for a call is over.

    A second DNS answer cannot lead elsewhere, and a server that sends a byte now and then, in its
    headers or in its body, does not keep us.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.is_cut = False
        self._end = 0.0
        self._watched: socket.socket | None = None

    @contextmanager
    def timed(self, seconds: float) -> Iterator[None]:
        """The call made inside has so much time."""
        self._end = time.monotonic() + seconds
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close(self) -> None:
        """Nobody talks here any more."""
        if self._watched is not None:
            self._watched.close()

    @property
    def seconds_left(self) -> float:
        return max(self._end - time.monotonic(), 0.001)

    def watch(self, opened: socket.socket) -> None:
        """From now on this connection ends with the time; its own object may be wrapped in TLS."""
        self.close()
        self._watched = opened.dup()
        if self.is_cut:
            self._cut()

    def _cut(self) -> None:
        self.is_cut = True
        if self._watched is not None:
            with suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)


class _Pinned:
    """A connection of the library that opens only one of the checked addresses, in turn."""

    def __init__(self, *args: Any, line: _Line, **more: Any) -> None:
        super().__init__(*args, **more)
        self._line = line

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        name, refused = connection.host, None
        for address in self._line.addresses:
            connection.host = address
            connection.timeout = min(TIMEOUT_SECONDS, self._line.seconds_left)
            try:
                opened: socket.socket = super()._new_conn()  # type: ignore[misc]
            except (NewConnectionError, ConnectTimeoutError) as error:
                refused = error
                continue
            finally:
                connection.host = name
            self._line.watch(opened)
            return opened
        raise refused or NewConnectionError(connection, "no address")


class _PinnedHTTP(_Pinned, HTTPConnection):
    pass


class _PinnedHTTPS(_Pinned, HTTPSConnection):
    pass


class _PinnedAdapter(HTTPAdapter):
    """Calls by name, so that host header and certificate are checked, over the given line."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, request: Any, *args: Any, **more: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(request, *args, **more)
        kind = _PinnedHTTPS if pool.scheme == "https" else _PinnedHTTP
        pool.ConnectionCls = partial(kind, line=self._line)
        return pool


class _Session(requests.Session):
    """Of an answer that sends us elsewhere nothing is prepared: that reads its body without end."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Talk:
    """A line, and the library's session on it, which remembers no cookies."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.line = _Line(addresses)
        self.session = _Session()
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _PinnedAdapter(self.line))

    def close(self) -> None:
        self.session.close()
        self.line.close()


_Place = tuple[str, tuple[str, ...]]
_kept: ContextVar[dict[_Place, _Talk] | None] = ContextVar("kept", default=None)


@contextmanager
def kept_open() -> Iterator[None]:
    """Calls made inside, one after another, share one connection per server."""
    mine: dict[_Place, _Talk] = {}
    token = _kept.set(mine)
    try:
        yield
    finally:
        _kept.reset(token)
        for talk in mine.values():
            talk.close()


@contextmanager
def _talk(url: str, addresses: Sequence[str]) -> Iterator[_Talk]:
    """The open line to the server, or a new one; one on which something went wrong is not kept."""
    mine = _kept.get()
    place = ("/".join(url.split("/", 3)[:3]), tuple(sorted(addresses)))
    talk = (mine.pop(place, None) if mine is not None else None) or _Talk(addresses)
    try:
        yield talk
    except BaseException:
        talk.close()
        raise
    if mine is None or talk.line.is_cut:
        talk.close()
    else:
        mine[place] = talk


def call(
    settings: Settings,
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    data: bytes | dict[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
    wants_body: bool = True,
    silence: float = TIMEOUT_SECONDS,
    deadline: float = DEADLINE_SECONDS,
) -> Reply:
    """One request without redirects; raises OutgoingError when it fails or is too large.

    Who expects a long answer gives more `silence` to begin it in, and a later `deadline` (seconds).
    Who asks for the status alone (`wants_body`) waits for no body, however large or slow it is.
    """
    addresses = _checked_addresses(settings, url)
    sent = {"User-Agent": USER_AGENT, **(headers or {})}
    with _talk(url, addresses) as talk, talk.line.timed(deadline):
        try:
            with talk.session.request(
                method,
                url,
                headers=sent,
                data=data,
                timeout=(TIMEOUT_SECONDS, silence),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read(response, max_bytes) if wants_body else b""
                words = str(response.reason or "")
                reply = Reply(response.status_code, dict(response.headers), body, words)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise OutgoingError(TOO_LONG if talk.line.is_cut else _words(error)) from error
        if talk.line.is_cut:  # the end of a body without a length looks like any other end
            raise OutgoingError(TOO_LONG)
        return reply


def _words(error: Exception) -> str:
    """What went wrong, for an admin to read; the library's own text would tell the address."""
    kinds = (
        (requests.exceptions.SSLError, "the certificate of the server cannot be trusted"),
        (requests.ConnectTimeout, "no connection in time"),
        (requests.Timeout, "no answer in time"),
        (requests.ConnectionError, "no connection"),
    )
    said = next((words for kind, words in kinds if isinstance(error, kind)), "the call failed")
    return f"{said} ({type(error).__name__})"


def _read(response: requests.Response, max_bytes: int) -> bytes:
    """The whole body, whatever is there by now at a time."""
    body = bytearray()
    while block := response.raw.read1(BLOCK, decode_content=True):
        body += block
        if len(body) > max_bytes:
            raise OutgoingError("the answer is too large")
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
        if address not in _UNICAST or address in _EXAMPLES:
            return False
    return address.is_global and not address.is_multicast


def _checked_addresses(settings: Settings, url: str) -> list[str]:
    """The addresses behind a URL, each of which we may connect to; looked up once."""
    parts, port = _parts(url)
    host = parts.hostname or ""
    allowed = _is_allowed(settings, host, port)
    if parts.scheme == "http" and not is_loopback(host):
        raise OutgoingError("plain http is accepted on this machine only")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # ValueError: no host name can be like this
        raise OutgoingError("the host name is unknown") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not allowed and (parts.scheme == "http" or not all(map(is_public, addresses))):
        raise OutgoingError("the address is in a private network (see PLUGIN_OUTGOING_ALLOW)")
    return addresses


def _parts(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutgoingError("this is no address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OutgoingError("only http and https addresses can be called")
    if not url.isprintable() or _UNSAFE & set(parts.netloc) or port == 0:
        raise OutgoingError("this is no address")
    return parts, port or (443 if parts.scheme == "https" else 80)


def _is_allowed(settings: Settings, host: str, port: int) -> bool:
    """Whether the operator lists this host and port (`[::1]:8080` for an IPv6 address)."""
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" in {each.strip().lower() for each in settings.outgoing_allow.split(",")}
