"""Outgoing calls: no private addresses, no redirects, limits on size and time."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from plugin.core.http import MAX_BYTES, OutgoingError, call, is_public
from plugin.core.settings import Settings

BOMB = gzip.compress(bytes(50_000_000))


class _Handler(BaseHTTPRequestHandler):
    flooded = 0
    may_begin = threading.Event()
    elsewhere = "http://127.0.0.1/secret"

    def do_GET(self) -> None:
        if self.path == "/late":
            self.may_begin.wait(30)
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", self.elsewhere)
            self.end_headers()
            return
        if self.path == "/redirect-bomb":
            self.send_response(302)
            self.send_header("Location", "https://lms.example.org/")
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.bomb()
            return
        if self.path in {"/headers", "/status", "/continue", "/chunk"}:
            with contextlib.suppress(OSError):
                self.drips(self.path[1:])
            return
        self.send_response(200)
        if self.path == "/flood":
            self.send_header("Content-Length", "1000000000")
        if self.path == "/bomb":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.path in {"/drip", "/flood", "/bomb"}:
            with contextlib.suppress(OSError):
                getattr(self, self.path[1:])()
            return
        size = 400_000 if self.path == "/large" else 0
        with contextlib.suppress(OSError):
            self.wfile.write(str(self.headers["User-Agent"]).encode() + b"x" * size)

    def drips(self, kind: str) -> None:
        """Never silent for long, and never done."""
        start, more = {
            "headers": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
            "status": (b"HTTP/1.1 200 ", b"O"),
            "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            "chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        }[kind]
        self.wfile.write(start)
        for _ in range(200):
            self.wfile.write(more)
            self.wfile.flush()
            time.sleep(0.02)

    def drip(self) -> None:
        for _ in range(100):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.05)

    def flood(self) -> None:
        while True:
            self.wfile.write(b"x" * 10_000)
            _Handler.flooded += 10_000

    def bomb(self) -> None:
        self.wfile.write(BOMB)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_an_allowed_address_is_called_in_our_own_name(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    reply = call(allowed, "GET", f"http://127.0.0.1:{port}/")
    assert (reply.status, reply.body) == (200, b"ModuleAssignment/1 (+LTI Advantage)")


def test_a_private_address_needs_to_be_allowed(settings: Settings, port: int) -> None:
    for url in (f"http://127.0.0.1:{port}/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/",
                "https://169.254.169.254/latest", "https://localhost/"):  # fmt: skip
        with pytest.raises(OutgoingError):
            call(settings, "GET", url)


def test_allowing_one_port_does_not_allow_another(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port + 1}")
    with pytest.raises(OutgoingError):
        call(allowed, "GET", f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/", "//example.org", ""])
def test_only_http_addresses_are_called(settings: Settings, url: str) -> None:
    with pytest.raises(OutgoingError):
        call(settings, "GET", url)


def test_a_redirect_is_not_followed(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    assert call(allowed, "GET", f"http://127.0.0.1:{port}/redirect").status == 302


@pytest.mark.parametrize("place", ["https://[", "//", "http://%", "\xff\xfe"])
def test_a_redirect_to_nowhere_is_still_a_redirect(
    settings: Settings, port: int, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(_Handler, "elsewhere", place)
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    assert call(allowed, "GET", f"http://127.0.0.1:{port}/redirect").status == 302


@pytest.mark.parametrize("kind", ["drip", "headers", "status", "continue", "chunk"])
def test_an_answer_that_drips_is_given_up(settings: Settings, port: int, kind: str) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    with pytest.raises(OutgoingError, match="too long"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/{kind}", deadline=0.3)


def test_an_answer_may_begin_as_late_as_its_caller_allows(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    _Handler.may_begin.clear()
    with pytest.raises(OutgoingError, match="no answer in time"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/late", silence=0.1)
    threading.Timer(0.3, _Handler.may_begin.set).start()
    assert call(allowed, "GET", f"http://127.0.0.1:{port}/late", silence=30).status == 200


def test_a_handshake_that_never_ends_is_given_up(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
        with pytest.raises(OutgoingError, match="too long"):
            call(allowed, "GET", f"https://127.0.0.1:{port}/", deadline=0.3)


def test_the_name_is_looked_up_once_and_another_answer_later_changes_nothing(
    settings: Settings, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def rebinding(host: Any, *words: Any, **more: Any) -> Any:
        if host != "rebinding.localhost":
            return look_up(host, *words, **more)
        asked.append(host)
        return look_up("127.0.0.1" if len(asked) == 1 else "192.0.2.1", *words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    allowed = replace(settings, outgoing_allow=f"rebinding.localhost:{port}")
    assert call(allowed, "GET", f"http://rebinding.localhost:{port}/").status == 200
    assert asked == ["rebinding.localhost"]


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def both(_host: Any, port: Any, **more: Any) -> Any:
        return look_up("8.8.8.8", port, **more) + look_up("10.0.0.1", port, **more)

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(OutgoingError, match="private network"):
        call(settings, "GET", "https://lms.example.org/")


def test_where_one_address_of_a_name_does_not_answer_the_next_is_tried(
    settings: Settings, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def both(host: Any, *words: Any, **more: Any) -> Any:
        if host == "two.localhost":
            return look_up("::1", *words, **more) + look_up("127.0.0.1", *words, **more)
        return look_up(host, *words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", both)
    allowed = replace(settings, outgoing_allow=f"two.localhost:{port}")
    assert call(allowed, "GET", f"http://two.localhost:{port}/").status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0.0.0.0", "0", "169.254.169.254"),
        *("[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[::]", "[fe80::1]"),
        *("localhost", "LOCALHOST", "x.localhost", "localhost."),
    ],
)
def test_a_private_address_in_another_spelling_is_still_private(
    settings: Settings, host: str
) -> None:
    with pytest.raises(OutgoingError, match=r"private network|unknown"):
        call(settings, "GET", f"https://{host}/latest/meta-data")


@pytest.mark.parametrize(
    "url",
    [
        *("https://h:99999/", "https://h:x/", "https://h:0/", "https://[::1/", "https://[x]/"),
        *("https://a@127.0.0.1/", "https://lms.example.org\\@127.0.0.1/", "https://a b/"),
        *("https://h\x00/", "https://h\r\nX: y/", "https://" + "x" * 70 + ".org/", "https://./"),
        *("https://\ud800/", "https://x..y/", "https://%00/", "https:///", "https://h\u202e/"),
    ],
)
def test_what_is_no_address_is_refused_and_breaks_nothing(settings: Settings, url: str) -> None:
    with pytest.raises(OutgoingError):
        call(settings, "GET", url)


@pytest.mark.parametrize("value", ["a\r\nX: y", "t\u00f6k\u0119n", "\ud800", "a\x00b", " x"])
def test_a_header_nobody_can_send_is_an_error_of_the_call(
    settings: Settings, port: int, value: str
) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    with contextlib.suppress(OutgoingError):
        call(allowed, "GET", f"http://127.0.0.1:{port}/", headers={"Authorization": value})


def test_a_certificate_nobody_vouches_for_is_refused(settings: Settings, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{server.server_port}")
    with pytest.raises(OutgoingError, match="SSLError"):
        call(allowed, "GET", f"https://127.0.0.1:{server.server_port}/")
    server.shutdown()
    server.server_close()


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(
        now + timedelta(days=1)
    )
    made = builder.sign(key, hashes.SHA256())
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


def test_an_ipv6_address_is_allowed_in_brackets(settings: Settings) -> None:
    with pytest.raises(OutgoingError, match="private network"):
        call(settings, "GET", "https://[::1]:9/")
    with pytest.raises(OutgoingError, match="ConnectionError"):
        call(replace(settings, outgoing_allow="[::1]:9"), "GET", "https://[::1]:9/")


def test_an_answer_beyond_the_limit_is_refused(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    with pytest.raises(OutgoingError, match="too large"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/large")


def test_no_more_than_the_limit_is_read(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    with pytest.raises(OutgoingError, match="too large"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/flood")
    assert _Handler.flooded < 100 * MAX_BYTES  # what the buffers of the connection hold, no more


@pytest.mark.parametrize("path", ["/bomb", "/redirect-bomb"])
def test_what_is_small_only_on_the_way_is_not_unpacked(
    settings: Settings, port: int, path: str
) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    tracemalloc.start()
    with pytest.raises(OutgoingError, match="too large"):
        call(allowed, "GET", f"http://127.0.0.1:{port}{path}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
        *("::1", "::", "fe80::1", "fd00::1", "fec0::1", "ff02::1"),
        *("::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1"),
        *("::ffff:0:10.0.0.1", "64:ff9b:1::a00:1", "2001:0:4136:e378::1", "::1:0:0:1"),
        *("100:0:0:1::1", "4000::1", "5f00::1", "3fff::1", "2001:db8::1", "fe80::1%lo"),
        *("0.0.0.0", "198.18.0.1", "203.0.113.1", "240.0.0.1", "255.255.255.255"),
    ],
)
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)
