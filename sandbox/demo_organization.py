"""The demo's organization: made once, through the same actions as every other."""

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw
from sqlalchemy import select, update

from plugin.assign import actions as assign_actions
from plugin.assign import drafting
from plugin.assign import queries as assign_queries
from plugin.assign.draft import DraftRow
from plugin.assign.facts import RowStatus
from plugin.core import clock
from plugin.core.context import current_settings, storage
from plugin.core.db import Tx, read_session, transaction
from plugin.lti.tool import actions as lti_actions
from plugin.lti.tool.addresses import tool_addresses
from plugin.lti.tool.models import Registration
from plugin.lti.tool.profiles import VARIABLES as WANTED
from plugin.org import actions as org_actions
from plugin.org.models import Identity, MembershipSource, Organization, Person, Unit, UnitKind
from plugin.scorm import importing
from plugin.scorm import queries as scorm_queries
from plugin.web.roles import Role
from sandbox import demo_evidence, demo_maker
from sandbox.maker_lti import Platform
from sandbox.moving import ZONE
from sandbox.oidc import Tool
from sandbox.people import PEOPLE
from sandbox.tokens import VARIABLES

SLUG = "northwind"
CLIENT_ID = "northwind-demo"
DEPLOYMENT = "1"
HEIGHT, SPACES, FIRE = "working-at-height", "confined-spaces", "hot-work"
COURSES = Path(__file__).resolve().parent / "courses"
PLACES = {
    "marco": ("North Quay",),
    "lars": ("North Quay",),
    "lucja": ("North Quay", "Contractors"),
    "priya": ("South Yard",),
    "yousef": ("South Yard",),
}


class CourseMissingError(Exception):
    """A course that the demo teaches was not built; the message names it."""


@dataclass(frozen=True, slots=True)
class Courses:
    """The numbers of the imported modules."""

    height: int
    spaces: int
    fire: int
    rules: int
    first_aid: int
    quiz: int
    practice: int
    forklift: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the LMS and the external tool have to know about the product."""

    tool: Tool
    platform: Platform


def load(lms_url: str, maker_url: str, maker_keys_url: str) -> Known:
    """The organization exists, with its LMS and its external tool."""
    _check_courses()
    known = read_session().scalar(select(Organization.id).where(Organization.slug == SLUG))
    read_session().rollback()
    if known is None:
        organization_id = _organization(lms_url)
        courses = Courses(
            height=_course(organization_id, HEIGHT),
            spaces=_course(organization_id, SPACES),
            fire=_course(organization_id, FIRE),
            rules=demo_evidence.yard_rules(organization_id),
            first_aid=demo_evidence.first_aid(organization_id),
            quiz=demo_maker.ready(organization_id, maker_url, maker_keys_url),
            practice=demo_evidence.practice(organization_id),
            forklift=demo_evidence.forklift_test(organization_id),
        )
        _training(organization_id, courses)
    else:
        organization_id = known
        _move(organization_id, lms_url)
        demo_maker.ready(organization_id, maker_url, maker_keys_url)
    return Known(_tool(), demo_maker.platform(organization_id))


def _check_courses() -> None:
    for name in (HEIGHT, SPACES, FIRE):
        if not (COURSES / f"{name}.zip").exists():
            raise CourseMissingError(f"{name}.zip was not built: run `make courses`")


def _move(organization_id: int, lms_url: str) -> None:
    """The LMS may listen at another port than last time; its people stay the same people."""
    known = Registration.organization_id == organization_id
    people = Identity.organization_id == organization_id
    with transaction() as tx:
        tx.session.execute(
            update(Registration)
            .where(known, Registration.client_id == CLIENT_ID)
            .values(issuer=lms_url, **_endpoints(lms_url))
        )
        tx.session.execute(
            update(Identity).where(people, Identity.client_id == CLIENT_ID).values(issuer=lms_url)
        )


def _endpoints(lms_url: str) -> dict[str, str]:
    return {
        "auth_url": f"{lms_url}/auth",
        "token_url": f"{lms_url}/token",
        "jwks_url": f"{lms_url}/jwks",
    }


def _organization(lms_url: str) -> int:
    now = clock.now()
    with transaction() as tx:
        organization = org_actions.create_organization(
            tx.session,
            name="Northwind Harbours",
            slug=SLUG,
            time_zone=ZONE,
            locale="en",
            now=now,
        )
        tx.session.flush()
        org_actions.set_logo(tx.session, organization, storage(), _logo(), now=now)
        units = _units(tx, organization.id, now)
        people = _people(tx, organization.id, lms_url, now)
        for username, places in PLACES.items():
            for place in places:
                org_actions.add_member(
                    tx,
                    units[place],
                    people[username],
                    source=MembershipSource.MANUAL,
                    by=None,
                    now=now,
                )
        org_actions.grant(tx.session, people["astrid"], Role.ADMIN, by=None, now=now)
        quay = units["North Quay"]
        org_actions.grant(tx.session, people["marco"], Role.MANAGER, unit=quay, by=None, now=now)
        _register(tx, organization.id, lms_url, now)
        return organization.id


def _units(tx: Tx, organization_id: int, now: datetime) -> dict[str, Unit]:
    def make(kind: UnitKind, name: str, code: str, region: Unit | None = None) -> Unit:
        return org_actions.create_unit(
            tx.session,
            organization_id,
            kind=kind,
            name=name,
            id_code=code,
            region=region,
            by=None,
            now=now,
        )

    coast = make(UnitKind.REGION, "West Coast", "WEST")
    tx.session.flush()
    return {
        "West Coast": coast,
        "North Quay": make(UnitKind.SITE, "North Quay", "NQ", coast),
        "South Yard": make(UnitKind.SITE, "South Yard", "SY", coast),
        "Contractors": make(UnitKind.GROUP, "Contractors", "CONTR"),
    }


def _people(tx: Tx, organization_id: int, lms_url: str, now: datetime) -> dict[str, Person]:
    return {
        each.username: org_actions.admit_person(
            tx.session,
            organization_id,
            issuer=lms_url,
            client_id=CLIENT_ID,
            subject=each.sub,
            given_name=each.given_name,
            family_name=each.family_name,
            full_name=each.name,
            email=each.email,
            locale="en",
            now=now,
        )
        for each in PEOPLE
    }


def _register(tx: Tx, organization_id: int, lms_url: str, now: datetime) -> None:
    lti_actions.register(
        tx.session,
        organization_id,
        name="Northwind campus",
        issuer=lms_url,
        client_id=CLIENT_ID,
        **_endpoints(lms_url),
        deployment_ids=[DEPLOYMENT],
        admins_by_role=True,
        encryption_key=current_settings().encryption_key,
        by=None,
        now=now,
    )


def _course(organization_id: int, name: str) -> int:
    path = COURSES / f"{name}.zip"
    with path.open("rb") as source:
        package_id = importing.receive(
            source,
            organization_id,
            filename=path.name,
            title="",
            module_id=None,
            trusts_status=False,
            by=None,
        )
    importing.import_package(package_id)
    module_id = scorm_queries.package_of(read_session(), organization_id, package_id).module_id
    read_session().rollback()
    if module_id is None:
        raise CourseMissingError(f"{name}.zip could not be imported")
    return module_id


def _training(organization_id: int, courses: Courses) -> None:
    """Two sites with certificates, a region with something optional, a group with plans."""
    required, optional, hidden = RowStatus.REQUIRED, RowStatus.OPTIONAL, RowStatus.HIDDEN
    height = DraftRow(
        module_id=courses.height, status=required, validity_months=12, pass_mark=0.8, due_days=14
    )
    spaces = DraftRow(module_id=courses.spaces, status=required, validity_months=6, pass_mark=0.8)
    wished = DraftRow(module_id=courses.spaces, status=optional)
    fire = DraftRow(module_id=courses.fire, status=optional)
    rules = DraftRow(module_id=courses.rules, status=optional, validity_months=12)
    aid = DraftRow(module_id=courses.first_aid, status=optional, validity_months=24)
    quiz = DraftRow(module_id=courses.quiz, status=optional, validity_months=12)
    later = DraftRow(module_id=courses.height, status=hidden)
    _publish(organization_id, "NQ", "Site access", [height], certificate=True)
    _publish(organization_id, "SY", "Yard access", [height, spaces], certificate=True)
    practice = DraftRow(module_id=courses.practice, status=optional, validity_months=12)
    forklift = DraftRow(module_id=courses.forklift, status=optional, validity_months=12)
    worth = [wished, fire, rules, aid, quiz, practice, forklift]
    _publish(organization_id, "WEST", "Worth knowing", worth, certificate=False)
    _publish(organization_id, "CONTR", "From next season", [later], certificate=False)


def _publish(
    organization_id: int, code: str, name: str, rows: list[DraftRow], *, certificate: bool
) -> None:
    now = clock.now()
    with transaction() as tx:
        unit = tx.session.scalars(
            select(Unit).where(Unit.organization_id == organization_id, Unit.id_code == code)
        ).one()
        configuration = drafting.create_configuration(tx.session, unit, name=name, by=None, now=now)
        draft = assign_queries.draft_of(tx.session, configuration)
        drafting.save_draft(
            tx.session,
            configuration,
            rows,
            certificate_on=certificate,
            revision=draft.revision,
            by=None,
            now=now,
        )
        assign_actions.publish(
            tx, configuration, by=None, reason="The demo begins.", apply_to_existing=False, now=now
        )


def _tool() -> Tool:
    uid = (
        read_session()
        .scalars(select(Registration.uid).where(Registration.client_id == CLIENT_ID))
        .one()
    )
    read_session().rollback()
    addresses = tool_addresses(current_settings().tool_url, uid)
    return Tool(
        client_id=CLIENT_ID,
        deployment_id=DEPLOYMENT,
        login_url=addresses.login,
        launch_url=addresses.launch,
        jwks_url=addresses.jwks,
        custom={name: f"${variable}" for name, variable in WANTED.items() if variable in VARIABLES},
    )


def _logo() -> bytes:
    """A harbour crane's hook and three waves, drawn here."""
    picture = Image.new("RGBA", (480, 160), (255, 255, 255, 0))
    draw = ImageDraw.Draw(picture)
    navy, amber = (16, 52, 84, 255), (219, 132, 24, 255)
    draw.line([(80, 8), (80, 60)], fill=navy, width=12)
    draw.arc([(44, 44), (116, 116)], start=-20, end=200, fill=navy, width=14)
    for number in range(3):
        left = 160 + number * 96
        draw.arc([(left, 40), (left + 104, 128)], start=20, end=160, fill=amber, width=14)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
