"""The life of a certificate, sentence by sentence, through the real pages, jobs and inbox."""

from datetime import date
from hashlib import sha256
from io import BytesIO

import pytest
from pypdf import PdfReader

from plugin.certs.models import Edition
from plugin.core import clock
from plugin.core.db import db
from plugin.modules.models import Module
from plugin.org.models import Person
from tests.functional.assign.places import evaluate_later, messages, row
from tests.functional.examples.scene import SECOND, Scene, london
from tests.support.html import read
from tests.support.pages import last_form, values_of
from tests.support.smtp import text_of
from tests.support.work import work_off

YEAR = 12


def submits(scene: Scene, path: str, **filled: str) -> str:
    """The admin fills the page's last form and sends it; the page that comes next, in words."""
    scene.world.sign_in(scene.client, scene.admin)
    sent = values_of(last_form(scene.client.get(path).text)) | filled
    answer = scene.client.post(path, data=sent)
    assert answer.status_code in {302, 303}, answer.text
    work_off()
    return read(scene.client.get(answer.location).text).by_id("main").words


def presses(scene: Scene, path: str, **filled: str) -> None:
    scene.world.sign_in(scene.client, scene.admin)
    answer = scene.client.post(path, data=filled)
    assert answer.status_code in {302, 303}, answer.text
    work_off()


def waives(scene: Scene, asked: int, module: Module, until: str) -> None:
    path = f"/admin/people/{scene.ada.id}/waive/{asked}/{module.id}"
    assert "Waived." in submits(scene, path, until_on=until, reason="Medical")


def ends_the_waiver(scene: Scene) -> None:
    """The admin presses the button beside the only waiver there is."""
    scene.world.sign_in(scene.client, scene.admin)
    page = read(scene.client.get(f"/admin/people/{scene.ada.id}/training").text)
    (path,) = [
        each.attributes["action"]
        for each in page.all("form")
        if "/waivers/" in each.attributes.get("action", "")
    ]
    presses(scene, path)


def decides(scene: Scene, asked: int, act: str) -> None:
    """The admin suspends, restores or revokes the certificate."""
    path = f"/admin/certificates/{scene.certificate(asked).id}/{act}"
    presses(scene, path, reason="As decided")


def kinds(scene: Scene) -> list[str]:
    return [each.kind.value for each in messages(scene.ada)]


def printed(scene: Scene, asked: int, number: int) -> tuple[str, str]:
    """The words of an edition's document as its owner gets it, and the document's SHA-256."""
    scene.world.sign_in(scene.client, scene.ada)
    answer = scene.client.get(f"/certificates/{scene.certificate(asked).id}/{number}.pdf")
    assert answer.status_code == 200
    pages = PdfReader(BytesIO(answer.data)).pages
    return " ".join(page.extract_text() for page in pages), sha256(answer.data).hexdigest()


def training_page(scene: Scene, query: str = "") -> str:
    """What an admin reads of Ada's training."""
    scene.world.sign_in(scene.client, scene.admin)
    path = f"/admin/people/{scene.ada.id}/training{query}"
    return read(scene.client.get(path).text).by_id("main").words


def holder(scene: Scene) -> tuple[int, Module]:
    """Ada has a certificate for a module of twelve months since 10 March, and read her mail."""
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=YEAR))
        scene.takes(module)
        assert scene.editions(asked) == [(1, "first", date(2028, 3, 10))]
    scene.mails()
    return asked, module


def test_a_waiver_counts_through_its_last_day_is_printed_and_then_asks_again(scene: Scene) -> None:
    unit = scene.world.unit()
    first, second = scene.world.module("Ladders"), scene.world.module("Ropes")
    with clock.at(london(2027, 3, 1)):
        scene.joins(unit)
        asked = scene.asks(unit, row(first, validity_months=YEAR), row(second))
        scene.takes(first)
        scene.mails()
        waives(scene, asked, second, "2027-04-09")
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked) == [(1, "first", date(2027, 4, 9))]
        assert len(scene.mails()) == 1
        name = scene.certificate(asked).credential_id
        words, _digest = printed(scene, asked, 1)
        assert "exempt" in words.lower()
    with clock.at(london(2027, 4, 10, 0) - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(london(2027, 4, 10, 0)):
        assert scene.verify(asked).startswith("INVALID")
    with clock.at(london(2027, 4, 10, 9, 5)):
        scene.time_passes()
        assert len(scene.mails()) == 1
        assert kinds(scene)[-1] == "expired"
        scene.time_passes()
        assert scene.mails() == []
    with clock.at(london(2027, 4, 12)):
        scene.takes(second)
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked)[1:] == [(2, "restoration", date(2028, 3, 1))]
        assert scene.certificate(asked).credential_id == name


def test_a_waiver_that_is_ended_takes_the_certificate_at_once_and_says_so(scene: Scene) -> None:
    unit = scene.world.unit()
    first, second = scene.world.module("Ladders"), scene.world.module("Ropes")
    with clock.at(london(2027, 3, 1)):
        scene.joins(unit)
        asked = scene.asks(unit, row(first, validity_months=YEAR), row(second))
        scene.takes(first)
        waives(scene, asked, second, "2027-12-31")
        scene.mails()
    with clock.at(london(2027, 3, 2)):
        ends_the_waiver(scene)
        assert scene.verify(asked).startswith("INVALID")
        (mail,) = scene.inbox.mails
        assert mail["Subject"] == "Your certificate for North Quay is not valid any more"
        for kind in ("plain", "html"):
            words = text_of(mail, kind)
            assert "Training that North Quay requires is not complete any more." in words
            assert "now requires more" not in words, "nothing is asked that was not asked before"
        assert kinds(scene)[-1] == "new_requirement"


def test_a_due_date_is_advice_and_changes_no_validity(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=YEAR, due_days=14))
        assert "Mar 24" in scene.dashboard()
        assert "Overdue" not in scene.dashboard()
    with clock.at(london(2027, 3, 25, 9, 5)):
        assert "Overdue" in scene.dashboard()
        scene.time_passes()
        scene.mails()
    with clock.at(london(2027, 3, 30)):
        scene.takes(module)
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked) == [(1, "first", date(2028, 3, 30))]
        assert "Overdue" not in scene.dashboard()


def test_a_grace_asks_at_once_and_binds_after_its_last_day(scene: Scene) -> None:
    asked, first = holder(scene)
    more = scene.world.module("Ropes")
    with clock.at(london(2027, 4, 1)):
        asking = (row(first, validity_months=YEAR), row(more))
        scene.publishes(asked, *asking, when="grace", grace_until="2027-04-30")
        assert scene.verify(asked).startswith("VALID")
        assert "to be completed by April 30, 2027" in scene.verify(asked)
        assert len(scene.mails()) == 1, "asked for at once"
    with clock.at(london(2027, 5, 1, 0) - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(london(2027, 5, 1, 0)):
        assert scene.verify(asked).startswith("INVALID")
    with clock.at(london(2027, 5, 1, 9, 5)):
        scene.time_passes()
        assert len(scene.mails()) == 1
    with clock.at(london(2027, 5, 3)):
        scene.takes(more)
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked)[1:] == [(2, "restoration", date(2028, 3, 10))]


def test_what_is_done_within_the_grace_leaves_the_certificate_as_it_is(scene: Scene) -> None:
    asked, first = holder(scene)
    more = scene.world.module("Ropes")
    with clock.at(london(2027, 4, 1)):
        asking = (row(first, validity_months=YEAR), row(more))
        scene.publishes(asked, *asking, when="grace", grace_until="2027-04-30")
        scene.mails()
    with clock.at(london(2027, 4, 20)):
        scene.takes(more)
    with clock.at(london(2027, 5, 1, 9, 5)):
        scene.time_passes()
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked) == [(1, "first", date(2028, 3, 10))]
        assert scene.mails() == []


def test_a_dated_publish_counts_from_its_first_second_and_is_mailed_that_morning(
    scene: Scene,
) -> None:
    asked, first = holder(scene)
    more = scene.world.module("Ropes")
    with clock.at(london(2027, 3, 20)):
        asking = (row(first, validity_months=YEAR), row(more))
        scene.publishes(asked, *asking, when="date", effective_on="2027-04-01")
        assert scene.mails() == []
    midnight = london(2027, 4, 1, 0)
    with clock.at(midnight - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(midnight):
        assert scene.verify(asked).startswith("INVALID")
        work_off()
        assert scene.mails() == [], "not at night"
    with clock.at(london(2027, 4, 1, 9, 5)):
        scene.time_passes()
        assert len(scene.mails()) == 1
        assert kinds(scene)[-1] == "new_requirement"


def test_a_dated_publish_whose_requirement_is_met_by_then_changes_nothing(scene: Scene) -> None:
    asked, first = holder(scene)
    more = scene.world.module("Ropes")
    with clock.at(london(2027, 3, 20)):
        asking = (row(first, validity_months=YEAR), row(more))
        scene.publishes(asked, *asking, when="date", effective_on="2027-04-01")
        scene.takes(more)
    with clock.at(london(2027, 4, 1, 9, 5)):
        scene.time_passes()
        assert scene.verify(asked).startswith("VALID")
        assert len(scene.editions(asked)) == 1
        assert scene.mails() == []


@pytest.mark.parametrize(
    ("way", "editions", "mails"), [("mail", 1, 1), ("silent", 1, 0), ("from_now", 0, 0)]
)
def test_switched_on_for_who_is_done_it_mails_is_silent_or_waits_for_what_comes(
    scene: Scene, way: str, editions: int, mails: int
) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=YEAR), certificate=False)
        scene.takes(module)
        scene.mails()
    with clock.at(london(2027, 4, 1)):
        scene.publishes(asked, row(module, validity_months=YEAR), certificates=way)
        db.session.rollback()
        assert db.session.query(Edition).count() == editions
        assert len(scene.mails()) == mails
    with clock.at(london(2027, 5, 1)):
        scene.takes(module)
        assert scene.editions(asked)[-1][0] == editions + 1
        assert scene.editions(asked)[-1][2] == date(2028, 5, 1)
        assert len(scene.mails()) == 1


def test_switched_off_it_ends_and_switched_on_again_it_is_the_same(scene: Scene) -> None:
    asked, module = holder(scene)
    before = scene.certificate(asked)
    name, token = before.credential_id, before.token
    with clock.at(london(2027, 4, 1)):
        scene.publishes(asked, row(module, validity_months=YEAR), on=False)
        assert "Ended" in scene.verify(asked)
        scene.mails()
    with clock.at(london(2027, 5, 1)):
        scene.publishes(asked, row(module, validity_months=YEAR))
        assert scene.verify(asked).startswith("VALID")
        after = scene.certificate(asked)
        assert (after.credential_id, after.token) == (name, token)
        assert scene.editions(asked)[0] == (1, "first", date(2028, 3, 10))
    with clock.at(london(2027, 6, 1)):
        scene.takes(module)
        assert scene.editions(asked)[-1][1:] == ("renewal", date(2028, 6, 1))


def test_suspended_it_is_worth_nothing_and_lifted_it_catches_up_with_the_facts(
    scene: Scene,
) -> None:
    asked, module = holder(scene)
    name = scene.certificate(asked).credential_id
    with clock.at(london(2027, 4, 1)):
        decides(scene, asked, "suspend")
        assert scene.verify(asked).startswith("INVALID Suspended since April 1, 2027.")
        assert len(scene.mails()) == 1
    with clock.at(london(2027, 4, 5)):
        scene.takes(module)
        assert scene.verify(asked).startswith("INVALID")
        assert (len(scene.editions(asked)), scene.mails()) == (1, [])
    with clock.at(london(2027, 4, 9)):
        decides(scene, asked, "restore")
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked)[1:] == [(2, "renewal", date(2028, 4, 5))]
        assert scene.certificate(asked).credential_id == name
        assert len(scene.mails()) == 1
        assert kinds(scene)[-1] == "certificate_renewed"
    with clock.at(london(2027, 4, 10)):
        assert "T INVALID Suspended since April 1, 2027." in training_page(
            scene, "?as_of=2027-04-05"
        )
        assert "T VALID Valid through" in training_page(scene, "?as_of=2027-03-20")
        assert "T VALID Valid through" in training_page(scene)


def test_revoked_it_is_so_for_good_whatever_is_done(scene: Scene) -> None:
    asked, module = holder(scene)
    with clock.at(london(2027, 4, 1)):
        decides(scene, asked, "revoke")
        assert len(scene.mails()) == 1
    with clock.at(london(2027, 4, 5)):
        scene.takes(module)
        scene.leaves()
        scene.time_passes()
    with clock.at(london(2028, 4, 6, 9, 5)):
        scene.time_passes()
        said = scene.verify(asked)
        assert said.startswith("INVALID Revoked on April 1, 2027. This is final.")
        assert len(scene.editions(asked)) == 1
        assert scene.mails() == [], "nothing is left to remind of"
        assert "T INVALID Revoked on April 1, 2027. This is final." in training_page(scene)
        path = f"/admin/certificates/{scene.certificate(asked).id}/restore"
        assert scene.client.post(path, data={"reason": "Please"}).status_code == 409
        assert printed(scene, asked, 1)[0]


def test_several_changes_of_one_day_make_one_edition_after_midnight(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=YEAR))
        scene.mails()
        for day in (1, 2, 3):
            scene.world.completion(scene.ada, module, happened_at=london(2027, 2, day))
            evaluate_later(scene.ada)
            work_off()
        scene.takes(module)
        assert scene.editions(asked) == [(1, "first", date(2028, 2, 1))]
        assert len(scene.mails()) == 1
        assert "March 10, 2028" in scene.verify(asked), "the page is right all the same"
    with clock.at(london(2027, 3, 11, 9, 5)):
        scene.time_passes()
        assert scene.editions(asked)[1:] == [(2, "renewal", date(2028, 3, 10))]
        assert len(scene.mails()) == 1


def test_an_edition_keeps_its_names_and_facts_whatever_is_renamed(scene: Scene) -> None:
    asked, module = holder(scene)
    before = words, digest = printed(scene, asked, 1)
    assert all(each in words for each in ("Ada Byron", "North Quay", "Ladders", "March 10, 2028"))
    with clock.at(london(2027, 4, 1)):
        unit_id = scene.unit_of(asked)
        submits(scene, f"/admin/people/{scene.ada.id}/edit", name="Ada King")
        submits(scene, f"/admin/units/{unit_id}/edit", name="South Pier")
        db.session.get_one(Module, module.id).title = "Ladders and steps"
        db.session.commit()
        assert printed(scene, asked, 1) == before
    with clock.at(london(2027, 5, 1)):
        scene.takes(module)
        assert printed(scene, asked, 1) == before
        newer, _other = printed(scene, asked, 2)
        assert all(each in newer for each in ("Ada King", "South Pier", "Ladders and steps"))
        db.session.rollback()
        kept = db.session.query(Edition).order_by(Edition.number).first()
        assert kept is not None
        assert kept.pdf_sha256 == digest
        assert db.session.get_one(Person, scene.ada.id).full_name == "Ada King"
