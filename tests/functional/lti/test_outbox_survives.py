"""Many grades, an LMS that answers everything there is, workers that die: every row arrives."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import periodic, step
from plugin.lti.tool import scores
from plugin.lti.tool.service_models import CourseMember, Grade, GradeState, LineItem, LmsCourse
from plugin.modules.models import Module
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.lti.campus import Peer
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once

PEOPLE = 40
DEATHS = 2


class WorkerDiedError(BaseException):
    """The process is gone in the middle of a step."""


@pytest.fixture
def crowd(world: World, peer: Peer) -> dict[str, int]:
    """A course of many learners, by the id the LMS knows each by."""
    module: Module = world.module("Fire safety")
    peer.launch("lars", module=str(module.id))
    work_off()
    course_id = db.session.query(LmsCourse.id).scalar()
    found = {}
    for number in range(PEOPLE):
        person: Person = world.person(f"Learner {number}", email=None)
        subject = str(1000 + number)
        world.add(
            CourseMember(
                organization_id=person.organization_id,
                course_id=course_id,
                person_id=person.id,
                subject=subject,
                learns=True,
                roles=[],
                seen_at=NOW,
            )
        )
        peer.grades.learners.add(subject)
        found[subject] = person.id
    return found


def want(values: dict[int, float]) -> None:
    """Each person's column is to say this, as a changed fact would have it."""
    with transaction() as tx:
        item = tx.session.query(LineItem).one()
        known = {each.person_id: each for each in tx.session.query(Grade)}
        subjects = {each.person_id: each.subject for each in tx.session.query(CourseMember)}
        for person_id, value in values.items():
            grade = known.get(person_id)
            if grade is None:
                grade = Grade(
                    organization_id=item.organization_id,
                    line_item_id=item.id,
                    person_id=person_id,
                    subject=subjects[person_id],
                    wanted=value,
                    wanted_at=clock.now(),
                    state=GradeState.WAITING,
                    attempts=0,
                    due_at=clock.now(),
                )
                tx.session.add(grade)
            grade.wanted, grade.state, grade.due_at = value, GradeState.WAITING, clock.now()
            tx.session.flush()
            tx.then(JobName.SEND_GRADE, grade.id)


def work_through(until: timedelta, pace: timedelta) -> int:
    """Everything that comes due, minute by minute; the number of workers that died."""
    deaths, moment = 0, clock.now()
    while moment <= NOW + until:
        with clock.at(moment):
            deaths += _work_now()
        moment += pace
    return deaths


def _work_now() -> int:
    deaths = 0
    while True:
        db.session.rollback()
        row_id = (
            db.session.query(OutboxRow.id)
            .filter(
                OutboxRow.done_at.is_(None),
                OutboxRow.failed_at.is_(None),
                OutboxRow.due_at <= clock.now(),
            )
            .order_by(OutboxRow.due_at, OutboxRow.id)
            .limit(1)
            .scalar()
        )
        db.session.rollback()
        if row_id is None:
            return deaths
        try:
            step.run(row_id)
        except WorkerDiedError:
            deaths += 1
            db.session.rollback()


def difficult(call: Any, chance: random.Random, deaths: list[int]) -> Any:
    """An LMS that takes some scores, refuses others, loses answers, and lets workers die."""

    def answer(*words: Any, **more: Any) -> Reply:
        if not words[2].partition("?")[0].endswith("/scores"):
            return call(*words, **more)
        luck = chance.random()
        if luck < 0.08:
            raise OutgoingError("ConnectTimeout")
        if luck < 0.16:
            return Reply(429, {"Retry-After": "45"}, b"")
        if luck < 0.24:
            return Reply(chance.choice([500, 502, 503]), {}, b"<html><body>Oops</body></html>")
        if luck < 0.28:
            call(*words, **more)  # it was taken, and the answer got lost
            return Reply(504, {}, b"<html>Gateway timeout</html>")
        if luck < 0.34 and deaths[0]:
            deaths[0] -= 1
            if luck < 0.31:
                call(*words, **more)
            raise WorkerDiedError
        return call(*words, **more)

    return answer


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_every_row_ends_at_the_right_value_in_order(
    peer: Peer, crowd: dict[str, int], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    deaths = [DEATHS]
    monkeypatch.setattr("plugin.core.http.call", difficult(peer.call, chance, deaths))
    wanted: dict[int, float] = {}
    for turn in range(3):
        with clock.at(NOW + timedelta(seconds=20 * turn)):
            for person_id in crowd.values():
                wanted[person_id] = round(chance.random(), 4)
            want(wanted)
            work_through(timedelta(seconds=20 * turn + 18), timedelta(seconds=3))
    with clock.at(NOW + timedelta(minutes=2)):
        work_through(timedelta(hours=8), timedelta(minutes=4))
    with clock.at(NOW + timedelta(days=1)):
        periodic.ask_lmss()
        work_through(timedelta(days=1, hours=1), timedelta(minutes=4))

    assert deaths == [0]
    db.session.rollback()
    states = {each.person_id: each.state for each in db.session.query(Grade)}
    assert set(states.values()) == {GradeState.SENT}
    for subject, person_id in crowd.items():
        assert peer.grades.share(1, subject) == pytest.approx(wanted[person_id], abs=0.0051)
    stamps: dict[str, list[datetime]] = defaultdict(list)
    for said in peer.posted():
        stamps[said["userId"]].append(datetime.fromisoformat(said["timestamp"]))
    assert all(times == sorted(set(times)) for times in stamps.values())


def test_a_column_s_grades_leave_in_a_few_statements_however_many(
    peer: Peer, crowd: dict[str, int]
) -> None:
    """One job takes them all: it claims, looks and settles for all of them at once."""
    want(dict.fromkeys(crowd.values(), 0.5))
    db.session.query(OutboxRow).filter_by(job=JobName.SEND_GRADE).update({"done_at": NOW})
    db.session.commit()
    calls = len(peer.calls)
    with counted() as statements:
        scores.send_grade(db.session.query(Grade.id).limit(1).scalar())
    db.session.rollback()
    assert {each.state for each in db.session.query(Grade)} == {GradeState.SENT}
    made = [url.partition("?")[0].rpartition("/")[2] for _method, url in peer.calls[calls:]]
    assert made.count("scores") == PEOPLE
    assert made.count("results") == 1
    assert len(statements) < PEOPLE
