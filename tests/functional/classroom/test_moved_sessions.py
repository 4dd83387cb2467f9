"""Who has a seat hears of another time or place; nobody is hidden a session they have a seat in."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from plugin.classroom import actions
from plugin.classroom.errors import SignUpOverError
from plugin.classroom.models import ClassSession, SessionState
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Module
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.classroom.conftest import AFTERWARDS, Planned
from tests.support.world import World

SAID = {
    "starts": "2027-03-12T09:00",
    "ends": "2027-03-12T12:00",
    "zone": "Europe/London",
    "place": "Hall 3",
    "instructor": "ines@example.test",
    "capacity": "2",
    "note": "Bring gloves.",
    "state": "open",
}


@pytest.fixture
def number(planned: Planned, learner: Person, world: World) -> int:
    """A session in which the learner has a seat, and somebody gave theirs back."""
    session_id, learner_id = planned().id, learner.id
    other_id = world.person("Olga Other", email="olga@example.test").id
    with transaction() as tx:
        found = tx.session.get_one(ClassSession, session_id)
        actions.sign_up(tx, found, learner_id, now=NOW)
        actions.sign_up(tx, found, other_id, now=NOW)
        actions.withdraw(tx, found, other_id, now=NOW)
    return session_id


@pytest.fixture
def save(admin: FlaskClient, number: int) -> Callable[..., int]:
    def press(**said: str) -> int:
        return admin.post(f"/admin/sessions/{number}", data={**SAID, **said}).status_code

    return press


def mails() -> list[Message]:
    db.session.rollback()
    wanted = select(Message).where(Message.kind == MessageKind.SESSION_CHANGED)
    return list(db.session.scalars(wanted.order_by(Message.id)))


def test_another_time_or_place_is_told_once_to_who_has_a_seat(
    save: Callable[..., int], learner: Person
) -> None:
    assert save(place="Hall 5") == 303
    assert save(place="Hall 5") == 303
    (first,) = mails()
    assert first.person_id == learner.id
    assert (first.facts["place"], first.facts["before_place"]) == ("Hall 5", "Hall 3")
    assert save(place="Hall 5", starts="2027-03-13T09:00", ends="2027-03-13T12:00") == 303
    second = mails()[1]
    assert "March 13, 2027" in second.facts["when"]
    assert "March 12, 2027" in second.facts["before_when"]


def test_what_is_no_other_time_or_place_is_not_told(save: Callable[..., int]) -> None:
    assert save(note="Bring boots.", instructor="", capacity="9", state="closed") == 303
    assert mails() == []


def test_a_session_that_is_over_is_put_right_without_a_mail(save: Callable[..., int]) -> None:
    with clock.at(AFTERWARDS):
        assert save(place="Hall 4") == 303
    assert mails() == []


def test_calendars_replace_the_older_entry(
    save: Callable[..., int], client: FlaskClient, module: Module, number: int
) -> None:
    page = client.post(f"/modules/{module.id}/start").headers["Location"]
    assert "SEQUENCE:0" in client.get(f"{page}/{number}.ics").text
    save(place="Hall 5")
    assert "SEQUENCE:1" in client.get(f"{page}/{number}.ics").text


def test_a_session_with_seats_taken_does_not_become_a_draft(
    save: Callable[..., int], number: int
) -> None:
    assert save(state="draft") == 422
    assert db.session.get_one(ClassSession, number).state is SessionState.OPEN


def test_times_that_a_clock_change_turns_round_are_refused(save: Callable[..., int]) -> None:
    """On 28 March 2027 clocks in London go from 01:00 to 02:00: 01:50 is 02:50 there."""
    assert save(starts="2027-03-28T01:50", ends="2027-03-28T02:10") == 422


def test_nobody_gets_a_seat_in_a_session_cancelled_at_that_moment(
    planned: Planned, learner: Person
) -> None:
    session_id, person_id = planned().id, learner.id
    with transaction() as tx:
        found = tx.session.get_one(ClassSession, session_id)
        assert found.state is SessionState.OPEN
        tx.session.execute(  # by another request, after this one looked
            update(ClassSession)
            .values(state=SessionState.CANCELLED)
            .execution_options(synchronize_session=False)
        )
        with pytest.raises(SignUpOverError):
            actions.sign_up(tx, found, person_id, now=NOW)
