"""What launches say fills units, ends only what launches gave, and costs nothing when unchanged."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.lti.tool.models import Registration
from plugin.org import rule_actions
from plugin.org.belonging import course_key
from plugin.org.models import Grant, Identity, Membership, MembershipSource, Person, Unit, UnitKind
from plugin.org.rule_models import LaunchRule, RuleSource, UnknownCode
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import ABSENT, LEARNER, TEACHER, Lms
from tests.support.queries import counted
from tests.support.world import World

STAFF = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Staff"


@pytest.fixture
def sites(world: World) -> dict[str, Unit]:
    """Two sites with codes."""
    found = {}
    for code in ("NO-OSL", "NO-BGO"):
        unit = world.unit(f"Site {code}")
        unit.id_code = code
        found[code] = world.add(unit)
    return found


def by_code(world: World, name: str = "site", kind: UnitKind = UnitKind.SITE) -> int:
    with transaction() as tx:
        return rule_actions.create_rule(
            tx,
            world.organization.id,
            source=RuleSource.CUSTOM,
            name=name,
            unit_kind=kind,
            by=None,
            now=clock.now(),
        ).id


def to_unit(
    world: World, source: RuleSource, name: str, unit: Unit, value: str | None = None
) -> int:
    with transaction() as tx:
        return rule_actions.create_rule(
            tx,
            world.organization.id,
            source=source,
            name=name,
            value=value,
            unit=tx.session.merge(unit),
            by=None,
            now=clock.now(),
        ).id


def places(source: MembershipSource = MembershipSource.LAUNCH) -> set[str]:
    """The names of the units with an open membership of this source."""
    db.session.rollback()
    return set(
        db.session.scalars(
            select(Unit.name)
            .join(Membership, Membership.unit_id == Unit.id)
            .where(Membership.source == source, Membership.until_at.is_(None))
        )
    )


def site(code: str) -> dict[str, object]:
    return {"custom": {"site": code}}


def test_the_first_launch_puts_the_person_into_the_unit_of_the_code(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    lms.launch(client, **site("NO-OSL"))
    assert places() == {"Site NO-OSL"}
    person = db.session.query(Person).one()
    entry = db.session.query(AuditEntry).filter_by(action="membership.started").one()
    assert (entry.about_id, entry.after) == (person.id, {"unit_id": sites["NO-OSL"].id})
    steps = db.session.query(OutboxRow).filter_by(job=JobName.EVALUATE_PERSON).all()
    assert [step.args for step in steps] == [[person.id]]


def test_another_value_moves_the_person_and_an_empty_one_ends_it(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    lms.launch(client, **site("NO-OSL"))
    lms.launch(client, **site("NO-BGO"))
    assert places() == {"Site NO-BGO"}
    ended = db.session.query(AuditEntry).filter_by(action="membership.ended").one()
    assert ended.before is not None
    assert ended.before["unit_id"] == sites["NO-OSL"].id
    lms.launch(client, **site(""))
    assert places() == set()


def test_a_launch_that_does_not_say_changes_nothing(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    lms.launch(client, **site("NO-OSL"))
    lms.launch(client, custom={"other": "x"})
    lms.launch(client, custom=ABSENT)
    lms.launch(client, custom={"site": "$User.site"})
    assert places() == {"Site NO-OSL"}


def test_only_what_launches_gave_is_ended(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    lms.launch(client, **site("NO-OSL"))
    world.member(db.session.query(Person).one(), sites["NO-OSL"])
    lms.launch(client, **site("NO-BGO"))
    assert places() == {"Site NO-BGO"}
    assert places(MembershipSource.MANUAL) == {"Site NO-OSL"}


def test_an_unknown_code_is_noted_and_harmless_until_a_unit_has_it(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    lms.launch(client, **site("NO-OSL"))
    for _ in range(2):
        assert lms.launch(client, **site("NO-TRD")).status_code == 303
    assert places() == {"Site NO-OSL"}
    noted = db.session.query(UnknownCode).one()
    assert (noted.code, noted.launches, noted.last_seen_at) == ("NO-TRD", 2, clock.now())
    unit = world.unit("Trondheim")
    unit.id_code = "NO-TRD"
    world.add(unit)
    lms.launch(client, **site("NO-TRD"))
    assert places() == {"Trondheim"}


def test_codes_of_archived_units_of_other_kinds_and_other_organizations_are_unknown(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    sites["NO-OSL"].archived_at = clock.now()
    world.add(sites["NO-OSL"])
    group = world.unit("A group", kind=UnitKind.GROUP)
    group.id_code = "G"
    world.add(group)
    far = world.unit("Far", organization=world.new_organization("Elsewhere"))
    far.id_code = "FAR"
    world.add(far)
    for code in ("NO-OSL", "G", "FAR"):
        lms.launch(client, **site(code))
    assert places() == set()
    assert db.session.query(UnknownCode).count() == 3


def test_a_value_a_role_and_a_course_lead_to_their_units(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    value, role, course = (world.unit(name, kind=UnitKind.GROUP) for name in ("V", "R", "C"))
    registration = db.session.query(Registration).one()
    key = course_key(registration.id, lms.deployment_id, "2")
    to_unit(world, RuleSource.CUSTOM, "kind", value, "contractor")
    to_unit(world, RuleSource.ROLE, "institution:Staff", role)
    to_unit(world, RuleSource.COURSE, key, course)
    lms.launch(client, custom={"kind": "contractor"}, roles=[LEARNER, STAFF])
    assert places() == {"V", "R", "C"}
    lms.launch(client, custom={"kind": "own"}, context={"id": "3"})
    assert places() == {"C"}


def test_a_role_of_one_course_is_not_lost_in_another(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    to_unit(world, RuleSource.ROLE, "context:Instructor", world.unit("Trainers"))
    lms.launch(client, roles=[TEACHER])
    lms.launch(client, roles=[LEARNER], context={"id": "3"})
    assert places() == {"Trainers"}
    lms.launch(client, roles=[LEARNER])
    assert places() == set()


def test_two_rules_that_say_the_same_keep_the_person_until_neither_does(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    by_code(world, "place")
    both = {"site": "NO-OSL", "place": "NO-OSL"}
    lms.launch(client, custom=both)
    lms.launch(client, custom={**both, "site": ""})
    assert places() == {"Site NO-OSL"}
    lms.launch(client, custom={"site": "", "place": ""})
    assert places() == set()


def test_switching_off_one_of_two_rules_that_say_the_same_ends_nothing(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    rule_id = by_code(world)
    by_code(world, "place")
    lms.launch(client, custom={"site": "NO-OSL", "place": "NO-OSL"})
    with transaction() as tx:
        rule = tx.session.get_one(LaunchRule, rule_id)
        ended = rule_actions.switch_off(tx, rule, ends_memberships=True, by=None, now=clock.now())
    assert (ended, places()) == (0, {"Site NO-OSL"})


def test_what_one_lms_says_is_not_unsaid_by_another(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    lms.launch(client, **site("NO-OSL"))
    person_id = db.session.query(Person).one().id
    second = register(world, issuer="https://second.example.test", client_id="client-2")
    second.launch(client, **site("NO-OSL"))
    other = db.session.query(Identity).filter_by(client_id="client-2").one()
    other.person_id, other.said_seal = person_id, None
    world.add(other)
    second.launch(client, **site("NO-OSL"))
    second.launch(client, **site(""))
    db.session.rollback()
    mine = select(Membership).where(
        Membership.person_id == person_id, Membership.until_at.is_(None)
    )
    assert len(db.session.scalars(mine).all()) == 1
    lms.launch(client, **site(""))
    db.session.rollback()
    assert db.session.scalars(mine).all() == []


def test_a_parameter_never_gives_rights(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    by_code(world, "role")
    lms.launch(client, custom={"site": "NO-OSL", "role": "admin", "roles": "manager"})
    assert db.session.query(Grant).count() == 0


def launch_statements(client: FlaskClient, lms: Lms, **changes: object) -> int:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"], **changes))
    with counted() as statements:
        assert lms.post(client, token, asked["state"]).status_code == 303
    return len(statements)


def test_rules_cost_nothing_when_the_launch_says_what_it_said_before(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    lms.launch(client, **site("NO-OSL"))
    without = launch_statements(client, lms, **site("NO-OSL"))
    by_code(world)
    lms.launch(client, **site("NO-OSL"))
    again = {"custom": {"site": "NO-OSL", "view": "home"}}
    assert launch_statements(client, lms, **again) == without == 3


def test_new_rules_are_followed_from_the_next_launch_and_read_once(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    lms.launch(client, **site("NO-OSL"))
    assert places() == set()
    by_code(world)
    lms.launch(client, sub="7", **site("NO-OSL"))
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"], **site("NO-OSL")))
    with counted() as statements:
        lms.post(client, token, asked["state"])
    assert [each for each in statements if "launch_rule" in each] == []
    assert db.session.query(Membership).count() == 2


def test_a_launch_in_a_browser_without_cookies_follows_the_rules_too(
    client: FlaskClient, lms: Lms, world: World, sites: dict[str, Unit]
) -> None:
    by_code(world)
    asked = lms.begin(client)
    client._cookies.clear()  # type: ignore[attr-defined]
    token = lms.sign(lms.claims(asked["nonce"], **site("NO-OSL")))
    assert lms.post(client, token, asked["state"]).status_code == 200
    assert places() == {"Site NO-OSL"}


@pytest.mark.parametrize(("ends", "left"), [(True, set()), (False, {"Site NO-OSL"})])
def test_a_rule_that_is_switched_off_is_not_followed_and_may_take_what_it_gave(
    client: FlaskClient,
    lms: Lms,
    world: World,
    sites: dict[str, Unit],
    ends: bool,
    left: set[str],
) -> None:
    rule_id = by_code(world)
    lms.launch(client, **site("NO-OSL"))
    with transaction() as tx:
        rule = tx.session.get_one(LaunchRule, rule_id)
        ended = rule_actions.switch_off(tx, rule, ends_memberships=ends, by=None, now=clock.now())
    assert (ended, places()) == (int(ends), left)
    person_id = db.session.query(Person).one().id
    steps = db.session.query(OutboxRow).filter_by(job=JobName.EVALUATE_PEOPLE).all()
    assert [step.args for step in steps] == ([[person_id]] if ends else [])
    trail = db.session.query(AuditEntry).filter_by(action="membership.ended").count()
    assert trail == int(ends)
    lms.launch(client, **site("NO-BGO"))
    assert places() == left
    with transaction() as tx:
        rule_actions.switch_on(
            tx, tx.session.get_one(LaunchRule, rule_id), by=None, now=clock.now()
        )
    lms.launch(client, **site("NO-BGO"))
    assert places() == {"Site NO-BGO"}
