"""From a valid standing to the certificate, its edition, its document and its mail: each once."""

import hashlib
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from plugin.assign.facts import RowStatus
from plugin.certs import actions, rendering
from plugin.certs.errors import CertificateRevokedError
from plugin.certs.models import Certificate
from plugin.certs.rules import EditionKind
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.notify.models import MessageKind
from tests.conftest import NOW, TOOL
from tests.functional.assign.places import (
    evaluate_later,
    messages,
    publish,
    row,
    steps,
)
from tests.functional.certs.proofs import certificate, editions, learner
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World
from tests.unit.certs.papers import logo_png


def certificate_mails() -> list[MessageKind]:
    return [each.kind for each in messages() if each.kind.startswith("certificate")]


def issue(person_id: int, configuration_id: int) -> None:
    with transaction() as tx:
        actions.issue(tx, person_id, configuration_id, tool_url=TOOL, now=clock.now())


def test_passing_the_last_required_module_makes_one_certificate_edition_document_and_mail(
    world: World,
) -> None:
    ada = learner(world)
    ada.passes()

    found, (edition,) = certificate(), editions()
    assert (edition.number, edition.kind) == (1, EditionKind.FIRST)
    assert edition.valid_through == date(2028, 3, 10)
    assert edition.pdf_key is not None
    content = storage().read(edition.pdf_key)
    assert hashlib.sha256(content).hexdigest() == edition.pdf_sha256
    assert edition.rendered_at == NOW
    (mail,) = (each for each in messages() if each.kind is MessageKind.CERTIFICATE_ISSUED)
    assert mail.attachments == [
        {
            "key": edition.pdf_key,
            "filename": f"certificate-{found.credential_id}-1.pdf",
            "sha256": edition.pdf_sha256,
            "media_type": "application/pdf",
        }
    ]
    assert mail.facts["verify_url"] == f"{TOOL}/v/{found.token}"
    assert mail.facts["valid_through"] == "March 10, 2028"


def test_the_document_says_who_what_until_when_and_where_to_check(world: World) -> None:
    ada = learner(world, titles=("Working at height", "Confined spaces"))
    ada.passes(ada.modules[0], happened_at=NOW - timedelta(days=60))
    ada.passes(ada.modules[1])

    (edition,) = editions()
    assert edition.pdf_key is not None
    (page,) = PdfReader(storage().path(edition.pdf_key)).pages
    text = page.extract_text()
    found = certificate()
    for words in (
        "Ada Byron",
        "Harbour Works",
        "North Quay",
        "Basic safety",
        "Working at height",
        "January 9, 2027",
        "Confined spaces",
        "March 10, 2027",
        "Valid through January 9, 2028",
        found.credential_id,
        found.passcode,
        f"{TOOL}/v/{found.token}",
        "The status at the address above is what counts.",
    ):
        assert words in text, words
    assert float(page.mediabox.width) > float(page.mediabox.height)
    assert "ada@example.test" not in text
    for drawn in (found.credential_id, found.passcode, found.token):  # they may hold any digits
        text = text.replace(drawn, "")
    assert "87" not in text
    assert "0.87" not in str(edition.facts)


def test_issuing_again_changes_nothing(world: World) -> None:
    ada = learner(world)
    ada.passes()
    issue(ada.person.id, ada.configuration_id)
    rendering.render(editions()[0].id)
    work_off()
    assert len(editions()) == 1
    assert certificate_mails() == [MessageKind.CERTIFICATE_ISSUED]


def test_two_workers_at_the_same_instant_make_one_edition(world: World, app: Flask) -> None:
    ada = learner(world)
    world.completion(ada.person, ada.modules[0])
    person_id, configuration_id = ada.person.id, ada.configuration_id
    db.session.rollback()
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def worker() -> None:
        with app.app_context():
            barrier.wait()
            try:
                issue(person_id, configuration_id)
            except BaseException as error:
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert len(editions()) == 1
    assert len(steps(JobName.RENDER_EDITION)) == 1
    certificate()


def test_a_crash_after_the_file_was_written_prints_the_same_bytes_again(world: World) -> None:
    ada = learner(world)
    world.completion(ada.person, ada.modules[0])
    issue(ada.person.id, ada.configuration_id)
    (edition,) = editions()
    rendering.render(edition.id)
    first = editions()[0].pdf_sha256
    edition = editions()[0]
    edition.rendered_at = edition.pdf_sha256 = None  # as if the second transaction never came
    db.session.commit()
    with clock.at(NOW + timedelta(hours=3)):
        rendering.render(edition.id)
    assert editions()[0].pdf_sha256 == first
    assert certificate_mails() == [MessageKind.CERTIFICATE_ISSUED]


def test_a_retake_makes_a_renewal_with_the_same_credential(world: World) -> None:
    ada = learner(world)
    ada.passes()
    before = certificate().credential_id, certificate().token, certificate().passcode
    with clock.at(NOW + timedelta(days=300)):
        ada.passes()
    first, second = editions()
    assert (second.number, second.kind) == (2, EditionKind.RENEWAL)
    assert first.valid_through < second.valid_through
    assert (certificate().credential_id, certificate().token, certificate().passcode) == before
    assert certificate_mails() == [
        MessageKind.CERTIFICATE_ISSUED,
        MessageKind.CERTIFICATE_RENEWED,
    ]
    assert first.pdf_key != second.pdf_key
    assert storage().exists(str(first.pdf_key))


def test_several_renewals_on_one_day_make_one_edition_after_midnight(world: World) -> None:
    ada = learner(world)
    ada.passes(happened_at=NOW - timedelta(days=40))
    for hours in (1, 2):
        with clock.at(NOW + timedelta(hours=hours)):
            ada.passes(happened_at=NOW - timedelta(days=30 - hours))
    assert len(editions()) == 1
    with clock.at(datetime(2027, 3, 10, 23, 59, 59, tzinfo=UTC)):
        work_off()
    assert len(editions()) == 1
    with clock.at(datetime(2027, 3, 11, 0, 0, tzinfo=UTC)):
        work_off()
    assert [each.kind for each in editions()] == [EditionKind.FIRST, EditionKind.RENEWAL]
    assert editions()[1].valid_through == date(2028, 2, 10)
    assert certificate_mails() == [
        MessageKind.CERTIFICATE_ISSUED,
        MessageKind.CERTIFICATE_RENEWED,
    ]


def test_completing_a_new_requirement_restores_the_same_certificate(world: World) -> None:
    ada = learner(world)
    ada.passes()
    before = certificate().credential_id
    added = world.module("Confined spaces")
    with clock.at(NOW + timedelta(days=5)):
        publish(ada.configuration_id, row(ada.modules[0]), row(added))
        work_off()
        assert len(editions()) == 1
    with clock.at(NOW + timedelta(days=6)):
        ada.passes(added)
    assert [each.kind for each in editions()] == [EditionKind.FIRST, EditionKind.RESTORATION]
    assert certificate().credential_id == before
    assert certificate_mails()[-1] is MessageKind.CERTIFICATE_RESTORED


def test_what_an_edition_says_never_changes(world: World) -> None:
    ada = learner(world)
    ada.passes()
    facts = dict(editions()[0].facts)
    person = db.session.merge(ada.person)
    person.full_name = "Ada King"
    db.session.commit()
    with clock.at(NOW + timedelta(days=300)):
        ada.passes()
    first, second = editions()
    assert first.facts == facts
    assert first.facts["person"] == "Ada Byron"
    assert second.facts["person"] == "Ada King"


def test_without_the_toggle_there_is_no_certificate(world: World) -> None:
    ada = learner(world)
    publish(ada.configuration_id, row(ada.modules[0]), certificate=False)
    ada.passes()
    assert editions() == []


def test_optional_and_hidden_modules_are_not_printed(world: World) -> None:
    ada = learner(world)
    secret, extra = world.module("Secret project"), world.module("First aid")
    publish(
        ada.configuration_id,
        row(ada.modules[0]),
        row(secret, RowStatus.HIDDEN),
        row(extra, RowStatus.OPTIONAL),
    )
    ada.passes(secret)
    ada.passes()
    (edition,) = editions()
    assert [line["title"] for line in edition.facts["modules"]] == ["Working at height"]


def test_a_person_without_an_address_gets_the_certificate_all_the_same(world: World) -> None:
    ada = learner(world)
    person = db.session.merge(ada.person)
    person.email = None
    db.session.commit()
    ada.passes()
    assert editions()[0].rendered_at is not None
    assert messages()[-1].state == "undeliverable"


def revoke(reason: str = "issued by mistake") -> None:
    found = certificate()
    with transaction() as tx:
        actions.revoke(tx, tx.session.merge(found), by=None, reason=reason, now=clock.now())


def test_a_revoked_certificate_gets_no_edition_and_stays_revoked(world: World) -> None:
    ada = learner(world)
    ada.passes()
    revoke()
    revoke()
    with clock.at(NOW + timedelta(days=300)):
        ada.passes()
    assert len(editions()) == 1
    found = certificate()
    with transaction() as tx, pytest.raises(CertificateRevokedError):
        actions.lift(tx, tx.session.merge(found), by=None, reason="no", now=clock.now())
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "certificate.revoked")
    ).all()
    assert [each.reason for each in entries] == ["issued by mistake"]


def test_a_suspension_holds_editions_back_until_it_is_lifted(world: World) -> None:
    ada = learner(world)
    ada.passes()
    found = certificate()
    with transaction() as tx:
        certificate_row = tx.session.merge(found)
        actions.suspend(tx, certificate_row, by=None, reason="inquiry", now=clock.now())
    later = NOW + timedelta(days=300)
    with clock.at(later):
        ada.passes()
        assert len(editions()) == 1
        with transaction() as tx:
            actions.lift(tx, tx.session.merge(found), by=None, reason="cleared", now=clock.now())
        work_off()
    assert [each.kind for each in editions()] == [EditionKind.FIRST, EditionKind.RENEWAL]


def test_an_erased_certificate_is_never_printed_again(world: World) -> None:
    ada = learner(world)
    ada.passes()
    found = certificate()
    with transaction() as tx:
        actions.erase(tx.session, tx.session.merge(found), by=None, now=clock.now())
    assert [(each.facts, each.pdf_key) for each in editions()] == [({}, None)]
    rendering.render(editions()[0].id)
    with clock.at(NOW + timedelta(days=300)):
        ada.passes()
    assert len(editions()) == 1


def test_every_certificate_has_names_of_its_own(world: World) -> None:
    ada = learner(world)
    ada.passes()
    other = world.person("Grace Hopper", email=None)
    world.member(other, ada.unit)
    world.completion(other, ada.modules[0])
    evaluate_later(other)
    work_off()
    found = db.session.scalars(select(Certificate)).all()
    assert len(found) == 2
    for name in ("credential_id", "token", "passcode"):
        assert len({getattr(each, name) for each in found}) == 2


def test_the_organizations_logo_is_printed(world: World) -> None:
    ada = learner(world)
    organization = db.session.merge(world.organization)
    organization.logo_key = storage().put("logos/test.png", logo_png()).key
    db.session.commit()
    ada.passes()
    (edition,) = editions()
    (page,) = PdfReader(storage().path(str(edition.pdf_key))).pages
    assert len(page.images) == 2  # the logo and the QR code


def test_the_mail_brings_the_document_and_says_where_to_check(
    world: World, inbox: smtp.Inbox
) -> None:
    ada = learner(world)
    ada.passes()
    mail = inbox.mails[-1]
    found = certificate()
    assert mail["Subject"] == "Your certificate for Basic safety"
    for words in (smtp.text_of(mail), smtp.text_of(mail, "html")):
        assert "Hello Ada Byron," in words
        assert "March 10, 2028" in words
        assert f"{TOOL}/v/{found.token}" in words
        assert found.passcode in words
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == f"certificate-{found.credential_id}-1.pdf"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert hashlib.sha256(content).hexdigest() == editions()[0].pdf_sha256


def test_each_kind_of_edition_has_words_of_its_own(world: World, inbox: smtp.Inbox) -> None:
    ada = learner(world)
    ada.passes()
    with clock.at(NOW + timedelta(days=300)):
        ada.passes()
    added = world.module("Confined spaces")
    with clock.at(NOW + timedelta(days=301)):
        publish(ada.configuration_id, row(ada.modules[0]), row(added))
        work_off()
    with clock.at(NOW + timedelta(days=302)):
        ada.passes(added)
    subjects = [mail["Subject"] for mail in inbox.mails if list(mail.iter_attachments())]
    assert subjects == [
        "Your certificate for Basic safety",
        "Your renewed certificate for Basic safety",
        "Your certificate for Basic safety is valid again",
    ]


def test_nothing_personal_is_logged_on_the_way(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    ada = learner(world, titles=("Höhe 😀 བོད",))
    person = db.session.merge(ada.person)
    person.full_name = "Ada བོད"
    db.session.commit()
    ada.passes()
    seen = "".join((*capfd.readouterr(), caplog.text))
    assert editions()[0].rendered_at is not None
    for words in ("Ada", "བོད", "ada@example", "Höhe", certificate().token, certificate().passcode):
        assert words not in seen
