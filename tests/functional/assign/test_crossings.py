"""Reminders and expiries: from the date as it is when they leave, once, at 09:00 of the unit."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from plugin.assign import crossings, waivers
from plugin.assign.models import Configuration, StoredStanding
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import periodic
from plugin.notify.models import CancelReason, Message, MessageKind, MessageState
from plugin.org import unit_actions
from plugin.org.models import Membership, Person, Unit
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, messages, row, training
from tests.support import smtp, story
from tests.support.days import at, inbox_of, look, pass_by, subjects
from tests.support.queries import counted
from tests.support.scale import scale
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once

DAY = timedelta(days=1)
END = date(2028, 3, 10)
"""The last day of what was passed on 10 March 2027 for twelve months."""
REMINDER = "Reminder: training to complete"
EXPIRED = "Your training ran out: Site safety"
EXPIRING = scale(20_000, usually=20)


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with inbox_of(app) as server:
        yield server


@pytest.fixture
def ada(world: World, inbox: smtp.Inbox) -> story.Story:
    """Ada has passed; her certificate is valid through 10 March 2028."""
    begun = story.begin(world)
    work_off()
    story.complete(begun.person, begun.module)
    work_off()
    assert len(subjects(inbox)) == 2
    return begun


def morning(days: int, of: date = END) -> datetime:
    """09:00 UTC so many days before (negative: after) the last day; London is on UTC then."""
    day = of - timedelta(days=days)
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def of_kind(*kinds: MessageKind) -> list[Message]:
    return [each for each in messages() if each.kind in kinds]


def told() -> list[Message]:
    return of_kind(MessageKind.REMINDER, MessageKind.EXPIRED)


def test_a_learner_who_does_nothing_is_reminded_told_and_reminded_again(
    ada: story.Story, inbox: smtp.Inbox
) -> None:
    arrived = []
    for days in range(40, -50, -1):
        at(morning(days))
        arrived += [(days, subject) for subject in subjects(inbox)]
    assert arrived == [
        *((days, REMINDER) for days in (30, 14, 7, 1)),
        (-1, EXPIRED),
        *((days, REMINDER) for days in (-8, -15, -22, -29)),
    ]


def test_the_expired_mail_says_what_ran_out_and_that_it_reads_invalid(
    ada: story.Story, inbox: smtp.Inbox
) -> None:
    at(morning(-1))
    (mail,) = inbox.mails
    for kind in ("plain", "html"):
        words = " ".join(smtp.text_of(mail, kind).split())
        assert "Site safety (North Quay) ran out on Mar 10, 2028" in words
        assert "your certificate reads INVALID" in words
        assert "Working at height" in words


def test_a_worker_stopped_ten_days_over_an_expiry_mails_expired_once_and_nothing_late(
    ada: story.Story, inbox: smtp.Inbox
) -> None:
    """Domain §9.7."""
    at(morning(15))
    subjects(inbox)
    at(morning(-1) + timedelta(hours=4))
    assert subjects(inbox) == [EXPIRED]
    pass_by(morning(-2), 5)
    assert subjects(inbox) == []
    at(morning(-8))
    assert subjects(inbox) == [REMINDER]


@pytest.mark.parametrize("back", [-1, -5, -9, -28, -200])
def test_however_long_the_outage_the_expiry_is_said(
    ada: story.Story, inbox: smtp.Inbox, back: int
) -> None:
    at(morning(back))
    at(morning(back) + DAY / 2)
    assert subjects(inbox) == [EXPIRED]
    assert [each.facts["days"] for each in told()] == [-1]


def test_nothing_goes_before_nine_where_the_unit_is_also_after_an_outage(
    ada: story.Story, inbox: smtp.Inbox
) -> None:
    at(morning(-2) - timedelta(hours=5))
    assert subjects(inbox) == []
    at(morning(-2))
    assert subjects(inbox) == [EXPIRED]


def test_a_retake_cancels_the_reminder_that_waits(ada: story.Story, inbox: smtp.Inbox) -> None:
    with clock.at(morning(30) + timedelta(minutes=5)):
        periodic.note_crossings()
        judge_only()
        story.complete(ada.person, ada.module)
        work_off()
    assert subjects(inbox) == ["Your renewed certificate for Site safety"]
    (reminder,) = told()
    assert (reminder.state, reminder.error) == (MessageState.CANCELLED, CancelReason.CHANGED)
    pass_by(morning(20), 60)
    assert subjects(inbox) == [], "the new end is a year away"


def judge_only() -> None:
    """The pass alone: its messages are queued and wait."""
    with transaction() as tx:
        crossings.note_crossings(tx, now=clock.now())


def test_a_waiver_cancels_the_reminder_that_waits(
    world: World, ada: story.Story, inbox: smtp.Inbox
) -> None:
    boss = world.person("Max Manager", email="m@example.test")
    with clock.at(morning(7)):
        judge_only()
        boss_id, person_id, module_id = boss.id, ada.person.id, ada.module.id
        configuration_id = ada.configuration.id
        with transaction() as tx:
            waivers.waive(
                tx,
                tx.session.get_one(Configuration, configuration_id),
                module_id,
                tx.session.get_one(Person, person_id),
                until_on=date(2028, 9, 1),
                reason="on leave",
                approved_by=boss_id,
                zone="Europe/London",
                now=clock.now(),
            )
        work_off()
    assert REMINDER not in subjects(inbox)
    assert [each.error for each in told()] == [CancelReason.CHANGED]
    pass_by(morning(30, date(2028, 9, 1)) - timedelta(hours=1), 1)
    assert subjects(inbox) == [REMINDER]


def test_leaving_the_unit_cancels_the_reminder_that_waits(
    ada: story.Story, inbox: smtp.Inbox
) -> None:
    with clock.at(morning(7)):
        judge_only()
        db.session.execute(update(Membership).values(until_at=clock.now()))
        db.session.commit()
        work_off()
    assert subjects(inbox) == []
    assert [each.error for each in told()] == [CancelReason.LEFT]
    with clock.at(morning(6)):
        evaluate_later(ada.person)
        look()
    pass_by(morning(5), 40)
    assert subjects(inbox) == []


def test_a_mail_server_that_was_away_for_days_brings_only_the_most_urgent(
    ada: story.Story, inbox: smtp.Inbox, app: Flask
) -> None:
    for days in (30, 14, 7, 1, -1):
        with clock.at(morning(days)):
            judge_only()
    assert [each.state for each in told()] == [MessageState.QUEUED] * 5
    at(morning(-3))
    assert subjects(inbox) == [EXPIRED]
    assert [each.error for each in told()] == [*[CancelReason.SUPERSEDED] * 4, None]


def test_two_standings_of_a_day_are_one_mail(world: World, inbox: smtp.Inbox) -> None:
    person, modules = world.person(), [world.module("Lifting"), world.module("Diving")]
    for number, module in enumerate(modules):
        unit = world.unit(f"Quay {number}")
        world.member(person, unit)
        training(unit, row(module, validity_months=12), name=f"Training {number}")
        world.completion(person, module)
    evaluate_later(person)
    work_off()
    subjects(inbox)
    at(morning(30))
    (mail,) = inbox.mails
    assert mail["Subject"] == "Your training: news of today"
    assert {"Lifting", "Diving"} <= set(smtp.text_of(mail).replace("–", " ").split())
    assert [each.state for each in told()] == [MessageState.SENT] * 2


def test_training_that_is_due_is_reminded_of_and_so_is_what_is_overdue(
    world: World, inbox: smtp.Inbox
) -> None:
    person, unit, module = world.person(), world.unit(), world.module()
    world.member(person, unit)
    training(unit, row(module, due_days=14))
    work_off()
    subjects(inbox)
    arrived = []
    for days in range(16):
        at(NOW + days * DAY)
        arrived += [(days, subject) for subject in subjects(inbox)]
    assert arrived == [(7, REMINDER), (13, REMINDER), (15, REMINDER)]


def test_a_new_zone_doubles_no_reminder_and_loses_none(ada: story.Story, inbox: smtp.Inbox) -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "Pacific/Kiritimati", "Europe/London"):
        with clock.at(morning(14)):
            move(ada.unit, zone, ada.person)
            look()
    assert subjects(inbox) == [REMINDER]
    with clock.at(morning(7) - DAY):
        move(ada.unit, "Etc/GMT+12", ada.person)
        look()
    with clock.at(morning(7) + timedelta(hours=1)):
        move(ada.unit, "Pacific/Kiritimati", ada.person)  # its 09:00 was this night
        look()
    assert subjects(inbox) == []
    pass_by(morning(7) + timedelta(hours=2), 1, timedelta(hours=1))
    assert subjects(inbox) == [REMINDER]
    assert [each.facts["days"] for each in told()] == [14, 7]


def move(unit: Unit, zone: str, by: Person) -> None:
    unit_id, by_id = unit.id, by.id
    with transaction() as tx:
        found = tx.session.get_one(Unit, unit_id)
        unit_actions.edit_unit(
            tx,
            found,
            name=found.name,
            id_code=found.id_code,
            description=found.description,
            time_zone=zone,
            region=None,
            by=by_id,
            now=clock.now(),
        )
    work_off()


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Pacific/Kiritimati", -5), ("Etc/GMT+12", 21), ("America/New_York", 14), ("UTC", 9)],
)
def test_nine_in_the_morning_is_the_units(
    world: World, inbox: smtp.Inbox, zone: str, hour: int
) -> None:
    person, unit, module = world.person(), world.unit(time_zone=zone), world.module()
    world.member(person, unit)
    training(unit, row(module, validity_months=12))
    world.completion(person, module)
    evaluate_later(person)
    work_off()
    subjects(inbox)
    found = db.session.scalars(select(StoredStanding)).one()
    assert found.valid_through is not None
    day = found.valid_through - 30 * DAY
    nine = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)
    at(nine - timedelta(minutes=1))
    assert subjects(inbox) == []
    at(nine)
    assert subjects(inbox) == [REMINDER]


def crowd(world: World, people: int, *, last_days: int = 1) -> int:
    """So many people who passed, on so many different days; returns the configuration's id."""
    unit, module = world.unit("The Yard"), world.module("Welding")
    everybody = [
        world.person(f"Person {number}", email=f"p{number}@example.test")
        for number in range(people)
    ]
    for number, person in enumerate(everybody):
        world.member(person, unit)
        world.completion(person, module, happened_at=NOW - (number % last_days) * DAY)
    configuration_id = training(
        unit, row(module, validity_months=12), certificate=False, name="Yard"
    )
    work_off()
    return configuration_id


def test_the_pass_takes_as_many_statements_for_many_as_for_one(world: World) -> None:
    crowd(world, 30)

    def statements() -> int:
        with counted() as found, transaction() as tx:
            crossings.note_crossings(tx, now=clock.now())
        return len(found)

    db.session.execute(
        update(StoredStanding).where(StoredStanding.id > 1).values(notice_at=morning(-1))
    )
    db.session.commit()
    with clock.at(morning(30)):
        one = statements()
    with clock.at(morning(-1)):
        many = statements()
    assert many <= one
    assert len(told()) == 31


def test_the_pass_goes_on_in_chunks_and_touches_only_whose_day_has_come(
    world: World, inbox: smtp.Inbox
) -> None:
    crowd(world, 12, last_days=2)
    with clock.at(morning(31)):
        with transaction() as tx:
            assert crossings.note_crossings(tx, now=clock.now(), limit=4) == 4
        assert len(told()) == 4
        work_off()
    assert len(told()) == 6, "the other six have their last day tomorrow"
    with clock.at(morning(31)), transaction() as tx:
        assert crossings.note_crossings(tx, now=clock.now()) == 0


def test_two_passes_at_once_say_everything_once(app: Flask, world: World) -> None:
    crowd(world, 20)

    def run() -> None:
        with app.app_context():
            for _ in range(8):
                with transaction() as tx:
                    crossings.note_crossings(tx, now=morning(30), limit=5)
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told()) == 20
    assert not db.session.scalar(
        select(func.count()).where(StoredStanding.notice_at <= morning(30))
    )


def test_a_pass_that_runs_again_says_nothing_again(ada: story.Story, inbox: smtp.Inbox) -> None:
    at(morning(30))
    db.session.execute(
        update(StoredStanding).values(notice_on=morning(30).date(), notice_at=morning(30))
    )
    db.session.commit()
    at(morning(30) + timedelta(minutes=5))
    assert subjects(inbox) == [REMINDER]


def test_while_the_workers_are_away_the_pass_is_asked_for_once(ada: story.Story) -> None:
    with clock.at(morning(30)):
        for _ in range(3):
            periodic.note_crossings()
    asked = select(func.count()).where(OutboxRow.job == JobName.NOTE_CROSSINGS)
    assert db.session.scalar(asked) == 1


def test_ten_days_without_workers_over_many_expiries_mail_each_once(
    world: World, inbox: smtp.Inbox
) -> None:
    """The last days of all lie, evenly, on ten days of the outage and the ten around it."""
    crowd(world, EXPIRING, last_days=20)
    at(morning(20))
    subjects(inbox)
    at(morning(-1) - 5 * DAY)
    expired = of_kind(MessageKind.EXPIRED)
    gone = EXPIRING * 3 // 4
    assert len({each.person_id for each in expired}) == len(expired) == gone
    arrived = subjects(inbox)
    assert arrived.count("Your training ran out: Yard") == gone
    assert len(arrived) == EXPIRING, "the others have their most urgent reminder"
    pass_by(morning(-1) - 4 * DAY, 6)
    assert len(of_kind(MessageKind.EXPIRED)) == EXPIRING


def test_who_joins_with_a_past_already_over_is_not_told_of_it(
    world: World, inbox: smtp.Inbox
) -> None:
    person, unit, module = world.person(), world.unit(), world.module()
    training(unit, row(module, validity_months=12))
    world.completion(person, module, happened_at=NOW - 380 * DAY)
    world.add(
        Membership(
            organization_id=person.organization_id,
            unit_id=unit.id,
            person_id=person.id,
            source="csv",
            since_at=NOW,
            created_at=NOW,
            silent=True,
        )
    )
    evaluate_later(person)
    pass_by(NOW, 3)
    assert subjects(inbox) == []
