"""The certificates issued: the list agrees with the rules, and only admins change anything."""

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.certs import actions, issued, queries
from plugin.certs.models import Certificate, CertificateEvent
from plugin.certs.rules import CertificateState
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.notify.models import MessageKind
from plugin.org.models import Person
from plugin.org.reach import Reach
from plugin.web.listing import Asked
from plugin.web.roles import Role
from tests.functional.assign.places import evaluate_later, messages
from tests.functional.certs.proofs import Learner, certificate, learner
from tests.functional.certs.situations import Situation, withhold
from tests.functional.reports.crowd import rows, seen
from tests.support.html import Element
from tests.support.queries import counted
from tests.support.scale import scale
from tests.support.work import work_off
from tests.support.world import World

LIST = "/admin/certificates"


@pytest.fixture
def ada(world: World) -> Learner:
    found = learner(world)
    found.passes()
    return found


@pytest.fixture
def admin(world: World) -> Person:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    return person


def test_the_list_says_what_each_is_worth_now(
    ada: Learner, admin: Person, client: FlaskClient
) -> None:
    ada.world.sign_in(client, admin)
    found = certificate()
    (line,) = rows(seen(client, LIST))
    assert line[:4] == [found.credential_id, "Ada Byron", "North Quay Basic safety", "Valid"]
    assert line[4:] == ["Mar 10, 2028", "Mar 10, 2027"]
    with clock.at(datetime.fromisoformat("2028-03-11T00:00:00+00:00")):
        assert rows(seen(client, LIST))[0][3] == "Invalid"
    withhold("suspend")
    assert rows(seen(client, LIST))[0][3:5] == ["Suspended", "–"]
    withhold("lift")
    assert rows(seen(client, LIST))[0][3] == "Valid"
    withhold("revoke")
    assert rows(seen(client, LIST))[0][3] == "Revoked"


def test_the_list_is_searched_narrowed_and_sorted(
    ada: Learner, admin: Person, client: FlaskClient
) -> None:
    zoe = ada.world.person("Zoe Diver", email="zoe@example.test")
    ada.world.member(zoe, ada.unit)
    ada.world.completion(zoe, ada.modules[0])
    evaluate_later(zoe)
    work_off()
    withhold("suspend", db.session.scalars(select(Certificate).order_by(Certificate.id)).first())
    ada.world.sign_in(client, admin)

    def names(query: str) -> list[str]:
        return [line[1] for line in rows(seen(client, f"{LIST}?{query}"))]

    credential = db.session.scalars(
        select(Certificate.credential_id).where(Certificate.person_id == zoe.id)
    ).one()
    assert names("") == ["Ada Byron", "Zoe Diver"]
    assert names("sort=person&dir=desc") == ["Zoe Diver", "Ada Byron"]
    assert names(f"q={credential.lower()}") == ["Zoe Diver"]
    assert names("q=zoe@") == ["Zoe Diver"]
    assert names("state=suspended") == ["Ada Byron"]
    assert names("state=valid") == ["Zoe Diver"]
    assert names(f"unit={ada.unit.id}&configuration={ada.configuration_id}&sort=issued") != []
    other = ada.world.unit("Elsewhere")
    assert names(f"unit={other.id}") == []
    for sort in issued.SORTS:
        assert len(names(f"sort={sort}")) == 2
    text = client.get(f"{LIST}.csv?state=valid").get_data(as_text=True)
    assert credential in text
    assert "Ada" not in text
    assert client.get(f"{LIST}.xlsx").get_data()[:2] == b"PK"


def page_of(client: FlaskClient, status: int = 200) -> Element:
    return seen(client, f"{LIST}/{certificate().id}", status)


def test_a_certificates_page_explains_its_state(
    ada: Learner, admin: Person, client: FlaskClient
) -> None:
    ada.world.sign_in(client, admin)
    page = page_of(client)
    assert "Valid through March 10, 2028" in page.words
    assert "Completed March 10, 2027, valid through March 10, 2028" in page.words
    assert "It was never suspended or revoked." in page.words
    links = [each.attributes["href"] for each in page.all("a")]
    assert f"/v/{certificate().token}" in links
    with clock.at(clock.now() + timedelta(days=500)):
        words = page_of(client).words
        assert "Expired, was valid through March 10, 2028" in words


def test_an_admin_suspends_restores_and_revokes_with_a_reason(
    ada: Learner, admin: Person, client: FlaskClient
) -> None:
    ada.world.sign_in(client, admin)
    path = f"{LIST}/{certificate().id}"
    for verb, word in (("suspend", "Suspended"), ("restore", "Valid"), ("revoke", "Revoked")):
        if verb == "revoke":
            assert "This is final." in seen(client, f"{path}/revoke").words
        answer = client.post(f"{path}/{verb}", data={"reason": f" {verb} it "})
        assert answer.status_code == 303
        assert rows(seen(client, LIST))[0][3] == word
    page = page_of(client)
    assert "revoke it" in page.words
    assert "Grace Hopper" in page.words
    assert page.all("form", method="post") == []  # nothing more can be done
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.about_kind == "certificate").order_by(AuditEntry.id)
    ).all()
    assert [(each.action, each.by_person_id, each.reason) for each in entries] == [
        ("certificate.suspended", admin.id, "suspend it"),
        ("certificate.lifted", admin.id, "restore it"),
        ("certificate.revoked", admin.id, "revoke it"),
    ]
    kinds = [each.kind for each in messages(ada.person)][-2:]
    assert kinds == [MessageKind.CERTIFICATE_SUSPENDED, MessageKind.CERTIFICATE_REVOKED]
    assert client.post(f"{path}/restore", data={"reason": "no"}).status_code == 409
    assert client.get(f"{path}/revoke").status_code == 409


@pytest.mark.parametrize("verb", ["suspend", "revoke", "restore"])
def test_without_a_reason_nothing_happens(
    ada: Learner, admin: Person, client: FlaskClient, verb: str
) -> None:
    ada.world.sign_in(client, admin)
    path = f"{LIST}/{certificate().id}/{verb}"
    answer = client.post(path, data={"reason": "  "})
    assert answer.status_code == 422
    assert "Say why, in a few words." in answer.get_data(as_text=True)
    typed = "x" * 501
    assert typed in client.post(path, data={"reason": typed}).get_data(as_text=True)
    db.session.rollback()
    assert db.session.scalars(select(CertificateEvent)).all() == []


def test_the_pdf_of_an_edition_is_downloaded(
    ada: Learner, admin: Person, client: FlaskClient
) -> None:
    ada.world.sign_in(client, admin)
    answer = client.get(f"{LIST}/{certificate().id}/1.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.get_data()[:4] == b"%PDF"
    assert certificate().credential_id in answer.headers["Content-Disposition"]
    assert client.get(f"{LIST}/{certificate().id}/2.pdf").status_code == 404


def test_a_manager_sees_those_in_reach_and_changes_none(ada: Learner, client: FlaskClient) -> None:
    inside, outside = ada.world.person("Mary Manager"), ada.world.person("Max Other")
    ada.world.grant(inside, Role.MANAGER, ada.unit)
    ada.world.grant(outside, Role.MANAGER, ada.world.unit("South Quay"))
    path = f"{LIST}/{certificate().id}"
    ada.world.sign_in(client, inside)
    assert len(rows(seen(client, LIST))) == 1
    assert page_of(client).all("form", method="post") == []
    assert client.get(f"{path}/1.pdf").status_code == 200
    assert client.get(f"{path}/revoke").status_code == 403
    for verb in ("suspend", "restore", "revoke"):
        assert client.post(f"{path}/{verb}", data={"reason": "x"}).status_code == 403
    ada.world.sign_in(client, outside)
    assert "Nothing matches." in seen(client, LIST).words
    assert "Ada" not in client.get(f"{LIST}.csv").get_data(as_text=True)
    for hidden in (path, f"{path}/1.pdf"):
        assert client.get(hidden).status_code == 404


def test_learners_and_other_organizations_reach_none_of_it(
    ada: Learner, client: FlaskClient
) -> None:
    path = f"{LIST}/{certificate().id}"
    ada.world.sign_in(client, ada.person)
    for page in (LIST, f"{LIST}.csv", path, f"{path}/1.pdf", f"{path}/revoke"):
        assert client.get(page).status_code == 403
    other = ada.world.new_organization("Elsewhere")
    stranger = ada.world.person("Stranger", organization=other)
    ada.world.grant(stranger, Role.ADMIN)
    ada.world.sign_in(client, stranger)
    assert "Nothing matches." in seen(client, LIST).words
    for page in (path, f"{path}/1.pdf", f"{path}/revoke"):
        assert client.get(page).status_code == 404
    for verb in ("suspend", "restore", "revoke"):
        assert client.post(f"{path}/{verb}", data={"reason": "x"}).status_code == 404
    db.session.rollback()
    assert db.session.scalars(select(CertificateEvent)).all() == []


def test_erased_certificates_are_not_listed(
    ada: Learner, admin: Person, client: FlaskClient
) -> None:
    found = certificate()
    with transaction() as tx:
        actions.erase(tx.session, tx.session.merge(found), by=None, now=clock.now())
    ada.world.sign_in(client, admin)
    assert "Nothing matches." in seen(client, LIST).words
    page_of(client, 404)


def test_the_list_asks_no_more_for_more_certificates(
    ada: Learner, admin: Person, client: FlaskClient
) -> None:
    ada.world.sign_in(client, admin)
    with counted() as few:
        seen(client, LIST)
    for number in range(6):
        person = ada.world.person(f"Pat {number}")
        ada.world.member(person, ada.unit)
        ada.world.completion(person, ada.modules[0])
        evaluate_later(person)
    work_off()
    with counted() as many:
        seen(client, LIST)
    assert len(few) == len(many) <= 5


@pytest.mark.once
@pytest.mark.parametrize("seed", range(scale(8, usually=4)))
def test_the_lists_states_are_the_rules(world: World, seed: int) -> None:
    situation = Situation(world, seed)
    reach = Reach(organization_id=world.organization.id, unit_ids=None)
    now = clock.now()
    shown: set[CertificateState] = set()
    for _ in range(10):
        now += timedelta(days=situation.dice.randint(0, 25), hours=situation.dice.randint(1, 12))
        with clock.at(now):
            situation.happens()
        later = now + timedelta(days=situation.dice.choice([0, 20, 45]))
        db.session.rollback()
        truth: dict[int, CertificateState] = {}
        for each in db.session.scalars(select(Certificate)).all():
            answer = queries.answer(db.session(), each.token, at=later)
            assert isinstance(answer, queries.Answer)
            truth[each.id] = answer.state
        every = issued.all_certificates(db.session(), reach, Asked(sort="person"), at=later)
        assert {line.id: line.state for line in every} == truth
        for state in CertificateState:
            asked = Asked(sort="person", filters={"state": state.value})
            page = issued.certificates(db.session(), reach, asked, at=later)
            wanted = {id_ for id_, value in truth.items() if value is state}
            assert {line.id for line in page.items} == wanted
            assert page.total == len(wanted)
        shown |= set(truth.values())
    assert len(shown) >= 2
