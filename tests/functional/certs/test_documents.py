"""The documents: their owner's, old and new, and nobody else's."""

import hashlib
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from plugin.certs import actions, queries
from plugin.certs.rules import CertificateState
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.web.roles import Role
from tests.conftest import NOW, TOOL
from tests.functional.certs.proofs import certificate, editions, learner
from tests.support.world import World


def test_the_owner_gets_every_edition_as_it_was_issued(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    ada.passes()
    with clock.at(NOW + timedelta(days=300)):
        ada.passes()
        world.sign_in(client, ada.person)
        found = certificate()
        for edition in editions():
            answer = client.get(f"/certificates/{found.id}/{edition.number}.pdf")
            assert answer.mimetype == "application/pdf"
            assert hashlib.sha256(answer.data).hexdigest() == edition.pdf_sha256
            disposition = answer.headers["Content-Disposition"]
            assert f"certificate-{found.credential_id}-{edition.number}.pdf" in disposition
            assert disposition.startswith("attachment")


@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADMIN])
def test_nobody_else_gets_a_document_by_its_address(
    world: World, client: FlaskClient, role: Role
) -> None:
    ada = learner(world)
    ada.passes()
    other = world.person("Grace Hopper")
    if role is Role.ADMIN:
        world.grant(other, role)
    world.sign_in(client, other)
    assert client.get(f"/certificates/{certificate().id}/1.pdf").status_code == 404


def test_a_visitor_without_a_visit_gets_no_document(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    ada.passes()
    assert client.get(f"/certificates/{certificate().id}/1.pdf").status_code == 401


def test_an_edition_that_is_not_printed_yet_says_so(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    world.completion(ada.person, ada.modules[0])
    with transaction() as tx:
        actions.issue(tx, ada.person.id, ada.configuration_id, tool_url=TOOL, now=NOW)
    world.sign_in(client, ada.person)
    answer = client.get(f"/certificates/{certificate().id}/1.pdf")
    assert answer.status_code == 409
    assert "being prepared" in answer.get_data(as_text=True)


def test_the_owners_list_has_the_state_and_every_edition(world: World) -> None:
    ada = learner(world)
    ada.passes()
    with clock.at(NOW + timedelta(days=300)):
        ada.passes()
    organization_id, person_id = ada.person.organization_id, ada.person.id
    (own,) = queries.certificates_of(
        db.session(), organization_id, person_id, at=NOW + timedelta(days=301)
    )
    assert own.state is CertificateState.VALID
    assert [(each.number, each.is_ready) for each in own.editions] == [(2, True), (1, True)]
    (late,) = queries.certificates_of(
        db.session(), organization_id, person_id, at=NOW + timedelta(days=3000)
    )
    assert late.state is CertificateState.INVALID
    assert queries.certificates_of(db.session(), organization_id, person_id + 1, at=NOW) == []
