"""The transcript says what counts of a person, in every script, to whoever may see the person."""

import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from plugin.modules.models import Completion, CompletionSource
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.support.world import World


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def ada(world: World, quay: Unit) -> Person:
    person = world.person("Ædå Łukasz")
    world.member(person, quay)
    return person


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def words(client: FlaskClient, person: Person) -> str:
    answer = client.get(f"/admin/people/{person.id}/transcript.pdf")
    assert answer.mimetype == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.data)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_it_says_what_was_passed_and_leaves_out_what_was_not_or_was_corrected(
    world: World, admin: FlaskClient, ada: Person
) -> None:
    height, gas, wrong = (world.module(title) for title in ("Height", "Gas", "Wrong entry"))
    world.completion(ada, height, happened_at=NOW - timedelta(days=50), score=0.9)
    world.completion(ada, gas, passed=False)
    mistaken = world.completion(ada, wrong)
    world.add(
        Completion(
            organization_id=ada.organization_id,
            person_id=ada.id,
            module_id=wrong.id,
            passed=False,
            happened_at=mistaken.happened_at,
            learned_at=NOW,
            source=CompletionSource.MANUAL,
            evidence={},
            supersedes_id=mistaken.id,
            reason="entered wrongly",
        )
    )
    found = words(admin, ada)
    for each in ("Ædå Łukasz", "Height", "January 19, 2027", "90 %", "As of March 10, 2027"):
        assert each in found
    assert "Gas" not in found
    assert "Wrong entry" not in found


def test_many_completions_fill_several_pages(world: World, admin: FlaskClient, ada: Person) -> None:
    for number in range(60):
        world.completion(ada, world.module(f"Module {number}"))
    answer = admin.get(f"/admin/people/{ada.id}/transcript.pdf")
    assert len(PdfReader(io.BytesIO(answer.data)).pages) >= 2
    assert "Module 59" in words(admin, ada)


def test_an_empty_transcript_says_so(admin: FlaskClient, ada: Person) -> None:
    assert "Nothing has been completed yet." in words(admin, ada)


def test_who_may_have_it(world: World, client: FlaskClient, ada: Person, quay: Unit) -> None:
    mona, other = world.person("Mona Manager"), world.person("Other Manager")
    world.grant(mona, Role.MANAGER, quay)
    world.grant(other, Role.MANAGER, world.unit("Yard"))
    eve = world.person("Eve Other", organization=world.new_organization("Elsewhere"))
    world.grant(eve, Role.ADMIN)
    for person, status in ((ada, 403), (mona, 200), (other, 404), (eve, 404)):
        world.sign_in(client, person)
        answer = client.get(f"/admin/people/{ada.id}/transcript.pdf")
        assert answer.status_code == status
