"""A gradebook that answers whatever an LMS may answer, and that notes every score it gets.

It keeps the rules of a Moodle: grades are compared in whole seconds of its own clock, and what is
not newer is refused with 409. Among its answers are, in turn: 409, 429, 500, a page in HTML, and
none at all.
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = tuple[str, str]
"""A column and a person of it."""
HARD = ("409", "429", "500", "html", "nothing", "lost 500", "lost html", "lost nothing")
"""What is answered to some scores, in turn; of the lost ones the score is kept all the same."""
HANGS = 2
PAGE = b"<html><head><title>x</title></head><body><h1>Coding error detected</h1></body></html>"


@dataclass(slots=True)
class Cell:
    """One grade, and when it was written."""

    share: float
    modified: float


@dataclass(slots=True)
class Arrival:
    """One score that reached the LMS: its stamp, and when it came and was answered."""

    stamp: datetime
    came: float
    answered: float = 0.0


@dataclass
class HardLms:
    """Columns, what is in them, and everything that ever came."""

    now: Callable[[], float]
    every: int = 10
    """One score in so many gets a hard answer."""
    cells: dict[Row, Cell] = field(default_factory=dict)
    arrivals: dict[Row, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    in_flight: Counter[Row] = field(default_factory=Counter)
    overlaps: list[Row] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    scores: int = 0
    at_score: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What happens at the n-th score, while its sender waits."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _hard: Any = field(default_factory=lambda: cycle(HARD))
    _hangs: int = HANGS
    _people: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def score(self, column: str, said: dict[str, Any]) -> str:
        """What is answered to the score; it is kept or not."""
        row, came = (column, said["userId"]), self.now()
        with self._lock:
            self.scores += 1
            event = self.at_score.pop(self.scores, None)
            how = next(self._hard) if self.scores % self.every == 0 else ""
            self.arrivals[row].append(Arrival(datetime.fromisoformat(said["timestamp"]), came))
            self.in_flight[row] += 1
            if self.in_flight[row] > 1:
                self.overlaps.append(row)
        if event is not None:
            event()
        with self._lock:
            word = how if how and not how.startswith("lost") else self._kept(row, said)
            word = how.removeprefix("lost ") if how.startswith("lost") else word
            if word == "nothing" and self._hangs:
                self._hangs -= 1
                word = "hang"
            self.answers[word] += 1
            return word

    def _kept(self, row: Row, said: dict[str, Any]) -> str:
        known, stamp = self.cells.get(row), datetime.fromisoformat(said["timestamp"]).timestamp()
        if known is not None and int(stamp) <= int(known.modified):
            return "409"
        if known is None:
            self._people[row[0]].append(row[1])
        self.cells[row] = Cell(said["scoreGiven"] / said["scoreMaximum"], self.now())
        return "200"

    def answered(self, column: str, said: dict[str, Any]) -> None:
        """The sender has its answer, or the connection is over."""
        row = (column, said["userId"])
        with self._lock:
            self.in_flight[row] -= 1
            self.arrivals[row][-1].answered = self.now()

    def results(self, column: str, user: str | None) -> list[dict[str, Any]]:
        """What is in the column."""
        with self._lock:
            found = [
                (who, self.cells[column, who].share)
                for who in (self._people[column] if user is None else [user])
                if (column, who) in self.cells
            ]
        return [{"userId": each, "resultScore": share, "resultMaximum": 1} for each, share in found]


class _Handler(StreamRequestHandler):
    """HTTP/1.1 as far as the tool speaks it; one connection may bring many requests."""

    disable_nagle_algorithm = True

    @property
    def lms(self) -> HardLms:
        found: HardLms = self.server.lms  # type: ignore[attr-defined]
        return found

    def handle(self) -> None:
        with suppress(OSError):
            while line := self.rfile.readline():
                method, path, _version = line.decode().split()
                length = 0
                while (header := self.rfile.readline()) not in {b"\r\n", b""}:
                    name, _colon, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                if not self._answered(method, path, self.rfile.read(length)):
                    return

    def _answered(self, method: str, path: str, body: bytes) -> bool:
        """Whether the connection goes on."""
        if method == "GET":
            parts = urlsplit(path)
            user = parse_qs(parts.query).get("user_id", [None])[0]
            found = self.lms.results(parts.path.split("/")[1], user)
            return self._say("200 OK", json.dumps(found).encode())
        if path == "/token":
            self.lms.tokens += 1
            return self._say("200 OK", b'{"access_token": "t", "expires_in": 3600}')
        column, said = path.split("/")[1], json.loads(body)
        word = self.lms.score(column, said)
        try:
            return self._score_answered(word)
        finally:
            self.lms.answered(column, said)

    def _score_answered(self, word: str) -> bool:
        match word:
            case "200":
                return self._say("200 OK", b"")
            case "409":
                return self._say("409 Refusing score with an earlier timestamp", b"[]")
            case "429":
                return self._say("429 Slow down", b"", "Retry-After: 20")
            case "500":
                return self._say("500 Error", b"[]")
            case "html":
                return self._say("502 Bad gateway", PAGE)
            case "hang":
                self.connection.settimeout(30)
                self.connection.recv(1)  # until the other side is tired of waiting
        return False

    def _say(self, status: str, body: bytes, *headers: str) -> bool:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)
        return True


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_words: Any) -> None:
        """A sender that was killed leaves a connection behind."""


@contextmanager
def running(lms: HardLms, port: int) -> Iterator[HardLms]:
    """The LMS answers at this port."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.lms = lms  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield lms
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
