"""Two entries that are one person: merged with all that makes their training, and taken apart."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.assign.models import Waiver
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.modules.models import Completion, Module
from plugin.org import actions, launch_rules
from plugin.org.belonging import Said
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Identity, Membership, Person, SignIn, Unit, UnitKind
from plugin.org.rule_models import LaunchRule, RuleSource
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, judge, row, stored, training
from tests.support.queries import counted
from tests.support.world import World

LMS = {"issuer": "https://one.example.test", "client_id": "c"}


@pytest.fixture
def grace(world: World) -> Person:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def admin(world: World, grace: Person, client: FlaskClient) -> FlaskClient:
    world.sign_in(client, grace)
    return client


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def height(world: World) -> Module:
    return world.module("Height")


@pytest.fixture
def ada(world: World) -> Person:
    return world.person("Ada Byron", email=None)


@pytest.fixture
def double(world: World, quay: Unit, height: Module) -> Person:
    """Ada as another LMS knows her: in the unit, and trained."""
    person = world.person("Ada B.", email="ada@example.test")
    person.employee_id = "E-7"
    world.add(person)
    world.member(person, quay, since=NOW - timedelta(days=300))
    world.completion(person, height, happened_at=NOW - timedelta(days=40), score=0.9)
    known(world, person, "u-1")
    return person


def known(world: World, person: Person, subject: str) -> Identity:
    return world.add(
        Identity(
            organization_id=person.organization_id,
            person_id=person.id,
            subject=subject,
            created_at=clock.now(),
            **LMS,
        )
    )


def merge(client: FlaskClient, stays: Person, goes: Person, **more: Any) -> Any:
    address = f"/admin/people/{stays.id}/merge/{goes.id}"
    return client.post(address, data={"stays": stays.id, "reason": "one human", **more})


def undo(client: FlaskClient, stays: Person, reason: str = "two after all") -> Any:
    made = db.session.scalars(select(PersonMerge.id).order_by(PersonMerge.id.desc())).first()
    return client.post(f"/admin/people/{stays.id}/merges/{made}/undo", data={"reason": reason})


def launch(subject: str, **custom: str) -> Person:
    with transaction() as tx:
        person = actions.admit_person(
            tx.session,
            known_organization(),
            subject=subject,
            given_name=None,
            family_name=None,
            full_name=None,
            email=None,
            locale=None,
            now=clock.now(),
            **LMS,
        )
        if custom:
            news = launch_rules.news_of(
                tx.session, person.organization_id, "seal", Said(custom=custom)
            )
            launch_rules.follow(tx.session, person, news, subject=subject, now=clock.now(), **LMS)
        return person


def known_organization() -> int:
    return db.session.scalars(select(Identity.organization_id)).first() or 0


def open_units(person: Person) -> list[str]:
    db.session.rollback()
    return sorted(
        db.session.scalars(
            select(Unit.name)
            .join(Membership, Membership.unit_id == Unit.id)
            .where(Membership.person_id == person.id, Membership.until_at.is_(None))
        )
    )


def is_valid(person: Person, configuration_id: int) -> bool:
    found = stored(person, configuration_id)
    return found is not None and found.covered and found.complete


def test_identities_units_completions_and_details_follow(
    admin: FlaskClient, ada: Person, double: Person, quay: Unit, height: Module
) -> None:
    configuration_id = training(quay, row(height))
    assert merge(admin, ada, double).status_code == 302
    judge()
    assert launch("u-1").id == ada.id
    assert open_units(ada) == ["Quay"]
    assert (is_valid(ada, configuration_id), is_valid(double, configuration_id)) == (True, False)
    db.session.refresh(ada)
    db.session.refresh(double)
    assert (ada.email, ada.employee_id) == ("ada@example.test", "E-7")
    assert (double.merged_into_id, double.employee_id) == (ada.id, None)
    assert double.deactivated_at is not None


def test_undone_each_has_again_what_was_its_own(
    admin: FlaskClient, ada: Person, double: Person, quay: Unit, height: Module
) -> None:
    configuration_id = training(quay, row(height))
    merge(admin, ada, double)
    judge()
    assert undo(admin, ada).status_code == 302
    judge()
    assert launch("u-1").id == double.id
    assert (open_units(ada), open_units(double)) == ([], ["Quay"])
    assert (is_valid(ada, configuration_id), is_valid(double, configuration_id)) == (False, True)
    db.session.refresh(ada)
    db.session.refresh(double)
    assert (ada.email, ada.employee_id) == (None, None)
    assert (double.employee_id, double.deactivated_at, double.merged_into_id) == ("E-7", None, None)


def test_what_was_merged_undone_and_merged_again_counts_once(
    admin: FlaskClient, ada: Person, double: Person, quay: Unit, height: Module
) -> None:
    configuration_id = training(quay, row(height))
    merge(admin, ada, double)
    undo(admin, ada)
    merge(admin, ada, double)
    judge()
    assert is_valid(ada, configuration_id)
    page = admin.get(f"/admin/people/{ada.id}/training").text
    assert page.count("one human") == 0
    assert page.count("/correct") == 1


def test_a_completion_that_comes_late_for_the_other_entry_counts_too(
    world: World, admin: FlaskClient, ada: Person, double: Person, quay: Unit
) -> None:
    gas = world.module("Gas")
    configuration_id = training(quay, row(gas))
    merge(admin, ada, double)
    judge()
    assert not is_valid(ada, configuration_id)
    world.completion(double, gas)
    for _again in range(2):
        evaluate_later(double)
        judge()
    assert is_valid(ada, configuration_id)
    copies = select(Completion).where(
        Completion.person_id == ada.id, Completion.module_id == gas.id
    )
    assert len(db.session.scalars(copies).all()) == 1


def test_a_corrected_copy_is_taken_back_too(
    admin: FlaskClient, ada: Person, double: Person, quay: Unit, height: Module
) -> None:
    configuration_id = training(quay, row(height))
    merge(admin, ada, double)
    copy = db.session.scalars(select(Completion).where(Completion.person_id == ada.id)).one()
    admin.post(
        f"/admin/people/{ada.id}/completions/{copy.id}/correct",
        data={"passed": "yes", "happened_on": "2027-03-01", "reason": "the paper says so"},
    )
    undo(admin, ada)
    judge()
    assert not is_valid(ada, configuration_id)
    assert is_valid(double, configuration_id)


def test_waivers_follow_and_end_with_it(
    world: World, admin: FlaskClient, ada: Person, double: Person, grace: Person, quay: Unit
) -> None:
    gas = world.module("Gas")
    configuration_id = training(quay, row(gas))
    world.add(
        Waiver(
            organization_id=double.organization_id,
            configuration_id=configuration_id,
            module_id=gas.id,
            person_id=double.id,
            reason="on leave",
            approved_by=grace.id,
            from_at=NOW,
            until_on=date(2027, 9, 1),
        )
    )
    merge(admin, ada, double)
    judge()
    assert is_valid(ada, configuration_id)
    undo(admin, ada)
    judge()
    assert not is_valid(ada, configuration_id)
    assert is_valid(double, configuration_id)


def test_what_launches_say_of_units_follows_the_identity(
    world: World, admin: FlaskClient, ada: Person, double: Person
) -> None:
    dock = world.unit("Dock")
    dock.id_code = "DOCK"
    world.add(dock)
    world.add(
        LaunchRule(
            organization_id=ada.organization_id,
            source=RuleSource.CUSTOM,
            name="site",
            by_code=True,
            unit_kind=UnitKind.SITE,
            created_at=NOW,
        )
    )
    merge(admin, ada, double)
    assert launch("u-1", site="DOCK").id == ada.id
    assert open_units(ada) == ["Dock", "Quay"]
    undo(admin, ada)
    assert open_units(ada) == []
    assert open_units(double) == ["Dock", "Quay"]


def test_visits_of_the_entry_that_goes_are_over(
    world: World, admin: FlaskClient, ada: Person, double: Person
) -> None:
    visit = world.sign_in(admin.application.test_client(), double)
    merge(admin, ada, double)
    db.session.rollback()
    assert db.session.get_one(SignIn, visit.id).ended_at is not None


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("self", "this is the same entry"),
        ("me", "Nobody merges themselves"),
        ("rights", "has rights"),
        ("off", "is deactivated"),
        ("chain", "was merged already"),
        ("reason", "Say why"),
    ],
)
def test_what_cannot_be_merged_is_said_and_changes_nothing(
    world: World,
    admin: FlaskClient,
    ada: Person,
    double: Person,
    grace: Person,
    quay: Unit,
    case: str,
    words: str,
) -> None:
    stays, goes, more = ada, double, {}
    before = 0
    if case == "self":
        goes = ada
    elif case == "me":
        stays = grace
    elif case == "rights":
        world.grant(double, Role.MANAGER, quay)
    elif case == "off":
        double.deactivated_at = NOW
        world.add(double)
    elif case == "chain":
        merge(admin, world.person("Third", email=None), ada)
        before = 1
    elif case == "reason":
        more = {"reason": " "}
    answer = merge(admin, stays, goes, **more)
    assert answer.status_code == 422
    assert words in answer.text
    db.session.rollback()
    assert db.session.query(PersonMerge).count() == before


def test_merging_twice_is_merging_once(admin: FlaskClient, ada: Person, double: Person) -> None:
    assert merge(admin, ada, double).status_code == 302
    assert merge(admin, ada, double).status_code == 302
    assert db.session.query(PersonMerge).count() == 1


def test_the_later_merge_is_undone_first(
    world: World, admin: FlaskClient, ada: Person, double: Person
) -> None:
    merge(admin, ada, double)
    first = db.session.scalars(select(PersonMerge.id)).one()
    third = world.person("Ada Third", email=None)
    merge(admin, third, ada)
    answer = admin.post(f"/admin/people/{ada.id}/merges/{first}/undo", data={"reason": "no"})
    assert answer.status_code == 422
    assert "The later merge" in answer.text
    assert launch("u-1").id == third.id


def test_undoing_twice_is_undoing_once(admin: FlaskClient, ada: Person, double: Person) -> None:
    merge(admin, ada, double)
    undo(admin, ada)
    assert "It was undone already" in admin.get(undo(admin, ada).location).text


def test_the_entry_that_went_is_not_changed_any_more(
    admin: FlaskClient, ada: Person, double: Person, height: Module
) -> None:
    merge(admin, ada, double)
    page = admin.get(f"/admin/people/{double.id}").text
    assert "Go to Ada Byron" in page
    assert "/edit" not in page
    sent = {"module_id": height.id, "happened_on": "2027-03-01", "reason": "seen", "once": "a"}
    answer = admin.post(f"/admin/people/{double.id}/completions/new", data=sent)
    assert answer.status_code == 409
    assert "was merged into another person" in answer.text
    switched = admin.post(
        f"/admin/people/{double.id}/access", data={"reattach": "", "reactivate": "1", "reason": "x"}
    )
    assert switched.status_code == 422
    db.session.rollback()
    assert db.session.get_one(Person, double.id).deactivated_at is not None


def test_who_may_be_the_same_is_offered_by_name_and_address_and_found_by_words(
    world: World, admin: FlaskClient, double: Person
) -> None:
    twin = world.person("Somebody Else", email="ADA@example.test")
    world.person("Ada B.", email=None)
    other = world.new_organization("Other")
    world.person("Ada B.", organization=other, email="stranger@example.test")
    page = admin.get(f"/admin/people/{double.id}/merge").text
    assert "Somebody Else" in page
    assert page.count("Compare") == 2
    assert "stranger" not in page
    assert twin.full_name in admin.get(f"/admin/people/{double.id}/merge?q=somebody").text
    assert "Nobody." in admin.get(f"/admin/people/{double.id}/merge?q=zzz").text


def test_both_are_compared_side_by_side(admin: FlaskClient, ada: Person, double: Person) -> None:
    page = admin.get(f"/admin/people/{ada.id}/merge/{double.id}").text
    for words in ("Ada Byron", "Ada B.", "E-7", "Quay", "u-1 – https://one.example.test"):
        assert words in page


def test_the_page_of_both_tells_of_it_and_the_log_of_both(
    admin: FlaskClient, ada: Person, double: Person
) -> None:
    merge(admin, ada, double)
    assert "Merged by Grace Hopper" in admin.get(f"/admin/people/{ada.id}").text
    undo(admin, ada)
    for each in (ada, double):
        page = admin.get(f"/admin/people/{each.id}").text
        assert "Undone by Grace Hopper" in page
        log = admin.get(f"/admin/people/{each.id}/activity").text
        assert "Merged with another entry" in log
        assert "Merge undone" in log
    assert (
        "No longer counts: a merge was undone" in admin.get(f"/admin/people/{ada.id}/activity").text
    )
    found = select(AuditEntry.action).where(AuditEntry.action.like("person.%merged"))
    assert sorted(db.session.scalars(found)) == ["person.merged"] * 2 + ["person.unmerged"] * 2


def test_a_learner_sees_nothing_of_what_was_taken_back(
    world: World, admin: FlaskClient, ada: Person, double: Person, quay: Unit, height: Module
) -> None:
    training(quay, row(height))
    merge(admin, ada, double)
    undo(admin, ada)
    learner = admin.application.test_client()
    world.sign_in(learner, ada)
    assert "Height" not in learner.get("/history", base_url="https://tool.example.test").text


@pytest.mark.parametrize("role", [Role.LEARNER, Role.MANAGER])
def test_only_admins_merge(
    world: World, client: FlaskClient, ada: Person, double: Person, quay: Unit, role: Role
) -> None:
    who = world.person("Mary", email="mary@example.test")
    if role is Role.MANAGER:
        world.grant(who, Role.MANAGER, quay)
    world.sign_in(client, who)
    assert client.get(f"/admin/people/{double.id}/merge").status_code == 403
    assert client.get(f"/admin/people/{double.id}/merge/{ada.id}").status_code == 403
    assert merge(client, ada, double).status_code == 403
    assert client.get(f"/admin/people/{ada.id}/merges/1/undo").status_code == 403


def test_people_and_merges_of_other_organizations_are_not_found(
    world: World, admin: FlaskClient, ada: Person, double: Person
) -> None:
    stranger = world.person("Eve", organization=world.new_organization("Other"))
    assert admin.get(f"/admin/people/{stranger.id}/merge").status_code == 404
    assert merge(admin, ada, stranger).status_code == 404
    assert merge(admin, stranger, ada).status_code == 404
    merge(admin, ada, double)
    made = db.session.scalars(select(PersonMerge.id)).one()
    assert admin.get(f"/admin/people/{double.id}/merges/{made}/undo").status_code == 404


def test_the_pages_take_the_same_statements_whatever_there_is(
    world: World, admin: FlaskClient, ada: Person, double: Person
) -> None:
    address = f"/admin/people/{ada.id}/merge?q=Ada"
    with counted() as few:
        admin.get(address)
    for number in range(30):
        world.person(f"Ada {number}", email=None)
    with counted() as many:
        admin.get(address)
    assert len(few) == len(many)
