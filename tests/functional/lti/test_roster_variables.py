"""What an LMS says of each person of a course, asked through an activity (rlid; rule N7)."""

from typing import Any

import pytest
from sqlalchemy import select

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import LmsCourse
from plugin.org import roster, roster_claims, rule_actions
from plugin.org.belonging import Said
from plugin.org.models import Identity, MembershipSource, Unit, UnitKind
from plugin.org.rule_models import LaunchClaim, RosterTie, RuleSource, UnknownCode
from tests.functional.lti.campus import URL, Peer
from tests.functional.lti.roster_facts import answering, learner, listing, members, problem, remarks
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World

LAUNCH = MembershipSource.LAUNCH
LTI = "https://purl.imsglobal.org/spec/lti/claim/"


@pytest.fixture
def sites(world: World) -> dict[str, Unit]:
    """Two sites with codes, and the rule that a parameter names a person's."""
    found = {}
    for code in ("A", "B"):
        place = world.unit(f"Shift {code}")
        place.id_code = code
        found[code] = world.add(place)
    with transaction() as tx:
        rule_actions.create_rule(
            tx,
            world.organization.id,
            source=RuleSource.CUSTOM,
            name="section",
            unit_kind=UnitKind.SITE,
            by=None,
            now=clock.now(),
        )
    return found


def says(peer: Peer, **sections: Any) -> None:
    """What the LMS puts into the parameter for each person."""
    peer.grades.behaviour.member_variables = {
        subject.removeprefix("p"): {"section": value} for subject, value in sections.items()
    }


def test_n7_people_who_never_launched_are_put_into_units_by_their_variables(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A", p7="B", p8="A")
    sync(tie)
    assert members(LAUNCH, sites["A"]) == {"6", "8"}
    assert members(LAUNCH, sites["B"]) == {"7"}
    assert members() == {"6", "7", "8", "9"}
    assert f"{URL}/services/2/memberships?rlid=17" in [url for _method, url in peer.calls]


def test_n7_a_person_who_moves_is_moved_and_a_second_reading_changes_nothing(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A", p7="B")
    sync(tie)
    says(peer, p6="B", p7="B")
    sync(tie)
    sync(tie)
    assert members(LAUNCH, sites["A"]) == set()
    assert members(LAUNCH, sites["B"]) == {"6", "7"}
    assert db.session.query(LaunchClaim).count() == 3


@pytest.mark.parametrize("value", ["$Canvas.course.sectionIds", "{link_id}", None, 7, ["A"], {}])
def test_n7_what_was_not_resolved_was_not_said(
    peer: Peer, sites: dict[str, Unit], tie: int, value: Any
) -> None:
    says(peer, p6="A")
    sync(tie)
    says(peer, p6=value)
    sync(tie)
    assert members(LAUNCH, sites["A"]) == {"6"}


def test_n7_an_empty_text_says_in_none_and_silence_says_nothing(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A", p7="A")
    sync(tie)
    says(peer, p6="")
    sync(tie)
    assert members(LAUNCH, sites["A"]) == {"7"}


def test_n7_a_code_no_unit_has_ends_nothing_and_is_shown_to_admins(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A")
    sync(tie)
    says(peer, p6="Z", p7="Z")
    sync(tie)
    assert members(LAUNCH, sites["A"]) == {"6"}
    assert db.session.scalars(select(UnknownCode.code)).all() == ["Z"]


def test_n7_who_may_not_open_the_activity_is_not_gone(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A", p7="A")
    sync(tie)
    peer.grades.behaviour.hidden_from = {"6", "7", "8", "9"}
    sync(tie)
    assert members() == {"6", "7", "8", "9"}
    assert members(LAUNCH, sites["A"]) == {"6", "7"}
    assert problem() is None


def test_n7_an_activity_that_is_gone_falls_back_to_the_plain_list(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A")
    sync(tie)
    with transaction() as tx:
        tx.session.query(LmsCourse).one().link_id = "404"
    sync(tie)
    assert members() == {"6", "7", "8", "9"}
    assert members(LAUNCH, sites["A"]) == {"6"}
    assert remarks() == [["variables", "404 Resource link 404 doesn't exist"]]
    before = len(peer.calls)
    sync(tie)
    assert not any("rlid" in url for _method, url in peer.calls[before:])
    peer.launch("marco")
    work_off()
    before = len(peer.calls)
    sync(tie)
    assert any("rlid=17" in url for _method, url in peer.calls[before:])


def test_n7_nobody_asks_where_no_rule_looks(peer: Peer, tie: int) -> None:
    says(peer, p6="A")
    sync(tie)
    assert not any("rlid" in url for _method, url in peer.calls)


def test_n7_who_leaves_the_course_leaves_what_its_list_said(
    peer: Peer, sites: dict[str, Unit], tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(peer, p6="A", p7="A")
    sync(tie)
    monkeypatch.setattr(
        "plugin.core.http.call",
        answering(peer, lambda url: None if "rlid" in url else listing(learner(6))),
    )
    sync(tie)
    assert members() == {"6"}
    assert members(LAUNCH, sites["A"]) == {"6"}


def test_n7_an_untied_course_says_nothing_more(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A", p7="A")
    sync(tie)
    with transaction() as tx:
        roster.untie_course(tx, tx.session.get_one(RosterTie, tie), by=None, now=clock.now())
    assert members(LAUNCH, sites["A"]) == set()


@pytest.mark.parametrize("asked", ["memberships?from=2", "memberships?rlid=17"])
def test_n7_nor_does_one_that_is_untied_while_its_list_is_read(
    peer: Peer, sites: dict[str, Unit], tie: int, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    says(peer, p6="A", p7="A")
    peer.grades.behaviour.page_size = 2

    def unties(url: str) -> None:
        if url.endswith(asked):
            with transaction() as tx:
                row = tx.session.get_one(RosterTie, tie)
                roster.untie_course(tx, row, by=None, now=clock.now())

    monkeypatch.setattr(http, "call", answering(peer, unties))
    sync(tie)
    assert members() == members(LAUNCH, sites["A"]) == set()
    assert any(url.endswith("memberships?from=4") for _method, url in peer.calls) == (
        "rlid" in asked
    ), "nothing more of the list is read than is needed"


def test_n7_a_launch_and_a_list_never_end_what_the_other_says(
    peer: Peer, sites: dict[str, Unit], tie: int
) -> None:
    says(peer, p6="A")
    sync(tie)
    peer.launch("lars", section="B")
    work_off()
    sync(tie)
    assert members(LAUNCH, sites["A"]) == {"6"}
    assert members(LAUNCH, sites["B"]) == {"6"}
    says(peer, p6="B")
    sync(tie)
    assert members(LAUNCH, sites["A"]) == set()
    peer.launch("lars", section="")
    work_off()
    assert members(LAUNCH, sites["B"]) == {"6"}


def test_n7_an_lms_that_forgets_its_variables_empties_no_unit(
    peer: Peer, sites: dict[str, Unit], tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saying(value: str) -> Any:
        def line(number: int) -> dict[str, Any]:
            return learner(number, message=[{LTI + "custom": {"section": value}}])

        return answering(peer, lambda _url: listing(*(line(each) for each in range(100, 108))))

    monkeypatch.setattr("plugin.core.http.call", saying("A"))
    sync(tie)
    assert len(members(LAUNCH, sites["A"])) == 8
    monkeypatch.setattr("plugin.core.http.call", saying(""))
    sync(tie)
    assert len(members(LAUNCH, sites["A"])) == 8
    assert remarks() == [["held", "8"]]
    monkeypatch.setattr("plugin.core.http.call", saying("B"))  # a move is no end
    sync(tie)
    assert members(LAUNCH, sites["A"]) == set()
    assert len(members(LAUNCH, sites["B"])) == 8


def test_n7_rules_cost_no_more_statements_for_more_people(
    peer: Peer, sites: dict[str, Unit], tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading people in costs by the person; what the rules do with them does not."""

    def statements(people: int) -> int:
        said = {str(each): Said(custom={"section": "A"}) for each in range(people)}
        with transaction() as tx, counted() as sent:
            roster_claims.follow(
                tx,
                tx.session.get_one(RosterTie, tie),
                said,
                issuer=URL,
                client_id="client-1",
                now=clock.now(),
            )
        return len(sent)

    many = listing(*(learner(each) for each in range(60)))
    monkeypatch.setattr("plugin.core.http.call", answering(peer, lambda _url: many))
    sync(tie)
    assert db.session.query(Identity).count() >= 60
    few = statements(2)
    assert statements(60) <= few + 1
