"""The pages where modules are listed and chosen are readable and reachable at every width."""

import pytest
from playwright.sync_api import Page

from plugin.assign import drafting
from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import transaction
from plugin.modules import archiving
from plugin.modules.models import Module, ModuleKind
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws_at
from tests.functional.assign.places import row, training
from tests.support.documents import new_document
from tests.support.play import started
from tests.support.world import World

TITLE = "Lifting operations: slinging and signalling"
PAGES = {
    "list": "/admin/modules",
    "namesake": "/admin/modules/graded/{graded}",
    "editor": "/admin/training/{configuration}",
    "record": "/admin/people/{person}/completions/new",
    "archive": "/admin/modules/{module}/archive",
    "archived": "/admin/modules/documents/{archived}",
    "archived-list": "/admin/modules%3Fstate=archived",
    "restore": "/admin/modules/{archived}/restore",
}


@pytest.fixture
def grace(world: World) -> Person:
    admin = world.person("Grace Brewster Murray Hopper")
    world.grant(admin, Role.ADMIN)
    return admin


@pytest.fixture
def ids(world: World, grace: Person) -> dict[str, int]:
    """Two modules of one title, one of them asked for and being prepared, and one archived."""
    module = world.module(TITLE)
    graded = world.module(TITLE, kind=ModuleKind.LMS_GRADE)
    unit = world.unit("Hochspannungsschaltanlagenbedienungspersonal of the night shift")
    lars = world.person("Lars Learner", email=None)
    world.member(lars, unit)
    configuration = training(unit, row(module, validity_months=12))
    old = new_document(grace, title="Site rules of 2025: everything that holds on every quay")
    with transaction() as tx:
        drafting.keep_template(
            tx.session,
            tx.session.get_one(Configuration, configuration),
            "For every new site",
            by=grace.id,
            now=clock.now(),
        )
        drafting.create_configuration(
            tx.session,
            tx.session.merge(unit),
            name="Night shift",
            by=grace.id,
            now=clock.now(),
            rows=[row(module)],
        )
        target = tx.session.get_one(Module, old.id)
        archiving.archive(
            tx.session, target, by=grace.id, reason="Replaced by those of 2027", now=clock.now()
        )
    started(module, lars)
    return {
        "archived": old.id,
        "module": module.id,
        "graded": graded.id,
        "configuration": configuration,
        "person": lars.id,
    }


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("name", PAGES)
def test_the_pages_of_modules_fit_and_serve_everybody(
    grace: Person, ids: dict[str, int], visit: Visit, page: Page, name: str, locale: str
) -> None:
    visit(grace, PAGES[name].format(**ids), locale=locale)
    assert flaws_at(page, f"modules-{locale}-{name}", 380, 1280) == []
