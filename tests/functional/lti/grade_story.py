"""Steps of the stories about grades: who launched, what was completed, and what happens later."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.lti.tool import grading
from plugin.lti.tool.service_models import Grade
from plugin.modules.models import Module
from plugin.org.models import Identity, Person, Unit
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, row, training
from tests.functional.lti.campus import Peer
from tests.support.work import work_off
from tests.support.world import World

SECOND = timedelta(seconds=1)


@contextmanager
def later(moment: timedelta) -> Iterator[datetime]:
    with clock.at(NOW + moment):
        yield NOW + moment


def work(until: timedelta = timedelta(0)) -> None:
    """Everything due up to that moment after NOW is done."""
    with clock.at(NOW + until):
        work_off()


def lars() -> Person:
    db.session.rollback()
    return db.session.scalars(select(Person).join(Identity, Identity.person_id == Person.id)).one()


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Fire safety")


@pytest.fixture
def place(world: World, module: Module) -> tuple[Unit, int]:
    unit = world.unit()
    other = world.module("First aid")
    return unit, training(unit, row(module, validity_months=12), row(other))


Done = Callable[..., None]


@pytest.fixture
def complete(world: World) -> Done:
    """The launched person completes a module, and is judged again."""

    def doing(module: Module, **what: object) -> None:
        person = lars()
        world.completion(person, module, happened_at=clock.now(), **what)
        evaluate_later(person)

    return doing


def completed(peer: Peer, module: Module, complete: Done, **what: object) -> None:
    """Lars opens the module's activity and completes it; everything due is done."""
    peer.launch(module=str(module.id))
    work()
    complete(module, **what)
    work()


def resend() -> None:
    """An admin wants the grade to be sent again, and it is."""
    with transaction() as tx:
        found = tx.session.query(Grade).one()
        grading.resend(tx, found, by=found.person_id, now=clock.now())
    work_off()


def ahead(peer: Peer) -> None:
    """The LMS's clock is half a minute ahead of ours, so that our stamps look old to it."""

    def now() -> float:
        return (clock.now() + timedelta(seconds=30)).timestamp()

    peer.grades.now = now


def answering(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, *replies: Reply | None, then: str = ""
) -> None:
    """The next scores get these answers, one after another; None lets the LMS answer itself.

    `then` says that the LMS takes the score although it answers otherwise.
    """
    call, left = peer.call, list(replies)

    def strange(*words: Any, **more: Any) -> Any:
        is_score = words[2].partition("?")[0].endswith("/scores")
        reply = left.pop(0) if is_score and left else None
        if reply is None:
            return call(*words, **more)
        if then:
            call(*words, **more)
        return reply

    monkeypatch.setattr("plugin.core.http.call", strange)
