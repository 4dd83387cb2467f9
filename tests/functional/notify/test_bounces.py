"""A mail comes back: by a signed report or by a mailbox; its message and its person show it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.cli import plugin
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.notify import bounce_actions, hooks
from plugin.notify.gate import addressee
from plugin.notify.mail_models import AddressEvent, AddressFact, SentMail
from plugin.notify.models import Message, MessageState
from plugin.org.models import Organization, Person
from tests.functional.notify.test_delivery import tell
from tests.support import smtp
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World
from tests.unit.notify.test_bounces import notification

INSTALLATION = "a secret of the installation, long enough"
PATH = "/mail/bounces"


@pytest.fixture
def installed(app: Flask) -> Iterator[None]:
    """The installation has a secret and a mailbox for reports."""
    before = app.extensions["plugin_settings"]
    app.extensions["plugin_settings"] = replace(
        before, mail_hook_secret=INSTALLATION, mail_bounce_address="bounces@example.test"
    )
    yield
    app.extensions["plugin_settings"] = before


def secret_of(app: Flask, organization: Organization) -> str:
    organization_id = organization.id
    db.session.rollback()
    with transaction() as tx:
        return hooks.renew_secret(
            tx.session,
            organization_id,
            encryption_key=app.extensions["plugin_settings"].encryption_key,
            by=None,
            now=clock.now(),
        )


def sent(world: World, inbox: smtp.Inbox, **who: Any) -> tuple[Person, str]:
    """Somebody who was sent a mail, and its Message-ID."""
    person = world.person(**who)
    tell(person)
    work_off()
    return person, str(inbox.mails[-1]["Message-ID"])


def report(
    client: FlaskClient,
    secret: str,
    path: str = PATH,
    *,
    late: timedelta = timedelta(0),
    **what: Any,
) -> Any:
    said = {"permanent": True, "words": "550 5.1.1 unknown", "id": "e-1"} | what
    content = json.dumps({"bounces": [said]}).encode()
    stamp = str(int((clock.now() - late).timestamp()))
    headers = {
        "X-Mail-Timestamp": stamp,
        "X-Mail-Signature": hooks.signature_of(content, stamp, secret=secret),
    }
    return client.post(path, data=content, headers=headers)


def state() -> tuple[MessageState, str | None]:
    db.session.rollback()
    message = db.session.scalars(select(Message)).one()
    return message.state, message.error


def is_dead(person: Person) -> bool:
    db.session.rollback()
    return addressee(db.session(), person.id).is_dead


def events() -> list[AddressFact]:
    db.session.rollback()
    return list(db.session.scalars(select(AddressEvent.fact).order_by(AddressEvent.id)))


def test_a_signed_report_makes_message_and_address_known_as_bounced(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None
) -> None:
    person, message_id = sent(world, inbox)
    answer = report(client, INSTALLATION, message_id=message_id)
    assert (answer.status_code, answer.json) == (200, {"recorded": 1, "unknown": 0})
    assert state() == (MessageState.BOUNCED, "550 5.1.1 unknown")
    assert is_dead(person)


def test_the_same_report_told_again_is_one_fact(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None
) -> None:
    _person, message_id = sent(world, inbox)
    for _ in range(3):
        assert report(client, INSTALLATION, message_id=message_id).status_code == 200
    assert events() == [AddressFact.HARD]


@pytest.mark.parametrize(
    ("secret", "late"),
    [
        ("not the secret of anybody at all, really", timedelta(0)),
        (INSTALLATION, timedelta(minutes=6)),
        (INSTALLATION, -timedelta(minutes=6)),
        ("", timedelta(0)),
    ],
)
def test_a_report_with_a_wrong_or_an_old_signature_changes_nothing(
    world: World,
    inbox: smtp.Inbox,
    client: FlaskClient,
    installed: None,
    secret: str,
    late: timedelta,
) -> None:
    _person, message_id = sent(world, inbox)
    answer = report(client, secret, late=late, message_id=message_id)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic "), "then services send theirs"
    assert state()[0] is MessageState.SENT


def test_without_a_secret_nobody_can_report(
    world: World, inbox: smtp.Inbox, client: FlaskClient
) -> None:
    _person, message_id = sent(world, inbox)
    assert report(client, "", message_id=message_id).status_code == 401
    assert client.post(PATH, data=b"{}", headers={"Authorization": "Bearer "}).status_code == 401


@pytest.mark.parametrize("how", ["bearer", "basic"])
def test_services_that_cannot_sign_send_the_secret_itself(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None, how: str
) -> None:
    _person, message_id = sent(world, inbox)
    basic = base64.b64encode(f"anybody:{INSTALLATION}".encode()).decode()
    header = f"Bearer {INSTALLATION}" if how == "bearer" else f"Basic {basic}"
    said = {"bounces": [{"message_id": message_id, "permanent": True}]}
    answer = client.post(PATH, json=said, headers={"Authorization": header})
    assert answer.json == {"recorded": 1, "unknown": 0}
    wrong = client.post(PATH, json=said, headers={"Authorization": header[:-4] + "AAA="})
    assert wrong.status_code == 401


def test_an_organizations_secret_reaches_its_own_mails_only(
    app: Flask, world: World, inbox: smtp.Inbox, client: FlaskClient
) -> None:
    person, message_id = sent(world, inbox)
    other = world.new_organization("Elsewhere")
    slug, own = other.slug, world.organization.slug
    theirs, ours = secret_of(app, other), secret_of(app, world.organization)
    answer = report(client, theirs, f"{PATH}/{slug}", message_id=message_id)
    assert answer.json == {"recorded": 0, "unknown": 1}
    by_address = report(client, theirs, f"{PATH}/{slug}", address="ada@example.test")
    assert by_address.json == {"recorded": 0, "unknown": 1}
    assert report(client, theirs, f"{PATH}/{own}", message_id=message_id).status_code == 401
    assert report(client, theirs, f"{PATH}/nobody", message_id=message_id).status_code == 401
    assert not is_dead(person)
    assert report(client, ours, f"{PATH}/{own}", message_id=message_id).json["recorded"] == 1
    assert is_dead(person)


def test_a_new_secret_ends_the_one_before(
    app: Flask, world: World, inbox: smtp.Inbox, client: FlaskClient
) -> None:
    _person, message_id = sent(world, inbox)
    path = f"{PATH}/{world.organization.slug}"
    before = secret_of(app, world.organization)
    secret_of(app, world.organization)
    assert report(client, before, path, message_id=message_id).status_code == 401


def test_who_has_signed_is_believed_about_an_address_too(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None
) -> None:
    person, _message_id = sent(world, inbox, email="Ada@Example.test")
    assert report(client, INSTALLATION, address="ada@example.TEST").json["recorded"] == 1
    assert is_dead(person)


def test_a_soft_bounce_is_counted_and_leaves_the_address_alive(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None
) -> None:
    person, message_id = sent(world, inbox)
    for number in range(3):
        soft = {"permanent": False, "gave_up": False, "id": f"e-{number}"}
        report(client, INSTALLATION, message_id=message_id, **soft)
    assert events() == [AddressFact.SOFT] * 3
    assert state()[0] is MessageState.SENT
    assert not is_dead(person)
    report(client, INSTALLATION, message_id=message_id, permanent=False, id="e-9")
    assert state()[0] is MessageState.BOUNCED
    assert not is_dead(person)


def test_bad_forms_and_floods_are_refused(client: FlaskClient, installed: None) -> None:
    headers = {"Authorization": f"Bearer {INSTALLATION}"}
    assert client.post(PATH, data=b"no json", headers=headers).status_code == 400
    assert client.post(PATH, data=b"x" * 1_100_000, headers=headers).status_code == 413


def test_many_reports_are_a_few_statements(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None
) -> None:
    _person, message_id = sent(world, inbox)
    headers = {"Authorization": f"Bearer {INSTALLATION}"}

    def ask(number: int) -> int:
        each = {"message_id": message_id, "permanent": True}
        said = [each | {"id": f"{number}-{place}"} for place in range(number)]
        with counted() as statements:
            assert client.post(PATH, json={"bounces": said}, headers=headers).status_code == 200
        return len(statements)

    assert ask(1) == ask(50) <= 4


def test_a_mailbox_is_piped_to_the_command(
    app: Flask, world: World, inbox: smtp.Inbox, installed: None
) -> None:
    person, message_id = sent(world, inbox)
    content = notification(returned=f"Message-ID: {message_id}\r\n")
    answer = CliRunner().invoke(plugin, ["mail", "bounce"], input=content, obj=app)
    assert (answer.exit_code, answer.output) == (0, "1 recorded, 0 about no mail of ours.\n")
    assert state() == (
        MessageState.BOUNCED,
        "550 5.1.1 <ada@example.test>: Recipient address rejected",
    )
    assert is_dead(person)


def test_the_envelopes_return_address_is_enough_to_know_the_mail(
    app: Flask, world: World, inbox: smtp.Inbox, installed: None
) -> None:
    person, _message_id = sent(world, inbox)
    (sender,) = inbox.senders
    kept = db.session.scalars(select(SentMail.header_id)).one()
    assert sender == f"bounces+{kept}@example.test"
    content = notification(to=sender, returned="Subject: cut off\r\n")
    CliRunner().invoke(plugin, ["mail", "bounce"], input=content, obj=app)
    assert is_dead(person)


def test_a_mailbox_is_believed_only_about_mails_it_can_name(
    app: Flask, world: World, inbox: smtp.Inbox
) -> None:
    person, _message_id = sent(world, inbox)
    forged = notification(returned=f"Message-ID: <{'0' * 32}@example.test>\r\n")
    answer = CliRunner().invoke(plugin, ["mail", "bounce"], input=forged, obj=app)
    assert answer.output == "0 recorded, 1 about no mail of ours.\n"
    assert not is_dead(person)


def test_other_mail_in_the_mailbox_is_let_go(app: Flask) -> None:
    answer = CliRunner().invoke(plugin, ["mail", "bounce"], input=b"Subject: hi\r\n\r\n", obj=app)
    assert answer.exit_code == 0
    assert "No report of a bounce" in answer.output


def test_an_admin_clears_an_address_and_it_can_die_again(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None
) -> None:
    person, message_id = sent(world, inbox)
    report(client, INSTALLATION, message_id=message_id)

    def clear() -> bool:
        with transaction() as tx:
            found = tx.session.get_one(Person, person.id)
            return bounce_actions.clear(tx.session, found, by=person.id, now=clock.now())

    assert clear()
    assert not is_dead(person)
    assert not clear(), "there is nothing left to clear"
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "person.address_cleared")
    ).one()
    assert entry.about_id == person.id
    report(client, INSTALLATION, message_id=message_id, id="e-2")
    assert is_dead(person)


def test_what_bounces_for_somebody_who_was_merged_is_said_of_who_they_are_now(
    world: World, inbox: smtp.Inbox, client: FlaskClient, installed: None
) -> None:
    person, message_id = sent(world, inbox)
    survivor = world.person("Ada Lovelace", email="ada@example.test")
    person.merged_into_id, person.deactivated_at = survivor.id, clock.now()
    world.add(person)
    report(client, INSTALLATION, message_id=message_id)
    assert is_dead(survivor)


def test_the_command_says_what_waits_and_what_is_stuck(
    app: Flask, world: World, inbox: smtp.Inbox
) -> None:
    tell(world.person())
    fine = CliRunner().invoke(plugin, ["mail", "status"], obj=app)
    assert (fine.exit_code, fine.output) == (0, "       1  queued\n")
    with clock.at(clock.now() + timedelta(minutes=45)):
        late = CliRunner().invoke(plugin, ["mail", "status"], obj=app)
    assert late.exit_code == 1
    assert "1  stuck; the oldest should have gone 45 minutes ago" in late.output
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Message)) == 1
