"""Grades given in the LMS complete modules (AGS 2.0, results)."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import periodic
from plugin.lti.tool.grades_in import read_grades
from plugin.lti.tool.service_models import CourseMember, LineItem
from plugin.modules import actions, by_lms
from plugin.modules.models import Completion, CompletionSource, Module, ModuleVersion
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import row, stored, training
from tests.functional.lti.campus import Peer, registration
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def admin(world: World) -> Person:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    return grace


@pytest.fixture
def module(world: World, admin: Person) -> Module:
    organization_id, by = world.organization.id, admin.id
    with transaction() as tx:
        number = by_lms.create(
            tx, organization_id, title="Practical test", pass_share=0.6, by=by, now=NOW
        ).id
    return db.session.get_one(Module, number)


@pytest.fixture
def column(peer: Peer, module: Module) -> int:
    """Lars and Lucja have opened the activity of the module."""
    for name in ("lars", "lucja"):
        peer.launch(name, module=str(module.id))
    work_off()
    return db.session.query(LineItem.id).scalar()


def facts() -> list[tuple[str, bool, float | None, str | None]]:
    """Every completion by an LMS grade: whose, passed, score, reason; in order."""
    db.session.rollback()
    subjects = {each.person_id: each.subject for each in db.session.query(CourseMember)}
    return [
        (subjects[each.person_id], each.passed, each.score, each.reason)
        for each in db.session.query(Completion).order_by(Completion.id)
        if each.source is CompletionSource.LMS_GRADE
    ]


def readings() -> int:
    return db.session.query(OutboxRow).filter_by(job=JobName.READ_GRADES).count()


def test_a_grade_that_reaches_the_mark_is_a_completion(peer: Peer, column: int) -> None:
    peer.grades.override(1, "6", 0.6)
    peer.grades.override(1, "7", 0.59)
    read_grades(column)
    assert facts() == [("6", True, 0.6, None), ("7", False, 0.59, None)]
    one = db.session.query(Completion).first()
    assert one is not None
    assert one.evidence["lms"] == "Campus"
    assert one.evidence["course"] == "Safety 101"
    assert one.happened_at == NOW


def test_it_counts_for_the_training(world: World, peer: Peer, module: Module, column: int) -> None:
    person = db.session.query(Person).filter_by(full_name="Lars Ødegård").one()
    unit = world.unit()
    configuration = training(unit, row(module, validity_months=12), certificate=False)
    world.member(person, unit)
    peer.grades.override(1, "6", 0.9)
    read_grades(column)
    work_off()
    found = stored(person, configuration)
    assert found is not None
    assert found.complete


def test_reading_again_says_nothing_new(peer: Peer, column: int) -> None:
    peer.grades.override(1, "6", 0.9)
    read_grades(column)
    read_grades(column)
    assert len(facts()) == 1


def test_the_same_grade_given_later_counts_for_a_newer_version(
    peer: Peer, module: Module, column: int
) -> None:
    peer.grades.override(1, "6", 0.8)
    read_grades(column)
    with transaction() as tx:
        asked = tx.session.get_one(Module, module.id)
        newer = ModuleVersion(
            organization_id=asked.organization_id, module_id=asked.id, number=2, created_at=NOW
        )
        tx.session.add(newer)
        tx.session.flush()
        asked.current_version_id = newer.id
    read_grades(column)
    assert facts() == [("6", True, 0.8, None)], "nobody gave it anew"
    with clock.at(NOW + timedelta(days=2)):
        peer.grades.override(1, "6", 0.8)
        read_grades(column)
        read_grades(column)
    assert facts() == [("6", True, 0.8, None)] * 2
    first, second = db.session.query(Completion).order_by(Completion.id)
    assert (second.supersedes_id, second.happened_at - first.happened_at) == (
        None,
        timedelta(days=2),
    )


def test_a_changed_grade_supersedes_and_a_removed_one_too(peer: Peer, column: int) -> None:
    peer.grades.override(1, "6", 0.9)
    read_grades(column)
    peer.grades.override(1, "6", 0.3)
    read_grades(column)
    peer.grades.override(1, "6", None)
    read_grades(column)
    peer.grades.override(1, "6", 0.8)
    read_grades(column)
    assert facts() == [
        ("6", True, 0.9, None),
        ("6", False, 0.3, by_lms.CHANGED),
        ("6", False, None, by_lms.REMOVED),
        ("6", True, 0.8, by_lms.CHANGED),
    ]
    chain = [each.supersedes_id for each in db.session.query(Completion).order_by(Completion.id)]
    ids = [each.id for each in db.session.query(Completion).order_by(Completion.id)]
    assert chain == [None, *ids[:-1]]


def test_an_admin_sees_on_the_page_of_the_lms_whose_grade_was_changed_or_removed(
    client: FlaskClient, world: World, admin: Person, peer: Peer, column: int
) -> None:
    peer.grades.override(1, "6", 0.9)
    peer.grades.override(1, "7", 0.7)
    read_grades(column)
    world.sign_in(client, admin)
    page = f"/admin/lms/{registration().id}"
    assert 'id="changed"' not in client.get(page).text
    peer.grades.override(1, "6", 0.3)
    peer.grades.override(1, "7", None)
    for days in (1, 2):
        with clock.at(NOW + timedelta(days=days)):
            read_grades(column)
    words = read(client.get(page).text).words
    assert "Lars Ødegård Practical test Safety 101 30% Not passed Mar 11, 2027" in words
    assert "Łucja Wiśniewska Practical test Safety 101 none Not passed Mar 11, 2027" in words


def test_what_an_admin_corrected_stays_until_the_lms_says_otherwise(
    peer: Peer, column: int, admin: Person
) -> None:
    peer.grades.override(1, "6", 0.9)
    read_grades(column)
    by = admin.id
    with transaction() as tx:
        first = tx.session.query(Completion).one()
        actions.correct_completion(
            tx,
            first,
            passed=False,
            score=None,
            valid_until_on=None,
            by=by,
            reason="not there",
            now=clock.now(),
        )
    read_grades(column)
    assert len(facts()) == 1
    peer.grades.override(1, "6", 1.0)
    read_grades(column)
    newest = db.session.query(Completion).order_by(Completion.id.desc()).first()
    assert newest is not None
    assert newest.passed
    assert newest.source is CompletionSource.LMS_GRADE


def test_a_column_that_cannot_be_read_changes_nothing(peer: Peer, column: int) -> None:
    peer.grades.override(1, "6", 0.9)
    read_grades(column)
    peer.grades.override(1, "6", None)
    peer.grades.behaviour.fails_with = [500]
    read_grades(column)
    peer.silent = True
    read_grades(column)
    assert len(facts()) == 1


def test_a_zero_is_a_grade(peer: Peer, column: int) -> None:
    peer.grades.override(1, "6", 0.0)
    read_grades(column)
    assert facts() == [("6", False, 0.0, None)]


def test_people_nobody_knows_are_left_out(peer: Peer, column: int) -> None:
    peer.grades.override(1, "999", 0.9)
    read_grades(column)
    assert facts() == []


def test_nothing_is_written_into_a_column_that_is_graded_there(peer: Peer, column: int) -> None:
    peer.grades.override(1, "6", 0.9)
    read_grades(column)
    work_off()
    assert peer.posted() == []


def test_every_hour_and_every_launch_in_the_course_reads_it(peer: Peer, column: int) -> None:
    work_off()
    peer.grades.override(1, "6", 0.9)
    with clock.at(NOW + timedelta(minutes=1, seconds=1)):
        peer.launch("lars", graded=False)
        work_off()
    assert len(facts()) == 1
    peer.grades.override(1, "7", 0.9)
    with clock.at(NOW + timedelta(hours=1)):
        periodic.note_lapses()
        work_off()
    assert len(facts()) == 2


def test_a_class_that_comes_at_once_is_read_twice(peer: Peer, column: int) -> None:
    """Once for the first, once more for all who came in the minute after."""
    later = NOW + timedelta(hours=2)
    before = readings()
    with clock.at(later):
        for _ in range(3):
            peer.launch("lars", graded=False)
            peer.launch("lucja", graded=False)
        work_off()
    assert readings() - before == 2
    peer.grades.override(1, "7", 0.9)
    work_off()
    assert facts() == [], "the second reading is not due yet"
    with clock.at(later + timedelta(minutes=1)):
        work_off()
    assert len(facts()) == 1
    assert readings() - before == 2


def test_a_column_of_our_own_is_not_read(world: World, peer: Peer) -> None:
    course = world.module("Fire safety")
    peer.launch("lars", module=str(course.id))
    work_off()
    peer.grades.override(1, "6", 1.0)
    read_grades(db.session.query(LineItem.id).scalar())
    assert db.session.query(Completion).count() == 0


def test_an_admin_makes_and_changes_such_a_module(
    world: World, client: FlaskClient, admin: Person
) -> None:
    world.sign_in(client, admin)
    said = {"title": "Ladder practice", "pass_mark": "66.5"}
    assert client.post("/admin/modules/graded/new", data=said).status_code == 303
    made = db.session.query(Module).one()
    assert (made.title, made.pass_share) == ("Ladder practice", 0.665)
    assert "Ladder practice" in client.get("/admin/modules").text
    page = f"/admin/modules/graded/{made.id}"
    assert 'value="66.5"' in client.get(page).text
    said = {"title": "Ladders", "pass_mark": "80"}
    assert client.post(page, data=said).status_code == 303
    db.session.rollback()
    assert db.session.query(Module).one().pass_share == 0.8


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"title": " ", "pass_mark": "50"}, "This field is required."),
        ({"title": "x", "pass_mark": "0"}, "Use 1 to 100 percent."),
        ({"title": "x", "pass_mark": "101"}, "Use 1 to 100 percent."),
        ({"title": "x", "pass_mark": ""}, "Use 1 to 100 percent."),
        ({"title": "x", "pass_mark": "much"}, "Use 1 to 100 percent."),
    ],
)
def test_a_mistake_is_said_at_its_field(
    world: World, client: FlaskClient, admin: Person, said: dict[str, str], words: str
) -> None:
    world.sign_in(client, admin)
    answer = client.post("/admin/modules/graded/new", data=said)
    assert answer.status_code == 422
    assert words in answer.text
    assert db.session.query(Module).count() == 0


def test_others_make_none(world: World, client: FlaskClient, module: Module) -> None:
    world.sign_in(client, world.person())
    said = {"title": "x", "pass_mark": "50"}
    assert client.post("/admin/modules/graded/new", data=said).status_code == 403
    assert client.get(f"/admin/modules/graded/{module.id}").status_code == 403
    stranger = world.person(organization=world.new_organization("Elsewhere"))
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    assert client.get(f"/admin/modules/graded/{module.id}").status_code == 404


def test_an_older_reading_does_not_undo_a_newer_one(
    peer: Peer, column: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.grades.override(1, "6", 0.3)
    left = [0.9]

    def call(*args: Any, **more: Any) -> Reply:
        reply = peer.call(*args, **more)
        if "/results" in args[2] and left:
            peer.grades.override(1, "6", left.pop())
            with clock.at(NOW + timedelta(seconds=1)):
                read_grades(column)
        return reply

    monkeypatch.setattr(http, "call", call)
    read_grades(column)
    assert facts() == [("6", True, 0.9, None)]
