"""The list of grades, with a row in every state, wide and narrow."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool.models import Registration
from plugin.lti.tool.reconciling import NOT_KEPT
from plugin.lti.tool.service_models import Grade, GradeState, LineItem, LmsCourse
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.lti.conftest import register
from tests.support.browser import overflows, take_picture
from tests.support.world import World

LONG = "404 Not Found: Grade item 11 doesn't exist in Lagerlogistikverantwortlichenschulung"
WORDS = {GradeState.REFUSED: LONG, GradeState.FAILED: NOT_KEPT, GradeState.WAITING: "500"}


@pytest.fixture
def grace(world: World) -> Person:
    """An admin whose people have grades in every state."""
    admin = world.person("Grace Brewster Murray Hopper")
    world.grant(admin, Role.ADMIN)
    module, now = world.module("Lifting operations: slinging and signalling"), clock.now()
    register(world)
    people = [world.person(f"Lars Learner the {each.value}") for each in GradeState]
    registration = db.session.query(Registration).one()
    facts = {"organization_id": admin.organization_id}
    with transaction() as tx:
        course = LmsCourse(
            registration_id=registration.id,
            deployment_id="1",
            context_id="2",
            title="Safety 101",
            scopes=[],
            copied_from=[],
            seen_at=now,
            **facts,
        )
        tx.session.add(course)
        tx.session.flush()
        item = LineItem(
            course_id=course.id,
            url="https://lms.example.test/1",
            label="x",
            module_id=module.id,
            created_at=now,
            **facts,
        )
        tx.session.add(item)
        tx.session.flush()
        for person, state in zip(people, GradeState, strict=True):
            tx.session.add(
                Grade(
                    line_item_id=item.id,
                    person_id=person.id,
                    subject=str(person.id),
                    wanted=0.9,
                    wanted_at=now,
                    sent=None if state is GradeState.FAILED else 0.8,
                    sent_at=None if state is GradeState.FAILED else now,
                    seen=0.95 if state is GradeState.OVERRIDDEN else None,
                    seen_at=now if state is GradeState.OVERRIDDEN else None,
                    state=state,
                    words=WORDS.get(state),
                    attempts=3 if state is GradeState.WAITING else 0,
                    due_at=now + timedelta(hours=1),
                    **facts,
                )
            )
    return admin


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (400, 800)])
def test_every_state_is_readable_at_every_width(
    page: Page, visit: Visit, grace: Person, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    visit(grace, "/admin/lms/grades")
    take_picture(page, f"grades-every-state-{width}")
    assert overflows(page) == 0
    assert flaws(page) == []
