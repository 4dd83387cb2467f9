"""Outgoing calls: no private addresses, no redirects, limits on size and time."""

import contextlib
import gzip
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from plugin.core.http import MAX_BYTES, OutgoingError, call, is_public
from plugin.core.settings import Settings

BOMB = gzip.compress(bytes(50_000_000))


class _Handler(BaseHTTPRequestHandler):
    flooded = 0

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/secret")
            self.end_headers()
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
        self.wfile.write(str(self.headers["User-Agent"]).encode() + b"x" * size)

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
    server = HTTPServer(("127.0.0.1", 0), _Handler)
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


def test_an_answer_that_drips_is_given_up(
    settings: Settings, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.core.http.DEADLINE_SECONDS", 0.3)
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    begun = time.monotonic()
    with pytest.raises(OutgoingError, match="too long"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/drip")
    assert time.monotonic() - begun < 2


def test_an_answer_beyond_the_limit_is_refused(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    with pytest.raises(OutgoingError, match="too large"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/large")


def test_no_more_than_the_limit_is_read(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    with pytest.raises(OutgoingError, match="too large"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/flood")
    assert _Handler.flooded < 100 * MAX_BYTES  # what the buffers of the connection hold, no more


def test_what_is_small_only_on_the_way_is_not_unpacked(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    tracemalloc.start()
    with pytest.raises(OutgoingError, match="too large"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
        *("::1", "::", "fe80::1", "fd00::1", "fec0::1", "ff02::1"),
        *("::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1"),
    ],
)
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)
