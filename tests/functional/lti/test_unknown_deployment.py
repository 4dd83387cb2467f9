"""An installation nobody knows: the holder of the install code accepts it on the page itself."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.lti.tool.models import Deployment
from plugin.org import actions as org_actions
from plugin.org.models import Grant, InstallCode, Person
from plugin.web.limits import limiter
from tests.conftest import TOOL
from tests.functional.lti.conftest import register
from tests.functional.lti.hostile.values import NASTY, nobody_is_here, refusal
from tests.functional.lti.platform import Lms
from tests.support.world import World


@pytest.fixture
def code(world: World) -> str:
    return new_code(world)


def new_code(world: World, organization: Any = None) -> str:
    with transaction() as tx:
        found = tx.session.merge(organization or world.organization)
        return org_actions.create_install_code(tx.session, found, now=clock.now())


def claim_in(page: str) -> str:
    found = re.search(r'name="claim" value="([^"]+)"', page)
    assert found, page
    return found[1]


def send(client: FlaskClient, lms: Lms, claim: str, code: str, origin: str = TOOL) -> Any:
    said = {"claim": claim, "code": code}
    return client.post(f"/lti/{lms.uid}/claim", data=said, headers={"Origin": origin})


def accepted() -> list[str]:
    db.session.rollback()
    rows = db.session.query(Deployment).where(Deployment.accepted_at.is_not(None))
    return sorted(each.deployment_id for each in rows)


def test_c3_the_install_code_accepts_the_installation_and_makes_its_holder_an_admin(
    client: FlaskClient, lms: Lms, code: str
) -> None:
    refused = lms.launch(client, deployment_id="tenant 2")
    answer = send(client, lms, claim_in(refusal(refused, statuses=(403,))), f" {code} ")
    assert answer.status_code == 200, answer.text
    assert "Open the activity again from your course" in answer.text
    assert accepted() == ["1", "tenant 2"]
    entry = db.session.query(AuditEntry).filter_by(action="deployment.accepted").all()[-1]
    assert entry.by_person_id == db.session.query(Person).one().id
    assert db.session.query(InstallCode).one().used_at == clock.now()
    assert lms.launch(client, deployment_id="tenant 2").status_code == 303
    person = db.session.query(Person).one()
    assert person.full_name == "Lars Learner"
    assert [each.role for each in db.session.query(Grant)] == ["admin"]
    assert client.get("/admin/lms").status_code == 200


def test_c3_a_code_that_opens_nothing_leaves_nothing_and_may_be_typed_again(
    client: FlaskClient, lms: Lms, world: World, code: str
) -> None:
    claim = claim_in(lms.launch(client, deployment_id="2").text)
    theirs = new_code(world, world.new_organization("Elsewhere"))
    texts = [each for each in NASTY.values() if isinstance(each, str) and "\ud800" not in each]
    for wrong in (
        *(each for each in texts if len(each) < 9000),
        theirs,
        code[:-1],
        code.swapcase(),
    ):
        page = refusal(send(client, lms, claim, wrong), statuses=(403,))
        assert "lti.claim_code" in page
        assert claim_in(page) == claim
        limiter.reset()
    nobody_is_here()
    assert accepted() == ["1"]
    assert send(client, lms, claim, code).status_code == 200
    assert "lti.claim_code" in refusal(send(client, lms, claim, code), statuses=(403,))


def test_c3_a_claim_is_of_one_registration_and_of_a_quarter_of_an_hour(
    client: FlaskClient, lms: Lms, world: World, code: str
) -> None:
    other = register(world, client_id="client-2")
    claim = claim_in(lms.launch(client, deployment_id="2").text)
    for answer in (
        send(client, other, claim, code),
        send(client, lms, claim[:-2], code),
        send(client, lms, "", code),
        send(client, lms, "gAAAA", code),
        send(client, lms, claim, code, origin="https://evil.example"),
        send(client, lms, claim, code, origin="null"),
    ):
        assert "lti.claim_over" in refusal(answer)
    with clock.shifted(timedelta(minutes=15)):
        assert "lti.claim_over" in refusal(send(client, lms, claim, code))
    nobody_is_here()
    assert accepted() == ["1", "1"]


def test_codes_cannot_be_tried_out(client: FlaskClient, lms: Lms, app: Flask) -> None:
    claim = claim_in(lms.launch(client, deployment_id="2").text)
    limiter.reset()
    statuses = [send(client, lms, claim, f"guess-{turn}").status_code for turn in range(12)]
    assert statuses == [403] * 10 + [429] * 2
    limiter.reset()


def test_the_claim_says_nothing_and_no_code_is_logged(
    client: FlaskClient, lms: Lms, code: str
) -> None:
    page = lms.launch(client, deployment_id="tenant-2", sub="subject-7").text
    assert "subject-7" not in page
    with capture_logs() as lines:
        send(client, lms, claim_in(page), "not-the-code")
        send(client, lms, claim_in(page), code)
    for secret in ("not-the-code", code, "subject-7", "tenant-2"):
        assert secret not in repr(lines)
    limiter.reset()
