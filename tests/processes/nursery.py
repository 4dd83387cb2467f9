"""Bears processes of the product that kill themselves at a random point of their work.

It has the product loaded, so that a process costs a fork and no more. Orders come as lines of
JSON: `{"start": {...}}` is answered with a process id, `{"wait": [...]}` with how each has ended.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from plugin.app import create_app
from plugin.core import clock, queue
from plugin.core.outbox import QueueName
from plugin.core.settings import Settings
from plugin.core.storage import Storage
from plugin.jobs import periodic, pipeline
from plugin.jobs.dispatch import Dispatcher
from plugin.notify import delivery, mailer
from plugin.notify.emails import wording_of
from plugin.notify.mailer import Mail
from plugin.notify.samples import SAMPLES
from plugin.scorm import importing  # noqa: F401 - loaded once, for all children

PATIENCE_SECONDS = 30
STEPS = (
    "evaluate_person",
    "evaluate_people",
    "apply_version",
    "issue_certificate",
    "render_edition",
    "deliver_message",
    "note_crossings",
    "tell_managers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One process: what it is, when it believes it is, and after how many points it dies."""

    role: str
    at: str
    fuse: int = 0
    seed: int = 0
    journal: str = ""
    mail_port: int = 0
    mail_patience: float = 20
    port: int = 0
    only: str = ""
    """It dies at points whose name begins like this; empty: at any."""

    def line(self) -> str:
        return json.dumps({"start": asdict(self)})


class Fuse:
    """Counts the points that are passed; at the last of them the process is gone."""

    def __init__(self, order: Order) -> None:
        self.left = order.fuse
        self.only = order.only
        self.journal = order.journal
        self.unmarked = ""
        """The mail the server has taken and nobody has noted."""

    def burn(self, point: str) -> None:
        if not self.left or not point.startswith(self.only):
            return
        self.left -= 1
        if self.left == 0:
            with Path(self.journal).open("a", encoding="utf-8") as book:
                book.write(json.dumps([point, self.unmarked]) + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*args: Any, **kwargs: Any) -> Any:
            self.burn(f"{name}: before")
            found = original(*args, **kwargs)
            self.burn(f"{name}: after")
            return found

        if hasattr(original, "is_long"):
            deadly.is_long = original.is_long  # type: ignore[attr-defined]
        return deadly


def lay(fuse: Fuse) -> None:
    """From now on every point of the flow burns the fuse down."""

    def after_commit(_session: object) -> None:
        fuse.unmarked = ""
        fuse.burn("commit: after")

    event.listen(Engine, "commit", lambda _connection: fuse.burn("commit: before"))
    event.listen(Session, "after_commit", after_commit)
    for name in STEPS:
        setattr(pipeline, name, fuse.around(name, getattr(pipeline, name)))
    queue.enqueue = fuse.around("enqueue", queue.enqueue)
    for name in ("put", "put_stream"):
        setattr(Storage, name, fuse.around("file", getattr(Storage, name)))
    send = delivery.send

    def send_and_burn(mail: Mail, *, now: datetime) -> None:
        fuse.burn("mail: before")
        send(mail, now=now)
        fuse.unmarked = mailer.header_id(mail.key)
        fuse.burn("mail: after")

    delivery.send = send_and_burn


def dispatcher(app: Flask, settings: Settings, _order: Order, _fuse: Fuse) -> None:
    """Turns of the dispatcher, until it has nothing to hand out."""
    loop = Dispatcher(app=app, settings=settings)
    with app.app_context():
        periodic.declare(clock.now())
    while loop.round():
        pass


def worker(app: Flask, settings: Settings, _order: Order, _fuse: Fuse) -> None:
    """Does what has been handed out."""
    with app.app_context():
        queue.work(settings, list(QueueName), burst=True, max_jobs=500)


def web(app: Flask, _settings: Settings, order: Order, fuse: Fuse) -> None:
    """Serves pages until it is killed, by its fuse or by whoever started it."""
    app.config["WTF_CSRF_ENABLED"] = False

    def about_to_answer(answer: Response) -> Response:
        if request.path != "/healthz":
            fuse.burn("answer: before")
        return answer

    app.after_request(about_to_answer)
    make_server("127.0.0.1", order.port, app).serve_forever()


ROLES = {"dispatcher": dispatcher, "worker": worker, "web": web}


def live(app: Flask, settings: Settings, order: Order) -> None:
    """The whole life of a child."""
    clock.set_source(_running(datetime.fromisoformat(order.at)))
    random.seed(order.seed)
    mailer.TIMEOUT_SECONDS = order.mail_patience  # type: ignore[assignment]
    if order.mail_port:
        app.extensions["mail"].port = order.mail_port
    fuse = Fuse(order)
    if order.fuse:
        lay(fuse)
    signal.alarm(PATIENCE_SECONDS)
    ROLES[order.role](app, settings, order, fuse)


def _running(begin: datetime) -> Callable[[], datetime]:
    started = clock.machine()
    return lambda: begin + (clock.machine() - started)


def bear(app: Flask, settings: Settings, order: Order) -> int:
    """A child of its own: it never comes back from here."""
    pid = os.fork()
    if pid:
        return pid
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # answers go that way
    code = 1
    try:
        live(app, settings, order)
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def warm(app: Flask) -> None:
    """Words are put together once here, not in every child."""
    look = {"person_name": "A", "organization_name": "B", "logo": None, "unsubscribe_url": None}
    with app.app_context():
        for kind, facts in SAMPLES.items():
            wording_of(kind.value, {**facts, **look}, locale="en")


def wait(pids: list[int]) -> dict[int, int]:
    """How each ended: 0, or less than 0 for a signal."""
    return {pid: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids}


def main() -> None:
    settings = Settings.from_env()
    app = create_app(settings)
    warm(app)
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            answer: Any = bear(app, settings, Order(**order["start"]))
        else:
            answer = list(wait(order["wait"]).values())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
