"""A worker that kills itself at one point of one step: `killer.py STEP before|inside|after`."""

import os
import signal
import sys
from typing import Any

from plugin.app import create_app
from plugin.core import queue
from plugin.core.outbox import QueueName
from plugin.core.settings import Settings
from plugin.jobs import pipeline, step


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


def main() -> None:
    settings = Settings.from_env()
    app = create_app(settings)
    if len(sys.argv) > 1:
        arm(sys.argv[1], sys.argv[2])
    with app.app_context():
        queue.work(settings, list(QueueName), burst=True, max_jobs=100)


if __name__ == "__main__":
    main()
