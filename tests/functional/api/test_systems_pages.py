"""Admins make keys and webhooks; each secret is shown once."""

import pytest
from flask.testing import FlaskClient

from plugin.api import webhooks
from plugin.api.models import ApiKey, DeliveryState, EventName, Webhook, WebhookDelivery
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def admin(client: FlaskClient, world: World) -> FlaskClient:
    person = world.person("Ada Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


def shown(page: str) -> str:
    """What is shown this once."""
    return read(page).by_id("secret").attributes["value"]


def test_a_key_is_shown_once_and_revoked(admin: FlaskClient) -> None:
    said = {"name": "Payroll", "scopes": ["completions:write"]}
    page = admin.post("/admin/systems/keys/new", data=said)
    assert page.status_code == 200
    key = db.session.query(ApiKey).one()
    text = shown(page.text)
    assert text.startswith(key.hint)
    assert 'data-copies="secret"' in page.text  # one press copies it, where scripts run
    assert "static/copy.js" in page.text
    listed = admin.get("/admin/systems").text
    assert "Payroll" in listed
    assert text not in listed
    assert "never works again" in admin.get(f"/admin/systems/keys/{key.id}/revoke").text
    assert "Payroll" in admin.get("/admin/systems").text  # looking at it revokes nothing
    assert admin.post(f"/admin/systems/keys/{key.id}/revoke").status_code == 303
    assert "Payroll" not in admin.get("/admin/systems").text


@pytest.mark.parametrize(
    "said",
    [{"name": "", "scopes": ["completions:write"]}, {"name": "x"}, {"name": "x", "scopes": "y"}],
)
def test_a_key_that_cannot_be_is_refused(admin: FlaskClient, said: dict[str, object]) -> None:
    assert admin.post("/admin/systems/keys/new", data=said).status_code == 422
    assert db.session.query(ApiKey).count() == 0


def test_a_webhook_is_made_looked_at_and_ended(admin: FlaskClient) -> None:
    said = {"url": "https://payroll.example.test/hook", "events": ["certificate.invalid"]}
    page = admin.post("/admin/systems/webhooks/new", data=said)
    assert "whsec_" in page.text
    webhook = db.session.query(Webhook).one()
    assert "whsec_" not in admin.get(f"/admin/systems/webhooks/{webhook.id}").text
    assert admin.post(f"/admin/systems/webhooks/{webhook.id}/again").status_code == 303
    assert "stays ended" in admin.get(f"/admin/systems/webhooks/{webhook.id}/end").text
    assert "Ended" not in admin.get("/admin/systems").text
    assert admin.post(f"/admin/systems/webhooks/{webhook.id}/end").status_code == 303
    assert "Ended" in admin.get("/admin/systems").text


@pytest.mark.parametrize("url", ["", "http://payroll.example.test", "javascript:alert(1)", "x"])
def test_a_webhook_goes_to_a_secure_address(admin: FlaskClient, url: str) -> None:
    said = {"url": url, "events": ["certificate.invalid"]}
    assert admin.post("/admin/systems/webhooks/new", data=said).status_code == 422


@pytest.mark.parametrize("role", [None, Role.MANAGER])
def test_nobody_but_admins(client: FlaskClient, world: World, role: Role | None) -> None:
    person = world.person("Mary")
    if role:
        world.grant(person, role, world.unit())
    world.sign_in(client, person)
    for page in ("", "/keys/new", "/webhooks/new", "/webhooks/1"):
        assert client.get(f"/admin/systems{page}").status_code == 403


def test_another_organizations_do_not_exist(
    admin: FlaskClient, client: FlaskClient, world: World
) -> None:
    said = {"url": "https://payroll.example.test/hook", "events": ["certificate.invalid"]}
    admin.post("/admin/systems/webhooks/new", data=said)
    admin.post("/admin/systems/keys/new", data={"name": "P", "scopes": ["people:read"]})
    webhook, key = db.session.query(Webhook).one(), db.session.query(ApiKey).one()
    stranger = world.person("Eve", organization=world.new_organization("Elsewhere"))
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    assert client.get(f"/admin/systems/webhooks/{webhook.id}").status_code == 404
    assert client.post(f"/admin/systems/webhooks/{webhook.id}/end").status_code == 404
    for method in (client.get, client.post):
        assert method(f"/admin/systems/keys/{key.id}/revoke").status_code == 404


def test_the_list_takes_the_same_statements_for_more(admin: FlaskClient) -> None:
    def count() -> int:
        with counted() as statements:
            admin.get("/admin/systems")
        return len(statements)

    few = count()
    for number in range(3):
        said = {"name": f"S{number}", "scopes": ["people:read"]}
        admin.post("/admin/systems/keys/new", data=said)
        url = f"https://payroll.example.test/{number}"
        admin.post(
            "/admin/systems/webhooks/new", data={"url": url, "events": ["certificate.issued"]}
        )
    assert count() == few


def test_only_so_many_webhooks_are_in_use(admin: FlaskClient) -> None:
    said = {"url": "https://hr.example.test/hook", "events": ["completion.recorded"]}
    answers = [admin.post("/admin/systems/webhooks/new", data=said) for _ in range(21)]
    assert [each.status_code for each in answers] == [200] * 20 + [422]
    assert "20 webhooks are in use" in answers[20].text


def test_a_secret_is_replaced_and_shown_once(admin: FlaskClient) -> None:
    said = {"url": "https://payroll.example.test/hook", "events": ["certificate.invalid"]}
    first = admin.post("/admin/systems/webhooks/new", data=said).text
    number = db.session.query(Webhook).one().id
    assert "one more day" in admin.get(f"/admin/systems/webhooks/{number}/secret").text
    page = admin.post(f"/admin/systems/webhooks/{number}/secret").text
    old, new = shown(first), shown(page)
    assert new.startswith("whsec_")
    assert new != old
    assert "whsec_" not in admin.get(f"/admin/systems/webhooks/{number}").text


def test_another_organizations_webhook_is_neither_rotated_nor_sent_again(
    admin: FlaskClient, world: World
) -> None:
    elsewhere = world.new_organization("Elsewhere")
    stranger = world.person("Eve", organization=elsewhere)
    with transaction() as tx:
        webhook, _ = webhooks.create(
            tx.session,
            elsewhere.id,
            url="https://theirs.example.test/",
            events=list(EventName),
            encryption_key="another secret only tests know, long",
            by=stranger.id,
            now=clock.now(),
        )
        tx.session.flush()
        address = f"/admin/systems/webhooks/{webhook.id}"
    for what in ("secret", "deliveries/1/again", "again", "test", "end"):
        assert admin.post(f"{address}/{what}").status_code == 404


def test_an_ended_webhook_sends_nothing_again(admin: FlaskClient) -> None:
    said = {"url": "https://payroll.example.test/hook", "events": ["certificate.invalid"]}
    admin.post("/admin/systems/webhooks/new", data=said)
    address = f"/admin/systems/webhooks/{db.session.query(Webhook).one().id}"
    admin.post(f"{address}/end")
    for what in ("again", "deliveries/1/again", "test"):
        assert admin.post(f"{address}/{what}").status_code == 409


def test_why_an_event_was_not_taken_is_said_in_the_readers_language(
    admin: FlaskClient, world: World
) -> None:
    said = {"url": "https://payroll.example.test/hook", "events": ["certificate.invalid"]}
    admin.post("/admin/systems/webhooks/new", data=said)
    webhook = db.session.query(Webhook).one()
    for words in ("no answer in time (ReadTimeout)", "the webhook was ended", "HTTP 503"):
        world.add(
            WebhookDelivery(
                organization_id=webhook.organization_id,
                webhook_id=webhook.id,
                uid=words,
                cause=words,
                event=EventName.TEST,
                body={},
                state=DeliveryState.FAILED,
                created_at=NOW,
                due_at=NOW,
                words=words,
            )
        )
    address = f"/admin/systems/webhooks/{webhook.id}"
    english = read(admin.get(address).text).words
    assert "no answer in time (ReadTimeout)" in english
    db.session.query(Person).one().locale = "ar"
    db.session.commit()
    arabic = read(admin.get(address).text)
    reasons = {each.words for each in arabic.all("bdi")}
    assert "HTTP 503" in reasons
    assert "the webhook was ended" not in reasons
    assert not any("no answer" in each for each in reasons)


def test_an_address_that_says_that_it_is_gone_is_shown_with_what_it_said(
    admin: FlaskClient,
) -> None:
    said = {"url": "https://payroll.example.test/hook", "events": ["certificate.invalid"]}
    admin.post("/admin/systems/webhooks/new", data=said)
    with transaction() as tx:
        webhook = tx.session.query(Webhook).one()
        webhooks.end(tx.session, webhook, by=None, words="HTTP 410", now=NOW)
        number = webhook.id
    page = read(admin.get(f"/admin/systems/webhooks/{number}").text).words
    assert "nobody takes events there any more (HTTP 410)" in page
