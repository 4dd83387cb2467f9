"""The door to a virus scanner: every file of a package is streamed to ClamAV's daemon (INSTREAM).

A file that could not be scanned is not let in: an installation that has a scanner relies on it.
"""

import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plugin.scorm.findings import Finding, error

BLOCK = 128 * 1024
TIMEOUT_SECONDS = 60.0
"""For the connection, and for each silence of the scanner."""
DEADLINE_SECONDS = 600.0
"""For everything about one file, however slowly the scanner reads or answers."""
MAX_ANSWER = 4096
UNIX = "unix:"
_LENGTH = struct.Struct(">I")
_END = b"\0"


class Scanner:
    """ClamAV at `host:port` or `unix:/path/to/socket`."""

    def __init__(
        self,
        address: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self.address = address
        self.timeout = timeout
        self.deadline = deadline

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
        end = time.monotonic() + self.deadline
        with self._connection() as connection, path.open("rb") as source:
            connection.sendall(b"zINSTREAM\0")
            try:
                while block := source.read(BLOCK):
                    self._wait(connection, end)
                    connection.sendall(_LENGTH.pack(len(block)) + block)
                connection.sendall(_LENGTH.pack(0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough; its answer says why
            return self._read(connection, end)

    def _read(self, connection: socket.socket, end: float) -> str:
        """The whole answer; one that breaks off is none, whatever it began with."""
        answer = b""
        while _END not in answer and len(answer) < MAX_ANSWER:
            self._wait(connection, end)
            block = connection.recv(MAX_ANSWER)
            if not block:
                raise ConnectionError("the scanner went away")
            answer += block
        return answer.partition(_END)[0].decode("utf-8", "replace").strip()

    def _wait(self, connection: socket.socket, end: float) -> None:
        """The next step may take so long, and no longer than everything may."""
        connection.settimeout(max(min(self.timeout, end - time.monotonic()), 0.001))

    @contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        if self.address.startswith(UNIX):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self.timeout)
            with connection:
                connection.connect(self.address.removeprefix(UNIX))
                yield connection
        else:
            host, _, port = self.address.rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port)), self.timeout) as found:
                yield found
