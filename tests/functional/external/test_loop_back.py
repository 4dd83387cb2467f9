"""Our platform launches our own tool, through the whole cycle: registration, choice, launch, score.

Two organizations of one installation: Harbour Works plays a module of Quay College, which it knows
only as an external tool; Quay College knows Harbour Works only as an LMS.
"""

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.lti.platform.models import ExternalTool, ScoreCallback, ToolState
from plugin.lti.platform.signing import tool_keys
from plugin.lti.tool import invitations
from plugin.lti.tool.addresses import invitation_address
from plugin.lti.tool.models import Registration
from plugin.lti.tool.views import KEYS
from plugin.modules.models import Completion, CompletionSource, Module, ModuleKind
from plugin.org.models import Identity, Organization, Person, SignIn
from plugin.web.roles import Role
from tests.conftest import TOOL
from tests.functional.assign.places import evaluate_later, row, training
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World


class Browser:
    """Follows what a browser follows: redirects, and forms that send themselves."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, address: str) -> TestResponse:
        return self._followed(self.client.get(local(address)))

    def _followed(self, answer: TestResponse) -> TestResponse:
        for _ in range(10):
            if answer.status_code in {302, 303}:
                answer = self.client.get(local(answer.headers["Location"]))
                continue
            forms = [] if answer.status_code != 200 else read(answer.text).all("form")
            going = [each for each in forms if "data-go" in each.attributes]
            if not going:
                return answer
            answer = self.send(going[0])
        raise AssertionError("it never ends")

    def send(self, form: Any, **more: str) -> TestResponse:
        said = {
            str(each.attributes["name"]): str(each.attributes.get("value", ""))
            for each in form.all("input")
            if each.attributes.get("type") == "hidden"
        }
        address = local(str(form.attributes["action"]))
        return self._followed(self.client.post(address, data={**said, **more}))


def local(address: str) -> str:
    parts = urlsplit(address)
    assert parts.netloc in {"", urlsplit(TOOL).netloc}, address
    return parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.fixture
def loop(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """What either side says to the other's server comes back to this installation."""

    def call(
        _settings: object,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        data: Any = None,
        max_bytes: int = 0,
    ) -> Reply:
        server = client.application.test_client(use_cookies=False)
        answer = server.open(local(url), method=method, headers=headers or {}, data=data)
        return Reply(answer.status_code, dict(answer.headers), answer.get_data())

    monkeypatch.setattr(http, "call", call)
    tool_keys.forget()
    client.application.extensions[KEYS].forget()
    return Browser(client)


@pytest.fixture
def college(world: World) -> Organization:
    return world.new_organization("Quay College")


def registered(world: World, loop: Browser, college: Organization) -> ExternalTool:
    """Harbour Works opens the registration address Quay College gave it, and accepts the tool."""
    with transaction() as tx:
        _, token = invitations.invite(
            tx.session,
            college.id,
            name="Harbour Works",
            admins_by_role=False,
            by=None,
            now=clock.now(),
        )
    as_admin(world, loop.client)
    form = {"address": invitation_address(TOOL, token)}
    page = loop.client.post("/admin/tools/invite", data=form)
    frame = read(page.text).all("iframe")[0]
    done = loop.client.get(local(str(frame.attributes["src"])))
    assert done.status_code == 200, done.text
    tool = db.session.query(ExternalTool).one()
    assert tool.state is ToolState.PENDING
    loop.client.post(f"/admin/tools/{tool.id}/state/active")
    db.session.rollback()
    return tool


def as_admin(world: World, client: FlaskClient) -> None:
    person = world.person("Ada Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)


def picked(world: World, loop: Browser, tool: ExternalTool, theirs: Module) -> Module:
    """An admin of Harbour Works chooses a module of Quay College in its picker."""
    page = loop.open(f"/admin/tools/{tool.id}/pick/start")
    assert "Choose training for the course" in page.text, page.text
    form = next(each for each in read(page.text).all("form"))
    done = loop.send(form, item=f"module:{theirs.id}", add="1")
    assert "1 module was added" in done.text, done.text
    return db.session.query(Module).filter_by(kind=ModuleKind.LTI).one()


def test_p11_a_tool_of_ours_completes_a_module_by_its_score(
    world: World, loop: Browser, college: Organization
) -> None:
    theirs = world.module("Ladders", organization=college)
    tool = registered(world, loop, college)
    registration = db.session.query(Registration).one()
    assert registration.organization_id == college.id
    assert registration.issuer == f"{TOOL}/platform/{tool.uid}"
    ours = picked(world, loop, tool, theirs)
    assert (ours.title, ours.organization_id) == ("Ladders", world.organization.id)

    learner = world.person("Lars Learner", email=None)
    unit = world.unit("North Quay")
    world.member(learner, unit)
    training(unit, row(ours))
    world.sign_in(loop.client, learner)
    started = loop.client.post(f"/modules/{ours.id}/start")
    inside = loop.open(f"{local(started.headers['Location'])}/start")
    assert inside.status_code == 200, inside.text

    person = guest(college)
    assert person.full_name != "Lars Learner", "the tool is not told who it is"
    work_off()
    world.completion(person, theirs, score=1.0)
    evaluate_later(person)
    work_off()

    db.session.rollback()
    (said,) = db.session.query(ScoreCallback)
    assert (said.person_id, said.score, said.outcome) == (learner.id, 1.0, "passed")
    made = db.session.query(Completion).filter_by(person_id=learner.id).one()
    assert (made.module_id, made.passed) == (ours.id, True)
    assert made.source is CompletionSource.LTI
    world.sign_in(loop.client, learner)
    work_off()
    assert "Ladders" in loop.client.get("/history").text


def guest(college: Organization) -> Person:
    """Whom Quay College knows the learner as."""
    db.session.rollback()
    return (
        db.session.query(Person)
        .join(Identity, Identity.person_id == Person.id)
        .join(SignIn, SignIn.person_id == Person.id)
        .filter(Person.organization_id == college.id, SignIn.launch.is_not(None))
        .order_by(Person.id.desc())
        .first()
    )
