"""What the learner's page does while a tool plays: how it stands, how it opens, how it ends."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.platform import linking
from plugin.modules.models import Module, Run, RunState
from tests.conftest import NOW
from tests.functional.external.maker import Maker, assigned, column_of
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


def page_of(start: str) -> str:
    return start.removesuffix("/start")


def state(client: FlaskClient, start: str) -> Any:
    return client.get(f"{page_of(start)}/state").get_json()["state"]


def test_the_page_hears_how_the_sitting_stands(
    maker: Maker, start: str, client: FlaskClient, module: Module
) -> None:
    with transaction() as tx:
        tx.session.get_one(Module, module.id).pass_share = 0.5
    claims = maker.launch(start)
    assert state(client, start) == "open"
    maker.report(claims, scoreGiven=1)
    assert state(client, start) == "failed"
    later = NOW + timedelta(minutes=1)
    with clock.at(later):
        maker.report(claims, timestamp=later.isoformat())
    assert state(client, start) == "completed", "a pass after a fail is a sitting of its own"


def test_how_anothers_sitting_stands_is_not_said(
    start: str, client: FlaskClient, world: World
) -> None:
    world.sign_in(client, world.person("Mona Nosy"))
    assert client.get(f"{page_of(start)}/state").status_code == 404


def test_asking_how_it_stands_takes_a_fixed_number_of_statements(
    start: str, client: FlaskClient
) -> None:
    with counted() as statements:
        assert state(client, start) == "open"
    assert len(statements) == 2, "who asks, and how it stands"


def test_a_script_hears_where_the_tool_is(start: str, client: FlaskClient) -> None:
    answer = client.get(start, headers={"Accept": "application/json"})
    assert answer.get_json()["address"].startswith("https://maker.example.test/login?tenant=7&")


@pytest.mark.parametrize(
    ("ended", "said", "button"),
    [
        (RunState.COMPLETED, "You have completed this module.", "Take it again"),
        (RunState.FAILED, "You did not pass this time.", "Try again"),
        (RunState.ABANDONED, "This sitting has ended.", "Start again"),
    ],
)
def test_a_sitting_that_ended_says_how(
    start: str, client: FlaskClient, ended: RunState, said: str, button: str
) -> None:
    with transaction() as tx:
        tx.session.query(Run).update({"state": ended})
    page = client.get(page_of(start)).text
    assert said in page
    assert button in page
    assert "<iframe" not in page
    may_look = "<iframe" in client.get(f"{page_of(start)}?look=1").text
    assert may_look == (ended is RunState.COMPLETED)


class TestWithoutCookies:
    """The page around the tool answers for it, with the session its script holds (0120)."""

    def answer(self, maker: Maker, client: FlaskClient, question: dict[str, str]) -> Any:
        return client.post(f"/external/answers/{maker.uid}", data=question)

    def test_our_page_in_the_frame_carries_the_question(self, maker: Maker, start: str) -> None:
        question = maker.question(maker.hints(start))
        stranger = maker.client.application.test_client(use_cookies=False)
        page = stranger.post(maker.path(maker.ours.authorization), data=question)
        forms = {form.attributes.get("id"): form for form in read(page.text).all("form")}
        carried = {
            str(each.attributes["name"]): str(each.attributes["value"])
            for each in forms["question"].all("input")
        }
        assert carried == question
        assert "data-go" not in forms["answer"].attributes

    def test_hints_nobody_gave_are_refused_at_once(self, maker: Maker, start: str) -> None:
        question = maker.question({**maker.hints(start), "login_hint": "guess"})
        page = maker.client.post(maker.path(maker.ours.authorization), data=question)
        assert 'id="question"' not in page.text
        assert maker.heard(page)["error"] == "login_required"

    def test_the_visit_that_began_hears_who_it_is_once(
        self, maker: Maker, start: str, client: FlaskClient
    ) -> None:
        question = maker.question(maker.hints(start))
        said = self.answer(maker, client, question).get_json()
        assert maker.verified(said["id_token"])["nonce"] == question["nonce"]
        assert self.answer(maker, client, question).get_json()["error"] == "login_required"

    def test_another_visit_hears_nothing_and_uses_nothing_up(
        self, maker: Maker, start: str, client: FlaskClient, world: World
    ) -> None:
        question = maker.question(maker.hints(start))
        other = client.application.test_client()
        world.sign_in(other, world.person("Mona Nosy"))
        assert self.answer(maker, other, question).get_json()["error"] == "login_required"
        assert "id_token" in self.answer(maker, client, question).get_json()

    def test_a_foreign_redirect_address_hears_nothing(
        self, maker: Maker, start: str, client: FlaskClient
    ) -> None:
        question = maker.question(maker.hints(start), redirect_uri="https://evil.example/")
        assert self.answer(maker, client, question).status_code == 400

    def test_without_a_visit_nobody_is_answered(self, maker: Maker, start: str) -> None:
        question = maker.question(maker.hints(start))
        stranger = maker.client.application.test_client(use_cookies=False)
        assert self.answer(maker, stranger, question).status_code == 401


def test_the_run_of_two_learners_stand_each_for_itself(
    maker: Maker, start: str, client: FlaskClient, world: World, module: Module
) -> None:
    maker.report(maker.launch(start))
    second = assigned(world, module, client)
    assert state(client, second) == "open"
    db.session.rollback()
    assert db.session.query(Run).count() == 2


def test_a_module_asked_for_anew_opens_the_same_with_a_line_item_of_its_own(
    maker: Maker, start: str, module: Module, client: FlaskClient
) -> None:
    old = maker.launch(start)
    maker.report(old)
    with transaction() as tx:
        linking.renew(tx, tx.session.get_one(Module, module.id), None, clock.now())
    answer = client.post(f"/modules/{module.id}/start")
    new = maker.launch(f"{answer.headers['Location']}/start")
    assert column_of(new) != column_of(old)
    target = "https://purl.imsglobal.org/spec/lti/claim/target_link_uri"
    assert new[target] == old[target]
    assert maker.report(new).status_code in {200, 204}
    runs = db.session.scalars(select(Run).order_by(Run.id)).all()
    assert [run.state for run in runs] == [RunState.COMPLETED, RunState.COMPLETED]
    assert runs[0].module_version_id != runs[1].module_version_id
