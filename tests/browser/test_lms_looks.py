"""The pages about an LMS in every state an admin may find them in, wide and narrow."""

from datetime import timedelta

import pytest
from flask import Flask, render_template
from playwright.sync_api import Page

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool import actions, invitations, keys
from plugin.lti.tool.configuration import Platform
from plugin.lti.tool.errors import DeploymentUnknownError
from plugin.lti.tool.findings import Name
from plugin.lti.tool.models import Deployment, FormerAddress, Registration
from plugin.lti.tool.notice_claims import COURSE_COPY
from plugin.lti.tool.notice_models import CopyState, CourseCopy, NoticeHandler
from plugin.lti.tool.registering import Registered
from plugin.lti.tool.service_models import (
    CheckState,
    CourseMember,
    InstallCheck,
    LineItem,
    LmsCourse,
)
from plugin.modules.models import ModuleKind
from plugin.org.models import Person
from plugin.org.rule_models import RosterEntry, RosterTie
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.lti.conftest import register
from tests.support.browser import Address, overflows, take_picture
from tests.support.world import World

SIZES = [(1280, 900), (400, 800)]
LONG = "404 Not Found: Grade item 11 doesn't exist in Lagerlogistikverantwortlichenschulung"
KEY = "another secret only tests know, long"


@pytest.fixture
def grace(world: World) -> Person:
    """An admin of an organization with an LMS that has been through everything."""
    admin = world.person("Grace Brewster Murray Hopper")
    world.grant(admin, Role.ADMIN)
    register(world)
    with transaction() as tx:
        invitations.invite(
            tx.session,
            admin.organization_id,
            name="",
            admins_by_role=True,
            by=None,
            now=clock.now(),
        )
        registration = tx.session.query(Registration).one()
        registration.product, registration.their_kid = "moodle", "a-key-of-theirs"
        registration.their_kid_at = clock.now()
        keys.rotate(tx.session, registration, encryption_key=KEY, by=None, now=clock.now())
    registration = db.session.query(Registration).one()
    ids = {"organization_id": admin.organization_id, "registration_id": registration.id}
    now = clock.now()
    world.add(Deployment(**ids, deployment_id="a-tenant-that-waits-for-an-admin", created_at=now))
    world.add(
        FormerAddress(**ids, uid="4f0cA1b2C3d4E5f6", ended_at=now, until_at=now + timedelta(90))
    )
    states = [(CheckState.PASSED, None), (CheckState.FAILED, LONG), (CheckState.PARTLY, "made")]
    for number, name in enumerate(Name):
        state, words = states[number % len(states)]
        if number % 4:
            world.add(InstallCheck(**ids, name=name.value, state=state, words=words, at=now))
    for problem in (None, LONG):
        world.add(
            NoticeHandler(
                **ids,
                deployment_id="1" if problem else "2",
                notice_type=COURSE_COPY,
                service_url="https://lms.example.test/notices",
                subscribed_at=now,
                tried_at=now,
                problem=problem,
            )
        )
    return admin


@pytest.fixture
def copy(world: World, grace: Person) -> CourseCopy:
    """Two courses, one a copy of the other, with columns; the original fills a unit."""
    registration = db.session.query(Registration).one()
    facts = {"organization_id": grace.organization_id}
    module = world.module("Lifting operations: slinging and signalling", kind=ModuleKind.LMS_GRADE)
    unit = world.unit("Hochspannungsschaltanlagenbedienungspersonal")
    courses = [
        world.add(
            LmsCourse(
                **facts,
                registration_id=registration.id,
                deployment_id="1",
                context_id=str(number),
                title=f"Safety at work, autumn {number}",
                scopes=[],
                copied_from=["2026"] if number > 2026 else [],
                members_url="https://lms.example.test/members",
                seen_at=clock.now(),
            )
        )
        for number in (2026, 2027)
    ]
    for course in courses:
        world.add(
            LineItem(
                **facts,
                course_id=course.id,
                url="https://lms.example.test/1",
                label="Lifting",
                resource_link_id="17",
                module_id=module.id,
                read_at=clock.now(),
                read_problem=LONG if course is courses[1] else None,
                created_at=clock.now(),
            )
        )
    tie = world.add(
        RosterTie(
            **facts,
            registration_id=registration.id,
            deployment_id="1",
            context_id="2026",
            title=courses[0].title,
            unit_id=unit.id,
            since_at=clock.now(),
            tried_at=clock.now(),
            problem=LONG,
        )
    )
    for number in range(3):
        person = world.person(f"Lars Learner-Lagerlogistikverantwortlicher the {number}th")
        world.add(RosterEntry(**facts, tie_id=tie.id, person_id=person.id, since_at=clock.now()))
        world.add(
            CourseMember(
                **facts,
                course_id=courses[0].id,
                person_id=person.id,
                subject=f"{number}0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0",
                learns=True,
                roles=["Learner", "http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor"],
                listed_at=clock.now(),
                seen_at=clock.now(),
            )
        )
    return world.add(
        CourseCopy(
            **facts,
            course_id=courses[1].id,
            origin_id=courses[0].id,
            state=CopyState.PROPOSED,
            found_at=clock.now(),
        )
    )


def looked_at(page: Page, name: str) -> list[str]:
    take_picture(page, name)
    found = [f"{name}: {each}" for each in flaws(page)]
    return [*found, *([f"{name}: wider than its window"] if overflows(page) else [])]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pages_for_admins_serve_everybody(
    page: Page,
    visit: Visit,
    address: Address,
    grace: Person,
    copy: CourseCopy,
    width: int,
    height: int,
) -> None:
    tie = db.session.query(RosterTie).one()
    number, unit_id, tie_id, copy_id = tie.registration_id, tie.unit_id, tie.id, copy.id
    places = {
        "lmss": "/admin/lms",
        "canvas": "/admin/lms/new/canvas",
        "lms": f"/admin/lms/{number}",
        "copy": f"/admin/lms/copies/{copy_id}",
        "courses": f"/admin/units/{unit_id}/courses",
        "roster": f"/admin/units/{unit_id}/courses/{tie_id}",
    }
    page.set_viewport_size({"width": width, "height": height})
    visit(grace, places["lmss"])
    wrong: list[str] = []
    for name, path in places.items():
        page.goto(f"{address.tool}{path}")
        wrong += looked_at(page, f"lms-{name}-{width}")
        frames = page.locator(".table-frame:has(button)")
        wrong += [
            f"{name}: a button is reached by scrolling sideways only"
            for frame in frames.all()
            if frame.evaluate("(each) => each.scrollWidth > each.clientWidth")
        ]
    assert wrong == []


def refusals(app: Flask, address: Address) -> dict[str, str]:
    """Pages strangers see, as the product writes them."""
    unknown = DeploymentUnknownError("4f0cA1b2C3d4E5f6", "a tenant nobody knows", claim="x" * 300)
    platform = Platform(
        issuer="https://lms.example.test",
        auth_url="https://lms.example.test/auth",
        token_url="https://lms.example.test/token",
        jwks_url="https://lms.example.test/keys",
        registration_url="https://lms.example.test/register",
        token_audience=None,
        product="moodle",
        scopes=(),
        variables=(),
    )
    done = Registered(
        registration_id=1,
        platform=platform,
        deployment_id=None,
        former_until=clock.now() + actions.FORMER_LIFE,
    )
    with app.test_request_context("/", base_url=address.tool):
        return {
            "unknown-deployment": app.make_response(app.handle_user_exception(unknown)).get_data(
                as_text=True
            ),
            "claimed": render_template("lti/deployment_claimed.html"),
            "registered": render_template(
                "lti/registered.html", done=done, profile=platform.profile
            ),
        }


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pages_in_the_frames_of_lmss_serve_everybody(
    page: Page, app: Flask, address: Address, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{address.tool}/lti/nobody/login")
    wrong = looked_at(page, f"lms-unknown-registration-{width}")
    texts = refusals(app, address)
    page.route(
        "**/shown/*",
        lambda route: route.fulfill(
            body=texts[route.request.url.rpartition("/")[2]], content_type="text/html"
        ),
    )
    for name in texts:
        page.goto(f"{address.tool}/shown/{name}")
        wrong += looked_at(page, f"lms-{name}-{width}")
    assert wrong == []
