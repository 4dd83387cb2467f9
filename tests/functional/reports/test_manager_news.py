"""Managers hear of their units: on Mondays of everything, else of what has become urgent."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugin.assign.actions import Effect
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import managers, periodic, reconcile
from plugin.modules.models import Module
from plugin.notify.models import ManagerRound, Message, MessageKind, MessageState
from plugin.org.models import Person, Unit, UnitKind
from plugin.reports.manager_news import Matter, news
from plugin.web.roles import Role
from tests.functional.assign.places import evaluate_later, publish, row, training
from tests.support import smtp
from tests.support.days import inbox_of
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)
MONDAY = datetime(2027, 3, 15, 9, tzinfo=UTC)
"""09:00 in London; the certificates below are counted from it."""
WEEKLY = "Your units: training this week"
URGENT = "Your units: training ends within a week"


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with inbox_of(app) as server:
        yield server


class Place:
    """A site with a manager and a training of twelve months."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.region = world.unit("North", kind=UnitKind.REGION)
        self.site = world.unit("Quay", region=self.region)
        self.module = world.module("Lifting")
        self.asked = training(self.site, row(self.module, validity_months=12), certificate=False)
        self.boss = world.person("Max Manager", email="max@example.test")
        world.grant(self.boss, Role.MANAGER, self.site)
        work_off()

    def learner(self, name: str, *, days_left: int, email: str | None = "x@example.test") -> Person:
        """Somebody whose last day is so many days after the Monday."""
        person = self.world.person(name, email=email)
        self.world.member(person, self.site)
        last_day = MONDAY + days_left * DAY
        self.world.completion(
            person, self.module, happened_at=last_day.replace(year=last_day.year - 1)
        )
        evaluate_later(person)
        work_off()
        return person


@pytest.fixture
def place(world: World, inbox: smtp.Inbox) -> Place:
    found = Place(world)
    inbox.mails.clear()
    return found


def morning(moment: datetime) -> None:
    with clock.at(moment):
        periodic.note_crossings()
        work_off()
        periodic.note_mornings()
        work_off()


def to_managers(inbox: smtp.Inbox) -> list[EmailMessage]:
    """What managers got since this was asked last."""
    found = [mail for mail in inbox.mails if str(mail["Subject"]).startswith("Your units")]
    inbox.mails.clear()
    return found


def test_on_monday_a_manager_hears_what_is_invalid_what_ends_soon_and_whom_mail_misses(
    place: Place, inbox: smtp.Inbox
) -> None:
    place.learner("Eve Expired", days_left=-3)
    place.learner("Sam Soon", days_left=20)
    place.learner("Una Unreachable", days_left=200, email=None)
    place.learner("Val Valid", days_left=200)
    morning(MONDAY)
    (mail,) = to_managers(inbox)
    assert (mail["Subject"], mail["To"]) == (WEEKLY, "Max Manager <max@example.test>")
    for kind in ("plain", "html"):
        words = smtp.text_of(mail, kind)
        assert "Newly invalid (1)" in words
        assert "Eve Expired" in words
        assert "Valid for 30 days or less (1)" in words
        assert "Sam Soon" in words
        assert "People mail does not reach: 1" in words
        assert "Val Valid" not in words


def test_a_manager_with_nothing_to_hear_gets_no_mail(place: Place, inbox: smtp.Inbox) -> None:
    place.learner("Val Valid", days_left=200)
    for days in range(8):
        morning(MONDAY + days * DAY)
    assert to_managers(inbox) == []


def test_a_last_day_within_a_week_is_escalated_on_its_day_once(
    place: Place, inbox: smtp.Inbox
) -> None:
    place.learner("Sam Soon", days_left=9)
    heard = []
    for days in range(1, 14):
        morning(MONDAY + days * DAY)
        heard += [(days, str(mail["Subject"])) for mail in to_managers(inbox)]
    assert heard == [(2, URGENT), (7, URGENT)], "the second is the week's round on Monday"


def test_who_was_not_reminded_is_not_escalated(place: Place, inbox: smtp.Inbox) -> None:
    place.learner("Sam Soon", days_left=9)
    with clock.at(MONDAY + 2 * DAY):
        periodic.note_mornings()
        work_off()
    assert to_managers(inbox) == []


def test_a_new_requirement_makes_people_newly_invalid(place: Place, inbox: smtp.Inbox) -> None:
    place.learner("Ned New", days_left=200)
    with clock.at(MONDAY - DAY):
        publish(
            place.asked,
            row(place.module, validity_months=12),
            row(place.world.module("Diving")),
            certificate=False,
        )
        work_off()
    morning(MONDAY)
    (mail,) = to_managers(inbox)
    assert "Newly invalid (1)" in smtp.text_of(mail)
    assert "Ned New" in smtp.text_of(mail)


def test_a_version_that_takes_effect_is_told_of_also_before_anybody_is_judged_by_it(
    place: Place, inbox: smtp.Inbox
) -> None:
    place.learner("Ned New", days_left=200)
    sam = place.learner("Sam Soon", days_left=4)
    reminder = select(func.count()).select_from(Message).where(Message.person_id == sam.id)
    morning(MONDAY - DAY)
    assert db.session.scalar(reminder.where(Message.kind == MessageKind.REMINDER)) == 1
    inbox.mails.clear()
    dated = Effect(effective_on=MONDAY.date())
    diving = row(place.world.module("Diving"))
    with clock.at(MONDAY - DAY):
        lifting = row(place.module, validity_months=12)
        publish(place.asked, lifting, diving, certificate=False, effect=dated)
    db.session.rollback()
    organization_id = place.world.organization.id

    def told(at: datetime) -> dict[Matter, list[str]]:
        with clock.at(at):
            found = news(db.session(), organization_id, weekly=True, since=at - DAY, at=at)
        (mine,) = found.values()
        return {matter: [line.person for line in lines] for matter, lines in mine.lines.items()}

    assert told(MONDAY.replace(hour=0) - timedelta(seconds=1)) == {Matter.ESCALATED: ["Sam Soon"]}
    both = {Matter.NEWLY_INVALID: ["Ned New", "Sam Soon"]}
    assert told(MONDAY.replace(hour=0)) == both
    with clock.at(MONDAY):
        work_off()
    assert told(MONDAY) == both, "the step that was late changes nothing of it"


def test_a_regions_manager_hears_of_its_sites_and_another_sites_manager_of_nothing(
    world: World, place: Place, inbox: smtp.Inbox
) -> None:
    chief = world.person("Cher Chief", email="cher@example.test")
    world.grant(chief, Role.MANAGER, place.region)
    world.grant(chief, Role.MANAGER, place.site)
    stranger = world.person("Stan Stranger", email="stan@example.test")
    world.grant(stranger, Role.MANAGER, world.unit("Yard"))
    place.learner("Eve Expired", days_left=-3)
    morning(MONDAY)
    mails = to_managers(inbox)
    assert {str(mail["To"]).partition(" <")[0] for mail in mails} == {"Max Manager", "Cher Chief"}
    assert all("Newly invalid (1)" in smtp.text_of(mail) for mail in mails)


def test_who_no_longer_manages_hears_nothing(world: World, place: Place, inbox: smtp.Inbox) -> None:
    place.learner("Eve Expired", days_left=-3)
    place.boss.deactivated_at = MONDAY - DAY
    world.add(place.boss)
    morning(MONDAY)
    assert to_managers(inbox) == []


def test_another_organization_hears_nothing_of_it(
    world: World, place: Place, inbox: smtp.Inbox
) -> None:
    other = world.new_organization("Other Works")
    spy = world.person("Ivy Spy", email="ivy@example.test", organization=other)
    world.grant(spy, Role.MANAGER, world.unit("Dock", organization=other))
    place.learner("Eve Expired", days_left=-3)
    morning(MONDAY)
    assert [mail["To"] for mail in to_managers(inbox)] == ["Max Manager <max@example.test>"]


def test_the_round_begins_at_nine_of_the_organization_once_however_many_look(
    app: Flask, place: Place, inbox: smtp.Inbox
) -> None:
    place.learner("Eve Expired", days_left=-3)
    morning(MONDAY - timedelta(minutes=1))
    assert to_managers(inbox) == []

    def look() -> None:
        with app.app_context():
            with transaction() as tx:
                managers.begin_rounds(tx, now=MONDAY)
            db.session.remove()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for hours in (0, 1, 9):
        morning(MONDAY + timedelta(hours=hours))
    assert len(to_managers(inbox)) == 1
    assert db.session.scalar(select(func.count()).select_from(ManagerRound)) == 1


def test_a_monday_without_workers_is_caught_up_with_on_tuesday(
    place: Place, inbox: smtp.Inbox
) -> None:
    morning(MONDAY - 7 * DAY)
    place.learner("Sam Soon", days_left=20)
    morning(MONDAY + DAY)
    (mail,) = to_managers(inbox)
    assert mail["Subject"] == WEEKLY
    morning(MONDAY + 2 * DAY)
    assert to_managers(inbox) == []


def only_the_dispatcher(moment: datetime) -> None:
    """It looks what is due; nobody works."""
    with clock.at(moment):
        periodic.note_mornings()


def test_after_days_without_workers_a_manager_has_one_mail_about_today(
    place: Place, inbox: smtp.Inbox
) -> None:
    place.learner("Eve Expired", days_left=3)
    place.learner("Sam Soon", days_left=30)
    for day in range(8):
        only_the_dispatcher(MONDAY + day * DAY)
    morning(MONDAY + 8 * DAY - timedelta(hours=4))
    assert to_managers(inbox) == [], "it is night"
    morning(MONDAY + 8 * DAY)
    (mail,) = to_managers(inbox)
    assert mail["Subject"] == WEEKLY
    assert "Newly invalid (1)" in smtp.text_of(mail)
    assert "Eve Expired" in smtp.text_of(mail)
    morning(MONDAY + 9 * DAY)
    assert to_managers(inbox) == []


@pytest.mark.parametrize(("days", "of_all"), [(3, False), (6, True)])
def test_a_round_that_waited_brings_a_monday_that_was_missed(
    place: Place, inbox: smtp.Inbox, days: int, of_all: bool
) -> None:
    morning(MONDAY)
    to_managers(inbox)
    place.learner("Una Urgent", days_left=10, email=None)
    with clock.at(MONDAY + DAY):
        periodic.note_crossings()
        work_off()
    only_the_dispatcher(MONDAY + DAY)
    morning(MONDAY + (1 + days) * DAY)
    (mail,) = to_managers(inbox)
    assert "Una Urgent" in smtp.text_of(mail)
    assert ("People mail does not reach" in smtp.text_of(mail)) is of_all


def test_a_round_whose_step_was_lost_is_asked_for_again(place: Place, inbox: smtp.Inbox) -> None:
    place.learner("Eve Expired", days_left=-3)
    with clock.at(MONDAY):
        periodic.note_mornings()
        step = select(OutboxRow).where(OutboxRow.job == JobName.TELL_MANAGERS)
        db.session.delete(db.session.scalars(step).one())
        db.session.commit()
        assert reconcile.run(now=clock.now())[JobName.TELL_MANAGERS] == 1
        work_off()
    assert len(to_managers(inbox)) == 1


def test_a_manager_without_an_address_is_kept_as_one(place: Place, inbox: smtp.Inbox) -> None:
    place.boss.email = None
    place.world.add(place.boss)
    place.learner("Eve Expired", days_left=-3)
    morning(MONDAY)
    kept = db.session.scalars(
        select(Message).where(Message.kind == MessageKind.MANAGER_DIGEST)
    ).one()
    assert kept.state is MessageState.UNDELIVERABLE


def test_many_managers_and_people_take_three_statements_and_long_lists_are_cut(
    world: World, place: Place
) -> None:
    def crowd(unit: Unit, module: Module, people: int) -> None:
        for number in range(people):
            person = world.person(f"P{number:02} X", email=f"p{number}@example.test")
            world.member(person, unit)
            world.completion(person, module, happened_at=MONDAY - 368 * DAY)
            evaluate_later(person)
        work_off()

    with clock.at(MONDAY - 4 * DAY):
        crowd(place.site, place.module, 13)
    for number in range(5):
        world.grant(world.person(f"M{number} Boss"), Role.MANAGER, place.site)
    organization_id = world.organization.id
    with counted() as statements:
        found = news(db.session(), organization_id, weekly=True, since=MONDAY - DAY, at=MONDAY)
    assert len(statements) <= 3
    assert len(found) == 6
    assert {len(lines) for each in found.values() for lines in each.lines.values()} == {10}
    assert {total for each in found.values() for total in each.totals.values()} == {13}
