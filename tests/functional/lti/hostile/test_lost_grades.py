"""Gradebooks that say nonsense, or nothing any more: nobody loses a grade by a mistake."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.lti.tool.course_members import join_course
from plugin.lti.tool.grades_in import read_grades
from plugin.lti.tool.reconciling import compare_column
from plugin.lti.tool.service_models import Grade, GradeState, LineItem, LmsCourse
from plugin.modules import by_lms
from plugin.modules.models import Completion, Module
from plugin.org import actions as org_actions
from plugin.org.models import Identity
from tests.conftest import NOW
from tests.functional.lti.campus import Peer, registration
from tests.functional.lti.campus import grade as owed
from tests.functional.lti.grade_story import Done, complete, completed, module
from tests.functional.lti.hostile.values import NASTY
from tests.functional.lti.test_grades_in_answers import answers
from tests.functional.lti.test_grades_in_answers import grade as line
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once

__all__ = ["answers", "complete", "module"]
Say = Callable[..., None]
SEVEN = [str(number) for number in range(6, 13)]


@pytest.fixture
def column(peer: Peer, world: World) -> int:
    """A column graded in the LMS, of a course of seven people."""
    organization_id, by = world.organization.id, world.person("Grace Hopper").id
    with transaction() as tx:
        about = by_lms.create(
            tx, organization_id, title="Practical test", pass_share=0.6, by=by, now=NOW
        ).id
    peer.launch("lars", module=str(about))
    work_off()
    known = registration()
    with transaction() as tx:
        course = tx.session.query(LmsCourse).one()
        for subject in SEVEN[1:]:
            person = org_actions.admit_person(
                tx.session,
                organization_id,
                issuer=known.issuer,
                client_id=known.client_id,
                subject=subject,
                given_name=None,
                family_name=None,
                full_name=f"Learner {subject}",
                email=None,
                locale=None,
                now=NOW,
            )
            tx.session.flush()
            join_course(tx.session, course, person.id, subject, learns=True, now=NOW)
    return int(db.session.query(LineItem.id).scalar())


def passed() -> set[str]:
    """Who has passed, by the newest fact about them, by the id the LMS knows them by."""
    db.session.rollback()
    found = db.session.execute(
        select(Identity.subject, Completion.passed)
        .join(Completion, Completion.person_id == Identity.person_id)
        .order_by(Completion.id)
    )
    newest = {subject: is_passed for subject, is_passed in found}  # noqa: C416 - rows are no pairs
    return {subject for subject, is_passed in newest.items() if is_passed}


def doubted() -> tuple[int, int]:
    """How many lines were not understood, and how many grades are not taken for gone yet."""
    db.session.rollback()
    item = db.session.scalars(select(LineItem)).one()
    assert item.read_problem is None  # it was read
    outcome = item.read_outcome or {}
    return outcome["not_understood"], outcome["held"]


def read(column: int, after: timedelta = timedelta(0)) -> None:
    with clock.at(NOW + after):
        read_grades(column)


@pytest.mark.parametrize("score", ["NaN", "many", -1, True, [], {}, ["80"], 1e308, "1e400"])
def test_a13_a_score_that_is_none_takes_no_earlier_one_away(
    answers: Say, column: int, score: Any
) -> None:
    answers(line("6"), line("7"))
    read(column)
    answers(line("6", resultScore=score), line("7", resultScore=10))
    read(column)
    assert passed() == {"6"}
    assert doubted() == (1, 0)
    answers(line("7"))
    read(column)
    assert passed() == {"7"}  # no line at all is a word
    assert doubted() == (0, 0)


@pytest.mark.parametrize("label", NASTY)
def test_a13_a_line_about_nobody_may_be_about_anybody(
    answers: Say, column: int, label: str
) -> None:
    value = NASTY[label]
    answers(line("6"), line("7"))
    read(column)
    answers(line("6"), line("7", userId=value), value)
    read(column)
    assert passed() == {"6", "7"}
    assert doubted()[0] > 0


def test_a13_a_gradebook_that_is_empty_at_once_is_believed_after_a_day(
    answers: Say, column: int
) -> None:
    answers(*map(line, SEVEN))
    read(column)
    assert passed() == set(SEVEN)
    answers()
    for hours in (1, 2, 19):
        read(column, timedelta(hours=hours))
        assert passed() == set(SEVEN)
        assert doubted() == (0, 7)
    read(column, timedelta(hours=22))
    assert (passed(), doubted()) == (set(), (0, 0))


def test_a13_what_comes_back_within_the_day_was_never_gone(answers: Say, column: int) -> None:
    answers(*map(line, SEVEN))
    read(column)
    answers(line("6", resultScore=20))
    read(column, timedelta(hours=1))
    assert passed() == set(SEVEN) - {"6"}  # what it does say is believed
    answers(*map(line, SEVEN))
    read(column, timedelta(hours=2))
    assert (passed(), doubted()) == (set(SEVEN), (0, 0))
    answers()
    read(column, timedelta(hours=23))
    assert passed() == set(SEVEN)  # a new doubt has a day of its own


def test_a13_a_few_that_are_gone_are_gone_at_once(answers: Say, column: int) -> None:
    answers(*map(line, SEVEN))
    read(column)
    answers(*map(line, SEVEN[4:]))
    read(column, timedelta(hours=1))
    assert (passed(), doubted()) == (set(SEVEN[4:]), (0, 0))


@pytest.mark.parametrize("backwards", [False, True])
def test_a13_of_two_grades_of_one_person_the_newer_counts_in_any_order(
    answers: Say, column: int, backwards: bool
) -> None:
    old = line("6", resultScore=90, timestamp="2027-03-01T08:00:00Z")
    new = line("6", resultScore=10, timestamp="2027-03-09T08:00:00Z")
    answers(*([new, old] if backwards else [old, new]))
    read(column)
    assert passed() == set()
    answers(*([old, new] if backwards else [new, old]))
    read(column)
    assert db.session.query(Completion).count() == 1


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([{"userId": "6", "resultScore": "NaN"}], GradeState.SENT),
        ([{"userId": 6, "resultScore": 80, "resultMaximum": 100}], GradeState.SENT),
        ([None], GradeState.SENT),
        ([], GradeState.WAITING),
        ([{"userId": "6"}], GradeState.WAITING),
    ],
)
def test_a_grade_is_not_taken_for_lost_because_a_gradebook_talks_nonsense(
    peer: Peer,
    module: Module,
    complete: Done,
    monkeypatch: pytest.MonkeyPatch,
    said: list[Any],
    state: GradeState,
) -> None:
    completed(peer, module, complete, score=0.8)

    def call(*words: Any, **more: Any) -> Reply:
        if "/results" in words[2]:
            return Reply(200, {}, json.dumps(said).encode())
        return peer.call(*words, **more)

    monkeypatch.setattr(http, "call", call)
    with clock.at(NOW + timedelta(hours=9)):
        compare_column(owed().line_item_id)
    db.session.rollback()
    assert db.session.query(Grade).one().state is state
