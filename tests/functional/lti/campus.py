"""The miniature LMS as the peer of the tool in a test: real requests, no network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.settings import Settings
from plugin.lti.tool import actions
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import Grade
from sandbox import notices
from sandbox.behaviour import behaviour_of
from sandbox.courses import SAFETY
from sandbox.gradebook import Column, Gradebook
from sandbox.lms import Campus, create_lms
from sandbox.oidc import Tool
from sandbox.people import BY_USERNAME
from sandbox.services import address
from sandbox.tokens import KID, Placement, launch_claims
from tests.functional.lti.platform import Lms, private_key
from tests.support.world import World

URL = "https://campus.example.test"
CLIENT_ID = "client-1"


@dataclass
class Peer:
    """One LMS with one course; `silent` makes it unreachable."""

    app: Flask
    browser: FlaskClient
    lms: Lms
    silent: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    agents: list[dict[str, str]] = field(default_factory=list)

    @property
    def grades(self) -> Gradebook:
        found: Gradebook = self.app.extensions["gradebook"]
        return found

    @property
    def column(self) -> Column:
        """The column of the training activity."""
        return self.grades.column(1)

    def send(self, *signed: str) -> TestResponse:
        """The LMS sends these notices to where the tool wants them."""
        handlers: notices.Handlers = self.app.extensions["notice_handlers"]
        answers: list[TestResponse] = []

        def post(url: str, body: Mapping[str, Any]) -> int:
            answers.append(self.browser.post(url.removeprefix(self.lms.tool_url), json=body))
            return answers[-1].status_code

        handlers.post = post
        with self.app.app_context():
            notices.send(*signed)
        return answers[0]

    def notice(self, context_id: str = "9", origins: tuple[str, ...] = ("2",), **said: Any) -> str:
        """A signed notice that a course was copied."""
        with self.app.app_context():
            claims = notices.course_copy(
                context_id, origins=origins, now=clock.now().timestamp(), **said
            )
        return self.lms.sign({name: value for name, value in claims.items() if value is not None})

    def address(self, column: Column) -> str:
        """Where a column is."""
        return address(URL, column, self.grades.behaviour.column_query)

    def become(self, make: str) -> None:
        """The LMS behaves as one of this make does, and is registered as one."""
        self.grades.behaviour = behaviour_of(make)
        wanted = self.grades.behaviour
        self.app.extensions["tokens"].audience = wanted.token_audience
        with transaction() as tx:
            found = tx.session.query(Registration).one()
            found.product, found.token_audience = wanted.product, wanted.token_audience or None

    def forget_tokens(self) -> None:
        self.app.extensions["tokens"].forget()

    def call(
        self,
        settings: Settings,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        data: Any = None,
        max_bytes: int = 0,
    ) -> Reply:
        """What the HTTP door does: the call goes to the LMS."""
        self.calls.append((method, url))
        if url == f"{URL}/jwks":
            return self.lms.key_set.fetch(url)
        if self.silent:
            raise OutgoingError("ConnectTimeout")
        path = url.removeprefix(URL)
        with self.app.test_client() as client:
            answer = client.open(path, method=method, headers=headers or {}, data=data)
            words = answer.status.partition(" ")[2]
            return Reply(answer.status_code, dict(answer.headers), answer.get_data(), words)

    def posted(self) -> list[dict[str, Any]]:
        return self.grades.posted

    def open(self, column: Column, username: str = "lars", **custom: str) -> int:
        """The person opens another activity, which has this column."""
        return self.launch(username, column=column, **custom)

    def launch(
        self,
        username: str = "lars",
        *,
        graded: bool = True,
        course: str = "2",
        column: Column | None = None,
        **custom: str,
    ) -> int:
        """The person opens the training activity; the status of the answer."""
        person = BY_USERNAME[username]
        asked = self.lms.begin(self.browser)
        services = {
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                "scope": [
                    f"https://purl.imsglobal.org/spec/lti-ags/scope/{name}" for name in SCOPES
                ],
                "lineitems": f"{URL}/services/2/lineitems{self.grades.behaviour.column_query}",
                **({"lineitem": self.address(column or self.column)} if graded else {}),
            },
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": f"{URL}/services/2/memberships",
                "service_versions": ["2.0"],
            },
            **(notices.claim(URL) if self.grades.behaviour.offers_notices else {}),
        }
        claims = launch_claims(
            person,
            Placement(
                link_id=(column.link_id if column else None) or "17",
                title="Training",
                custom=custom,
            ),
            issuer=URL,
            client_id=CLIENT_ID,
            deployment_id="1",
            target_link_uri=self.lms.target,
            nonce=asked["nonce"],
            course_url=f"{URL}/course",
            course=replace(SAFETY, id=course),
            services=services,
            now=clock.now().timestamp(),
        )
        del claims["email"]  # nobody is mailed here
        return self.lms.post(self.browser, self.lms.sign(claims), asked["state"]).status_code


SCOPES = ("lineitem", "lineitem.readonly", "result.readonly", "score")


def campus(world: World, browser: FlaskClient, folder: Path, keep: Callable[[Any], None]) -> Peer:
    """A registered miniature LMS; `keep` puts its door in the place of the HTTP door."""
    lms = Lms(uid="", issuer=URL, client_id=CLIENT_ID, auth_url=f"{URL}/auth", kid=KID)
    with transaction() as tx:
        registration = actions.register(
            tx.session,
            world.organization.id,
            name="Campus",
            issuer=URL,
            client_id=CLIENT_ID,
            auth_url=f"{URL}/auth",
            token_url=f"{URL}/token",
            jwks_url=f"{URL}/jwks",
            deployment_ids=["1"],
            admins_by_role=False,
            encryption_key="another secret only tests know, long",
            by=None,
            now=clock.now(),
        )
        lms.uid = registration.uid
    tool = Tool(
        client_id=CLIENT_ID,
        deployment_id="1",
        login_url=f"{lms.tool_url}/lti/{lms.uid}/login",
        launch_url=lms.target,
        jwks_url=f"{lms.tool_url}/lti/{lms.uid}/jwks",
    )
    app = create_lms(Campus(url=URL, folder=folder, tool=tool, tool_origin=lms.tool_url))
    app.extensions["key"] = private_key()
    app.extensions["tokens"].read_keys = lambda _url: browser.get(f"/lti/{lms.uid}/jwks").get_json()
    app.extensions["tokens"].now = lambda: clock.now().timestamp()
    app.extensions["gradebook"].now = lambda: clock.now().timestamp()
    peer = Peer(app=app, browser=browser, lms=lms)
    keep(peer.call)
    return peer


def grade() -> Grade:
    """The only grade there is."""
    db.session.rollback()
    return db.session.query(Grade).one()


def registration() -> Registration:
    db.session.rollback()
    return db.session.query(Registration).one()
