"""The same cases against each make of LMS, with what is peculiar to it (checklist 4)."""

from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.jobs import periodic
from plugin.lti.tool import profiles
from plugin.lti.tool.claims import LTI
from plugin.lti.tool.service_models import GradeState, LineItem, LmsCourse
from plugin.modules.models import Module
from plugin.org import roster
from plugin.org.models import Unit
from sandbox.behaviour import MAKES, Behaviour, behaviour_of
from tests.conftest import NOW
from tests.functional.lti.campus import CLIENT_ID, URL, Peer, grade, registration
from tests.functional.lti.grade_story import (
    SECOND,
    Done,
    ahead,
    complete,
    completed,
    later,
    module,
    resend,
    work,
)
from tests.functional.lti.roster_facts import members, problem
from tests.functional.lti.test_content_round_trip import answer_of
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once

__all__ = ["complete", "module"]


@pytest.fixture(params=sorted(MAKES))
def make(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def lms(peer: Peer, make: str) -> Peer:
    """The miniature LMS as this make, registered as one."""
    peer.become(make)
    return peer


def behaviour(peer: Peer) -> Behaviour:
    return peer.grades.behaviour


def test_a_launch_lets_a_learner_in_and_names_the_course(lms: Peer) -> None:
    assert lms.launch() == 303
    work()
    assert db.session.query(LmsCourse.title).scalar() == "Safety 101"


def test_v3_keys_that_rotate_and_may_not_be_kept_are_read_again(lms: Peer) -> None:
    """A Brightspace has a new key every hour, and says that none may be stored."""
    lms.lms.key_set.headers = {"Cache-Control": "no-store"}
    assert lms.launch() == 303
    old = lms.lms.key_set.keys[0]
    lms.lms.kid = "the next hour's"
    lms.lms.key_set.keys = [{**old, "kid": lms.lms.kid}]
    with later(timedelta(hours=1)):
        assert lms.launch() == 303


def test_k1_the_assertion_is_for_whom_this_lms_wants(
    lms: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    tokens = lms.app.extensions["tokens"]
    grant = type(tokens).grant

    def noted(self: Any, asked: dict[str, str], tool: Any) -> Any:
        kept.append(asked["client_assertion"])
        return grant(self, asked, tool)

    monkeypatch.setattr(type(tokens), "grant", noted)
    completed(lms, module, complete)
    wanted = behaviour(lms).token_audience or f"{URL}/token"
    said = [jwt.decode(each, options={"verify_signature": False}) for each in kept]
    assert {each["aud"] for each in said} == {wanted}
    assert grade().state is GradeState.SENT


def test_a7_a8_a_score_arrives_and_a_later_one_too(
    lms: Peer, module: Module, complete: Done
) -> None:
    completed(lms, module, complete, score=0.5)
    with later(5 * SECOND):
        complete(module, score=2 / 3)
        work_off()
    assert lms.grades.share(1, "6") == pytest.approx(2 / 3, abs=1e-5)
    assert grade().state is GradeState.SENT
    posts = [url for method, url in lms.calls if method == "POST" and "/scores" in url]
    assert posts[-1].endswith(f"/scores{behaviour(lms).column_query}")
    assert lms.column.cells["6"].submissions == 0, "never an attempt of its own"


def test_a9_an_older_stamp_is_looked_into_and_sent_again(
    lms: Peer, module: Module, complete: Done
) -> None:
    ahead(lms)
    completed(lms, module, complete, score=0.5)
    with later(5 * SECOND):
        complete(module, score=0.9)
        work_off()
        assert grade().state is GradeState.WAITING
    work(60 * SECOND)
    work(120 * SECOND)
    assert lms.grades.share(1, "6") == pytest.approx(0.9)
    stamps = [datetime.fromisoformat(each["timestamp"]) for each in lms.posted()]
    assert stamps == sorted(set(stamps))


def test_somebody_unknown_is_refused_once_in_the_lms_s_words(
    lms: Peer, module: Module, complete: Done
) -> None:
    lms.launch(module=str(module.id))
    work()
    lms.grades.learners.discard("6")
    complete(module)
    for hours in (0, 1, 30):
        work(timedelta(hours=hours))
    assert grade().state is GradeState.REFUSED
    refusal = behaviour(lms).unknown_person
    assert (grade().words or "").startswith(f"{refusal.status} ")
    assert len((grade().words or "").split()) > 2, "a reason, not a number"
    assert "scoreGiven" not in (grade().words or "")
    assert len(lms.posted()) == 1
    assert db.session.query(LineItem.ended_at).scalar() is None, "others go on"


def test_a13_a_teacher_s_grade_stands_until_an_admin_says_otherwise(
    lms: Peer, module: Module, complete: Done
) -> None:
    completed(lms, module, complete, score=0.5)
    lms.grades.override(1, "6", 0.95)
    with later(5 * SECOND):
        complete(module, score=0.6)
        work_off()
    assert (grade().state, len(lms.posted())) == (GradeState.OVERRIDDEN, 1)
    with later(10 * SECOND):
        resend()
    assert (grade().state, len(lms.posted())) == (GradeState.SENT, 2)


def test_a13_a_teacher_s_grade_from_before_stands_too(
    lms: Peer, module: Module, complete: Done
) -> None:
    lms.launch(module=str(module.id))
    work()
    lms.grades.override(1, "6", 0.95)
    complete(module, score=0.5)
    work()
    assert (grade().state, lms.posted()) == (GradeState.OVERRIDDEN, [])


def test_a3_a6_a15_the_columns_there_are_used_and_none_is_made(lms: Peer, module: Module) -> None:
    made = lms.grades.add("Copied", resource_id=f"module:{module.id}", link_id="99")
    lms.launch(module=str(module.id))
    lms.launch("lucja", module=str(module.id))
    work()
    assert db.session.query(LineItem).count() == 2
    assert set(lms.grades.columns) == {1, made.number}
    assert not [url for method, url in lms.calls if method == "POST" and "lineitems" in url]


def test_the_night_finds_what_got_lost(lms: Peer, module: Module, complete: Done) -> None:
    completed(lms, module, complete, score=0.8)
    lms.column.cells.clear()
    with later(timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    if behaviour(lms).fills_with_noughts:
        assert grade().state is GradeState.OVERRIDDEN, "a nought may be a teacher's by now"
    else:
        assert lms.grades.share(1, "6") == pytest.approx(0.8)


def tied(unit: Unit) -> None:
    """The course fills the unit, and its list was read."""
    place = db.session.query(LmsCourse).one()
    with transaction() as tx:
        tie = roster.tie_course(
            tx.session,
            tx.session.merge(unit),
            registration_id=place.registration_id,
            deployment_id="1",
            context_id="2",
            title="Safety 101",
            by=None,
            now=NOW,
        )
        tx.session.flush()
        tx.then(JobName.SYNC_ROSTER, tie.id)
    work()


def test_n4_n6_the_roster_is_read_to_its_end_without_the_test_student(
    world: World, lms: Peer
) -> None:
    crowd = behaviour(lms).page_size and behaviour(lms).page_size + 2
    behaviour(lms).crowd = crowd
    lms.launch()
    work()
    unit = world.unit("Crew")
    tied(unit)
    many = {f"many-{number}" for number in range(1, crowd + 1)}
    assert members(unit=unit) == {"6", "7", "8", "9", *many}
    pages = sum("memberships" in url for _method, url in lms.calls)
    assert (pages > 1) is bool(crowd)


def test_dl4_content_is_picked(lms: Peer, client: FlaskClient, module: Module) -> None:
    token = answer_of(lms, client, item=[f"module:{module.id}"])
    said = jwt.decode(token, options={"verify_signature": False})
    assert (said["iss"], said["aud"]) == (CLIENT_ID, URL)
    assert said[LTI + "message_type"] == "LtiDeepLinkingResponse"
    with lms.app.test_client() as browser:
        assert browser.post("/content/return", data={"JWT": token}).status_code == 303
    assert lms.grades.column(2).resource_id == f"module:{module.id}"


def test_the_install_page_speaks_of_this_make(lms: Peer, make: str) -> None:
    profile = profiles.profile_of(behaviour(lms).product)
    assert profile is not profiles.STANDARD
    assert profile.name.lower().replace(" ", "") == make
    assert profile.next_steps
    assert profile.by_hand
    assert set(profile.addresses) >= {"issuer", "auth_url", "token_url", "jwks_url"}
    assert registration().product == behaviour(lms).product


def test_every_make_has_options_of_its_own() -> None:
    one, other = behaviour_of("canvas"), behaviour_of("canvas")
    one.fails_with.append(500)
    assert other.fails_with == []
    assert behaviour_of("unheard of").product == "sandbox"


def test_an_lms_that_refuses_long_lists_removes_nobody(world: World, peer: Peer) -> None:
    peer.become("openedx")
    peer.grades.behaviour.most_members = 2
    peer.launch()
    work()
    unit = world.unit("Crew")
    tied(unit)
    assert "above_response_limit" in (problem() or "")


def test_a5_a14_a16_columns_are_never_changed_and_carry_no_dates(
    lms: Peer, client: FlaskClient, module: Module, complete: Done
) -> None:
    lms.launch(
        module=str(module.id), lis_outcome_service_url=f"{URL}/outcomes", lis_result_sourcedid="x"
    )
    work()
    complete(module)
    work()
    token = answer_of(lms, client, item=[f"module:{module.id}"])
    said = jwt.decode(token, options={"verify_signature": False})
    (item,) = said["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"]
    assert not {"startDateTime", "endDateTime"} & set(item["lineItem"])
    assert {method for method, _url in lms.calls} <= {"GET", "POST"}
    assert not [url for _method, url in lms.calls if "outcomes" in url]
