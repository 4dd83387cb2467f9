"""Customers of one vendor share its issuer, its keys and its token address, and nothing else.

A Canvas has a client id of its own and several installations; on Blackboard the client id is the
vendor's too, and the installation is the customer (checklist 4.1, C10).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.core.outbox import JobName
from plugin.lti.tool import deployments, profiles
from plugin.lti.tool.claims import LTI
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import LmsCourse, ServiceToken
from plugin.lti.tool.views import KEYS
from plugin.modules.models import Module
from plugin.org import roster
from plugin.org.models import Identity, Person
from sandbox.behaviour import MAKES, Vendor
from tests.functional.assign.places import evaluate_later
from tests.functional.lti.campus import Peer, Place, campus
from tests.functional.lti.grade_story import module, work
from tests.functional.lti.roster_facts import members
from tests.support.work import work_off
from tests.support.world import World

__all__ = ["module"]
VENDORS = ("canvas", "blackboard")


@dataclass
class Front:
    """The vendor's door: one token address and one key set for everybody."""

    vendor: Vendor
    tenants: list[Peer]

    def call(self, settings: Any, method: str, url: str, **more: Any) -> Reply:
        return self._of(url, more.get("data")).call(settings, method, url, **more)

    def _of(self, url: str, data: Any) -> Peer:
        if url == self.vendor.jwks_url:
            return self.tenants[0]
        if url != self.vendor.token_url:
            (found,) = [each for each in self.tenants if url.startswith(each.place.url + "/")]
            return found
        said = jwt.decode(data["client_assertion"], options={"verify_signature": False})
        asked = (said["iss"], said[LTI + "deployment_id"])
        (found,) = [
            each
            for each in self.tenants
            if asked == (each.place.client_id, each.place.deployment_id)
        ]
        return found


@dataclass
class Tenants:
    """Two customers of one vendor."""

    north: Peer
    south: Peer
    vendor: Vendor

    def __iter__(self) -> Iterator[Peer]:
        return iter((self.north, self.south))


@pytest.fixture(params=VENDORS)
def tenants(
    request: pytest.FixtureRequest,
    app: Flask,
    world: World,
    client: FlaskClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Tenants]:
    vendor = MAKES[request.param].vendor
    assert vendor is not None
    app.extensions[KEYS].forget()
    found = two(world, client, tmp_path, vendor)
    for each in found:
        each.become(request.param)
    monkeypatch.setattr(http, "call", Front(vendor, list(found)).call)
    yield found
    app.extensions[KEYS].forget()


def in_front(_door: Any) -> None:
    """The vendor's door is the one that is asked."""


def two(world: World, client: FlaskClient, folder: Path, vendor: Vendor) -> Tenants:
    """Both hold a course "2"; what tells the customers apart is the client or the deployment."""
    first = Place(url="https://north.example.test", vendor=vendor, deployment_id="north")
    north = campus(world, client, folder / "north", in_front, first)
    second = replace(first, url="https://south.example.test", deployment_id="south")
    if vendor.shares_client:
        second = replace(second, registration_uid=north.lms.uid)
        with transaction() as tx:
            found = tx.session.query(Registration).one()
            deployments.accept_deployment(tx.session, found, "south", by=None, now=clock.now())
    else:
        second = replace(second, client_id="client-2")
    return Tenants(north, campus(world, client, folder / "south", in_front, second), vendor)


def person_of(peer: Peer, subject: str) -> Person:
    """Who is known by that id there."""
    db.session.rollback()
    found: Person = (
        db.session.query(Person)
        .join(Identity, Identity.person_id == Person.id)
        .filter(Identity.client_id == peer.place.client_id, Identity.subject == subject)
        .one()
    )
    return found


def test_c10_one_number_at_two_customers_is_two_people_where_each_has_a_client(
    tenants: Tenants,
) -> None:
    assert [each.launch("lars") for each in tenants] == [303, 303]
    work()
    people = 1 if tenants.vendor.shares_client else 2
    assert db.session.query(Person).count() == people, "a vendor's own ids are one for all it hosts"
    assert {each.issuer for each in db.session.query(Identity)} == {tenants.vendor.issuer}
    courses = db.session.query(LmsCourse.deployment_id, LmsCourse.context_id).all()
    assert sorted(tuple(each) for each in courses) == [("north", "2"), ("south", "2")]


def test_k2_k3_each_customer_s_gradebook_gets_its_own_scores_with_its_own_token(
    world: World, tenants: Tenants, module: Module
) -> None:
    for peer, username in zip(tenants, ("lars", "lucja"), strict=True):
        peer.launch(username, module=str(module.id))
    work()
    for peer, subject, score in ((tenants.north, "6", 0.5), (tenants.south, "7", 0.9)):
        person = person_of(peer, subject)
        world.completion(person, module, happened_at=clock.now(), score=score)
        evaluate_later(person)
    work()
    assert tenants.north.grades.share(1, "6") == pytest.approx(0.5)
    assert tenants.south.grades.share(1, "7") == pytest.approx(0.9)
    assert [len(each.posted()) for each in tenants] == [1, 1]
    tokens = {each.deployment_id for each in db.session.query(ServiceToken)}
    assert tokens == {"north", "south"}, "a token is of one customer"


def test_each_customer_s_list_is_its_own(world: World, tenants: Tenants) -> None:
    north, south = world.unit("North"), world.unit("South")
    tenants.south.grades.behaviour.crowd = 2
    for peer, unit in zip(tenants, (north, south), strict=True):
        peer.launch("marco")
        work()
        course = db.session.query(LmsCourse).filter_by(deployment_id=peer.place.deployment_id).one()
        with transaction() as tx:
            tie = roster.tie_course(
                tx.session,
                tx.session.merge(unit),
                registration_id=course.registration_id,
                deployment_id=course.deployment_id,
                context_id="2",
                title=course.title,
                by=None,
                now=clock.now(),
            )
            tx.session.flush()
            tx.then(JobName.SYNC_ROSTER, tie.id)
        work_off()
    assert members(unit=north) == {"6", "7", "8", "9"}
    assert members(unit=south) == {"6", "7", "8", "9", "many-1", "many-2"}


def test_v5_c3_a_stranger_s_message_of_the_same_vendor_admits_nobody(
    tenants: Tenants, client: FlaskClient
) -> None:
    """The signature is the vendor's, so it holds; the audience or the installation does not."""
    lms = tenants.south.lms
    asked = lms.begin(client)
    other = {"aud": "client-9"} if not tenants.vendor.shares_client else {"deployment_id": "west"}
    answer = lms.post(client, lms.sign(lms.claims(asked["nonce"], **other)), asked["state"])
    assert answer.status_code in {400, 401, 403}
    assert db.session.query(Person).count() == 0


def test_c3_another_installation_of_the_same_client_waits_for_an_admin(
    tenants: Tenants, client: FlaskClient
) -> None:
    lms = tenants.north.lms
    assert "lti.deployment_unknown" in lms.launch(client, deployment_id="123:west").text
    with transaction() as tx:
        found = tx.session.query(Registration).filter_by(uid=lms.uid).one()
        deployments.accept_deployment(tx.session, found, "123:west", by=None, now=clock.now())
    assert lms.launch(client, deployment_id="123:west").status_code == 303
    assert tenants.north.launch("lars") == 303


@pytest.mark.parametrize("make", VENDORS)
def test_what_the_wizard_fills_in_is_where_the_vendor_answers(make: str) -> None:
    vendor, known = MAKES[make].vendor, profiles.addresses_at(make, "https://any.example.test")
    assert vendor is not None
    assert known["issuer"] == vendor.issuer
    assert known["auth_url"] == vendor.auth_url
    assert known["token_url"] == vendor.token_url
    assert known["jwks_url"].replace("CLIENT-ID", "client-1") == vendor.jwks_url
