"""Bears processes that work off all that is due, and kill themselves at one point.

It has the product loaded, so that a process costs a fork and no more. Each line of JSON is one,
`{"how": [...], "mail_port": 25}`; the answer is how it ended: 0, or less than 0 for a signal.

`STEP before|inside|after`: it dies at that point of that step. `mail`: when the mail server has
taken a mail and nobody has noted it. `dispatcher`: when Redis has the steps and the database does
not know it yet. Nothing: it lives.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Flask

from plugin.app import create_app
from plugin.core import clock, queue
from plugin.core.outbox import QueueName
from plugin.core.settings import Settings
from plugin.jobs import dispatch, pipeline, step
from plugin.notify import delivery
from plugin.notify.mailer import Mail
from tests.processes.nursery import warm


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(name: str, point: str) -> None:
    """From now on the step `name` ends this process at `point`."""
    original = getattr(pipeline, name)

    def deadly(*args: Any) -> None:
        if point == "before":
            die()
        original(*args)
        if point == "inside":
            die()

    deadly.is_long = getattr(original, "is_long", False)  # type: ignore[attr-defined]
    setattr(pipeline, name, deadly)
    if point == "after":
        run = step.run

        def run_and_die(row_id: int) -> None:
            found = step._waiting(row_id)
            run(row_id)
            if found is not None and found[0] == name:
                die()

        step.run = run_and_die


def arm_mail() -> None:
    """From now on the first mail that leaves ends this process."""
    original = delivery.send

    def send_and_die(mail: Mail, *, now: datetime) -> None:
        original(mail, now=now)
        die()

    delivery.send = send_and_die


def arm_dispatcher() -> None:
    """From now on the first hand-out ends this process."""
    original = queue.enqueue

    def enqueue_and_die(*args: Any) -> None:
        original(*args)
        die()

    queue.enqueue = enqueue_and_die


def live(app: Flask, settings: Settings, how: Sequence[str]) -> None:
    """The whole life of a child."""
    match how:
        case ["dispatcher"]:
            arm_dispatcher()
        case ["mail"]:
            arm_mail()
        case [name, point]:
            arm(name, point)
    with app.app_context():
        connection = queue.connect(settings)
        while dispatch.dispatch(connection, now=clock.now()):
            queue.work(settings, list(QueueName), burst=True, max_jobs=100)


def bear(app: Flask, settings: Settings, how: Sequence[str], mail_port: int) -> int:
    """The process id of a child, which never comes back from here."""
    if pid := os.fork():
        return pid
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # answers go that way
    code = 1
    try:
        app.extensions["mail"].port = mail_port
        live(app, settings, how)
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    settings = Settings.from_env()
    app = create_app(settings)
    warm(app)
    for line in sys.stdin:
        pid = bear(app, settings, **json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
