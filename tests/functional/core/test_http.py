"""Outgoing calls: no private addresses, no redirects, limits on size and time."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from plugin.core.http import OutgoingError, call
from plugin.core.settings import Settings


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/secret")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/drip":
            with contextlib.suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            return
        size = 400_000 if self.path == "/large" else 0
        self.wfile.write(str(self.headers["User-Agent"]).encode() + b"x" * size)

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
    with pytest.raises(OutgoingError, match="too long"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/drip")


def test_an_answer_beyond_the_limit_is_refused(settings: Settings, port: int) -> None:
    allowed = replace(settings, outgoing_allow=f"127.0.0.1:{port}")
    with pytest.raises(OutgoingError, match="too large"):
        call(allowed, "GET", f"http://127.0.0.1:{port}/large")
