"""Registrations by the command line, and the keys we publish."""

import json

import jwt
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import InvalidToken
from flask import Flask
from flask.testing import FlaskClient

from plugin.cli import plugin
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.context import current_settings
from plugin.core.db import db
from plugin.lti.signing_keys import OVERLAP
from plugin.lti.tool.keys import create_key, private_key_of
from plugin.lti.tool.models import Deployment, Registration, ToolKey
from plugin.org.models import Organization
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.world import World


def run(app: Flask, *line: str) -> Result:
    result = CliRunner().invoke(plugin, ["lms", *line], obj=app)
    db.session.rollback()  # what the test itself had read is read anew
    return result


def add(app: Flask, world: World, **changes: str) -> Result:
    values = {
        "name": "Moodle",
        "organization": world.organization.slug,
        "issuer": "https://lms.example.test",
        "client-id": "abc",
        "auth-url": "https://lms.example.test/auth.php",
        "token-url": "https://lms.example.test/token.php",
        "jwks-url": "https://lms.example.test/certs.php",
        **changes,
    }
    options = [word for name, value in values.items() for word in (f"--{name}", value)]
    return run(app, "add", *options, "--deployment", "1", "--deployment", "2")


def test_adding_an_lms_prints_what_the_lms_needs(app: Flask, world: World) -> None:
    result = add(app, world)
    assert result.exit_code == 0, result.output
    row = db.session.query(Registration).one()
    base = f"https://tool.example.test/lti/{row.uid}"
    for words in (
        f"Initiate login URL: {base}/login",
        f"Redirection URI: {base}/launch",
        f"Tool URL (target link): {base}/launch",
        f"Public key set URL: {base}/jwks",
        "Icon URL: https://tool.example.test/static/icon.svg",
        "Tool domain: tool.example.test",
    ):
        assert words in result.output
    assert {each.deployment_id for each in db.session.query(Deployment)} == {"1", "2"}
    assert row.admins_by_role is False
    actions = [each.action for each in db.session.query(AuditEntry)]
    assert actions == ["registration.created", "deployment.accepted", "deployment.accepted"]


def test_the_same_issuer_and_client_cannot_be_added_twice(app: Flask, world: World) -> None:
    add(app, world)
    result = add(app, world, name="Again")
    assert result.exit_code != 0
    assert db.session.query(Registration).count() == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("auth-url", "http://lms.example.test/auth.php"),
        ("token-url", "lms.example.test"),
        ("jwks-url", "ftp://lms.example.test"),
        ("issuer", " "),
        ("client-id", ""),
        ("extra-origin", "https://a.test *"),
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused(
    app: Flask, world: World, option: str, value: str
) -> None:
    assert add(app, world, **{option: value}).exit_code != 0
    assert db.session.query(Registration).count() == 0


def test_list_show_disable_and_enable(app: Flask, client: FlaskClient, lms: Lms) -> None:
    slug = lms_organization()
    assert lms.uid in run(app, "list", "--organization", slug).output
    shown = run(app, "show", lms.uid).output
    assert "Deployment: 1" in shown
    assert f"/lti/{lms.uid}/login" in shown
    assert "Key of the LMS, last seen: none yet" in shown
    assert "signs; last read: never, last accepted: never" in shown
    assert run(app, "disable", lms.uid).exit_code == 0
    assert lms.log_in(client).status_code == 403
    assert "disabled" in run(app, "list", "--organization", slug).output
    assert run(app, "enable", lms.uid).exit_code == 0
    assert lms.launch(client).status_code == 303
    assert run(app, "show", "nobody").exit_code != 0


def lms_organization() -> str:
    return db.session.query(Organization).one().slug


def test_k4_the_key_set_is_public_has_kids_and_may_be_cached(client: FlaskClient, lms: Lms) -> None:
    answer = client.get(f"/lti/{lms.uid}/jwks")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    (key,) = json.loads(answer.data)["keys"]
    assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}
    assert key["alg"] == "RS256"


def test_k5_each_registration_has_keys_of_its_own(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="c2")
    kids = {client.get(f"/lti/{each.uid}/jwks").json["keys"][0]["kid"] for each in (lms, other)}
    assert len(kids) == 2


def test_k6_the_private_key_is_sealed_and_signs_what_the_public_key_verifies(
    client: FlaskClient, lms: Lms
) -> None:
    row = db.session.query(ToolKey).one()
    assert "PRIVATE" not in row.sealed_private_key
    private = private_key_of(row, encryption_key=current_settings().encryption_key)
    assert private.key_size == 2048
    token = jwt.encode({"a": 1}, private, "RS256", headers={"kid": row.kid})
    published = jwt.PyJWKSet.from_dict(client.get(f"/lti/{lms.uid}/jwks").json)
    assert jwt.decode(token, published[row.kid].key, ["RS256"]) == {"a": 1}
    with pytest.raises(InvalidToken):
        private_key_of(row, encryption_key="some other key that is long enough")


def test_k4_a_retired_key_is_published_until_it_is_withdrawn(client: FlaskClient, lms: Lms) -> None:
    registration = db.session.query(Registration).one()
    old = db.session.query(ToolKey).one()
    new = create_key(
        db.session,
        registration,
        encryption_key=current_settings().encryption_key,
        now=clock.now(),
    )
    old.retired_at = clock.now().replace(hour=12)
    db.session.commit()
    kids = [old.kid, new.kid]
    published = [each["kid"] for each in client.get(f"/lti/{lms.uid}/jwks").json["keys"]]
    assert published == [kids[1], kids[0]]
    with clock.at(clock.now().replace(hour=12)):
        published = [each["kid"] for each in client.get(f"/lti/{lms.uid}/jwks").json["keys"]]
    assert published == [kids[1]]


def test_k4_the_command_line_rotates_the_key_with_an_overlap(
    app: Flask, client: FlaskClient, lms: Lms
) -> None:
    def published() -> list[str]:
        return [each["kid"] for each in client.get(f"/lti/{lms.uid}/jwks").json["keys"]]

    (old,) = published()
    assert lms.launch(client).status_code == 303
    said = run(app, "rotate-key", lms.uid).output
    new, kept = published()
    assert kept == old != new
    assert new in said
    shown = run(app, "show", lms.uid).output
    assert f"Key of the LMS, last seen: {lms.kid} 2027-03-10 09:30 UTC" in shown
    assert f"Our key: {new}, signs;" in shown
    assert f"Our key: {old}, published until 2027-03-12 09:30 UTC; last read: 2027-03-10" in shown
    with clock.at(clock.now() + OVERLAP):
        assert published() == [new]
    assert run(app, "rotate-key", "nobody").exit_code != 0


COMMANDS = ["add", "invite", "list", "show", "disable", "enable", "add-deployment", "rotate-key"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(app: Flask, command: str) -> None:
    assert f"Example: plugin lms {command}" in run(app, command, "--help").output
