"""A server that fails as servers do: it answers 500, hangs, or dies before or after its work."""

import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request


class Trouble:
    """What happens to commits; nothing unless a test says so."""

    def __init__(self) -> None:
        self.calm()

    def calm(self) -> None:
        """Everything works again; who was kept waiting goes on."""
        self.status = 0
        self.dies: str = ""
        self.seen: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def hang(self) -> Callable[[], None]:
        """From now on commits wait; call what is given to let them go on."""
        self.gate.clear()
        return self.gate.set

    def before(self) -> Response | None:
        if not request.path.endswith("/commit"):
            return None
        self.seen.append(request.path)
        self.gate.wait(20)
        if self.dies == "before":
            _hang_up()
        return Response("broken", self.status) if self.status else None

    def after(self, answer: Response) -> Response:
        if request.path.endswith("/commit") and self.dies == "after":
            _hang_up()
        return answer


def _hang_up() -> None:
    """As when the worker is killed: the connection ends and no answer comes."""
    connection: Any = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)


def troubled(app: Flask) -> Trouble:
    """The app with a trouble of its own, still calm."""
    found = Trouble()
    app.before_request_funcs.setdefault(None, []).append(found.before)
    app.after_request_funcs.setdefault(None, []).append(found.after)
    return found
