"""Other systems are told what happened: once per cause, signed, again until they take it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.api import delivering, webhooks
from plugin.api.models import DeliveryState, EventName, Webhook, WebhookDelivery
from plugin.certs import actions as certificates
from plugin.certs.models import Certificate
from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.jobs import periodic
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, publish, row, training
from tests.support.work import work_off
from tests.support.world import World

URL = "https://payroll.example.test/hook"
KEY = "another secret only tests know, long"


@dataclass
class Receiver:
    """The other system: what it heard, and what it answers."""

    answers: list[int | Exception] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def call(
        self, _settings: object, method: str, url: str, *, headers: Any, data: Any, **_more: Any
    ) -> Reply:
        assert (method, url) == ("POST", URL)
        self.heard.append((dict(headers), data))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer, {}, b"")

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        said = [json.loads(body) for _, body in self.heard]
        return [(each["type"], each["data"]) for each in said]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    found = Receiver()
    monkeypatch.setattr(http, "call", found.call)
    return found


@pytest.fixture
def secret(world: World) -> str:
    """Everything is told from now on."""
    admin = world.person("Ada Admin")
    with clock.at(NOW - timedelta(minutes=1)), transaction() as tx:
        _, text = webhooks.create(
            tx.session,
            world.organization.id,
            url=URL,
            events=list(EventName),
            encryption_key=KEY,
            by=admin.id,
            now=clock.now(),
        )
    return text


@pytest.fixture
def lars(world: World) -> Person:
    person = world.person("Lars Learner", email=None)
    person.employee_id = "E-1042"
    db.session.commit()
    return person


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Forklift")


@pytest.fixture
def configuration(world: World, lars: Person, module: Module) -> int:
    unit = world.unit("North Quay")
    world.member(lars, unit)
    return training(unit, row(module, validity_months=1), name="Site access")


def collect(at: timedelta = timedelta(minutes=1)) -> None:
    """A minute later what happened is collected, and sent."""
    with clock.at(NOW + at):
        with transaction() as tx:
            delivering.collect(tx, now=clock.now())
        work_off()


def passed(world: World, person: Person, module: Module) -> None:
    world.completion(person, module, score=0.9)
    evaluate_later(person)
    work_off()


def test_a_completion_and_the_certificate_are_told_once(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    collect()
    collect(timedelta(minutes=2))
    (completion, said), (issued, certificate) = receiver.events()
    assert (completion, issued) == ("completion.recorded", "certificate.issued")
    assert (said["employee_id"], said["module"], said["passed"]) == ("E-1042", "Forklift", True)
    assert certificate["configuration"] == "Site access"
    assert certificate["valid_through"] == "2027-04-10"
    assert certificate["credential_id"]
    assert "Lars" not in str(receiver.heard)
    assert "@" not in str(receiver.events())


def test_what_is_told_is_signed(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    world.completion(lars, module)
    collect()
    ((headers, body),) = receiver.heard
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert int(headers["webhook-timestamp"]) == int((NOW + timedelta(minutes=1)).timestamp())


def test_the_end_of_the_last_day_is_told_though_no_job_ran(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    collect()
    receiver.heard.clear()
    collect(timedelta(days=60))
    told = [said for event, said in receiver.events() if event == "certificate.invalid"]
    assert [(each["reason"], each["valid_through"]) for each in told] == [("expired", "2027-04-10")]
    collect(timedelta(days=61))
    assert len([1 for event, _ in receiver.events() if event == "certificate.invalid"]) == 1


def test_a_new_requirement_and_its_completion_are_told(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    collect()
    receiver.heard.clear()
    second = world.module("Ladders")
    with clock.at(NOW + timedelta(hours=1)):
        publish(configuration, row(module, validity_months=1), row(second))
        work_off()
    collect(timedelta(hours=1, minutes=1))
    ((event, said),) = receiver.events()
    assert (event, said["reason"]) == ("certificate.invalid", "new_requirement")
    with clock.at(NOW + timedelta(hours=2)):
        passed(world, lars, second)
    collect(timedelta(hours=2, minutes=1))
    assert [event for event, _ in receiver.events()][1:] == [
        "completion.recorded",
        "certificate.restored",
    ]


def test_a_suspension_is_told(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    collect()
    receiver.heard.clear()
    decide(certificates.suspend, timedelta(hours=1))
    ((event, said),) = receiver.events()
    assert (event, said["reason"]) == ("certificate.invalid", "suspended")


def decide(decision: Callable[..., None], at: timedelta) -> None:
    """An admin's decision about the only certificate; a minute later it is collected."""
    with clock.at(NOW + at), transaction() as tx:
        certificate = tx.session.query(Certificate).one()
        decision(tx, certificate, by=None, reason="Checked", now=clock.now())
    collect(at + timedelta(minutes=1))


def test_a_suspension_that_is_over_is_told_where_the_certificate_is_valid_again(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    collect()
    decide(certificates.suspend, timedelta(hours=1))
    receiver.heard.clear()
    decide(certificates.lift, timedelta(hours=2))
    collect(timedelta(hours=2, minutes=5))
    ((event, said),) = receiver.events()
    assert (event, said["edition"], said["valid_through"]) == (
        "certificate.restored",
        1,
        "2027-04-10",
    )


def test_a_suspension_that_is_over_restores_nothing_that_ended_meanwhile(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    decide(certificates.suspend, timedelta(hours=1))
    receiver.heard.clear()
    decide(certificates.lift, timedelta(days=60))
    collect(timedelta(days=60, minutes=5))
    assert [event for event, _ in receiver.events()].count("certificate.restored") == 0


def test_what_was_learned_anew_during_a_suspension_is_restored_once(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    decide(certificates.suspend, timedelta(hours=1))
    with clock.at(NOW + timedelta(days=60)):
        passed(world, lars, module)
    collect(timedelta(days=60, minutes=1))
    receiver.heard.clear()
    decide(certificates.lift, timedelta(days=61))
    collect(timedelta(days=61, minutes=5))
    ((event, said),) = receiver.events()
    assert (event, said["edition"]) == ("certificate.restored", 2)


@pytest.mark.parametrize("decision", [certificates.revoke, certificates.suspend])
def test_what_was_set_aside_does_not_turn_invalid_once_more(
    world: World,
    receiver: Receiver,
    secret: str,
    lars: Person,
    module: Module,
    configuration: int,
    decision: Callable[..., None],
) -> None:
    passed(world, lars, module)
    decide(decision, timedelta(hours=1))
    receiver.heard.clear()
    collect(timedelta(days=60))
    assert receiver.events() == []


def test_a_certificate_that_is_not_given_any_more_does_not_expire(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    collect()
    receiver.heard.clear()
    with clock.at(NOW + timedelta(hours=1)):
        publish(configuration, row(module, validity_months=1), certificate=False)
        work_off()
    collect(timedelta(days=60))
    assert receiver.events() == []


def test_what_happened_before_or_elsewhere_is_not_told(
    world: World, receiver: Receiver, lars: Person, module: Module
) -> None:
    world.completion(lars, module)
    admin = world.person("Ada Admin")
    with clock.at(NOW + timedelta(minutes=1)), transaction() as tx:
        webhooks.create(
            tx.session,
            world.organization.id,
            url=URL,
            events=list(EventName),
            encryption_key=KEY,
            by=admin.id,
            now=clock.now(),
        )
    elsewhere = world.new_organization("Elsewhere")
    with clock.at(NOW + timedelta(minutes=2)):
        stranger = world.person("Eve", organization=elsewhere)
        world.completion(stranger, world.module("Theirs", organization=elsewhere))
    collect(timedelta(minutes=3))
    assert receiver.heard == []


def test_only_what_is_asked_for_is_told(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    with transaction() as tx:
        tx.session.query(Webhook).one().events = ["certificate.issued"]
    passed(world, lars, module)
    collect()
    assert [event for event, _ in receiver.events()] == ["certificate.issued"]


def test_a_receiver_that_is_away_hears_it_later_under_the_same_id(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    receiver.answers = [500, OutgoingError("ConnectTimeout"), 302, 200]
    world.completion(lars, module)
    collect()
    for seconds in (70, 140, 600, 3000):
        with clock.at(NOW + timedelta(minutes=1, seconds=seconds)):
            work_off()
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
    assert len(receiver.heard) == 4
    db.session.rollback()
    delivery = db.session.query(WebhookDelivery).one()
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 4)


def test_after_two_days_it_is_given_up_and_can_be_sent_again(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    receiver.answers = [500] * 10
    world.completion(lars, module)
    collect()
    for hours in range(1, 100, 3):
        with clock.at(NOW + timedelta(hours=hours)):
            work_off()
    db.session.rollback()
    delivery = db.session.query(WebhookDelivery).one()
    assert (delivery.state, delivery.words) == (DeliveryState.FAILED, "HTTP 500")
    assert len(receiver.heard) == 10
    with clock.at(NOW + timedelta(days=5)):
        with transaction() as tx:
            webhook = tx.session.query(Webhook).one()
            assert webhooks.send_again(tx, webhook, by=1, now=clock.now()) == 1
        work_off()
    db.session.rollback()
    assert db.session.query(WebhookDelivery).one().state is DeliveryState.SENT


def test_a_receiver_that_is_gone_is_told_nothing_more(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    receiver.answers = [410]
    world.completion(lars, module)
    collect()
    world.completion(lars, module)
    collect(timedelta(minutes=2))
    assert len(receiver.heard) == 1
    db.session.rollback()
    assert db.session.query(Webhook).one().ended_at is not None


def test_a_fact_that_appears_late_is_told_all_the_same(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    collect(timedelta(minutes=5))
    world.completion(lars, module)  # recorded at NOW by a transaction that was slow to end
    collect(timedelta(minutes=6))
    assert [event for event, _ in receiver.events()] == ["completion.recorded"]


def test_more_than_one_steps_worth_is_told_whole(
    world: World,
    receiver: Receiver,
    secret: str,
    lars: Person,
    module: Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("plugin.api.windows.LIMIT", 3)
    for number in range(8):
        with clock.at(NOW + timedelta(seconds=number)):
            world.completion(lars, module)
    for minute in range(1, 8):
        collect(timedelta(minutes=minute))
    assert len(receiver.heard) == 8


def test_two_collectors_tell_it_once(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    world.completion(lars, module)
    for _ in range(2):
        with clock.at(NOW + timedelta(minutes=1)), transaction() as tx:
            delivering.collect(tx, now=clock.now())
    with clock.at(NOW + timedelta(minutes=1)):
        work_off()
    assert len(receiver.heard) == 1


def test_what_an_address_was_told_is_known_for_ninety_days_and_what_waits_for_ever(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    receiver.answers = [204]
    world.completion(lars, module)
    collect()
    receiver.answers = [500] * 10
    world.completion(lars, module)
    collect(timedelta(minutes=2))
    for days, states in (
        (92, ["sent", "waiting"]),  # nobody collected since: it would be told once more
        (93, ["waiting"]),
    ):
        with clock.at(NOW + timedelta(days=days)):
            periodic.tidy()
            with transaction() as tx:
                delivering.collect(tx, now=clock.now())
        found = db.session.query(WebhookDelivery).order_by(WebhookDelivery.id)
        assert [each.state.value for each in found] == states
        db.session.rollback()
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 2


def test_it_comes_round_every_minute() -> None:
    assert periodic.TURNS["webhooks"].every == timedelta(minutes=1)


def signatures(secret: str, headers: dict[str, str], body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def test_a_new_secret_signs_and_the_one_before_signs_along_for_a_day(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    with transaction() as tx:
        found = tx.session.query(Webhook).one()
        new = webhooks.rotate(tx.session, found, encryption_key=KEY, by=1, now=NOW)
        assert new not in {found.sealed_secret, secret}
    world.completion(lars, module)
    collect()
    headers, body = receiver.heard[0]
    assert headers["webhook-signature"].split(" ") == [
        signatures(new, headers, body),
        signatures(secret, headers, body),
    ]
    with clock.at(NOW + timedelta(days=1, hours=1)):
        world.completion(lars, module)
    collect(timedelta(days=1, hours=1, minutes=1))
    headers, body = receiver.heard[1]
    assert headers["webhook-signature"] == signatures(new, headers, body)


def test_a_test_is_signed_and_says_nothing_of_anybody(
    world: World, client: FlaskClient, receiver: Receiver, secret: str
) -> None:
    boss, number = world.person("Grace Boss"), db.session.query(Webhook).one().id
    world.grant(boss, Role.ADMIN)
    world.sign_in(client, boss)
    address = f"/admin/systems/webhooks/{number}"
    assert client.post(f"{address}/test").status_code == 303
    work_off()
    ((headers, body),) = receiver.heard
    assert headers["webhook-signature"] == signatures(secret, headers, body)
    assert receiver.events() == [("webhook.test", {})]
    page = client.get(address).text
    assert "A test" in page
    assert "Send what was given up again" not in page  # nothing was


def test_one_event_is_sent_again_under_its_id(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    world.completion(lars, module)
    collect()
    (delivery,) = db.session.query(WebhookDelivery)
    delivery_id = delivery.id

    def again() -> int:
        with transaction() as tx:
            found = tx.session.query(Webhook).one()
            return webhooks.send_one_again(tx, found, delivery_id, by=1, now=clock.now())

    with clock.at(NOW + timedelta(hours=1)):
        assert [again(), again()] == [1, 0]
        work_off()
    assert [headers["webhook-id"] for headers, _ in receiver.heard] == [delivery.uid] * 2
    assert receiver.heard[0][1] == receiver.heard[1][1]


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.7", "[::1]", "[::ffff:10.0.0.7]"])
def test_an_address_inside_the_network_is_not_called(
    world: World, secret: str, lars: Person, module: Module, host: str
) -> None:
    with transaction() as tx:
        tx.session.query(Webhook).one().url = f"https://{host}/hook"
    world.completion(lars, module)
    collect()
    db.session.rollback()
    delivery = db.session.query(WebhookDelivery).one()
    assert (delivery.state, delivery.sent_at) == (DeliveryState.WAITING, None)
    assert "private network" in str(delivery.words)


def test_an_event_in_the_hands_of_one_worker_is_not_sent_by_another(
    world: World, secret: str, lars: Person, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = list[int]()

    def slow(*_args: object, **_more: object) -> Reply:
        db.session.rollback()
        tries.append(db.session.query(WebhookDelivery).one().id)
        if len(tries) == 1:  # another worker comes before the receiver has answered
            with clock.at(clock.now() + timedelta(minutes=1)):
                delivering.send(tries[0])
        return Reply(204, {}, b"")

    monkeypatch.setattr(http, "call", slow)
    world.completion(lars, module)
    collect()
    assert len(tries) == 1
    db.session.rollback()
    assert db.session.query(WebhookDelivery).one().attempts == 1


def test_what_waits_for_a_webhook_that_was_ended_is_not_sent(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    receiver.answers = [500]
    world.completion(lars, module)
    collect()
    with clock.at(NOW + timedelta(minutes=2)):
        with transaction() as tx:
            webhook = tx.session.query(Webhook).one()
            webhooks.end(tx.session, webhook, by=None, words="", now=clock.now())
        work_off()
    with clock.at(NOW + timedelta(hours=1)):
        work_off()
    assert len(receiver.heard) == 1
    db.session.rollback()
    delivery = db.session.query(WebhookDelivery).one()
    assert (delivery.state, delivery.words) == (DeliveryState.FAILED, delivering.ENDED)
