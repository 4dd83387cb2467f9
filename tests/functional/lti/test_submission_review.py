"""A teacher opens one learner's work from the gradebook (moodle 3.4): rights by role alone."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.db import db
from plugin.lti.tool.configuration import AGS
from plugin.lti.tool.service_models import CourseMember, LmsCourse
from plugin.modules.models import Module
from plugin.org.models import Identity, Person
from tests.functional.assign.places import row, training
from tests.functional.lti.campus import URL, Peer
from tests.functional.lti.platform import LEARNER, TEACHER
from tests.support.html import read
from tests.support.visits import page_of
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Fire safety")


@pytest.fixture
def lars(world: World, peer: Peer, module: Module) -> Person:
    """Lars has opened the activity, and has passed."""
    peer.launch("lars", module=str(module.id))
    work_off()
    person = db.session.scalars(
        select(Person).join(Identity, Identity.person_id == Person.id)
    ).one()
    world.completion(person, module, score=0.4, passed=False)
    world.completion(person, module, score=0.8)
    return person


def review(peer: Peer, client: FlaskClient, **changes: Any) -> Any:
    said = {
        "message_type": "LtiSubmissionReviewRequest",
        "sub": "3",
        "roles": [TEACHER],
        "for_user": {"user_id": "6"},
        AGS.replace("scope/", "claim/endpoint"): {
            "scope": [AGS + "score"],
            "lineitem": f"{URL}/services/2/lineitems/1/lineitem?type_id=1",
        },
        **changes,
    }
    return peer.lms.launch(client, **said)


def test_a_teacher_sees_the_attempts(peer: Peer, client: FlaskClient, lars: Person) -> None:
    answer = review(peer, client)
    assert answer.status_code == 303, answer.text
    words = read(client.get(answer.headers["Location"]).text).words
    assert "Lars Ødegård" in words
    assert "Grade now: 80%" in words
    assert words.count("Fire safety") == 2
    assert "40%" in words


def test_a_configuration_column_shows_what_is_required(
    world: World, peer: Peer, client: FlaskClient, lars: Person, module: Module
) -> None:
    unit = world.unit()
    configuration = training(unit, row(module), row(world.module("First aid")), certificate=False)
    world.member(lars, unit)
    peer.launch("lars", configuration=str(configuration))
    work_off()
    words = read(client.get(review(peer, client).headers["Location"]).text).words
    assert "Grade now: 50%" in words
    assert "First aid Missing" in words


def test_a_learner_cannot_see_another_one(peer: Peer, client: FlaskClient, lars: Person) -> None:
    answer = review(peer, client, sub="7", roles=[LEARNER])
    assert answer.status_code == 403
    assert "lti.not_for_learners" in answer.text


def test_a_learner_may_see_their_own(peer: Peer, client: FlaskClient, lars: Person) -> None:
    answer = review(peer, client, sub="6", roles=[LEARNER])
    assert client.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"for_user": {"user_id": "999"}},
        {"context": {"id": "another"}},
        {AGS.replace("scope/", "claim/endpoint"): {"lineitem": f"{URL}/services/2/other"}},
    ],
)
def test_who_or_what_is_not_of_the_course_is_not_there(
    peer: Peer, client: FlaskClient, lars: Person, changes: dict[str, Any]
) -> None:
    answer = review(peer, client, **changes)
    assert client.get(answer.headers["Location"]).status_code == 404


def test_the_page_belongs_to_its_visit(
    world: World, peer: Peer, client: FlaskClient, lars: Person
) -> None:
    page = page_of(review(peer, client))
    world.sign_in(client, world.person("Somebody else"))
    assert client.get(page).status_code == 404
    peer.launch("lars")
    assert client.get(page).status_code == 404


def test_another_entry_by_the_same_id_is_no_obstacle(
    world: World, peer: Peer, client: FlaskClient, lars: Person
) -> None:
    """Merged people have two places in a course until a step has made them one."""
    course = db.session.scalars(select(LmsCourse)).one()
    world.add(
        CourseMember(
            organization_id=course.organization_id,
            course_id=course.id,
            person_id=world.person("L. Odegard").id,
            subject="6",
            learns=False,
            roles=[],
            seen_at=course.seen_at,
        )
    )
    answer = review(peer, client)
    assert "Lars Ødegård" in read(client.get(answer.headers["Location"]).text).words
