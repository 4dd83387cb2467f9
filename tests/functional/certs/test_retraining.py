"""A new version has to be learned anew from a date on: shown before, then exactly that."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.assign import queries
from plugin.assign.models import StoredStanding
from plugin.assign.retraining import is_told
from plugin.certs.models import Certificate
from plugin.certs.queries import events_of
from plugin.certs.retraining import Concern, Impact, impact, names
from plugin.certs.rules import CertificateState, state
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import reconcile
from plugin.modules import retraining
from plugin.modules.models import Module, ModuleVersion, Retraining, Run, RunState
from plugin.notify.models import Message, MessageKind
from plugin.org.errors import FieldError
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import (
    HIDDEN,
    evaluate_later,
    learn_anew,
    new_version,
    row,
    training,
)
from tests.functional.certs.test_impact import UNREACHED, Life, fate, work
from tests.functional.certs.test_publish_pages import numbers
from tests.support import smtp
from tests.support.days import at, pass_by, subjects
from tests.support.html import read
from tests.support.pages import last_form, press, values_of
from tests.support.queries import counted
from tests.support.scale import scale
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)
ON = date(2027, 4, 9)
"""The day from which the new version is required."""
MIDNIGHT = datetime(2027, 4, 8, 23, tzinfo=UTC)
"""Its first moment in London."""
ENDS = "Certificates that turn invalid on Apr 9, 2027, if nothing is done"
CONCERNED = "People who have to learn the new version"
TOLD = "People told by mail now"


@pytest.fixture
def boss(world: World) -> Person:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def ada(world: World) -> Person:
    return world.person()


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Ladders")


@pytest.fixture
def asked(world: World, ada: Person, module: Module) -> int:
    """Ada passed a month ago and holds a certificate; since then there is version 2."""
    with clock.at(NOW - 30 * DAY):
        unit = world.unit()
        world.member(ada, unit)
        asked = training(unit, row(module, validity_months=12))
        world.completion(ada, module)
        evaluate_later(ada)
        work_off()
        work_off()
    new_version(module)
    return asked


def verdict(configuration_id: int, moment: datetime) -> CertificateState:
    """What the verify page says at that moment, with no job run since."""
    db.session.rollback()
    certificate = db.session.scalars(
        select(Certificate).where(Certificate.configuration_id == configuration_id)
    ).one()
    standing = queries.standing_now(
        db.session(), certificate.organization_id, certificate.person_id, configuration_id, moment
    )
    return state(events_of(db.session(), certificate), standing, at=moment)


def page_of(module: Module, number: int = 2) -> str:
    return f"/admin/modules/{module.id}/versions/{number}/before"


def test_the_certificate_is_invalid_the_second_the_day_begins_without_any_job(
    asked: int, module: Module, boss: Person
) -> None:
    learn_anew(module, 2, ON, by=boss.id)
    second = timedelta(seconds=1)
    assert verdict(asked, MIDNIGHT - second) is CertificateState.VALID
    assert verdict(asked, MIDNIGHT) is CertificateState.INVALID


def test_nothing_is_called_decided_before_somebody_decided(
    asked: int, module: Module, boss: Person, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, boss)
    said = read(client.get(page_of(module)).text).words
    assert "Not decided yet. Until it is, what was learned before goes on counting." in said
    assert "Decided:" not in said
    learn_anew(module, 2, None, by=boss.id)
    said = read(client.get(page_of(module)).text).words
    assert "Decided: what was learned before goes on counting." in said
    assert "Not decided yet" not in said


def test_lists_know_the_day_once_it_is_decided(
    asked: int, module: Module, boss: Person, world: World, client: FlaskClient
) -> None:
    learn_anew(module, 2, ON, by=boss.id)
    work_off()
    line = db.session.scalars(select(StoredStanding)).one()
    assert (line.valid_through, line.ends_at) == (ON - DAY, MIDNIGHT)
    world.sign_in(client, boss)
    for moment, said in ((MIDNIGHT - DAY, "Valid"), (MIDNIGHT, "Invalid: expired Apr 8, 2027")):
        with clock.at(moment):
            world.sign_in(client, boss)
            assert said in read(client.get("/admin/standings").text).by_id("list").words


def test_the_new_version_completed_early_keeps_the_certificate(
    asked: int, module: Module, ada: Person, boss: Person, world: World
) -> None:
    learn_anew(module, 2, ON, by=boss.id)
    work_off()
    with clock.at(NOW + DAY):
        world.completion(ada, db.session.merge(module))
        evaluate_later(ada)
        work_off()
    assert verdict(asked, MIDNIGHT) is CertificateState.VALID


def test_everybody_is_told_at_once_then_reminded_then_told_that_it_ran_out(
    asked: int, module: Module, boss: Person, inbox: smtp.Inbox
) -> None:
    subjects(inbox)
    learn_anew(module, 2, ON, by=boss.id)
    at(NOW)
    told = inbox.mails[0].get_body(("plain",)).get_content()
    assert "There is a new version of training that North Quay asks for." in told
    assert "- Ladders (due Apr 8, 2027)" in told
    assert subjects(inbox) == ["New training for you at North Quay"]
    pass_by(datetime(2027, 3, 11, 9, tzinfo=UTC), 30)
    assert subjects(inbox) == [
        "Reminder: training to complete",
        "Reminder: training to complete",
        "Reminder: training to complete",
        "Your training ran out: Basic safety",
    ], "14, 7 and 1 days before, and on the day"


def test_who_learns_it_meanwhile_is_not_told_any_more(
    asked: int, module: Module, ada: Person, boss: Person, world: World, inbox: smtp.Inbox
) -> None:
    subjects(inbox)
    night = datetime(2027, 3, 11, 2, tzinfo=UTC)
    with clock.at(night):
        learn_anew(module, 2, ON, by=boss.id)
        work_off()
        world.completion(ada, db.session.merge(module))
        evaluate_later(ada)
        work_off()
    at(night + timedelta(hours=9))
    assert subjects(inbox) == ["Your renewed certificate for Basic safety"]


def test_the_past_is_answered_by_what_was_decided_then(
    asked: int, module: Module, ada: Person, boss: Person, world: World
) -> None:
    with clock.at(NOW + DAY):
        learn_anew(module, 2, ON, by=boss.id)

    def through(moment: datetime) -> date | None:
        return queries.standing_now(
            db.session(), world.organization.id, ada.id, asked, moment
        ).valid_through

    assert through(NOW) == date(2028, 2, 8)
    assert through(NOW + DAY) == ON - DAY


def test_it_may_be_changed_and_withdrawn_until_it_begins(
    asked: int, module: Module, boss: Person
) -> None:
    learn_anew(module, 2, ON, by=boss.id)
    work_off()
    with clock.at(NOW + DAY):
        learn_anew(module, 2, ON + DAY, by=boss.id)
        work_off()
    assert db.session.scalars(select(StoredStanding.valid_through)).one() == ON
    with clock.at(NOW + 2 * DAY):
        learn_anew(module, 2, None, by=boss.id)
        work_off()
    db.session.rollback()
    assert db.session.scalars(select(StoredStanding.valid_through)).one() == date(2028, 2, 8)
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.action == "module.retraining_decided")
        .order_by(AuditEntry.id)
    ).all()
    said = [(each.before and each.before["from_on"], each.after["from_on"]) for each in entries]
    first, second = ON.isoformat(), (ON + DAY).isoformat()
    assert said == [(None, first), (first, second), (second, None)]
    assert {(each.by_person_id, each.reason) for each in entries} == {(boss.id, "safer")}


@pytest.mark.parametrize("from_on", [NOW.date(), NOW.date() - DAY, NOW.date() + 800 * DAY])
def test_days_that_have_begun_or_are_far_ahead_are_refused(
    asked: int, module: Module, boss: Person, from_on: date
) -> None:
    with pytest.raises(FieldError):
        learn_anew(module, 2, from_on, by=boss.id)
    assert db.session.scalar(select(func.count()).select_from(Retraining)) == 0


def test_what_has_begun_is_changed_no_more_not_even_where_the_day_begins_earlier(
    asked: int, module: Module, boss: Person, world: World
) -> None:
    world.unit("Far East", time_zone="Pacific/Auckland")
    learn_anew(module, 2, ON, by=boss.id)
    with clock.at(datetime(2027, 4, 8, 13, tzinfo=UTC)), pytest.raises(FieldError):
        learn_anew(module, 2, None, by=boss.id)


def test_a_sitting_of_the_old_version_ends_without_a_result_once_the_new_one_is_required(
    asked: int, module: Module, ada: Person, boss: Person, world: World, client: FlaskClient
) -> None:
    first = db.session.scalars(select(ModuleVersion.id).where(ModuleVersion.number == 1)).one()
    world.add(
        Run(
            organization_id=ada.organization_id,
            person_id=ada.id,
            module_id=module.id,
            module_version_id=first,
            number=1,
            state=RunState.OPEN,
            started_at=NOW,
            last_activity_at=NOW,
        )
    )
    learn_anew(module, 2, ON, by=boss.id)
    found = []
    for moment in (MIDNIGHT - DAY, MIDNIGHT):
        with clock.at(moment):
            world.sign_in(client, ada)
            assert client.post(f"/modules/{module.id}/start").status_code == 303
        db.session.rollback()
        runs = db.session.scalars(select(Run).order_by(Run.number)).all()
        found.append([(run.state, run.module_version_id == first) for run in runs])
    assert found[0] == [(RunState.OPEN, True)]
    assert found[1] == [(RunState.ABANDONED, True), (RunState.OPEN, False)]


def test_a_lost_step_is_asked_for_again(asked: int, module: Module, boss: Person) -> None:
    learn_anew(module, 2, ON, by=boss.id)
    db.session.execute(
        OutboxRow.__table__.delete().where(OutboxRow.job == JobName.APPLY_RETRAINING)
    )
    db.session.commit()
    assert reconcile.run(now=clock.now())["apply_retraining"] == 1
    work_off()
    assert db.session.scalars(select(StoredStanding.valid_through)).one() == ON - DAY
    assert reconcile.run(now=clock.now())["apply_retraining"] == 0


# The pages


def confirmed(client: FlaskClient, address: str, **filled: str) -> str:
    """Look, then confirm; the page that follows."""
    looked = press(client, address, "look", **filled).text
    answer = client.post(address, data=values_of(last_form(looked)) | filled | {"decide": "1"})
    assert answer.status_code == 303, answer.text
    return client.get(answer.location).text


def test_the_page_shows_what_will_happen_and_then_it_does(
    asked: int, module: Module, boss: Person, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, boss)
    assert "Nothing: no certificate changes" in client.get(page_of(module)).text
    filled = {"effect": "retraining", "from_on": ON.isoformat(), "reason": "New law"}
    shown = numbers(press(client, page_of(module), "look", **filled).text)
    assert (shown[ENDS], shown[CONCERNED], shown[TOLD]) == ("1", "1", "1")
    assert db.session.scalar(select(func.count()).select_from(Retraining)) == 0
    page = confirmed(client, page_of(module), **filled)
    assert "From April 9, 2027 on this version is required." in page
    assert "Counts no more from Apr 9, 2027 on" in client.get(f"/admin/modules/{module.id}").text
    named = client.get(f"{page_of(module)}/people?effect=retraining&from_on={ON}").text
    assert "Ada Byron" in named


def test_nothing_is_decided_when_the_numbers_have_changed_since(
    asked: int, module: Module, ada: Person, boss: Person, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, boss)
    filled = {"effect": "retraining", "from_on": ON.isoformat(), "reason": "New law"}
    looked = press(client, page_of(module), "look", **filled).text
    world.completion(ada, db.session.merge(module))
    answer = client.post(
        page_of(module), data=values_of(last_form(looked)) | filled | {"decide": "1"}
    )
    assert answer.status_code == 409
    assert "the numbers have changed" in answer.text
    assert db.session.scalar(select(func.count()).select_from(Retraining)) == 0


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"effect": "retraining", "from_on": "", "reason": "x"}, "Choose a day."),
        (
            {"effect": "retraining", "from_on": "2027-03-01", "reason": "x"},
            "Choose a day after today",
        ),
        ({"effect": "retraining", "from_on": "2027-04-09", "reason": ""}, "Say why"),
    ],
)
def test_the_page_says_at_the_field_what_is_wrong(
    asked: int,
    module: Module,
    boss: Person,
    world: World,
    client: FlaskClient,
    filled: dict[str, str],
    said: str,
) -> None:
    world.sign_in(client, boss)
    answer = press(client, page_of(module), "decide", **filled)
    assert answer.status_code == 422
    assert said in answer.text


def test_the_first_version_and_other_peoples_modules_are_not_decided_about(
    asked: int, module: Module, ada: Person, boss: Person, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, boss)
    assert client.get(page_of(module, 1)).status_code == 404
    elsewhere = world.module(organization=world.new_organization("Elsewhere"))
    assert client.get(page_of(elsewhere)).status_code == 404
    world.sign_in(client, ada)
    assert client.get(page_of(module)).status_code == 403


def test_the_learner_sees_a_new_version_and_by_when(
    asked: int, module: Module, ada: Person, boss: Person, world: World, client: FlaskClient
) -> None:
    learn_anew(module, 2, ON + 60 * DAY, by=boss.id)
    work_off()
    world.sign_in(client, ada)
    tile = read(client.get("/").text).by_id("main").words
    assert "New version" in tile
    assert "Renew by Jun 7, 2027" in tile


def test_the_why_names_the_version(
    asked: int, module: Module, ada: Person, boss: Person, world: World, client: FlaskClient
) -> None:
    learn_anew(module, 2, ON, by=boss.id)
    world.sign_in(client, boss)
    page = client.get(f"/admin/people/{ada.id}/training").text
    said = "It counts through Apr 8, 2027: from the day after, version 2 of it has to be learned."
    assert said in read(page).words


def test_the_impact_costs_the_same_for_any_number_of_people_and_trainings(
    asked: int, module: Module, world: World
) -> None:
    for number in range(6):
        unit = world.unit(f"Site {number}")
        training(unit, row(module, validity_months=12))
        person = world.person(f"P{number} X")
        world.member(person, unit)
        world.completion(person, module, happened_at=NOW - 9 * DAY)
    work_off()
    version = db.session.scalars(select(ModuleVersion).where(ModuleVersion.number == 2)).one()
    with counted() as statements:
        shown = impact(db.session(), version, ON, now=NOW)
    assert shown.counts[Concern.PEOPLE] == 7
    assert len(statements) <= 6


# What is shown is what happens


def foresee(version_id: int, from_on: date) -> Impact:
    db.session.rollback()
    version = db.session.get_one(ModuleVersion, version_id)
    return impact(db.session(), version, from_on, now=clock.now())


def certificates(life: Life, moment: datetime) -> dict[int, CertificateState]:
    db.session.rollback()
    return {
        each.id: state(
            events_of(db.session(), each),
            queries.standing_now(
                db.session(), each.organization_id, each.person_id, each.configuration_id, moment
            ),
            at=moment,
        )
        for each in db.session.scalars(select(Certificate))
    }


@pytest.mark.parametrize("seed", range(scale(8, usually=5, on_server=3)))
def test_what_is_shown_is_what_happens(world: World, seed: int) -> None:
    life = Life(world, seed)
    now = NOW
    for _ in range(12):
        now += timedelta(hours=life.dice.choice([1, 20, 100]))
        with clock.at(now):
            life.step()
    dice = random.Random(seed)
    for _ in range(3):
        now += timedelta(days=20)
        with clock.at(now):
            for person in life.people:
                life.complete(person)
                evaluate_later(person)
            work()
        now += timedelta(minutes=5)
        module = dice.choice(life.modules)
        with clock.at(now):
            number = new_version(db.session.merge(module))
            work()
        if dice.random() < 0.5:
            with clock.at(now):
                for person in dice.sample(life.people, 3):
                    world.completion(person, db.session.merge(module), score=0.9)
                    evaluate_later(person)
                work()
        now += timedelta(minutes=5)
        from_on = now.date() + timedelta(days=dice.randint(2, 25))
        with clock.at(now):
            version_id = db.session.scalars(
                select(ModuleVersion.id).where(
                    ModuleVersion.module_id == module.id, ModuleVersion.number == number
                )
            ).one()
            shown = foresee(version_id, from_on)
            named = {
                each
                for each, _ in names(
                    db.session(),
                    db.session.get_one(ModuleVersion, version_id),
                    from_on,
                    Concern.PEOPLE,
                    now=clock.now(),
                    offset=0,
                    limit=99,
                )
            }
            free = valid_until(life, from_on)
            last = max(db.session.scalars(select(Message.id)).all(), default=0)
            decision = learn_anew(db.session.merge(module), number, from_on, by=life.boss.id)
            work()
            left = valid_until(life, from_on)
        messages = db.session.scalars(select(Message).where(Message.id > last)).all()
        told = [each for each in messages if each.facts.get("retraining_id") == decision]
        assert len(told) == len(messages), "nobody hears of anything else"
        concerned = {
            person_id
            for (person_id, _), standing in life.live(now).items()
            if is_told(standing, decision)
        }
        assert {each.person_id for each in told} == concerned == named
        assert shown.counts[Concern.PEOPLE] == len(concerned)
        fates = {each: fate(MessageKind.NEW_TRAINING, each) for each in concerned}
        assert shown.counts[Concern.MAILS] == sum(each is None for each in fates.values())
        unreached = sum(each in UNREACHED for each in fates.values())
        if shown.counts[Concern.SWITCHED_OFF] == 0:
            assert shown.counts[Concern.WITHOUT_ADDRESS] == unreached
        assert shown.certificates == free - left
        now += timedelta(days=70)


def valid_until(life: Life, from_on: date) -> int:
    """How many certificates are valid now and still are on that day, as things are known now."""
    db.session.rollback()
    found = 0
    for each in db.session.scalars(select(Certificate)):
        standing = queries.standing_now(
            db.session(),
            each.organization_id,
            each.person_id,
            each.configuration_id,
            clock.now(),
        )
        is_held = state(events_of(db.session(), each), standing, at=clock.now())
        lasts = standing.valid_through is None or standing.valid_through >= from_on
        found += is_held is CertificateState.VALID and lasts
    return found


def test_hidden_and_optional_rows_concern_nobody(
    world: World, ada: Person, boss: Person, module: Module
) -> None:
    unit = world.unit()
    world.member(ada, unit)
    training(unit, row(world.module("Other")), row(module, HIDDEN))
    world.completion(ada, module, happened_at=NOW - 9 * DAY)
    new_version(module)
    work_off()
    version = db.session.scalars(select(ModuleVersion).where(ModuleVersion.number == 2)).one()
    assert set(impact(db.session(), version, ON, now=NOW).counts.values()) == {0}


def test_nothing_is_decided_twice_by_two_who_look_at_the_same(
    asked: int, module: Module, boss: Person, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, boss)
    filled = {"effect": "retraining", "from_on": ON.isoformat(), "reason": "New law"}
    looked = values_of(last_form(press(client, page_of(module), "look", **filled).text))
    learn_anew(module, 2, ON + DAY, by=boss.id)
    answer = client.post(page_of(module), data=looked | filled | {"decide": "1"})
    assert answer.status_code == 409
    known = db.session.scalars(select(Retraining.from_on)).all()
    assert known == [ON + DAY]
    assert retraining.decisions(db.session(), db.session.merge(module))
