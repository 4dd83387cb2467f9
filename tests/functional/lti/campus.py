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
from sandbox.behaviour import Vendor, behaviour_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an LMS answers, and whom it calls the tool; a vendor may speak for it."""

    url: str = URL
    client_id: str = CLIENT_ID
    deployment_id: str = "1"
    vendor: Vendor | None = None
    registration_uid: str = ""
    """A registration made before, of which this is one more installation."""

    @property
    def issuer(self) -> str:
        return self.vendor.issuer if self.vendor else self.url

    def addresses(self) -> dict[str, str]:
        """What a registration needs to know of it."""
        return {
            "auth_url": self.vendor.auth_url if self.vendor else f"{self.url}/auth",
            "token_url": self.vendor.token_url if self.vendor else f"{self.url}/token",
            "jwks_url": self.vendor.jwks_url if self.vendor else f"{self.url}/jwks",
        }


@dataclass
class Peer:
    """One LMS with one course; `silent` makes it unreachable."""

    app: Flask
    browser: FlaskClient
    lms: Lms
    place: Place = field(default_factory=Place)
    silent: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    """The headers of each call."""

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
        return address(self.place.url, column, self.grades.behaviour.column_query)

    def become(self, make: str) -> None:
        """The LMS behaves as one of this make does, and is registered as one."""
        self.grades.behaviour = behaviour_of(make)
        wanted = self.grades.behaviour
        self.app.extensions["tokens"].audience = wanted.token_audience
        with transaction() as tx:
            found = tx.session.query(Registration).filter_by(uid=self.lms.uid).one()
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
        **_limits: float,
    ) -> Reply:
        """What the HTTP door does: the call goes to the LMS."""
        self.calls.append((method, url))
        self.sent.append(dict(headers or {}))
        if url == self.place.addresses()["jwks_url"]:
            return self.lms.key_set.fetch(url)
        if self.silent:
            raise OutgoingError("ConnectTimeout")
        if url == self.place.addresses()["token_url"]:
            url = f"{self.place.url}/token"
        path = url.removeprefix(self.place.url)
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
        asked, url = self.lms.begin(self.browser), self.place.url
        services = {
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                "scope": [
                    f"https://purl.imsglobal.org/spec/lti-ags/scope/{name}" for name in SCOPES
                ],
                "lineitems": f"{url}/services/2/lineitems{self.grades.behaviour.column_query}",
                **({"lineitem": self.address(column or self.column)} if graded else {}),
            },
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": f"{url}/services/2/memberships",
                "service_versions": ["2.0"],
            },
            **(notices.claim(url) if self.grades.behaviour.offers_notices else {}),
        }
        claims = launch_claims(
            person,
            Placement(
                link_id=(column.link_id if column else None) or "17",
                title="Training",
                custom=custom,
            ),
            issuer=self.lms.issuer,
            client_id=self.lms.client_id,
            deployment_id=self.lms.deployment_id,
            target_link_uri=self.lms.target,
            nonce=asked["nonce"],
            course_url=f"{url}/course",
            course=replace(SAFETY, id=course),
            services=services,
            now=clock.now().timestamp(),
        )
        del claims["email"]  # nobody is mailed here
        return self.lms.post(self.browser, self.lms.sign(claims), asked["state"]).status_code


SCOPES = ("lineitem", "lineitem.readonly", "result.readonly", "score")


def campus(
    world: World,
    browser: FlaskClient,
    folder: Path,
    keep: Callable[[Any], None],
    place: Place | None = None,
) -> Peer:
    """A registered miniature LMS; `keep` puts its door in the place of the HTTP door."""
    place = place or Place()
    lms = Lms(
        uid=place.registration_uid or _registered(world, place),
        issuer=place.issuer,
        client_id=place.client_id,
        auth_url=place.addresses()["auth_url"],
        deployment_id=place.deployment_id,
        kid=KID,
    )
    tool = Tool(
        client_id=place.client_id,
        deployment_id=place.deployment_id,
        login_url=f"{lms.tool_url}/lti/{lms.uid}/login",
        launch_url=lms.target,
        jwks_url=f"{lms.tool_url}/lti/{lms.uid}/jwks",
    )
    app = create_lms(
        Campus(
            url=place.url, folder=folder, tool=tool, tool_origin=lms.tool_url, vendor=place.vendor
        )
    )
    peer = Peer(app=app, browser=browser, lms=lms, place=place)
    app.extensions["key"] = private_key()
    app.extensions["tokens"].read_keys = lambda _url: browser.get(
        f"/lti/{peer.lms.uid}/jwks"
    ).get_json()
    app.extensions["tokens"].now = lambda: clock.now().timestamp()
    app.extensions["gradebook"].now = lambda: clock.now().timestamp()
    keep(peer.call)
    return peer


def _registered(world: World, place: Place) -> str:
    with transaction() as tx:
        registration = actions.register(
            tx.session,
            world.organization.id,
            name="Campus",
            issuer=place.issuer,
            client_id=place.client_id,
            **place.addresses(),
            deployment_ids=[place.deployment_id],
            admins_by_role=False,
            encryption_key="another secret only tests know, long",
            by=None,
            now=clock.now(),
        )
        return registration.uid


def grade() -> Grade:
    """The only grade there is."""
    db.session.rollback()
    return db.session.query(Grade).one()


def registration() -> Registration:
    db.session.rollback()
    return db.session.query(Registration).one()
