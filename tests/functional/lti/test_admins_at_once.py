"""Two admins press the same button at the same moment: one answer each, and one state."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool import checks, keys
from plugin.lti.tool.models import Registration, ToolKey
from plugin.lti.tool.service_models import CheckState, InstallCheck
from plugin.web.roles import Role
from tests.functional.lti.campus import Peer, registration
from tests.functional.lti.platform import Lms
from tests.support.html import read
from tests.support.together import at_once
from tests.support.work import work_off
from tests.support.world import World

TIMES = 5
KEY = "another secret only tests know, long"


def test_checks_that_run_at_once_leave_one_answer_each(app: Flask, peer: Peer) -> None:
    peer.launch("lars")
    work_off()
    number = registration().id
    assert at_once(app, [lambda: checks.run(number, with_trial=False)] * TIMES) == [None] * TIMES
    found = [each.name for each in db.session.query(InstallCheck)]
    assert len(found) == len(set(found)) == 9


def test_a_check_that_runs_again_renews_its_answer(peer: Peer) -> None:
    peer.launch("lars")
    work_off()
    number = registration().id
    checks.run(number, with_trial=False)
    peer.grades.behaviour.gives_access = False
    checks.run(number, with_trial=False)
    db.session.rollback()
    columns = db.session.query(InstallCheck).filter_by(name="columns").one()
    assert columns.state is CheckState.FAILED


def rotating(seen: str) -> Callable[[], Any]:
    def rotate() -> None:
        with transaction() as tx:
            found = tx.session.query(Registration).one()
            keys.rotate(
                tx.session, found, instead_of=seen, encryption_key=KEY, by=None, now=clock.now()
            )

    return rotate


def test_of_many_rotations_at_once_one_makes_a_key_and_the_others_are_told(
    app: Flask, lms: Lms
) -> None:
    seen = db.session.query(ToolKey).one().kid
    answers = at_once(app, [rotating(seen)] * TIMES)
    assert sorted(type(each).__name__ for each in answers) == [
        *["KeyReplacedError"] * (TIMES - 1),
        "NoneType",
    ]
    assert db.session.query(ToolKey).count() == 2
    assert db.session.query(ToolKey).filter_by(retired_at=None).count() == 1


def test_who_rotates_a_key_that_signs_no_more_is_told_on_the_page(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    address = f"/admin/lms/{registration().id}"
    (kid,) = re.findall(r'name="kid" value="([^"]+)"', client.get(address).text)
    first = client.post(f"{address}/rotate", data={"kid": kid}, follow_redirects=True)
    assert "A new key signs from now on." in read(first.text).words
    again = client.post(f"{address}/rotate", data={"kid": kid}, follow_redirects=True)
    assert "No further key was made." in read(again.text).words
    assert db.session.query(ToolKey).count() == 2


def test_no_second_key_can_sign(lms: Lms) -> None:
    with pytest.raises(IntegrityError), transaction() as tx:
        keys.create_key(
            tx.session, tx.session.query(Registration).one(), encryption_key=KEY, now=clock.now()
        )


def test_what_was_changed_before_a_rotation_is_kept(lms: Lms) -> None:
    with transaction() as tx:
        found = tx.session.query(Registration).one()
        found.product = "moodle"
        keys.rotate(tx.session, found, encryption_key=KEY, by=None, now=clock.now())
    assert registration().product == "moodle"
