"""The same call many times at the same moment: the database decides, and it counts once."""

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.platform import actions, signing
from plugin.lti.platform.models import (
    AccessToken,
    ExternalTool,
    PlatformKey,
    ScoreCallback,
    SeenToken,
)
from plugin.lti.tool.errors import KeyReplacedError
from plugin.modules.models import Completion
from plugin.org.models import Organization
from tests.conftest import NOW, TOOL
from tests.functional.external.maker import SCORE, Maker, column_of
from tests.functional.external.test_registering import wish
from tests.support import together
from tests.support.world import World

TIMES = 5


def at_once(app: Flask, calls: list[Callable[[FlaskClient], Any]]) -> list[int]:
    """Every call at the same moment, each by its own connection; the statuses, sorted."""
    barrier, statuses = threading.Barrier(len(calls)), []

    def make(call: Callable[[FlaskClient], Any]) -> None:
        barrier.wait()
        with app.app_context():
            statuses.append(call(app.test_client(use_cookies=False)).status_code)

    threads = [threading.Thread(target=make, args=(call,)) for call in calls]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def posting(path: str, token: str, said: Any, kind: str) -> Callable[[FlaskClient], Any]:
    headers = {"Authorization": f"Bearer {token}"}
    return lambda client: client.post(path, json=said, content_type=kind, headers=headers)


def test_p11_identical_scores_are_one_completion(app: Flask, maker: Maker, start: str) -> None:
    claims = maker.launch(start)
    path, token = maker.path(f"{column_of(claims)}/scores"), maker.token()
    call = posting(path, token, maker.score(claims), SCORE)
    assert at_once(app, [call] * TIMES) == [204] * TIMES
    assert db.session.query(ScoreCallback).count() == 1
    assert db.session.query(Completion).count() == 1


def test_p11_different_scores_of_one_moment_are_one_and_conflicts(
    app: Flask, maker: Maker, start: str
) -> None:
    claims = maker.launch(start)
    path, token = maker.path(f"{column_of(claims)}/scores"), maker.token()
    calls = [
        posting(path, token, maker.score(claims, scoreGiven=number), SCORE)
        for number in range(TIMES)
    ]
    assert at_once(app, calls) == [204, *[409] * (TIMES - 1)]
    assert db.session.query(Completion).count() == 1


def test_p5_one_assertion_gives_one_token(app: Flask, maker: Maker) -> None:
    maker.ask_token(client_assertion=maker.assertion(key="foreign"))  # the keys are known now
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": maker.assertion(),
        "scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score",
    }
    path = maker.path(maker.ours.token)
    calls: list[Callable[[FlaskClient], Any]] = [lambda client: client.post(path, data=form)]
    assert at_once(app, calls * TIMES) == [200, *[400] * (TIMES - 1)]
    assert db.session.query(AccessToken).count() == db.session.query(SeenToken).count() == 1


def test_p4_one_invitation_makes_one_tool(app: Flask, client: FlaskClient, world: World) -> None:
    organization: Organization = world.organization
    with transaction() as tx:
        invitation, token = actions.invite_tool(tx.session, organization.id, by=None, now=NOW)
        path = f"{TOOL}/platform/{invitation.uid}/register".removeprefix(TOOL)
    call = posting(path, token, wish(), "application/json")
    assert at_once(app, [call] * TIMES) == [201, *[401] * (TIMES - 1)]
    assert db.session.query(ExternalTool).count() == 1


def test_p2_hints_answer_one_of_many(app: Flask, maker: Maker, start: str) -> None:
    """All but one hear `login_required`; the page is the same form either way."""
    form = maker.question(maker.hints(start))
    cookie = "; ".join(f"{each.key}={each.value}" for each in maker.client._cookies.values())
    path, heard = maker.path(maker.ours.authorization), []

    def ask(client: FlaskClient) -> Any:
        answer = client.post(path, data=form, headers={"Cookie": cookie}, base_url=TOOL)
        heard.append("id_token" in answer.text)
        return answer

    assert at_once(app, [ask] * TIMES) == [200] * TIMES
    assert sorted(heard) == [*[False] * (TIMES - 1), True]


def test_of_many_rotations_one_makes_a_key_and_the_others_are_told(
    app: Flask, maker: Maker
) -> None:
    seen = db.session.query(PlatformKey).one().kid

    def rotate() -> None:
        with transaction() as tx:
            tool = tx.session.get_one(ExternalTool, maker.tool_id)
            signing.rotate(tx.session, tool, instead_of=seen, by=None, now=clock.now())

    answers = together.at_once(app, [rotate] * TIMES)
    assert sum(isinstance(each, KeyReplacedError) for each in answers) == TIMES - 1
    assert db.session.query(PlatformKey).filter_by(retired_at=None).count() == 1
