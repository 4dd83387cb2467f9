"""Everybody is written to in their own language, whatever the cause, with its days too."""

import re
from datetime import timedelta

from plugin.core import clock
from plugin.core.db import db
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, row, training
from tests.support import smtp
from tests.support.days import pass_by
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)
MONTHS = "January February March April May June July August September October November December"
# A word of its own: addresses hold any letters.
A_MONTH_IN_ENGLISH = re.compile(
    r"(?<![\w-])(" + "|".join(f"{each}|{each[:3]}" for each in MONTHS.split()) + r")(?![\w-])"
)


def speaks(world: World, name: str, locale: str | None) -> Person:
    person = world.person(name, email=f"{name.lower()}@example.test")
    person.locale = locale
    return world.add(person)


def lives(world: World, inbox: smtp.Inbox, person: Person) -> list[tuple[str, str]]:
    """Subject and text of a year's mails to a person: asked, certified, reminded, ran out."""
    unit, module = world.unit(), world.module("Height")
    training(unit, row(module, validity_months=12, due_days=14))
    world.member(person, unit)
    evaluate_later(person)
    work_off()
    with clock.at(NOW + DAY):
        world.completion(person, module)
        evaluate_later(person)
        work_off()
    pass_by(NOW + 333 * DAY, 40)
    db.session.rollback()
    return [(str(mail["Subject"]), smtp.text_of(mail, "plain")) for mail in inbox.mails]


def test_every_mail_of_a_year_is_in_the_persons_language(world: World, inbox: smtp.Inbox) -> None:
    mails = lives(world, inbox, speaks(world, "Yousef", "ar"))
    assert len(mails) >= 6
    for subject, text in mails:
        assert re.search("[\u0600-\u06ff]", subject), subject
        assert A_MONTH_IN_ENGLISH.search(text) is None, text


def test_who_has_no_language_of_their_own_is_written_to_in_the_organizations(
    world: World, inbox: smtp.Inbox
) -> None:
    world.organization.locale = "ar"
    world.add(world.organization)
    for subject, text in lives(world, inbox, speaks(world, "Ada", None)):
        assert re.search("[\u0600-\u06ff]", subject), subject
        assert A_MONTH_IN_ENGLISH.search(text) is None, text


def test_a_language_we_do_not_speak_is_answered_in_one_we_do(
    world: World, inbox: smtp.Inbox
) -> None:
    mails = lives(world, inbox, speaks(world, "Jurgen", "de_AT"))
    assert mails[0][0].startswith("New training for you at")
