"""A clamd in miniature: speaks INSTREAM on a port or a socket of its own."""

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
UNREADABLE = b"a file this scanner cannot read"
MAX_STREAM = 1_000_000


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        command = self.rfile.read(len(b"zINSTREAM\0"))
        if command != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
            return
        seen = b""
        while length := struct.unpack(">I", self.rfile.read(4))[0]:
            seen += self.rfile.read(length)
            if len(seen) > MAX_STREAM:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        server: Any = self.server
        server.scanned.append(seen)
        self.wfile.write(self._verdict(seen))

    def _verdict(self, seen: bytes) -> bytes:
        if UNREADABLE in seen:
            return b"stream: cannot be read ERROR\0"
        return b"stream: Eicar-Test FOUND\0" if EICAR in seen else b"stream: OK\0"


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


Behaviour = Callable[[socket.socket], None]
"""What a scanner that is not as it should be does with a connection."""


@contextmanager
def odd_clamd(behave: Behaviour, socket_path: Path | None = None) -> Iterator[str]:
    """The address of a scanner that behaves like this."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # who called has gone
                behave(self.request)

    with clamd(socket_path, Handler) as (address, _):
        yield address


@contextmanager
def clamd(
    socket_path: Path | None = None, handler: type[socketserver.BaseRequestHandler] = _Handler
) -> Iterator[tuple[str, list[bytes]]]:
    """Its address as the setting wants it, and what it was given to scan."""
    server: Any = (
        _Unix(str(socket_path), handler) if socket_path else _Tcp(("127.0.0.1", 0), handler)
    )
    server.scanned = []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"unix:{socket_path}" if socket_path else f"127.0.0.1:{server.server_address[1]}"
    try:
        yield address, server.scanned
    finally:
        server.shutdown()
        server.server_close()
