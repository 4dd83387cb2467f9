"""Grades in, word by word: how gradebooks answer, and what admins see of it (AGS 2.0, 3.3)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.lti.tool.grades_in import read_grades
from plugin.lti.tool.results import read_result
from plugin.lti.tool.service_models import LineItem
from plugin.modules import by_lms
from plugin.modules.models import Completion, Module
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.lti.campus import Peer, registration
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World

GRADED_AT = "2027-03-10T08:15:30+02:00"


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
    for name in ("lars", "lucja"):
        peer.launch(name, module=str(module.id))
    work_off()
    return int(db.session.query(LineItem.id).scalar())


@pytest.fixture
def answers(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The gradebook answers with these lines from now on."""

    def set_to(*lines: Any, **headers: str) -> None:
        def call(*words: Any, **more: Any) -> Reply:
            reply = peer.call(*words, **more)
            is_asked = "/results" in words[2]
            return Reply(200, headers, json.dumps(lines).encode()) if is_asked else reply

        monkeypatch.setattr("plugin.core.http.call", call)

    return set_to


def grade(subject: str = "6", **more: Any) -> dict[str, Any]:
    return {"userId": subject, "resultScore": 80, "resultMaximum": 100, **more}


def facts() -> list[tuple[bool, float | None, str | None]]:
    db.session.rollback()
    return [
        (each.passed, each.score, each.reason)
        for each in db.session.query(Completion).order_by(Completion.id)
    ]


def test_a13_everybody_is_read_in_one_call_without_a_limit(peer: Peer, column: int) -> None:
    peer.grades.override(1, "6", 0.9)
    peer.grades.override(1, "7", 0.9)
    before = len(peer.calls)
    read_grades(column)
    asked = [url for _method, url in peer.calls[before:] if "/results" in url]
    assert len(asked) == 1
    assert "limit" not in asked[0]
    assert "user_id" not in asked[0]
    assert asked[0].endswith("/lineitem/results?type_id=1")


def test_a13_the_lmss_own_time_is_the_evidence(answers: Any, column: int) -> None:
    answers(grade(timestamp=GRADED_AT))
    read_grades(column)
    db.session.rollback()
    one = db.session.query(Completion).one()
    assert one.happened_at == datetime(2027, 3, 10, 6, 15, 30, tzinfo=UTC)
    assert one.evidence["at"] == GRADED_AT
    assert one.learned_at == clock.now()


def test_a13_a_grade_of_tomorrow_happened_now(answers: Any, column: int) -> None:
    """A clock that runs ahead makes nobody valid for longer."""
    answers(grade(timestamp="2030-01-01T00:00:00Z"))
    read_grades(column)
    assert db.session.query(Completion).one().happened_at == NOW


def test_a13_what_did_not_change_since_the_last_reading_is_no_news(
    answers: Any, column: int
) -> None:
    answers(grade(timestamp=GRADED_AT), grade("7", resultScore=10))
    read_grades(column)
    answers(grade(timestamp=GRADED_AT), grade("7", resultScore=90))
    with clock.at(NOW + timedelta(hours=1)):
        read_grades(column)
    assert facts() == [(True, 0.8, None), (False, 0.1, None), (True, 0.9, by_lms.CHANGED)]


@pytest.mark.parametrize("empty", [{}, {"resultScore": None}, {"resultScore": ""}])
def test_a13_a_line_without_a_score_is_no_grade(
    answers: Any, column: int, empty: dict[str, Any]
) -> None:
    """Some LMSs leave the score out for a zero: neither passes, and a pass before it ends."""
    line = {"userId": "6", "resultMaximum": 100, **empty}
    answers(line)
    read_grades(column)
    assert facts() == []
    answers(grade())
    read_grades(column)
    answers(line)
    read_grades(column)
    assert facts() == [(True, 0.8, None), (False, None, by_lms.REMOVED)]


def test_a13_the_maximum_is_one_unless_said() -> None:
    def share(**more: Any) -> float | None:
        found = read_result({"userId": "6", **more})
        return None if found is None else found.share

    assert share(resultScore=0.7) == 0.7
    assert share(resultScore=0.7, resultMaximum=None) == 0.7
    assert share(resultScore=7, resultMaximum=10) == 0.7
    assert share(resultScore=0, resultMaximum=10) == 0
    assert share(resultScore=0.7, resultMaximum=0) == 0.7
    assert share(resultScore=1.2) == 1.2
    for odd in (0, -5, "many"):
        assert share(resultScore=20, resultMaximum=odd) is None


def test_a3_a13_pages_are_followed_also_with_curly_quotes(
    peer: Peer, column: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = "https://campus.example.test/services/2/lineitems/1/lineitem/results?type_id=1"
    link = f"<{base}&amp;from=1>; rel=“next”"

    def call(*words: Any, **more: Any) -> Reply:
        if words[2] == f"{base}&from=1":
            return Reply(200, {}, json.dumps([grade("7")]).encode())
        if "/results" in words[2]:
            return Reply(200, {"Link": link}, json.dumps([grade()]).encode())
        return peer.call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", call)
    read_grades(column)
    assert len(facts()) == 2


@pytest.mark.parametrize(
    "next_page",
    [
        "<https://campus.example.test/services/2/lineitems/1/lineitem/results?type_id=1>",
        "<https://evil.example.test/results>",
    ],
)
def test_a13_a_list_that_goes_round_or_elsewhere_takes_nothing_away(
    answers: Any, column: int, next_page: str
) -> None:
    answers(grade())
    read_grades(column)
    answers(Link=f'{next_page}; rel="next"')
    read_grades(column)
    assert facts() == [(True, 0.8, None)]
    db.session.rollback()
    assert db.session.query(LineItem).one().read_problem


def test_admins_see_what_was_left_out_what_changed_and_what_went_wrong(
    world: World, peer: Peer, client: FlaskClient, admin: Person, answers: Any, column: int
) -> None:
    number, person = registration().id, admin

    def page() -> str:
        world.sign_in(client, person)
        return " ".join(read(client.get(f"/admin/lms/{number}").text).words.split())

    answers(grade(), grade("999"), grade("7"))
    read_grades(column)
    assert "1 grade is of somebody not known here in this course; it was left out." in page()
    answers(grade(resultScore=10))
    read_grades(column)
    assert "2 grades took the place of earlier ones." in page()
    assert facts()[2:] == [(False, 0.1, by_lms.CHANGED), (False, None, by_lms.REMOVED)]
    peer.grades.behaviour.gives_access = False
    answers_off = db.session.query(Completion).count()
    peer.silent = True
    read_grades(column)
    assert db.session.query(Completion).count() == answers_off
    assert "Not read" in page()


def test_admins_see_what_of_a_column_that_was_read_is_not_believed(
    world: World, peer: Peer, client: FlaskClient, admin: Person, answers: Any, column: int
) -> None:
    answers(grade(), grade("7", resultScore="NaN"), 5)
    read_grades(column)
    world.sign_in(client, admin)
    page = " ".join(read(client.get(f"/admin/lms/{registration().id}").text).words.split())
    assert "2 lines were not understood; nobody loses a grade by that." in page
    assert "Not read" not in page


def test_a_lower_grade_is_shown_on_the_persons_page(
    world: World, client: FlaskClient, admin: Person, answers: Any, column: int
) -> None:
    answers(grade())
    read_grades(column)
    answers(grade(resultScore=10))
    read_grades(column)
    lars = db.session.query(Person).filter_by(full_name="Lars Ødegård").one().id
    world.sign_in(client, admin)
    pages = [f"/admin/people/{lars}/{tab}" for tab in ("training", "activity")]
    assert any("The grade in the LMS changed." in client.get(each).text for each in pages)
