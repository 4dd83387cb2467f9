"""Calls made at the same moment, each with its own connection to the database."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask

from plugin.core.db import db


def at_once(app: Flask, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returned, or the error it ended in, in the order of the calls."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def make(number: int) -> None:
        barrier.wait()
        with app.app_context():
            try:
                answers[number] = calls[number]()
            except Exception as error:
                answers[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=make, args=(number,)) for number in range(len(calls))]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
