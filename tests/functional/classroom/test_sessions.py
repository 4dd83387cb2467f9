"""Learners take seats, come, and have completed the module; instructors keep the list."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from plugin.assign.models import StoredStanding
from plugin.classroom import actions, rules
from plugin.classroom.errors import SessionFullError
from plugin.classroom.models import Attendance, ClassRules, ClassSession, How, SessionState
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Completion, CompletionSource, Module, Run, RunState
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, judge, publish, row
from tests.functional.classroom.conftest import AFTERWARDS, DURING, Planned, browser_of
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def page(client: FlaskClient, learner: Person, module: Module) -> str:
    answer = client.post(f"/modules/{module.id}/start")
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def words(client: FlaskClient, address: str) -> str:
    return read(client.get(address).get_data(as_text=True)).words


def rows() -> list[Attendance]:
    db.session.rollback()
    return list(db.session.scalars(select(Attendance).order_by(Attendance.id)))


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.scalars(select(Completion).order_by(Completion.id)))


def taken(session_id: int) -> int:
    db.session.rollback()
    return db.session.get_one(ClassSession, session_id).taken


def shown(found: ClassSession, at: datetime) -> str:
    return rules.code(found.secret, at)


def completes_by_code(module: Module) -> None:
    db.session.execute(
        update(ClassRules).where(ClassRules.module_id == module.id).values(confirms=False)
    )
    db.session.commit()


def test_a_learner_takes_a_seat_and_gives_it_back(
    client: FlaskClient, planned: Planned, page: str
) -> None:
    number = planned().id
    offered = words(client, page)
    assert "Friday, March 12, 2027, 9:00" in offered
    assert "Hall 3 · Ines Instructor · 2 seats left" in offered
    for _ in range(2):
        assert client.post(f"{page}/{number}/sign-up").status_code == 303
    assert taken(number) == 1
    assert "You have a seat" in words(client, page)
    for _ in range(2):
        assert client.post(f"{page}/{number}/withdraw").status_code == 303
    assert taken(number) == 0


def test_a_full_session_takes_nobody_more_whoever_asks_at_once(
    app: Flask, world: World, planned: Planned
) -> None:
    number = planned(capacity=3).id
    people = [world.person(f"P{n}", email=None).id for n in range(12)]

    def ask(person_id: int) -> bool:
        with app.app_context():
            try:
                with transaction() as tx:
                    found = tx.session.get_one(ClassSession, number)
                    actions.sign_up(tx, found, person_id, now=NOW)
            except SessionFullError:
                return False
            return True

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(ask, people))
    assert sum(got) == 3
    assert taken(number) == 3
    assert sum(each.signed_up_at is not None for each in rows()) == 3


def test_the_database_itself_refuses_one_seat_too_many(planned: Planned) -> None:
    found = planned(capacity=1)
    found.taken = 2
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()


def test_a_full_session_says_so(
    world: World, client: FlaskClient, planned: Planned, page: str
) -> None:
    number = planned(capacity=1).id
    other = world.person("Olga Other")
    with transaction() as tx:
        actions.sign_up(tx, tx.session.get_one(ClassSession, number), other.id, now=NOW)
    assert "Full" in words(client, page)
    answer = client.post(f"{page}/{number}/sign-up")
    assert answer.status_code == 409
    said = read(answer.get_data(as_text=True)).words
    assert "The last seat has just been taken." in said
    assert "You complete it by being at one of its sessions." in said  # another one is at hand


@pytest.mark.parametrize("state", [SessionState.CLOSED, SessionState.DRAFT])
def test_only_open_sessions_to_come_take_learners(
    client: FlaskClient, planned: Planned, page: str, state: SessionState
) -> None:
    number = planned(state=state).id
    answer = client.post(f"{page}/{number}/sign-up")
    assert answer.status_code == (404 if state is SessionState.DRAFT else 409)
    assert ("Hall 3" in words(client, page)) is (state is SessionState.CLOSED)
    with clock.at(DURING):
        assert client.post(f"{page}/{planned().id}/sign-up").status_code == 409


def test_whoever_was_there_has_completed_it_once_the_list_is_confirmed(
    client: FlaskClient, teaching: FlaskClient, learner: Person, planned: Planned, page: str
) -> None:
    number = planned().id
    client.post(f"{page}/{number}/sign-up")
    (seat,) = rows()
    said = {f"present-{seat.id}": "yes", f"passed-{seat.id}": "yes", f"score-{seat.id}": "85"}
    with clock.at(DURING):
        assert teaching.post(f"/teaching/{number}", data={**said, "do": "save"}).status_code == 303
        assert completions() == []
    with clock.at(AFTERWARDS):
        for _ in range(2):
            said_again = {**said, "do": "confirm"}
            assert teaching.post(f"/teaching/{number}", data=said_again).status_code == 303
        (made,) = completions()
        judge()
    assert (made.person_id, made.passed, made.score) == (learner.id, True, 0.85)
    assert made.source is CompletionSource.SESSION
    assert made.happened_at == datetime(2027, 3, 12, 12, tzinfo=UTC)
    kept = made.evidence["session"]
    assert (kept["id"], kept["place"], kept["how"]) == (number, "Hall 3", "list")
    assert kept["confirmed_by"] == kept["noted_by"] != learner.id
    stored = db.session.scalars(select(StoredStanding)).one()
    assert stored.valid_through == date(2028, 3, 12)
    assert db.session.scalars(select(Run)).one().state is RunState.COMPLETED
    with clock.at(AFTERWARDS):
        assert "Session attended, Hall 3" in words(client, "/history")


def test_confirmed_early_it_has_not_happened_later_than_now(
    client: FlaskClient, teaching: FlaskClient, planned: Planned, page: str
) -> None:
    number = planned().id
    client.post(f"{page}/{number}/sign-up")
    (seat,) = rows()
    with clock.at(DURING):
        teaching.post(f"/teaching/{number}", data={f"present-{seat.id}": "yes", "do": "confirm"})
    assert completions()[0].happened_at == DURING


def test_who_was_absent_or_did_not_pass_has_not_completed_it(
    world: World, client: FlaskClient, teaching: FlaskClient, planned: Planned, page: str
) -> None:
    number = planned().id
    client.post(f"{page}/{number}/sign-up")
    other = world.person("Olga Other", email="olga@example.test")
    with clock.at(AFTERWARDS):
        teaching.post(f"/teaching/{number}/add", data={"who": "OLGA@example.test"})
        absent, failed = rows()
        assert failed.person_id == other.id
        said = {f"present-{failed.id}": "yes", f"passed-{failed.id}": "no", "do": "confirm"}
        teaching.post(f"/teaching/{number}", data=said)
    (made,) = completions()
    assert (made.person_id, made.passed) == (other.id, False)
    assert rows()[0].completion_id is None
    assert absent.id == rows()[0].id


def test_a_code_of_the_room_notes_presence_and_the_instructor_confirms(
    client: FlaskClient, teaching: FlaskClient, planned: Planned, page: str
) -> None:
    found = planned()
    number, code = found.id, shown(found, DURING)
    with clock.at(DURING):
        room = teaching.get(f"/teaching/{number}/code").get_data(as_text=True)
        assert f"{code[:3]} {code[3:]}" in room
        assert 'http-equiv="refresh"' in room
        assert "data:image/png;base64," in room
        typed = {"code": f"{code[:3].lower()}-{code[3:]}"}
        assert client.post(f"{page}/{number}/code", data=typed).status_code == 303
        (seat,) = rows()
        assert (seat.present_at, seat.present_how) == (DURING, How.CODE)
        assert completions() == []
        said = {f"present-{seat.id}": "yes", "do": "confirm"}
        teaching.post(f"/teaching/{number}", data=said)
    assert completions()[0].evidence["session"]["how"] == "code"


def test_where_nobody_has_to_confirm_the_code_completes_at_once(
    client: FlaskClient, module: Module, planned: Planned, page: str
) -> None:
    completes_by_code(module)
    found = planned()
    number, code = found.id, shown(found, DURING)
    with clock.at(DURING):
        for _ in range(2):
            client.post(f"{page}/{number}/code", data={"code": code})
    (made,) = completions()
    assert made.happened_at == DURING


@pytest.mark.parametrize("role", [None, Role.MANAGER, Role.ADMIN])
@pytest.mark.parametrize("way", ["typed", "scanned"])
def test_the_code_completes_nothing_for_who_sees_it_on_a_page_of_their_own(
    client: FlaskClient,
    learner: Person,
    world: World,
    module: Module,
    planned: Planned,
    page: str,
    quay: Unit,
    role: Role | None,
    way: str,
) -> None:
    completes_by_code(module)
    found = planned(instructor="" if role else learner.full_name)
    number, code = found.id, shown(found, DURING)
    if role:
        world.grant(learner, role, unit=quay if role is Role.MANAGER else None)
    with clock.at(DURING):
        assert client.get(f"/teaching/{number}/code").status_code == 200
        if way == "typed":
            client.post(f"{page}/{number}/code", data={"code": code})
        else:
            grant = read(client.get(f"/attend/{number}/{code}").text).all("input", name="grant")
            client.post(f"/attend/{number}", data={"grant": grant[0].attributes["value"]})
        (seat,) = rows()
        assert (seat.present_at, seat.present_how) == (DURING, How.CODE)
        assert completions() == []
        other = world.person("Otto Other")
        with transaction() as tx:
            actions.confirm(
                tx, tx.session.get_one(ClassSession, number), [seat.id], by=other.id, now=DURING
            )
    assert [each.person_id for each in completions()] == [learner.id]


def test_whoever_scans_the_code_says_with_a_button_that_they_are_there(
    client: FlaskClient, learner: Person, planned: Planned
) -> None:
    found = planned()
    number, code = found.id, shown(found, DURING)
    with clock.at(DURING):
        asked = client.get(f"/attend/{number}/{code}").get_data(as_text=True)
        assert rows() == []
        assert "You are Lars Learner?" in asked
        grant = re.search(r'name="grant" value="([^"]+)"', asked)
        assert grant
    with clock.at(DURING + timedelta(minutes=4)):
        assert client.post(f"/attend/{number}", data={"grant": grant[1]}).status_code == 303
    (seat,) = rows()
    assert (seat.person_id, seat.present_how) == (learner.id, How.CODE)


def test_what_was_scanned_by_one_person_is_worth_nothing_to_another_or_later(
    app: Flask, world: World, client: FlaskClient, planned: Planned, learner: Person, quay: Unit
) -> None:
    found = planned()
    number, code = found.id, shown(found, DURING)
    other = world.person("Olga Other")
    world.member(other, quay)
    with clock.at(DURING):
        asked = client.get(f"/attend/{number}/{code}").get_data(as_text=True)
        grant = re.search(r'name="grant" value="([^"]+)"', asked)
        assert grant
        stolen = browser_of(app, world, other).post(f"/attend/{number}", data={"grant": grant[1]})
        assert stolen.status_code == 409
        assert client.post(f"/attend/{number}", data={"grant": "x.y"}).status_code == 409
    with clock.at(DURING + timedelta(minutes=6)):
        assert client.post(f"/attend/{number}", data={"grant": grant[1]}).status_code == 409
    assert rows() == []


def test_a_browser_without_a_visit_is_told_to_type_the_code(
    app: Flask, planned: Planned, learner: Person
) -> None:
    found = planned()
    number, code = found.id, shown(found, DURING)
    with clock.at(DURING):
        answer = app.test_client().get(f"/attend/{number}/{code}")
    assert answer.status_code == 401
    assert "Type the code that is shown in the room now." in answer.get_data(as_text=True)


def test_a_code_holds_a_minute_at_most(client: FlaskClient, planned: Planned, page: str) -> None:
    found = planned()
    number, secret = found.id, found.secret
    code = rules.code(secret, DURING)
    with clock.at(DURING + timedelta(seconds=61)):
        answer = client.post(f"{page}/{number}/code", data={"code": code})
        assert answer.status_code == 422
        assert "This is not the code that is shown now." in answer.get_data(as_text=True)
        assert client.get(f"/attend/{number}/{code}").status_code == 409
    with clock.at(DURING + timedelta(seconds=29)):
        assert client.post(f"{page}/{number}/code", data={"code": code}).status_code == 303


@pytest.mark.parametrize(
    ("minutes", "takes"), [(-31, False), (-30, True), (299, True), (300, False)]
)
def test_presence_is_taken_from_half_an_hour_before_until_two_hours_after(
    client: FlaskClient, planned: Planned, page: str, minutes: int, takes: bool
) -> None:
    found = planned()
    number, secret = found.id, found.secret
    moment = datetime(2027, 3, 12, 9, tzinfo=UTC) + timedelta(minutes=minutes)
    with clock.at(moment):
        answer = client.post(f"{page}/{number}/code", data={"code": rules.code(secret, moment)})
    assert answer.status_code == (303 if takes else 422)


def test_cancelling_tells_who_has_a_seat_once(
    world: World, client: FlaskClient, admin: FlaskClient, planned: Planned, page: str
) -> None:
    number = planned().id
    client.post(f"{page}/{number}/sign-up")
    other = world.person("Olga Other")
    with transaction() as tx:
        found = tx.session.get_one(ClassSession, number)
        actions.sign_up(tx, found, other.id, now=NOW)
        actions.withdraw(tx, found, other.id, now=NOW)
    assert admin.post(f"/admin/sessions/{number}/cancel", data={}).status_code == 422
    for _ in range(2):
        said = {"reason": "The trainer is ill."}
        assert admin.post(f"/admin/sessions/{number}/cancel", data=said).status_code == 303
    db.session.rollback()
    (mail,) = db.session.scalars(
        select(Message).where(Message.kind == MessageKind.SESSION_CANCELLED)
    )
    assert mail.facts["reason"] == "The trainer is ill."
    assert "March 12, 2027" in mail.facts["when"]
    told = words(client, page)
    assert "Cancelled" in told
    assert "The trainer is ill." in told
    assert client.post(f"{page}/{number}/sign-up").status_code == 409
    assert "STATUS:CANCELLED" in client.get(f"{page}/{number}.ics").get_data(as_text=True)


def test_the_calendar_file_is_one_that_calendars_read(
    client: FlaskClient, planned: Planned, page: str
) -> None:
    number = planned(place="Hall 3; the yard, north", note="Gloves\nBoots " + "é" * 80).id
    answer = client.get(f"{page}/{number}.ics")
    assert answer.mimetype == "text/calendar"
    lines = answer.data.split(b"\r\n")
    assert b"DTSTART:20270312T090000Z" in lines
    assert b"LOCATION:Hall 3\\; the yard\\, north" in lines
    assert max(len(each) for each in lines) <= 75
    unfolded = answer.data.replace(b"\r\n ", b"").decode()
    assert "DESCRIPTION:Gloves\\nBoots " + "é" * 80 in unfolded


def test_instructors_see_their_own_sessions_and_no_others(
    app: Flask, world: World, teaching: FlaskClient, client: FlaskClient, planned: Planned,
    learner: Person,
) -> None:  # fmt: skip
    mine, theirs = planned().id, planned(place="Elsewhere").id
    other = db.session.get_one(ClassSession, theirs)
    other.instructor_id = None
    world.add(other)
    listed = words(teaching, "/teaching")
    assert "Hall 3" in listed
    assert "Elsewhere" not in listed
    assert "Sessions I lead" in words(teaching, "/")
    assert "Sessions I lead" not in words(client, "/")
    assert teaching.get(f"/teaching/{mine}").status_code == 200
    for path in ("", "/code"):
        assert teaching.get(f"/teaching/{theirs}{path}").status_code == 404
        assert client.get(f"/teaching/{mine}{path}").status_code == 404
    assert client.post(f"/teaching/{mine}", data={"do": "confirm"}).status_code == 404
    assert client.post(f"/teaching/{mine}/add", data={"who": "x"}).status_code == 404
    assert teaching.get(f"/admin/sessions/{mine}").status_code == 403


def test_managers_mark_people_of_their_units_only(
    app: Flask, world: World, client: FlaskClient, planned: Planned, page: str, quay: Unit
) -> None:
    number = planned().id
    client.post(f"{page}/{number}/sign-up")
    stranger = world.person("Olga Other", email="olga@example.test")
    with transaction() as tx:
        found = tx.session.get_one(ClassSession, number)
        actions.sign_up(tx, found, stranger.id, now=NOW)
    manager = world.person("Mia Manager")
    world.grant(manager, Role.MANAGER, quay)
    browser = browser_of(app, world, manager)
    mine, theirs = rows()
    with clock.at(DURING):
        seen = words(browser, f"/teaching/{number}")
        assert "Lars Learner" in seen
        assert "Olga Other" not in seen
        said = {f"present-{each.id}": "yes" for each in (mine, theirs)}
        browser.post(f"/teaching/{number}", data={**said, "do": "confirm"})
        add = browser.post(f"/teaching/{number}/add", data={"who": "olga@example.test"})
        assert add.status_code == 422
    assert [each.present_at is not None for each in rows()] == [True, False]
    assert len(completions()) == 1


def test_nobody_marks_or_confirms_themselves(
    app: Flask, world: World, admin: FlaskClient, boss: Person, planned: Planned, quay: Unit
) -> None:
    number = planned().id
    with transaction() as tx:
        actions.sign_up(tx, tx.session.get_one(ClassSession, number), boss.id, now=NOW)
    (seat,) = rows()
    with clock.at(DURING):
        said = {f"present-{seat.id}": "yes", "do": "confirm"}
        admin.post(f"/teaching/{number}", data=said)
        add = admin.post(f"/teaching/{number}/add", data={"who": "anna@example.test"})
    assert add.status_code == 422
    assert rows()[0].present_at is None
    assert completions() == []


def test_who_leads_and_scanned_the_code_is_confirmed_by_somebody_else(
    app: Flask, world: World, admin: FlaskClient, boss: Person, planned: Planned
) -> None:
    number = planned().id
    other = world.person("Otto Other")
    with clock.at(DURING):
        with transaction() as tx:
            found = tx.session.get_one(ClassSession, number)
            actions.come(tx, found, boss.id, leads=False, now=DURING)
        (seat,) = rows()
        admin.post(f"/teaching/{number}", data={f"present-{seat.id}": "yes", "do": "confirm"})
        assert completions() == []
        with transaction() as tx:
            found = tx.session.get_one(ClassSession, number)
            assert actions.confirm(tx, found, [seat.id], by=other.id, now=DURING) == 1
    assert [each.person_id for each in completions()] == [boss.id]


@pytest.mark.parametrize("score", ["101", "-1", "much", "NaN"])
def test_a_score_that_is_none_is_refused(
    client: FlaskClient, teaching: FlaskClient, planned: Planned, page: str, score: str
) -> None:
    number = planned().id
    client.post(f"{page}/{number}/sign-up")
    (seat,) = rows()
    with clock.at(DURING):
        said = {f"present-{seat.id}": "yes", f"score-{seat.id}": score, "do": "confirm"}
        answer = teaching.post(f"/teaching/{number}", data=said)
    assert answer.status_code == 422
    assert "Use 0 to 100 percent" in answer.get_data(as_text=True)
    assert completions() == []


def test_the_list_cannot_be_filled_in_long_before(teaching: FlaskClient, planned: Planned) -> None:
    number = planned().id
    assert teaching.post(f"/teaching/{number}", data={"do": "confirm"}).status_code == 409


def test_hidden_modules_and_other_organizations_are_refused_by_every_address(
    app: Flask, world: World, client: FlaskClient, module: Module, planned: Planned, page: str
) -> None:
    found = planned()
    number, code = found.id, shown(found, DURING)
    them = world.person("Theo Their", organization=world.new_organization("Elsewhere"))
    world.grant(them, Role.ADMIN)
    other = browser_of(app, world, them)
    with clock.at(DURING):
        addresses = (
            f"/teaching/{number}",
            f"/admin/sessions/{number}",
            page,
            f"/attend/{number}/{code}",
            f"/admin/modules/sessions/{module.id}",
        )
        for path in addresses:
            assert other.get(path).status_code == 404, path
    publish(1, row(module, HIDDEN))
    with clock.at(DURING):
        assert client.get(page).status_code == 404
        assert client.get(f"/attend/{number}/{code}").status_code == 404
        assert client.post(f"{page}/{number}/code", data={"code": code}).status_code == 404
        assert client.get(f"{page}/{number}.ics").status_code == 404


FORM = {
    "starts": "2027-04-01T09:00",
    "ends": "2027-04-01T12:00",
    "zone": "Europe/Berlin",
    "place": "Yard",
    "instructor": "ines@example.test",
    "capacity": "12",
    "note": "",
    "state": "open",
}


def test_admins_plan_and_change_sessions(
    admin: FlaskClient, teacher: Person, module: Module
) -> None:
    address = f"/admin/modules/sessions/{module.id}"
    assert admin.post(f"{address}/plan", data=FORM).status_code == 303
    db.session.rollback()
    made = db.session.scalars(select(ClassSession)).one()
    assert made.starts_at == datetime(2027, 4, 1, 7, tzinfo=UTC)
    assert made.instructor_id == teacher.id
    page = f"/admin/sessions/{made.id}"
    assert 'value="2027-04-01T09:00"' in admin.get(page).get_data(as_text=True)
    assert admin.post(page, data={**FORM, "place": "Hall 9"}).status_code == 303
    assert "Hall 9" in words(admin, address)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("ends", "2027-04-01T08:00", "It must end after it has started."),
        ("starts", "soon", "This field is required."),
        ("zone", "Europe/Nowhere", "Use a time zone such as Europe/London."),
        ("place", " ", "This field is required."),
        ("capacity", "0", "Use 1 to 10000."),
        ("instructor", "nobody@example.test", "Nobody has exactly that"),
        ("state", "cancelled", "Not a valid choice."),
    ],
)
def test_a_plan_that_cannot_be_says_so_at_its_field(
    admin: FlaskClient, teacher: Person, module: Module, field: str, value: str, sentence: str
) -> None:
    address = f"/admin/modules/sessions/{module.id}/plan"
    answer = admin.post(address, data={**FORM, field: value})
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert db.session.scalars(select(ClassSession)).all() == []


def test_a_session_never_becomes_smaller_than_its_seats_taken(
    client: FlaskClient, admin: FlaskClient, planned: Planned, page: str, world: World
) -> None:
    number = planned().id
    client.post(f"{page}/{number}/sign-up")
    other = world.person("Olga Other")
    with transaction() as tx:
        actions.sign_up(tx, tx.session.get_one(ClassSession, number), other.id, now=NOW)
    answer = admin.post(f"/admin/sessions/{number}", data={**FORM, "capacity": "1"})
    assert answer.status_code == 422
    assert "2 seats are taken already" in answer.get_data(as_text=True)


def test_lists_need_as_many_statements_for_many_as_for_one(
    world: World, client: FlaskClient, teaching: FlaskClient, planned: Planned, page: str
) -> None:
    first = planned(capacity=None).id
    client.post(f"{page}/{first}/sign-up")
    client.get(page)
    addresses = ((client, page), (teaching, "/teaching"), (teaching, f"/teaching/{first}"))
    one = []
    for browser, address in addresses:
        with counted() as seen:
            browser.get(address)
        one.append(len(seen))
    for number in range(4):
        planned(place=f"Hall {number}")
        person = world.person(f"P{number}", email=None)
        with transaction() as tx:
            actions.sign_up(tx, tx.session.get_one(ClassSession, first), person.id, now=NOW)
    for (browser, address), before in zip(addresses, one, strict=True):
        with counted() as seen:
            browser.get(address)
        assert len(seen) == before
