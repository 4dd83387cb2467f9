"""The door to a virus scanner: every file of a package is streamed to ClamAV's daemon (INSTREAM).

A file that could not be scanned is not let in: an installation that has a scanner relies on it.
"""

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plugin.scorm.findings import Finding, error

BLOCK = 128 * 1024
TIMEOUT_SECONDS = 60.0
MAX_ANSWER = 4096
UNIX = "unix:"
_LENGTH = struct.Struct(">I")
_END = b"\0"


class Scanner:
    """ClamAV at `host:port` or `unix:/path/to/socket`."""

    def __init__(self, address: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.address = address
        self.timeout = timeout

    def __call__(self, root: Path, paths: Iterable[str]) -> Iterator[Finding]:
        """What is wrong with these files: a virus by its name, or that one could not be scanned."""
        try:
            for path in sorted(paths):
                finding = self._judged(path, self._answer(root / path))
                if finding is not None:
                    yield finding
        except OSError:
            yield error("scan.unreachable")

    def _judged(self, path: str, answer: str) -> Finding | None:
        if answer.endswith(" FOUND"):
            name = answer.removesuffix(" FOUND").removeprefix("stream: ")
            return error("scan.virus", path, name=name[:100])
        if "size limit exceeded" in answer:
            return error("scan.too_large", path)
        if answer == "stream: OK":
            return None
        return error("scan.failed", path)

    def _answer(self, path: Path) -> str:
        with self._connection() as connection, path.open("rb") as source:
            connection.sendall(b"zINSTREAM\0")
            try:
                while block := source.read(BLOCK):
                    connection.sendall(_LENGTH.pack(len(block)) + block)
                connection.sendall(_LENGTH.pack(0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough; its answer says why
            return self._read(connection)

    def _read(self, connection: socket.socket) -> str:
        answer = b""
        while _END not in answer and len(answer) < MAX_ANSWER:
            block = connection.recv(MAX_ANSWER)
            if not block:
                break
            answer += block
        return answer.partition(_END)[0].decode("utf-8", "replace").strip()

    @contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        if self.address.startswith(UNIX):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            target: str | tuple[str, int] = self.address.removeprefix(UNIX)
        else:
            host, _, port = self.address.rpartition(":")
            connection = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            target = (host.strip("[]"), int(port))
        with connection:
            connection.settimeout(self.timeout)
            connection.connect(target)
            yield connection
