"""Time passes: at each moment what is due of itself is noticed, and the workers do all there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import Flask

from plugin.core import clock
from plugin.jobs import periodic
from tests.support import smtp
from tests.support.scale import STEPS
from tests.support.work import work_off

DAY = timedelta(days=1)


def look() -> None:
    """What a turn of the dispatcher notices now, and all that follows."""
    periodic.note_crossings()
    work_off(STEPS)


def at(moment: datetime) -> None:
    """It is that moment: a turn of the dispatcher, and all that follows."""
    with clock.at(moment):
        look()


def pass_by(first: datetime, days: int, step: timedelta = DAY) -> None:
    """The days go by one at a time, each with its turn."""
    moment = first
    while moment < first + timedelta(days=days):
        at(moment)
        moment += step


@contextmanager
def inbox_of(app: Flask) -> Iterator[smtp.Inbox]:
    """Mail of this test goes to a real SMTP server."""
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


def subjects(inbox: smtp.Inbox) -> list[str]:
    """What has come, in order; what was asked before is taken out."""
    found = [str(mail["Subject"]) for mail in inbox.mails]
    inbox.mails.clear()
    return found
