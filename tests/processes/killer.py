"""Hands out and works off everything that is due, in one process that kills itself at one point.

`killer.py STEP before|inside|after`: at that point of that step. `killer.py mail`: when the mail
server has taken a mail and nobody has noted it. `killer.py dispatcher`: when Redis has the steps
and the database does not know it yet.
"""

import os
import signal
import sys
from typing import Any

from plugin.app import create_app
from plugin.core import clock, queue
from plugin.core.outbox import QueueName
from plugin.core.settings import Settings
from plugin.jobs import dispatch, pipeline, step
from plugin.notify import delivery
from plugin.notify.mailer import Mail


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

    def send_and_die(mail: Mail) -> None:
        original(mail)
        die()

    delivery.send = send_and_die


def arm_dispatcher() -> None:
    """From now on the first hand-out ends this process."""
    original = queue.enqueue

    def enqueue_and_die(*args: Any) -> None:
        original(*args)
        die()

    queue.enqueue = enqueue_and_die


def main() -> None:
    settings = Settings.from_env()
    app = create_app(settings)
    match sys.argv[1:]:
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


if __name__ == "__main__":
    main()
