"""Rules about courses and roles in them hold for people known by a roster alone."""

import pytest

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool.rosters import sync
from plugin.org import roster, roster_claims, rule_actions
from plugin.org.models import MembershipSource, Unit
from plugin.org.rule_models import RosterTie, RuleSource
from tests.functional.lti.campus import Peer
from tests.functional.lti.roster_facts import answering, learner, listing, members, remarks
from tests.support.work import work_off
from tests.support.world import World

LAUNCH = MembershipSource.LAUNCH
MENTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor"
STAFF = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Staff"


def rule(world: World, source: RuleSource, name: str, unit: Unit) -> None:
    organization_id, unit_id = world.organization.id, unit.id
    with transaction() as tx:
        rule_actions.create_rule(
            tx,
            organization_id,
            source=source,
            name=name,
            unit=tx.session.get_one(Unit, unit_id),
            by=None,
            now=clock.now(),
        )


def course_of(tie: int) -> str:
    return roster_claims.key_of(db.session.get_one(RosterTie, tie))


@pytest.fixture
def place(world: World) -> Unit:
    return world.unit("Harbour")


def list_people(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, tie: int, *people: dict[str, object]
) -> None:
    monkeypatch.setattr("plugin.core.http.call", answering(peer, lambda _url: listing(*people)))
    sync(tie)


def test_who_never_launched_is_where_the_rule_puts_people_of_the_course(
    world: World, peer: Peer, tie: int, place: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(world, RuleSource.COURSE, course_of(tie), place)
    rule(world, RuleSource.COURSE, "1:1:another", world.unit("Elsewhere"))
    list_people(peer, monkeypatch, tie, learner(6), learner(7))
    assert members(LAUNCH) == members(LAUNCH, place) == {"6", "7"}
    list_people(peer, monkeypatch, tie, learner(6), learner(8))
    assert members(LAUNCH, place) == {"6", "8"}  # who left the course left the unit


def test_a_role_in_the_course_counts_and_one_that_is_lost_counts_no_more(
    world: World, peer: Peer, tie: int, place: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(world, RuleSource.ROLE, "context:Mentor", place)
    mentor = learner(6, roles=["Learner", MENTOR])
    list_people(peer, monkeypatch, tie, mentor, learner(7))
    assert members(LAUNCH, place) == {"6"}
    list_people(peer, monkeypatch, tie, learner(6), learner(7))
    assert members(LAUNCH, place) == set()


def test_a_role_in_the_institution_is_for_launches_to_say(
    world: World, peer: Peer, tie: int, place: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(world, RuleSource.ROLE, "institution:Staff", place)
    list_people(peer, monkeypatch, tie, learner(6, roles=["Learner", STAFF]))
    assert members(LAUNCH, place) == set()


def test_what_a_launch_said_stays_when_the_course_s_list_is_silent(
    world: World, peer: Peer, tie: int, place: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(world, RuleSource.ROLE, "context:Learner", place)
    peer.launch("lars")  # 6 in the LMS
    work_off()
    assert "6" in members(LAUNCH, place)
    list_people(peer, monkeypatch, tie, learner(6), learner(7))
    list_people(peer, monkeypatch, tie, learner(7))
    assert members(LAUNCH, place) == {"6", "7"}
    with transaction() as tx:
        roster.untie_course(tx, tx.session.get_one(RosterTie, tie), by=None, now=clock.now())
    assert members(LAUNCH, place) == {"6"}


def test_a_list_that_takes_a_role_from_many_at_once_empties_no_unit(
    world: World, peer: Peer, tie: int, place: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(world, RuleSource.ROLE, "context:Mentor", place)
    numbers = range(100, 108)
    mentors = [learner(each, roles=["Learner", MENTOR]) for each in numbers]
    list_people(peer, monkeypatch, tie, *mentors)
    list_people(peer, monkeypatch, tie, *map(learner, numbers))
    assert len(members(LAUNCH, place)) == 8
    assert remarks() == [["held", "8"]]
