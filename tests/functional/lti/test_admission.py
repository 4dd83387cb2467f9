"""Who a launch lets in, what it tells us of them, and what it can make of them."""

from flask.testing import FlaskClient
from sqlalchemy import event

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.lti.tool.admission import BY_LMS_ROLE
from plugin.lti.tool.models import Registration
from plugin.org.models import Grant, Identity, Person, SignIn
from plugin.web.roles import Role
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import ABSENT, LEARNER, TEACHER, Lms
from tests.support.world import World

LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
LMS_ADMIN = [
    LIS + "institution/person#Administrator",
    LIS + "membership#Instructor",
    LIS + "system/person#Administrator",
]


def admins() -> list[int]:
    db.session.rollback()
    return [each.person_id for each in db.session.query(Grant) if each.revoked_at is None]


def test_the_first_launch_makes_the_person_and_says_so_in_the_audit(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    lms.launch(client)
    person = db.session.query(Person).one()
    assert (person.full_name, person.email) == ("Lars Learner", "learner1@example.test")
    assert person.organization_id == world.organization.id
    identity = db.session.query(Identity).one()
    assert (identity.issuer, identity.client_id, identity.subject) == (
        lms.issuer,
        lms.client_id,
        "6",
    )
    entries = db.session.query(AuditEntry).filter_by(action="person.created").all()
    assert [each.about_id for each in entries] == [person.id]


def test_a_later_launch_updates_name_and_email_and_silence_changes_nothing(
    client: FlaskClient, lms: Lms
) -> None:
    lms.launch(client)
    lms.launch(client, name="Lars Larsen", family_name="Larsen", email="lars@example.test")
    lms.launch(client, name=ABSENT, given_name=ABSENT, family_name=ABSENT, email=ABSENT)
    person = db.session.query(Person).one()
    assert (person.full_name, person.email) == ("Lars Larsen", "lars@example.test")


def test_every_launch_begins_exactly_one_visit(client: FlaskClient, lms: Lms) -> None:
    for number, changes in enumerate(({}, {}, {"name": "Lars Larsen"}, {}, {"email": ABSENT}, {})):
        lms.launch(client, **changes)
        db.session.rollback()
        assert db.session.query(SignIn).count() == number + 1
    assert db.session.query(Person).count() == 1


def test_the_quick_way_in_knows_the_same_as_the_long_one(client: FlaskClient, lms: Lms) -> None:
    custom = {"site": "NO-OSL"}
    for _ in range(2):
        lms.launch(client, custom=custom)
    long, quick = db.session.query(SignIn).order_by(SignIn.id)
    apart = {"id", "token_hash"}
    for column in SignIn.__table__.columns:
        if column.name not in apart:
            assert getattr(long, column.name) == getattr(quick, column.name)


def test_a_returning_person_is_let_in_with_three_statements(client: FlaskClient, lms: Lms) -> None:
    lms.launch(client)
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    seen: list[str] = []

    def note(_connection: object, _cursor: object, text: str, *_more: object) -> None:
        seen.append(text.split(maxsplit=1)[0])

    event.listen(db.engine, "before_cursor_execute", note)
    assert lms.post(client, token, asked["state"]).status_code == 303
    event.remove(db.engine, "before_cursor_execute", note)
    assert [each for each in seen if each != "BEGIN"] == ["SELECT", "UPDATE", "INSERT"]


def test_the_visit_remembers_where_the_person_came_from(client: FlaskClient, lms: Lms) -> None:
    lms.launch(client, custom={"site": "NO-OSL", "unknown": "$User.department"})
    visit = db.session.query(SignIn).one()
    assert visit.launch == {
        "registration_id": 1,
        "deployment_id": "1",
        "subject": "6",
        "context": {"id": "2", "title": "Safety 101"},
        "resource_link_id": "1",
        "custom": {"site": "NO-OSL"},
        "roles": ["context:Learner"],
        "services": None,
    } | {"registration_id": visit.launch["registration_id"]}
    assert visit.frame_ancestors == "https://lms.example.test"
    assert visit.locale == "en"
    assert visit.return_url == "https://lms.example.test/return.php?sesskey=abc"
    assert visit.created_at == clock.now()


def test_the_lms_may_frame_us_from_its_issuer_its_login_and_its_further_origins(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    other = register(world, client_id="c2", auth_url="https://sso.example.test/authorize")
    row = db.session.query(Registration).filter_by(client_id="c2").one()
    row.extra_origins = ["https://learn.customer.test"]
    db.session.commit()
    other.launch(client)
    visit = db.session.query(SignIn).one()
    assert visit.frame_ancestors == (
        "https://lms.example.test https://sso.example.test https://learn.customer.test"
    )


def test_a_deactivated_person_is_refused_with_the_way_back(client: FlaskClient, lms: Lms) -> None:
    lms.launch(client)
    db.session.query(Person).one().deactivated_at = clock.now()
    db.session.commit()
    answer = lms.launch(client)
    assert answer.status_code == 403
    page = answer.get_data(as_text=True)
    assert "org.person_deactivated" in page
    assert "Back to the course" in page


def test_an_lms_administrator_becomes_admin_only_where_the_registration_allows_it(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    lms.launch(client, roles=LMS_ADMIN, custom={"view": "admin"})
    assert admins() == []
    generous = register(world, admins_by_role=True, client_id="c2")
    generous.launch(client, roles=[TEACHER, "Administrator", LIS + "membership#Administrator"])
    generous.launch(client, sub="7", roles=[LEARNER], custom={"view": "admin", "role": "admin"})
    assert admins() == []
    generous.launch(client, sub="2", roles=LMS_ADMIN)
    generous.launch(client, sub="2", roles=LMS_ADMIN)
    assert len(admins()) == 1
    entries = db.session.query(AuditEntry).filter_by(action="grant.given").all()
    assert [each.reason for each in entries] == [BY_LMS_ROLE]


def test_an_admin_right_taken_back_does_not_return_with_the_next_launch(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    generous = register(world, admins_by_role=True, client_id="c2")
    generous.launch(client, roles=LMS_ADMIN)
    grant = db.session.query(Grant).one()
    assert grant.role is Role.ADMIN
    grant.revoked_at = clock.now()
    db.session.commit()
    generous.launch(client, roles=LMS_ADMIN)
    assert admins() == []
