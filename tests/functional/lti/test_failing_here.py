"""Trouble of our own in the middle of reading from an LMS: whoever waits for it is told."""

from collections.abc import Callable
from typing import Any

import pytest

from plugin.core import http
from plugin.core.db import db
from plugin.lti.tool import checks
from plugin.lti.tool.grades_in import read_grades
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import InstallCheck, LineItem
from plugin.lti.tool.services import FAILED_HERE
from plugin.org.rule_models import RosterTie
from tests.functional.lti.campus import Peer, registration
from tests.functional.lti.test_grades_in_answers import admin, column, module

__all__ = ["admin", "column", "module"]


class OurOwnError(Exception):
    """Nobody expected this."""


@pytest.fixture
def fails(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on a call to an address with this in it fails in a way nobody expected."""

    def at(place: str) -> None:
        def call(*words: Any, **more: Any) -> Any:
            if place in words[2]:
                raise OurOwnError
            return peer.call(*words, **more)

        monkeypatch.setattr(http, "call", call)

    return at


def test_a_roster_says_that_it_failed_here_and_goes_on_later(
    peer: Peer, tie: int, fails: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails("memberships")
    with pytest.raises(OurOwnError):
        sync(tie)
    db.session.rollback()
    found = db.session.get_one(RosterTie, tie)
    assert (found.problem, found.tried_at is not None) == (FAILED_HERE, True)
    monkeypatch.setattr(http, "call", peer.call)
    sync(tie)
    db.session.rollback()
    assert db.session.get_one(RosterTie, tie).problem is None


def test_a_column_says_that_it_failed_here(column: int, fails: Any) -> None:
    fails("/results")
    with pytest.raises(OurOwnError):
        read_grades(column)
    db.session.rollback()
    assert db.session.get_one(LineItem, column).read_problem == FAILED_HERE


def test_a_check_says_that_it_failed_here(peer: Peer, fails: Any) -> None:
    peer.launch()
    fails("/token")
    with pytest.raises(OurOwnError):
        checks.run(registration().id, with_trial=False)
    db.session.rollback()
    found = db.session.query(InstallCheck).filter_by(name="token").one()
    assert (found.state, found.words) == ("failed", FAILED_HERE)
