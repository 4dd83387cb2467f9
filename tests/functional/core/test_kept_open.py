"""Calls that share a connection: fewer of them, and nothing is carried from one to the next."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from plugin.core.http import OutgoingError, Reply, call, kept_open
from plugin.core.settings import Settings


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say()

    def do_GET(self) -> None:
        if self.path == "/gone":
            self.close_connection = True
            return
        self._say()

    def _say(self) -> None:
        client: str = f"{self.client_address[1]} {self.headers.get('Cookie', 'no cookie')}"
        self.send_response(409 if self.path == "/409" else 200, "Some words")
        self.send_header("Set-Cookie", "session=1; Path=/")
        body = b"" if self.path == "/empty" else client.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def allowed(settings: Settings, port: int) -> Settings:
    return replace(settings, outgoing_allow=f"127.0.0.1:{port}")


def connection(reply: Reply) -> bytes:
    return reply.body.split()[0]


def test_calls_inside_share_a_connection_and_no_cookies(allowed: Settings, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    with kept_open():
        first = call(allowed, "GET", f"{url}/")
        call(allowed, "POST", f"{url}/empty", data=b"{}")
        later = call(allowed, "POST", f"{url}/409", data=b"{}")
    assert connection(first) == connection(later)
    assert later.body.endswith(b"no cookie")
    assert (later.status, later.reason) == (409, "Some words")


def test_calls_outside_do_not(allowed: Settings, port: int) -> None:
    url = f"http://127.0.0.1:{port}/"
    assert connection(call(allowed, "GET", url)) != connection(call(allowed, "GET", url))


def test_after_a_call_that_failed_the_next_has_a_new_connection(
    allowed: Settings, port: int
) -> None:
    url = f"http://127.0.0.1:{port}"
    with kept_open():
        first = call(allowed, "GET", f"{url}/")
        with suppress(OutgoingError):
            call(allowed, "GET", f"{url}/gone")
        second = call(allowed, "GET", f"{url}/")
    assert connection(first) != connection(second)


def test_the_guard_looks_at_every_call(allowed: Settings, port: int) -> None:
    with kept_open():
        call(allowed, "GET", f"http://127.0.0.1:{port}/")
        forbidden = replace(allowed, outgoing_allow="")
        with pytest.raises(OutgoingError):
            call(forbidden, "GET", f"http://127.0.0.1:{port}/")
