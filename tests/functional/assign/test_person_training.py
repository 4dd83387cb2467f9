"""A person's assigned training with its why; completions by hand; waivers."""

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.assign.models import Waiver
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.jobs import reconcile
from plugin.modules.models import Completion, Module
from plugin.notify.emails import wording_of
from plugin.notify.mail_models import ChoicePlace, MailSettings
from plugin.notify.models import Message, MessageKind
from plugin.notify.reminder_choices import choose
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, OPTIONAL, judge, publish, row, stored, training
from tests.support.html import read
from tests.support.pages import last_form, values_of
from tests.support.queries import counted
from tests.support.world import World

TODAY = date(2027, 3, 10)
PDF = b"%PDF-1.7 proof"


@pytest.fixture
def grace(world: World) -> Person:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def admin(world: World, grace: Person, client: FlaskClient) -> FlaskClient:
    world.sign_in(client, grace)
    return client


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def ada(world: World, quay: Unit) -> Person:
    person = world.person("Ada Byron", email="ada@example.test")
    world.member(person, quay, since=NOW - timedelta(days=300))
    return person


@pytest.fixture
def modules(world: World) -> list[Module]:
    return [world.module(title) for title in ("Height", "Gas", "Secret")]


@pytest.fixture
def asked(quay: Unit, modules: list[Module]) -> int:
    with clock.at(NOW - timedelta(days=200)):
        return training(
            quay,
            row(modules[0], validity_months=12),
            row(modules[1], due_days=14),
            row(modules[2], HIDDEN),
            name="Site access",
        )


def page_of(client: FlaskClient, person: Person) -> Any:
    return read(client.get(f"/admin/people/{person.id}/training").text).by_id("main")


def test_each_standing_explains_itself(
    world: World, admin: FlaskClient, ada: Person, asked: int, modules: list[Module]
) -> None:
    world.completion(ada, modules[0], happened_at=NOW - timedelta(days=50), score=0.9)
    words = page_of(admin, ada).words
    assert "Site access INVALID" in words
    assert "Asked by Quay (Site access), version 1, in force since Aug 22, 2026." in words
    assert (
        "Completed Jan 19, 2027 (by hand, 90 %). "
        "Jan 19, 2027 + 12 months → Jan 19, 2028; it ends at midnight, Europe/London." in words
    )
    assert "Gas Required · this one binds Required since Aug 22, 2026, not completed." in words
    assert "Secret" not in words
    world.completion(ada, modules[1])
    words = page_of(admin, ada).words
    assert "Site access VALID" in words
    assert "Valid through Jan 19, 2028: of what is required," in words
    assert "It never expires." in words


def test_a_grace_and_an_expiry_are_explained(
    world: World, admin: FlaskClient, ada: Person, asked: int, modules: list[Module]
) -> None:
    world.completion(ada, modules[0], happened_at=NOW - timedelta(days=400))
    words = page_of(admin, ada).words
    assert "→ Feb 3, 2027; it ends at midnight, Europe/London. That day is over." in words
    assert "Expired" in words


def test_what_is_optional_and_not_done_is_never_shown_as_wrong(
    world: World, admin: FlaskClient, ada: Person, quay: Unit, modules: list[Module]
) -> None:
    training(quay, row(modules[0]), row(modules[1], OPTIONAL), name="Site access")
    tones = {
        line.all("span", **{"class": "entry-title"})[0].words: [
            each.attributes["class"]
            for each in line.all("span")
            if "status" in each.attributes.get("class", "")
        ]
        for line in page_of(admin, ada).all("ul", **{"class": "entries"})[0].all("li")
    }
    assert tones == {"Height": ["status tone-invalid"], "Gas": ["status tone-plain"]}


def test_the_page_costs_the_same_for_any_number_of_trainings(
    world: World, admin: FlaskClient, ada: Person, asked: int, quay: Unit, modules: list[Module]
) -> None:
    with counted() as few:
        page_of(admin, ada)
    for number in range(6):
        training(quay, row(modules[0]), name=f"More {number}")
    with counted() as many:
        page_of(admin, ada)
    assert len(many) == len(few) <= 11


def filled(client: FlaskClient, person: Person, **changed: Any) -> dict[str, Any]:
    """What a browser would send for the form of a completion."""
    page = client.get(f"/admin/people/{person.id}/completions/new").text
    return values_of(last_form(page)) | changed


def record(client: FlaskClient, person: Person, sent: dict[str, Any]) -> Any:
    return client.post(
        f"/admin/people/{person.id}/completions/new",
        data=sent,
        content_type="multipart/form-data",
    )


def test_a_completion_by_hand_counts_and_says_who_when_and_why(
    admin: FlaskClient, grace: Person, ada: Person, asked: int, modules: list[Module]
) -> None:
    sent = filled(
        admin,
        ada,
        module_id=modules[0].id,
        happened_on="2027-03-01",
        score="85",
        reason="Seen the paper",
    )
    sent["evidence"] = (BytesIO(PDF), "../../paper.pdf")
    assert record(admin, ada, sent).status_code == 302
    fact = db.session.scalars(select(Completion)).one()
    assert (fact.passed, fact.score, fact.reason) == (True, 0.85, "Seen the paper")
    assert fact.happened_at.date() == date(2027, 3, 1)
    assert fact.evidence["approved_by"] == grace.id
    judge()
    line = stored(ada, asked)
    assert line is not None
    assert [each["module_id"] for each in line.missing] == [modules[1].id]
    file = admin.get(f"/admin/people/{ada.id}/completions/{fact.id}/evidence")
    assert file.data == PDF
    assert "attachment" in file.headers["Content-Disposition"]
    assert ".." not in file.headers["Content-Disposition"]
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "completion.recorded")
    ).one()
    assert (entry.about_id, entry.by_person_id, entry.reason) == (
        ada.id,
        grace.id,
        "Seen the paper",
    )


def test_a_form_sent_twice_records_once(
    admin: FlaskClient, ada: Person, asked: int, modules: list[Module]
) -> None:
    sent = filled(admin, ada, module_id=modules[0].id, happened_on="2027-03-01", reason="x")
    for _ in range(2):
        assert record(admin, ada, dict(sent)).status_code == 302
    assert len(db.session.scalars(select(Completion)).all()) == 1


def test_evidence_stays_only_with_the_completion_it_proves(
    admin: FlaskClient, ada: Person, asked: int, modules: list[Module]
) -> None:
    sent = filled(admin, ada, module_id=modules[0].id, happened_on="2027-03-01", reason="x")
    for day in ("2027-03-11", "2027-03-01", "2027-03-01"):
        paper = (BytesIO(PDF + day.encode()), "paper.pdf")
        record(admin, ada, {**sent, "happened_on": day, "evidence": paper})
    fact = db.session.scalars(select(Completion)).one()
    (kept,) = [each for each in storage().root.rglob("*") if each.is_file()]
    assert storage().path(fact.evidence["file"]["key"]) == kept


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"happened_on": ""}, "Choose a day."),
        ({"happened_on": "2027-03-11"}, "not one to come"),
        ({"happened_on": "1989-12-31"}, "not one to come"),
        ({"score": "101"}, "Use 0 to 100 percent"),
        ({"reason": " "}, "Say why, in a few words."),
        ({"evidence": (BytesIO(b"MZ program"), "paper.pdf")}, "Use a PDF, PNG or JPEG file"),
    ],
)
def test_a_bad_completion_is_refused_at_its_field(
    admin: FlaskClient,
    ada: Person,
    asked: int,
    modules: list[Module],
    changed: dict[str, Any],
    sentence: str,
) -> None:
    sent = filled(
        admin, ada, module_id=modules[0].id, happened_on="2027-03-01", reason="Typed with care"
    )
    answer = record(admin, ada, sent | changed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.session.scalars(select(Completion)).all() == []


def waive(client: FlaskClient, person: Person, asked: int, module: Module, **sent: Any) -> Any:
    address = f"/admin/people/{person.id}/waive/{asked}/{module.id}"
    return client.post(address, data={"reason": "medical", **sent})


def test_a_waived_row_counts_through_its_end_and_is_audited(
    world: World, admin: FlaskClient, grace: Person, ada: Person, asked: int,
    modules: list[Module],
) -> None:  # fmt: skip
    world.completion(ada, modules[0])
    until = TODAY + timedelta(days=30)
    assert waive(admin, ada, asked, modules[1], until_on=str(until)).status_code == 302
    judge()
    line = stored(ada, asked)
    assert line is not None
    assert (line.complete, line.valid_through) == (True, until)
    words = page_of(admin, ada).words
    assert "Waived through Apr 9, 2027. Reason: medical" in words
    waiver = db.session.scalars(select(Waiver)).one()
    assert (waiver.approved_by, waiver.person_id) == (grace.id, ada.id)
    with clock.at(NOW + timedelta(hours=1)):
        ended = admin.post(f"/admin/people/{ada.id}/waivers/{waiver.id}/end")
        assert ended.status_code == 302
        judge()
        line = stored(ada, asked)
        assert line is not None
        assert not line.complete
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.like("waiver.%")).order_by(AuditEntry.id)
    ).all()
    assert actions == ["waiver.given", "waiver.ended"]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"until_on": ""}, "Choose a last day."),
        ({"until_on": "2027-03-09"}, "at most twelve months ahead"),
        ({"until_on": "2028-03-11"}, "at most twelve months ahead"),
        ({"until_on": "2027-06-01", "reason": ""}, "Say why, in a few words."),
    ],
)
def test_a_waiver_has_a_reason_and_an_end_of_at_most_twelve_months(
    admin: FlaskClient, ada: Person, asked: int, modules: list[Module], sent: dict[str, str],
    sentence: str,
) -> None:  # fmt: skip
    answer = waive(admin, ada, asked, modules[1], **sent)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert waive(admin, ada, asked, modules[1], until_on="2028-03-10").status_code == 302


def test_nobody_approves_for_themselves(
    world: World, admin: FlaskClient, grace: Person, asked: int, quay: Unit, modules: list[Module]
) -> None:
    world.member(grace, quay)
    waived = waive(admin, grace, asked, modules[1], until_on="2027-06-01")
    assert waived.status_code == 422
    assert "Nobody waives training for themselves." in waived.text
    sent = filled(admin, grace, module_id=modules[0].id, happened_on="2027-03-01", reason="x")
    refused = record(admin, grace, sent)
    assert refused.status_code == 422
    assert "Nobody records training for themselves." in refused.text
    assert db.session.scalars(select(Completion)).all() == []


def test_a_waiver_nobody_judged_is_found(
    world: World, ada: Person, grace: Person, asked: int, modules: list[Module]
) -> None:
    judge()
    reconcile.run(now=clock.now())
    judge()
    with clock.at(NOW + timedelta(hours=1)):
        world.add(
            Waiver(
                organization_id=ada.organization_id,
                configuration_id=asked,
                module_id=modules[1].id,
                person_id=ada.id,
                reason="medical",
                approved_by=grace.id,
                from_at=clock.now(),
                until_on=TODAY + timedelta(days=30),
            )
        )
        assert reconcile.run(now=clock.now())["evaluate_person"] == 1


def test_a_manager_sees_the_training_of_the_units_granted_and_acts_in_it(
    world: World, client: FlaskClient, ada: Person, asked: int, quay: Unit, modules: list[Module]
) -> None:
    yard = world.unit("Yard")
    world.member(ada, yard)
    other = training(yard, row(modules[0]), name="Yard access")
    mona = world.person("Mona Manager")
    world.grant(mona, Role.MANAGER, quay)
    world.sign_in(client, mona)
    words = page_of(client, ada).words
    assert "Site access" in words
    assert "Yard access" not in words
    assert waive(client, ada, asked, modules[1], until_on="2027-06-01").status_code == 302
    assert waive(client, ada, other, modules[0], until_on="2027-06-01").status_code == 404
    assert waive(client, ada, asked, modules[2], until_on="2027-06-01").status_code == 404
    sent = filled(client, ada, module_id=modules[0].id, happened_on="2027-03-01", reason="x")
    assert record(client, ada, sent).status_code == 302
    bob = world.person("Bob Ross")
    for address in (f"/admin/people/{bob.id}/training",
                    f"/admin/people/{bob.id}/completions/new"):  # fmt: skip
        assert client.get(address).status_code == 404


def test_learners_and_other_organizations_get_nothing(
    world: World, client: FlaskClient, grace: Person, ada: Person, asked: int,
    modules: list[Module],
) -> None:  # fmt: skip
    world.sign_in(client, grace)
    waive(client, ada, asked, modules[1], until_on="2027-06-01")
    waiver_id = db.session.scalars(select(Waiver.id)).one()
    fact = world.completion(ada, modules[0])
    theirs = world.new_organization("Other")
    eve = world.person("Eve Other", organization=theirs)
    world.grant(eve, Role.ADMIN)
    for person, status in ((ada, 403), (eve, 404)):
        world.sign_in(client, person)
        for address in ("training", "completions/new", f"completions/{fact.id}/evidence"):
            assert client.get(f"/admin/people/{ada.id}/{address}").status_code == status
        assert waive(client, ada, asked, modules[1], until_on="2027-06-01").status_code == status
        ended = client.post(f"/admin/people/{ada.id}/waivers/{waiver_id}/end")
        assert ended.status_code == status
    db.session.rollback()
    assert db.session.get_one(Waiver, waiver_id).ended_at is None


def test_what_is_published_later_is_explained_by_its_version(
    admin: FlaskClient, ada: Person, asked: int, modules: list[Module]
) -> None:
    publish(asked, row(modules[0]))
    assert "version 2" in page_of(admin, ada).words


def reminded(person: Person) -> list[Message]:
    db.session.rollback()
    wanted = select(Message).where(
        Message.person_id == person.id, Message.kind == MessageKind.REMINDER
    )
    return list(db.session.scalars(wanted))


def remind(client: FlaskClient, person: Person) -> str:
    """What the page says after the button."""
    answer = client.post(f"/admin/people/{person.id}/remind")
    return str(client.get(answer.location).text) if answer.location else str(answer.status_code)


def test_a_reminder_names_what_is_to_do_once_a_day(
    world: World, admin: FlaskClient, ada: Person, asked: int, modules: list[Module]
) -> None:
    world.completion(ada, modules[0], happened_at=NOW - timedelta(days=340))
    assert "The reminder is on its way." in remind(admin, ada)
    assert "A reminder was sent today already" in remind(admin, ada)
    (message,) = reminded(ada)
    assert [(item["title"], item["ends_on"]) for item in message.facts["items"]] == [
        ("Gas", None),
        ("Height", "Apr 4, 2027"),
    ]
    words = wording_of(message.kind, {"person_name": "Ada", **message.facts}, locale="en")
    assert "Height – Quay (valid through Apr 4, 2027)" in words.text
    assert "Secret" not in words.text + words.html
    with clock.at(NOW + timedelta(days=1)):
        remind(admin, ada)
    assert len(reminded(ada)) == 2


def test_a_reminder_needs_an_address_and_something_to_say(
    world: World, admin: FlaskClient, ada: Person, asked: int, modules: list[Module]
) -> None:
    for module in modules:
        world.completion(ada, module)
    assert "There is nothing to remind of" in remind(admin, ada)
    ada.email = None
    world.add(ada)
    assert "This person has no email address." in remind(admin, ada)
    assert reminded(ada) == []


def test_a_reminder_is_not_promised_where_the_organization_mails_none(
    world: World, admin: FlaskClient, ada: Person, asked: int
) -> None:
    off = [MessageKind.REMINDER.value]
    organization_id = world.organization.id
    world.add(MailSettings(organization_id=organization_id, off_kinds=off, updated_at=NOW))
    assert "Your organization has switched reminders by mail off." in remind(admin, ada)
    assert reminded(ada) == []


def test_who_may_remind(
    world: World, client: FlaskClient, ada: Person, asked: int, quay: Unit
) -> None:
    mona, bob = world.person("Mona Manager"), world.person("Bob Ross")
    world.grant(mona, Role.MANAGER, quay)
    eve = world.person("Eve Other", organization=world.new_organization("Other"))
    world.grant(eve, Role.ADMIN)
    for person, status in ((ada, "403"), (eve, "404")):
        world.sign_in(client, person)
        assert remind(client, ada) == status
    world.sign_in(client, mona)
    assert remind(client, bob) == "404"
    assert "on its way" in remind(client, ada)


def test_a_reminder_that_would_be_held_back_says_so(
    ada: Person, admin: FlaskClient, asked: int
) -> None:
    ada_id = ada.id
    db.session.rollback()
    with transaction() as tx:
        person = tx.session.get_one(Person, ada_id)
        choose(tx.session, person, wanted=False, place=ChoicePlace.PAGE, now=clock.now())
    assert "has switched reminders by mail off" in remind(admin, ada)
    assert reminded(ada) == []
