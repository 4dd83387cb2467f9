"""A learner submits a certificate from elsewhere, and somebody else decides about it."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from plugin.assign.models import StoredStanding
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import db, transaction
from plugin.modules import retraining
from plugin.modules.models import Completion, CompletionSource, Module
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Person, Unit
from plugin.submissions.models import SubmissionState, SubmittedCertificate
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, judge, publish, row
from tests.support.clamd import EICAR, clamd
from tests.support.html import read
from tests.support.papers import pdf
from tests.support.queries import counted
from tests.support.world import World

PAPER = {
    "name": "First aid, two days",
    "issuer": "Red Cross",
    "issued_on": "2027-01-15",
    "ends_on": "2028-06-30",
}


def opened(client: FlaskClient, module: Module) -> str:
    """The address of the page where the certificate is submitted."""
    answer = client.post(f"/modules/{module.id}/start")
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def submits(client: FlaskClient, page: str, content: bytes = b"", **said: str) -> TestResponse:
    return client.post(
        page,
        data={**PAPER, **said, "evidence": (io.BytesIO(content or pdf()), "scan.pdf")},
        content_type="multipart/form-data",
    )


def only() -> SubmittedCertificate:
    db.session.rollback()
    return db.session.scalars(select(SubmittedCertificate)).one()


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.scalars(select(Completion).order_by(Completion.id)))


def approves(client: FlaskClient, number: int, **days: str) -> TestResponse:
    data = {"issued_on": PAPER["issued_on"], "ends_on": PAPER["ends_on"], **days}
    return client.post(f"/admin/submissions/{number}/approve", data=data)


def mails() -> list[tuple[MessageKind, dict[str, Any]]]:
    db.session.rollback()
    kinds = (MessageKind.EVIDENCE_APPROVED, MessageKind.EVIDENCE_REJECTED)
    found = db.session.scalars(select(Message).where(Message.kind.in_(kinds)))
    return [(each.kind, each.facts) for each in found]


@pytest.fixture
def page(client: FlaskClient, learner: Person, module: Module) -> str:
    return opened(client, module)


def test_approved_it_counts_since_it_was_issued_through_its_own_end(
    client: FlaskClient, admin: FlaskClient, learner: Person, boss: Person, page: str
) -> None:
    assert submits(client, page).status_code == 303
    assert "Being checked" in client.get(page).get_data(as_text=True)
    assert completions() == []
    assert approves(admin, only().id).status_code == 303
    (made,) = completions()
    assert (made.person_id, made.passed, made.source) == (
        learner.id,
        True,
        CompletionSource.CERTIFICATE,
    )
    assert made.happened_at == datetime(2027, 1, 15, 12, tzinfo=UTC)
    assert made.valid_until_on == date(2028, 6, 30)
    assert made.evidence["certificate"] == PAPER
    assert made.evidence["approved_by"] == boss.id
    assert only().completion_id == made.id
    judge()
    stored = db.session.scalars(select(StoredStanding)).one()
    assert stored.valid_through == date(2028, 6, 30)
    why = read(client.get("/why/1").get_data(as_text=True)).words
    assert "It counts through Jun 30, 2028, its own last day." in why
    assert "The training would give it 24 months." in why
    assert "external certificate, First aid, two days by Red Cross" in why


def test_issued_this_morning_it_has_not_happened_later_than_now(
    client: FlaskClient, admin: FlaskClient, page: str
) -> None:
    submits(client, page, issued_on="2027-03-10")
    approves(admin, only().id, issued_on="2027-03-10")
    assert completions()[0].happened_at == NOW


def test_the_training_ends_it_when_that_is_earlier(
    client: FlaskClient, admin: FlaskClient, learner: Person, module: Module, page: str
) -> None:
    submits(client, page, ends_on="2035-01-01")
    approves(admin, only().id, ends_on="2035-01-01")
    judge()
    stored = db.session.scalars(select(StoredStanding)).one()
    assert stored.valid_through == date(2029, 1, 15)


def test_rejected_it_does_not_count_and_another_may_be_submitted(
    client: FlaskClient, admin: FlaskClient, page: str
) -> None:
    submits(client, page)
    number = only().id
    answer = admin.post(f"/admin/submissions/{number}/reject", data={"reason": "Not readable."})
    assert answer.status_code == 303
    assert completions() == []
    words = read(client.get(page).get_data(as_text=True)).words
    assert "Rejected" in words
    assert "Reason: Not readable." in words
    assert submits(client, page).status_code == 303


def test_the_holder_is_told_once_by_mail(
    client: FlaskClient, admin: FlaskClient, page: str
) -> None:
    submits(client, page)
    number = only().id
    admin.post(f"/admin/submissions/{number}/reject", data={"reason": "Not readable."})
    again = admin.post(f"/admin/submissions/{number}/reject", data={"reason": "Not readable."})
    assert again.status_code == 409
    assert approves(admin, number).status_code == 409
    ((kind, facts),) = mails()
    assert kind is MessageKind.EVIDENCE_REJECTED
    assert facts["reason"] == "Not readable."
    submits(client, page)
    db.session.rollback()
    second = db.session.scalars(
        select(SubmittedCertificate.id).where(SubmittedCertificate.state == SubmissionState.WAITING)
    ).one()
    approves(admin, second)
    assert [each[0] for each in mails()] == [
        MessageKind.EVIDENCE_REJECTED,
        MessageKind.EVIDENCE_APPROVED,
    ]


def test_nobody_decides_about_their_own(
    world: World, client: FlaskClient, learner: Person, page: str
) -> None:
    submits(client, page)
    number = only().id
    world.grant(learner, Role.ADMIN)
    assert approves(client, number).status_code == 403
    answer = client.post(f"/admin/submissions/{number}/reject", data={"reason": "x"})
    assert answer.status_code == 403
    shown = client.get(f"/admin/submissions/{number}").get_data(as_text=True)
    assert "Nobody decides about their own certificate." in shown
    assert "/approve" not in shown
    submission = only()
    submission.decided_by = learner.id
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()


def test_managers_decide_about_people_of_their_units_and_no_others(
    app: Flask, world: World, client: FlaskClient, page: str, quay: Unit
) -> None:
    submits(client, page)
    number = only().id
    for name, unit, status in (("Olga Other", world.unit("Yard"), 404), ("Mia", quay, 303)):
        manager = world.person(name)
        world.grant(manager, Role.MANAGER, unit)
        browser = app.test_client()
        world.sign_in(browser, manager)
        listed = browser.get("/admin/submissions").get_data(as_text=True)
        assert ("First aid, two days" in listed) is (status == 303)
        for path in ("", "/file"):
            seen = browser.get(f"/admin/submissions/{number}{path}").status_code
            assert seen == (200 if status == 303 else 404)
        assert approves(browser, number).status_code == status
    assert len(completions()) == 1


def test_learners_and_other_organizations_see_nothing_of_it(
    app: Flask, world: World, client: FlaskClient, page: str
) -> None:
    submits(client, page)
    number = only().id
    assert client.get("/admin/submissions").status_code == 403
    assert approves(client, number).status_code == 403
    them = world.person("Theo Their", organization=world.new_organization("Elsewhere"))
    world.grant(them, Role.ADMIN)
    other = app.test_client()
    world.sign_in(other, them)
    for path in ("", "/file"):
        assert other.get(f"/admin/submissions/{number}{path}").status_code == 404
    assert approves(other, number).status_code == 404
    assert "First aid, two days" not in other.get("/admin/submissions").get_data(as_text=True)
    assert other.get(page).status_code == 404
    assert other.get(f"{page}/{number}/file").status_code == 404
    assert other.post(f"{page}/{number}/withdraw").status_code == 404


def test_the_file_is_only_ever_a_download(
    client: FlaskClient, admin: FlaskClient, page: str
) -> None:
    submits(client, page)
    number = only().id
    for answer in (
        admin.get(f"/admin/submissions/{number}/file"),
        client.get(f"{page}/{number}/file"),
    ):
        assert answer.data == pdf()
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "This field is required."),
        ("issuer", "x" * 201, "Field cannot be longer than 200 characters."),
        ("issued_on", "2027-03-11", "Choose the day it was issued; not one to come."),
        ("issued_on", "1850-01-01", "Choose the day it was issued; not one to come."),
        ("issued_on", "soon", "Not a valid date value."),
        ("ends_on", "2027-03-09", "This certificate has ended."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    client: FlaskClient, page: str, field: str, value: str, words: str
) -> None:
    answer = submits(client, page, **{field: value})
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert db.session.scalars(select(SubmittedCertificate)).all() == []


def test_only_pdf_and_pictures_are_taken(client: FlaskClient, page: str) -> None:
    assert submits(client, page, b"<svg/>").status_code == 422
    assert submits(client, page, pdf() + b"x" * 11 * 1024 * 1024).status_code == 422
    assert submits(client, page, b"\xff\xd8\xff\xe0" + b"x" * 9).status_code == 303


def test_a_virus_is_not_let_in(
    app: Flask, client: FlaskClient, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clamd() as (address, _):
        scanning = replace(current_settings(), clamav=address)
        monkeypatch.setitem(app.extensions, "plugin_settings", scanning)
        answer = submits(client, page, pdf() + EICAR)
    assert answer.status_code == 422
    assert "Eicar-Test" in answer.get_data(as_text=True)
    assert db.session.scalars(select(SubmittedCertificate)).all() == []


def test_at_most_one_waits_and_it_can_be_withdrawn(client: FlaskClient, page: str) -> None:
    submits(client, page)
    assert submits(client, page).status_code == 409
    number = only().id
    assert client.post(f"{page}/{number}/withdraw").status_code == 303
    assert client.post(f"{page}/{number}/withdraw").status_code == 409
    assert submits(client, page).status_code == 303


def test_whoever_approves_puts_the_days_right(
    client: FlaskClient, admin: FlaskClient, page: str
) -> None:
    submits(client, page)
    wrong = approves(admin, only().id, issued_on="2027-04-01")
    assert wrong.status_code == 422
    assert "Choose the day it was issued" in wrong.get_data(as_text=True)
    approves(admin, only().id, issued_on="2027-02-01", ends_on="")
    (made,) = completions()
    assert (made.happened_at.date(), made.valid_until_on) == (date(2027, 2, 1), None)


def test_a_rejection_needs_a_reason(client: FlaskClient, admin: FlaskClient, page: str) -> None:
    submits(client, page)
    answer = admin.post(f"/admin/submissions/{only().id}/reject", data={"reason": " "})
    assert answer.status_code == 422
    assert only().state is SubmissionState.WAITING


def test_once_it_has_ended_a_newer_one_is_a_sitting_of_its_own(
    client: FlaskClient, admin: FlaskClient, module: Module, page: str
) -> None:
    submits(client, page)
    approves(admin, only().id)
    judge()
    assert "Submit another certificate" in client.get(page).get_data(as_text=True)
    assert submits(client, page).status_code == 409
    with clock.at(NOW.replace(year=2028, month=7)):
        judge()
        assert "Expired" in client.get("/").get_data(as_text=True)
        assert opened(client, module) != page


def test_a_hidden_module_takes_no_certificates(
    client: FlaskClient, module: Module, page: str
) -> None:
    publish(1, row(module, HIDDEN))
    assert client.get(page).status_code == 404
    assert submits(client, page).status_code == 404


def test_history_and_records_name_the_certificate(
    client: FlaskClient, admin: FlaskClient, learner: Person, page: str
) -> None:
    submits(client, page)
    approves(admin, only().id)
    judge()
    history = read(client.get("/history").get_data(as_text=True)).words
    assert "External certificate, First aid, two days by Red Cross" in history
    shown = read(admin.get(f"/admin/people/{learner.id}/training").get_data(as_text=True))
    assert "Ends on Jun 30, 2028" in shown.words
    assert "Evidence" in shown.words
    assert admin.get(f"/admin/people/{learner.id}/transcript.pdf").status_code == 200
    done = read(admin.get("/admin/submissions?state=approved").get_data(as_text=True)).words
    assert "First aid, two days" in done


def test_the_list_needs_as_many_statements_for_many_as_for_one(
    world: World, client: FlaskClient, admin: FlaskClient, page: str
) -> None:
    submits(client, page)
    with counted() as one:
        admin.get("/admin/submissions")
    first = only()
    for _ in range(5):
        world.add(
            SubmittedCertificate(
                **{
                    each.key: getattr(first, each.key)
                    for each in SubmittedCertificate.__table__.columns
                    if each.key not in {"id", "state"}
                },
                state=SubmissionState.REJECTED,
            )
        )
    with counted() as many:
        admin.get("/admin/submissions?state=rejected")
    assert len(many) == len(one)


def test_the_module_is_made_and_changed_by_admins(
    world: World, client: FlaskClient, admin: FlaskClient, module: Module
) -> None:
    said = {"title": "Crane licence", "words": "Class B."}
    assert admin.post("/admin/modules/certificates/new", data=said).status_code == 303
    assert "Crane licence" in admin.get("/admin/modules").get_data(as_text=True)
    address = f"/admin/modules/certificates/{module.id}"
    assert admin.post(address, data={**said, "words": "Class C."}).status_code == 303
    assert "Class C." in admin.get(address).get_data(as_text=True)
    assert admin.post(address, data={"title": ""}).status_code == 422
    other = world.module("Course")
    assert admin.get(f"/admin/modules/certificates/{other.id}").status_code == 404


def test_what_was_submitted_before_it_had_to_be_shown_anew_is_said_to_be_so(
    client: FlaskClient,
    admin: FlaskClient,
    world: World,
    learner: Person,
    boss: Person,
    module: Module,
    page: str,
) -> None:
    submits(client, page)
    number = only().id
    tomorrow = NOW.date() + timedelta(days=1)
    with transaction() as tx:
        target = tx.session.get_one(Module, module.id)
        retraining.renew(tx, target, None, NOW)
        version = retraining.version_of(tx.session, target, 2)
        retraining.decide(tx, version, tomorrow, known_id=0, by=boss.id, reason="Rules", now=NOW)
    with clock.at(NOW + timedelta(days=2)):
        world.sign_in(client, learner)
        world.sign_in(admin, boss)
        assert opened(client, module) != page
        refused = approves(admin, number)
        assert refused.status_code == 409
        assert "shown anew" in read(refused.text).words
        assert completions() == []
        admin.post(f"/admin/submissions/{number}/reject", data={"reason": "Show the new one"})
    assert only().state is SubmissionState.REJECTED
