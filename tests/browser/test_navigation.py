"""The links at the top in every width an LMS gives its frame."""

import pytest
from playwright.sync_api import Page

from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.support.browser import overflows
from tests.support.world import World


@pytest.mark.parametrize("width", [380, 900, 1000, 1280])
def test_an_admins_links_fit_and_leave_room_for_the_name(
    world: World, visit: Visit, page: Page, width: int
) -> None:
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    page.set_viewport_size({"width": width, "height": 600})
    visit(admin, "/admin/sites")
    assert overflows(page) == 0
    for line in page.locator(".who bdi").all():
        assert line.evaluate("each => each.scrollWidth <= each.clientWidth")
