"""What happens while an LMS is being read, or a score is on its way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.lti.tool import grading, reconciling, score_rows
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import Grade, GradeState, LineItem
from plugin.modules.models import Module
from tests.functional.lti.campus import Peer, grade
from tests.functional.lti.grade_story import (
    SECOND,
    Done,
    complete,
    completed,
    lars,
    later,
    module,
    work,
)
from tests.functional.lti.roster_facts import answering, learner, listing, members
from tests.support.work import work_off

__all__ = ["complete", "module"]


@pytest.fixture
def told(peer: Peer, module: Module, complete: Done) -> Peer:
    """The gradebook was told 40 of 100."""
    completed(peer, module, complete, passed=False, score=0.4)
    assert grade().state is GradeState.SENT
    return peer


def once_read(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, what: str, happens: Callable[[], None]
) -> None:
    """Something happens after the LMS has written its list, before we have it."""
    left = [happens]

    def call(*args: Any, **more: Any) -> Reply:
        reply = peer.call(*args, **more)
        if what in args[2] and left:
            left.pop()()
        return reply

    monkeypatch.setattr(http, "call", call)


def test_a13_a_score_sent_while_the_column_is_read_is_no_override(
    told: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    column = db.session.query(LineItem.id).scalar()

    def a_pass_is_sent() -> None:
        with later(timedelta(days=1) + 3 * SECOND):
            complete(module, score=0.9)
            work_off()

    once_read(told, monkeypatch, "/results", a_pass_is_sent)
    with later(timedelta(days=1)):
        reconciling.compare_column(column)
    assert told.grades.share(1, "6") == pytest.approx(0.9)
    assert grade().state is GradeState.SENT


def test_a_score_on_its_way_at_night_stays_with_its_sender(
    peer: Peer, module: Module, complete: Done
) -> None:
    peer.launch(module=str(module.id))
    work()
    complete(module, score=0.8)
    with transaction() as tx:
        grading.update_grades(tx, lars().id, now=clock.now())
    with later(timedelta(hours=7)):
        batch = score_rows.claim(grade().id)
        assert batch is not None
        with transaction() as tx:
            reconciling.ask_again(tx, now=clock.now())
        assert score_rows.claim(batch.parcels[0].grade_id) is None
        db.session.rollback()
        assert db.session.query(Grade.claimed_at).scalar() == batch.claimed_at


def test_n8_an_older_list_of_people_does_not_undo_a_newer_one(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = answering(peer, lambda _url: listing(learner(6)))

    def somebody_else_reads() -> None:
        monkeypatch.setattr(http, "call", peer.call)
        with later(SECOND):
            sync(tie)

    left = [somebody_else_reads]

    def call(*args: Any, **more: Any) -> Reply:
        if "memberships" in args[2] and left:
            left.pop()()
        return older(*args, **more)

    monkeypatch.setattr(http, "call", call)
    sync(tie)
    assert members() == {"6", "7", "8", "9"}
