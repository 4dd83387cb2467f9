"""Admins see what gradebooks were told, send again, and tie courses to units."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.jobs import periodic
from plugin.lti.tool import scores
from plugin.lti.tool.service_models import Grade, GradeState
from plugin.org import roster
from plugin.org.models import Identity, Membership, MembershipSource, Person
from plugin.org.rule_models import RosterTie
from plugin.web.roles import Role
from tests.functional.assign.places import evaluate_later
from tests.functional.lti.campus import Peer, grade
from tests.support.html import read
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def graded(world: World, peer: Peer) -> Person:
    """Lars passed a module whose column the LMS has."""
    module = world.module("Fire safety")
    peer.launch("lars", module=str(module.id))
    work_off()
    person = db.session.scalars(
        select(Person).join(Identity, Identity.person_id == Person.id)
    ).one()
    world.completion(person, module, score=0.8)
    evaluate_later(person)
    work_off()
    return person


@pytest.fixture
def admin(world: World, graded: Person, client: FlaskClient) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def test_each_learner_s_grade_is_listed_with_its_state(admin: FlaskClient) -> None:
    words = read(admin.get("/admin/lms/grades").text).by_id("list").words
    assert "Lars Ødegård" in words
    assert "Safety 101 Fire safety · Campus 80%" in words
    assert "not yet read" in words
    assert "never" not in words
    assert "Sent" in words
    assert "Nothing matches" in admin.get("/admin/lms/grades?state=refused").text
    assert "Lars" in admin.get("/admin/lms/grades?q=lars&sort=course&dir=desc").text


def test_the_reason_is_shown_in_the_lms_s_words(admin: FlaskClient) -> None:
    with transaction() as tx:
        found = tx.session.query(Grade).one()
        found.state, found.words, found.wanted = GradeState.REFUSED, "400 <b>not enrolled</b>", 0.9
    words = read(admin.get("/admin/lms/grades?state=refused").text).by_id("list").words
    assert "90% was 80%" in words
    assert "400 <b>not enrolled</b>" in words


def test_what_is_wanted_what_was_sent_and_what_the_gradebook_says_stand_side_by_side(
    admin: FlaskClient, peer: Peer
) -> None:
    peer.grades.override(1, "6", 0.95)
    with clock.at(clock.now() + timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    line = read(admin.get("/admin/lms/grades?state=overridden").text).by_id("list").words
    assert "80%" in line
    assert "95%" in line
    assert "A teacher graded otherwise" in line
    assert "It stays." in line
    assert "Send ours over it Lars Ødegård" in line
    assert "Send again" not in line


def test_a_row_in_trouble_says_how_often_and_when_it_goes_on(
    admin: FlaskClient, peer: Peer
) -> None:
    peer.grades.behaviour.is_locked = True
    with transaction() as tx:
        found = tx.session.query(Grade).one()
        found.state, found.wanted, found.due_at = GradeState.WAITING, 0.9, clock.now()
        tx.then(JobName.SEND_GRADE, found.id)
    work_off()
    words = read(admin.get("/admin/lms/grades?state=waiting").text).by_id("list").words
    assert "500" in words
    assert "Tried 1 time. Again at" in words


def test_our_own_reasons_are_told_in_the_reader_s_language(admin: FlaskClient) -> None:
    with transaction() as tx:
        found = tx.session.query(Grade).one()
        found.state, found.words = GradeState.FAILED, scores.NOT_OFFERED
    assert "The LMS has not offered to take grades." in admin.get("/admin/lms/grades").text


def test_everything_that_was_not_taken_is_sent_again_at_once(
    admin: FlaskClient, peer: Peer
) -> None:
    assert "Send all again" not in admin.get("/admin/lms/grades").text
    with transaction() as tx:
        found = tx.session.query(Grade).one()
        found.state, found.words, found.wanted = GradeState.REFUSED, "400", 0.9
        found.due_at = clock.now()
    page = admin.get("/admin/lms/grades?state=refused").text
    assert "1 grade was not taken." in page
    answer = admin.post("/admin/lms/grades/resend?state=refused", follow_redirects=True)
    assert "1 grade is on its way." in answer.text
    with clock.at(clock.now() + timedelta(minutes=1)):
        work_off()
    assert grade().state is GradeState.SENT
    assert peer.grades.share(1, "6") == pytest.approx(0.9)
    again = admin.post("/admin/lms/grades/resend", follow_redirects=True)
    assert "There was nothing to send again." in again.text


def test_sending_all_again_leaves_what_teachers_wrote_and_other_organizations(
    world: World, admin: FlaskClient, client: FlaskClient
) -> None:
    with transaction() as tx:
        tx.session.query(Grade).one().state = GradeState.OVERRIDDEN
    assert "nothing to send" in admin.post("/admin/lms/grades/resend", follow_redirects=True).text
    with transaction() as tx:
        tx.session.query(Grade).one().state = GradeState.REFUSED
    stranger = world.person("Stranger", organization=world.new_organization("Elsewhere"))
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    assert client.post("/admin/lms/grades/resend").status_code == 303
    assert grade().state is GradeState.REFUSED


def test_an_admin_sends_it_again(admin: FlaskClient, peer: Peer) -> None:
    with transaction() as tx:
        tx.session.query(Grade).one().state = GradeState.OVERRIDDEN
    answer = admin.post(f"/admin/lms/grades/{grade().id}/resend?state=overridden")
    assert answer.headers["Location"].endswith("/admin/lms/grades?state=overridden")
    with clock.at(clock.now().replace(minute=59)):
        work_off()
    assert grade().state is GradeState.SENT
    assert len(peer.posted()) == 2


def test_sent_again_over_a_teachers_grade_it_soon_says_that_the_teachers_stands(
    admin: FlaskClient, peer: Peer
) -> None:
    peer.grades.override(1, "6", 0.95)
    admin.post(f"/admin/lms/grades/{grade().id}/resend")
    for second in (0, 30):
        with clock.at(clock.now().replace(minute=59, second=second)):
            work_off()
    assert grade().state is GradeState.OVERRIDDEN


def test_a_course_fills_a_unit_and_is_untied(world: World, admin: FlaskClient) -> None:
    unit = world.unit("Safety crew")
    address = f"/admin/units/{unit.id}/courses"
    course = read(admin.get(address).text).all("option")[0].attributes["value"]
    assert admin.post(address, data={"course_id": course}).status_code == 303
    work_off()
    words = read(admin.get(address).text).words
    assert "Safety 101" in words
    assert "Campus 4" in words
    assert "Every course whose people an LMS lists fills this unit already." in words
    assert "A course is offered here once somebody has opened the tool from it." in words
    assert admin.post(address, data={"course_id": course}).status_code == 303, "no harm"
    tie = db.session.scalars(select(RosterTie)).one()
    assert admin.post(f"{address}/{tie.id}/read").status_code == 303
    assert admin.post(f"{address}/{tie.id}/untie").status_code == 303
    db.session.rollback()
    open_now = select(Membership.id).where(
        Membership.source == MembershipSource.ROSTER, Membership.until_at.is_(None)
    )
    assert db.session.scalars(open_now).all() == []
    page = admin.get(address).text
    assert "4 memberships ended" in page
    assert [each.attributes["value"] for each in read(page).all("option")] == [course]


def test_untying_twice_is_harmless(world: World, admin: FlaskClient) -> None:
    unit_id = world.unit().id
    address = f"/admin/units/{unit_id}/courses"
    course = read(admin.get(address).text).all("option")[0].attributes["value"]
    admin.post(address, data={"course_id": course})
    tie_id = db.session.scalars(select(RosterTie.id)).one()
    with transaction() as tx:
        tie = tx.session.get_one(RosterTie, tie_id)
        assert roster.untie_course(tx, tie, by=None, now=clock.now()) == 0
    assert admin.post(f"{address}/{tie_id}/untie").status_code == 303


def test_a_problem_is_shown(world: World, admin: FlaskClient, peer: Peer) -> None:
    peer.grades.behaviour.gives_access = False
    address = f"/admin/units/{world.unit().id}/courses"
    course = read(admin.get(address).text).all("option")[0].attributes["value"]
    admin.post(address, data={"course_id": course})
    work_off()
    assert "Not read" in admin.get(address).text


def test_what_is_not_there_is_not_tied(world: World, admin: FlaskClient) -> None:
    unit_id = world.unit().id
    assert (
        admin.post(f"/admin/units/{unit_id}/courses", data={"course_id": "999"}).status_code == 422
    )
    for what in ("read", "untie"):
        assert admin.post(f"/admin/units/{unit_id}/courses/999/{what}").status_code == 404


@pytest.mark.parametrize("role", [None, Role.MANAGER])
def test_others_are_refused(
    world: World, graded: Person, client: FlaskClient, role: Role | None
) -> None:
    person, unit = world.person(), world.unit()
    if role:
        world.grant(person, role, unit)
    world.sign_in(client, person)
    assert client.get("/admin/lms/grades").status_code == 403
    assert client.post(f"/admin/lms/grades/{grade().id}/resend").status_code == 403
    assert client.post("/admin/lms/grades/resend").status_code == 403
    assert client.get(f"/admin/units/{unit.id}/courses").status_code == 403


def test_another_organization_sees_and_changes_nothing(
    world: World, graded: Person, client: FlaskClient
) -> None:
    other = world.new_organization("Elsewhere")
    stranger = world.person("Stranger", organization=other)
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    assert "Lars" not in client.get("/admin/lms/grades").text
    assert client.post(f"/admin/lms/grades/{grade().id}/resend").status_code == 404
    unit = world.unit()
    assert client.get(f"/admin/units/{unit.id}/courses").status_code == 404
    assert grade().state is GradeState.SENT


def test_the_list_asks_as_much_for_many(world: World, admin: FlaskClient, graded: Person) -> None:
    with counted() as few:
        admin.get("/admin/lms/grades")
    known = grade()
    facts = (known.organization_id, known.line_item_id)
    people = [world.person().id for _each in range(5)]
    with transaction() as tx:
        for person_id in people:
            tx.session.add(
                Grade(
                    organization_id=facts[0],
                    line_item_id=facts[1],
                    person_id=person_id,
                    subject=str(person_id),
                    wanted=0.5,
                    wanted_at=clock.now(),
                    state=GradeState.WAITING,
                    due_at=clock.now(),
                )
            )
    with counted() as many:
        admin.get("/admin/lms/grades")
    assert len(many) == len(few)
