"""An external tool of another maker, as its own server would act: it signs, asks and reports."""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.core.secrets import new_token
from plugin.lti.platform import actions, linking
from plugin.lti.platform.addresses import PlatformAddresses, platform_addresses
from plugin.lti.platform.models import ExternalTool, ToolState
from plugin.lti.platform.scopes import GRADES
from plugin.lti.tool.claims import LTI
from plugin.modules.models import Module
from tests.conftest import TOOL
from tests.functional.assign.places import row, training
from tests.functional.lti.platform import ABSENT, jwk_of, private_key
from tests.support.html import read
from tests.support.world import World

SITE = "https://maker.example.test"
REDIRECT = f"{SITE}/launch"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
SCORE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"


def described(**changes: Any) -> actions.Described:
    said: dict[str, Any] = {
        "name": "Quiz maker",
        "login_url": f"{SITE}/login?tenant=7",
        "redirect_urls": [REDIRECT],
        "jwks_url": f"{SITE}/jwks",
        "target_url": f"{SITE}/launch",
        "picker_url": f"{SITE}/pick",
    }
    return actions.Described(**{**said, **changes})


@dataclass
class Maker:
    """One tool, registered with the organization of the world."""

    client: FlaskClient
    tool_id: int
    uid: str
    client_id: str
    kid: str = "maker-1"
    keys: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> PlatformAddresses:
        return platform_addresses(TOOL, self.uid)

    def fetch(self, _settings: object, _method: str, url: str, **_more: Any) -> Reply:
        """The HTTP door: the tool publishes its keys."""
        assert url == f"{SITE}/jwks"
        return Reply(200, {}, json.dumps({"keys": self.keys}).encode())

    def path(self, address: str) -> str:
        return address.removeprefix(TOOL)

    # -- launches ---------------------------------------------------------------------------

    def hints(self, start: str) -> dict[str, str]:
        """The page is opened; what the tool's login hears."""
        answer = self.client.get(start)
        assert answer.status_code == 302, answer.text
        assert answer.headers["Location"].startswith(f"{SITE}/login?tenant=7&")
        return first(answer.headers["Location"])

    def question(self, hints: dict[str, str], **changes: Any) -> dict[str, str]:
        said: dict[str, Any] = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "login_hint": hints["login_hint"],
            "lti_message_hint": hints["lti_message_hint"],
            "state": "state-1",
            "nonce": "nonce-1",
            **changes,
        }
        return {name: value for name, value in said.items() if value is not ABSENT}

    def ask(self, hints: dict[str, str], **changes: Any) -> TestResponse:
        return self.client.post(
            self.path(self.ours.authorization), data=self.question(hints, **changes)
        )

    def heard(self, answer: TestResponse) -> dict[str, str]:
        """The form the browser would send on to the tool."""
        assert answer.status_code == 200, answer.text
        form = read(answer.text).all("form")[0]
        assert form.attributes["action"] == REDIRECT
        return {
            str(each.attributes["name"]): str(each.attributes["value"])
            for each in form.all("input")
        }

    def launch(self, start: str) -> dict[str, Any]:
        """The claims of a launch that went well, its signature checked with our key set."""
        said = self.heard(self.ask(self.hints(start)))
        assert said["state"] == "state-1"
        return self.verified(said["id_token"])

    def verified(self, token: str) -> dict[str, Any]:
        keys = self.client.get(self.path(self.ours.jwks)).get_json()["keys"]
        kid = jwt.get_unverified_header(token)["kid"]
        (found,) = [each for each in keys if each["kid"] == kid]
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(found, algorithm="RS256").key,
            algorithms=["RS256"],
            audience=self.client_id,
            issuer=self.ours.issuer,
            options={"verify_exp": False, "verify_iat": False},
        )
        return claims

    # -- signed messages --------------------------------------------------------------------

    def sign(self, claims: dict[str, Any], key: str = "maker", **header: Any) -> str:
        said = {name: value for name, value in claims.items() if value is not ABSENT}
        return jwt.encode(
            said, private_key(key), algorithm="RS256", headers={"kid": self.kid, **header}
        )

    def assertion(self, **changes: Any) -> str:
        now = int(clock.now().timestamp())
        key = changes.pop("key", "maker")
        said = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.ours.token,
            "iat": now,
            "exp": now + 60,
            "jti": new_token(),
            **changes,
        }
        return self.sign(said, key)

    def ask_token(self, scope: str = " ".join(GRADES), **changes: Any) -> TestResponse:
        said = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.assertion(),
            "scope": scope,
            **changes,
        }
        said = {name: value for name, value in said.items() if value is not ABSENT}
        return self.client.post(self.path(self.ours.token), data=said)

    def token(self, scope: str = " ".join(GRADES)) -> str:
        answer = self.ask_token(scope)
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["access_token"])

    def call(
        self, method: str, address: str, said: Any = None, *, token: str | None = None, **more: Any
    ) -> TestResponse:
        """A service call as the tool's server makes it: without the browser's cookies."""
        bearer = self.token() if token is None else token
        headers = {"Authorization": f"Bearer {bearer}", **more.pop("headers", {})}
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        kind = more.pop("kind", LINE_ITEM)
        server = self.client.application.test_client(use_cookies=False)
        return server.open(
            self.path(address),
            method=method,
            headers=headers,
            data=None if said is None else data,
            content_type=kind if said is not None else None,
            **more,
        )

    def score(self, claims: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """What a score says of the person of a launch."""
        said = {
            "userId": claims["sub"],
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "scoreGiven": 8,
            "scoreMaximum": 10,
            "timestamp": clock.now().isoformat(),
            **changes,
        }
        return {name: value for name, value in said.items() if value is not ABSENT}

    def report(self, claims: dict[str, Any], **changes: Any) -> TestResponse:
        return self.send(claims, self.score(claims, **changes))

    def send(self, claims: dict[str, Any], said: Any, **more: Any) -> TestResponse:
        return self.call("POST", f"{column_of(claims)}/scores", said, kind=SCORE, **more)


def column_of(claims: dict[str, Any]) -> str:
    return str(claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]["lineitem"])


def first(address: str) -> dict[str, str]:
    query = parse_qs(urlsplit(address).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}


def new_maker(client: FlaskClient, world: World, **changes: Any) -> Maker:
    """A tool that is accepted and whose key is published."""
    state = changes.pop("state", ToolState.ACTIVE)
    with transaction() as tx:
        tool = actions.create_tool(
            tx.session,
            world.organization.id,
            described(**changes),
            custom={"from": "us", "who": "$User.id", "name": "$Person.name.full"},
            state=state,
            by=None,
            now=clock.now(),
        )
        maker = Maker(client=client, tool_id=tool.id, uid=tool.uid, client_id=tool.client_id)
    maker.keys = [jwk_of(private_key("maker"), maker.kid)]
    return maker


def new_module(maker: Maker, title: str = "Fire quiz", **changes: Any) -> Module:
    said: dict[str, Any] = {
        "title": title,
        "target_url": f"{SITE}/launch?quiz=3",
        "custom": {"quiz": "3"},
        "pass_share": None,
        **changes,
    }
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, maker.tool_id)
        made = linking.add_module(tx, tool, by=None, now=clock.now(), **said).id
    return db.session.get_one(Module, made)


def assigned(world: World, module: Module, client: FlaskClient) -> str:
    """A signed-in learner to whom the module is assigned; the address of its way in."""
    person = world.person("Lars Learner", email="lars@example.test")
    unit = world.unit("North Quay")
    world.member(person, unit)
    training(unit, row(module))
    world.sign_in(client, person)
    answer = client.post(f"/modules/{module.id}/start")
    assert answer.status_code == 303, answer.text
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200, page.text
    found = re.search(r'src="([^"]*/start)"', page.text)
    assert found, page.text
    return found[1]


__all__ = ["LTI", "Maker", "assigned", "column_of", "described", "new_maker", "new_module"]
