"""What an LMS may answer to a score, and what becomes of the row (checklist 4.6; moodle 4.3)."""

from datetime import timedelta

import pytest

from plugin.core.context import current_settings
from plugin.core.db import db
from plugin.core.http import OutgoingError, Reply
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import periodic
from plugin.lti.tool import reconciling
from plugin.lti.tool.score_rules import MAX_ATTEMPTS
from plugin.lti.tool.service_models import GradeState, LineItem, ServiceToken
from plugin.lti.tool.service_tokens import access_token, forget_token
from plugin.lti.tool.services import SCORE, Client, client_of
from plugin.modules.models import Module
from tests.conftest import NOW
from tests.functional.lti.campus import Peer, grade
from tests.functional.lti.grade_story import (
    SECOND,
    Done,
    answering,
    complete,
    later,
    module,
    work,
)

__all__ = ["complete", "module"]


@pytest.fixture
def owed(peer: Peer, module: Module, complete: Done) -> Peer:
    """Lars has a grade that is to leave."""
    peer.launch(module=str(module.id))
    work()
    complete(module, score=0.8)
    return peer


@pytest.mark.parametrize(
    "asked",
    ["3600", (NOW + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")],
    ids=["seconds", "date"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_for_a_pause_gets_it(
    owed: Peer, monkeypatch: pytest.MonkeyPatch, status: int, asked: str
) -> None:
    answering(owed, monkeypatch, Reply(status, {"Retry-After": asked}, b""))
    work()
    assert grade().due_at == NOW + timedelta(hours=1)
    work(timedelta(minutes=59))
    assert owed.posted() == []
    work(timedelta(hours=1))
    assert grade().state is GradeState.SENT


def test_a_pause_of_years_is_a_day(owed: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(owed, monkeypatch, Reply(429, {"retry-after": "99999999999"}, b""))
    work()
    assert grade().due_at == NOW + timedelta(days=1)


@pytest.mark.parametrize("asked", ["", "-5", "soon", "1e9", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_a_pause_nobody_can_mean_is_ours_to_choose(
    owed: Peer, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    answering(owed, monkeypatch, Reply(429, {"Retry-After": asked}, b""))
    work()
    assert grade().due_at == NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(403, {}, b'{"message": "User is not enrolled"}'), "403 User is not enrolled"),
        (Reply(404, {}, b'{"error": "The user does not exist"}'), "404 The user does not exist"),
        (Reply(400, {}, b"User could not be found:"), "400 User could not be found:"),
        (Reply(422, {}, b'{"error": "no attempts left"}'), "422 no attempts left"),
        (
            Reply(400, {}, b"[]", "Incorrect score received{userId:6, scoreGiven: 80}"),
            "400 Incorrect score received",
        ),
    ],
    ids=["brightspace-403", "brightspace-404", "blackboard", "canvas-422", "moodle-reason"],
)
def test_a_person_who_cannot_be_graded_is_the_end_in_the_lms_s_words(
    owed: Peer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reply: Reply,
    words: str,
) -> None:
    answering(owed, monkeypatch, reply)
    work()
    assert (grade().state, grade().words) == (GradeState.REFUSED, words)
    assert db.session.query(LineItem.ended_at).scalar() is None
    assert words not in capsys.readouterr().out
    for hours in (1, 30):
        work(timedelta(hours=hours))
    assert owed.posted() == []


def test_an_older_timestamp_on_a_canvas_is_no_unknown_person(
    owed: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = b'{"errors":{"type":"bad_request","message":"Provided timestamp is older"}}'
    answering(owed, monkeypatch, Reply(400, {}, said))
    work()
    assert (grade().state, grade().attempts) == (GradeState.WAITING, 1)
    work(timedelta(minutes=1))
    assert grade().state is GradeState.SENT


def test_a_locked_grade_does_not_spin_and_is_seen(owed: Peer) -> None:
    owed.grades.behaviour.is_locked = True
    for hours in range(60):
        work(timedelta(hours=hours))
    assert (grade().state, len(owed.posted())) == (GradeState.FAILED, MAX_ATTEMPTS)
    assert (grade().words or "").startswith("500")
    with later(timedelta(days=4)):
        periodic.ask_lmss()
        work(timedelta(days=4))
        assert grade().state is GradeState.FAILED, "seen all the time"
    assert len(owed.posted()) == MAX_ATTEMPTS + 1
    owed.grades.behaviour.is_locked = False
    with later(timedelta(days=5)):
        periodic.ask_lmss()
        work(timedelta(days=5))
        assert grade().state is GradeState.SENT


def test_a_grade_that_is_taken_and_never_shown_is_said_to_the_admin(owed: Peer) -> None:
    """A column without grades answers 200 and keeps nothing."""
    work()
    for day in range(1, 5):
        owed.column.cells.clear()
        with later(timedelta(days=day)):
            periodic.ask_lmss()
            work(timedelta(days=day))
    assert (grade().state, grade().words) == (GradeState.REFUSED, reconciling.NOT_KEPT)
    assert len(owed.posted()) == 3


def test_a_value_that_changes_during_a_pause_leaves_when_it_is_over(
    owed: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(owed, monkeypatch, Reply(429, {"Retry-After": "3600"}, b""))
    work()
    with later(timedelta(minutes=10)):
        complete(module, score=0.9)
        work(timedelta(minutes=10))
    assert owed.posted() == []
    work(timedelta(hours=1))
    assert [each["scoreGiven"] for each in owed.posted()] == [90]


def test_a13_an_answer_that_got_lost_twice_is_no_teacher_s_word(
    owed: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Reply(504, {}, b"<html>Gateway timeout</html>")
    answering(owed, monkeypatch, lost, lost, then="it is taken")
    work()
    with later(10 * SECOND):
        complete(module, score=0.9)
    work(timedelta(minutes=1))
    work(timedelta(minutes=5))
    assert grade().state is GradeState.SENT
    assert owed.grades.share(1, "6") == pytest.approx(0.9)


class DiedError(BaseException):
    """The process is gone."""


def test_a9_a_sender_that_died_is_followed_when_its_claim_is_over(
    owed: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, deaths = owed.call, [1]

    def dying(*words: object, **more: object) -> Reply:
        if deaths and str(words[2]).partition("?")[0].endswith("/scores"):
            raise DiedError(deaths.pop())
        return call(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("plugin.core.http.call", dying)
    with pytest.raises(DiedError):
        work()
    work(SECOND)
    assert owed.posted() == []
    work(timedelta(minutes=3))
    assert [each["scoreGiven"] for each in owed.posted()] == [80]


def client_at(registration_id: int) -> Client:
    return client_of(db.session(), current_settings(), registration_id, "1")


def test_k3_several_workers_wait_for_the_one_that_asks_for_a_token(
    owed: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one asks, another one looks again until the token is there."""
    work()
    row = db.session.query(ServiceToken).filter_by(scopes=SCORE).one()
    expected, asked = row.expires_at, []
    row.expires_at, row.asked_at = NOW, NOW
    db.session.commit()

    def arrives(_seconds: float) -> None:
        asked.append(1)
        db.session.query(ServiceToken).filter_by(scopes=SCORE).update({"expires_at": expected})
        db.session.commit()

    monkeypatch.setattr("time.sleep", arrives)
    before = len(owed.calls)
    found = db.session.query(ServiceToken).filter_by(scopes=SCORE).one()
    client = client_at(found.registration_id)
    assert access_token(client, [SCORE])
    assert (len(asked), len(owed.calls)) == (1, before)


def test_k3_who_asked_and_died_is_not_waited_for(owed: Peer) -> None:
    work()
    row = db.session.query(ServiceToken).filter_by(scopes=SCORE).one()
    row.expires_at, row.asked_at = NOW, NOW - timedelta(minutes=1)
    registration_id = row.registration_id
    db.session.commit()
    assert access_token(client_at(registration_id), [SCORE])


def test_k3_a_newer_token_survives_the_refusal_of_an_older_one(owed: Peer) -> None:
    work()
    registration_id = db.session.query(ServiceToken.registration_id).limit(1).scalar()
    client = client_at(registration_id)
    newer = access_token(client, [SCORE])
    forget_token(client, [SCORE], "an older one")
    assert access_token(client_at(registration_id), [SCORE]) == newer


def test_a_connection_that_ends_is_tried_again_and_stops_nobody(
    owed: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, silent = owed.call, [1, 1]

    def dropping(*words: object, **more: object) -> Reply:
        if silent and str(words[2]).partition("?")[0].endswith("/scores"):
            silent.pop()
            raise OutgoingError("RemoteDisconnected")
        return call(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("plugin.core.http.call", dropping)
    work()
    assert (grade().words, grade().attempts) == ("RemoteDisconnected", 1)
    work(30 * SECOND)
    work(timedelta(minutes=2))
    assert grade().state is GradeState.SENT


def test_the_hourly_turn_finds_what_nobody_sends(
    owed: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(owed, monkeypatch, Reply(500, {}, b""))
    work()
    db.session.query(OutboxRow).filter_by(job=JobName.SEND_GRADE).delete()
    db.session.commit()
    work(timedelta(hours=1))
    assert grade().state is GradeState.WAITING
    with later(timedelta(hours=2)):
        periodic.note_lapses()
        work(timedelta(hours=2))
    assert grade().state is GradeState.SENT
