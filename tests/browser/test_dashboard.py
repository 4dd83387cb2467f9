"""The learner's pages in a real browser, as small as an LMS frame and as large as a desk."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from plugin.core import clock
from plugin.modules.models import Module, RunState
from plugin.org.models import Person, UnitKind
from plugin.scorm import importing
from tests.browser.conftest import Visit
from tests.browser.looks import flaws, focus_is_visible
from tests.conftest import NOW
from tests.functional.assign.places import OPTIONAL, row, training
from tests.functional.dashboard.test_home import certificate, edition, run_of
from tests.support import packages
from tests.support.browser import Address, overflows, take_picture
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)
SIZES = {"frame": (380, 450), "phone": (400, 800), "narrow": (320, 640), "desk": (1280, 800)}
FOCUSED = "document.activeElement.innerText.split(/\\s+/).join(' ').trim()"
LONG = "Besondere Sicherheitsunterweisung für Hochspannungsschaltanlagenbedienungspersonal"


@pytest.fixture
def ada(world: World) -> Person:
    """A learner with everything a page can show: each state, two certificates, long names."""
    person = world.person("Ada Maria Wilhelmine Byron-Lovelace")
    region = world.unit("Northern region", kind=UnitKind.REGION)
    site = world.unit("North Quay", region=region)
    group = world.unit("Welders and cutters of the night shift", kind=UnitKind.GROUP)
    titles = ("Working at height", "Confined spaces", "Hot work", LONG, "First aid", "Fire wardens")
    height, spaces, hot, handling, aid, fire = (world.module(title) for title in titles)
    with clock.at(NOW - 400 * DAY):
        world.member(person, site)
        world.member(person, group)
        training(
            site,
            row(height, validity_months=12),
            row(spaces, pass_mark=0.8, due_days=400),
            row(hot, validity_months=24),
            row(fire, OPTIONAL),
            name="Basic safety",
        )
        permit = training(group, row(hot, validity_months=14), row(handling), name="Welding permit")
        training(region, row(height), row(aid), name="Induction", certificate=False)
        for each in (height, hot, handling, aid):
            world.completion(person, each, score=0.9)
    edition(world, certificate(world, person, permit))
    run_of(world, person, spaces, RunState.FAILED, score=0.55)
    run_of(world, person, fire, RunState.OPEN, progress=0.4)
    return person


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", ["/", "/history", "/certificates"])
def test_every_page_fits_and_serves_everybody(
    ada: Person, visit: Visit, page: Page, complaints: list[str], path: str, size: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    visit(ada, path)
    take_picture(page, f"{path.strip('/') or 'home'}-{size}")
    assert overflows(page) == 0
    assert flaws(page) == []
    assert complaints == []


def test_the_certificate_is_readable_at_first_sight_in_a_small_frame(
    ada: Person, visit: Visit, page: Page
) -> None:
    visit(ada)
    for words in ("INVALID", "Basic safety", "Working at height: expired on"):
        box = page.get_by_text(words).first.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 450


def test_fifty_modules_with_long_names_fit(
    world: World, visit: Visit, page: Page, complaints: list[str]
) -> None:
    person, unit = world.person(), world.unit("U" * 60)
    world.member(person, unit)
    training(unit, *(row(world.module(f"{number} {LONG}"), due_days=9) for number in range(50)))
    visit(person)
    take_picture(page, "fifty-frame")
    assert page.locator("article.tile").count() == 50
    assert page.get_by_role("link", name="and 47 more").count() == 1
    assert overflows(page) == 0
    assert flaws(page) == []
    page.set_viewport_size({"width": 1280, "height": 800})
    take_picture(page, "fifty-desk")
    assert overflows(page) == 0
    assert flaws(page) == []
    assert complaints == []


def right_edge(part: Locator) -> float:
    """Where a part of the page ends, in pixels: where it begins for who reads from the right."""
    box = part.bounding_box()
    assert box is not None
    return float(box["x"] + box["width"])


@pytest.mark.parametrize("size", ["frame", "desk"])
def test_pages_mirror_for_languages_written_from_the_right(
    ada: Person, visit: Visit, page: Page, size: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    visit(ada, locale="ar")
    take_picture(page, f"rtl-{size}")
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert overflows(page) == 0
    first, last = page.locator(".site-nav a").first, page.locator(".site-nav a").last
    assert first.bounding_box()["x"] > last.bounding_box()["x"]
    title, badge = page.locator(".tile-title").first, page.locator(".tile .status").first
    assert right_edge(title) >= right_edge(badge)
    for path in ("/history", "/certificates"):
        visit(ada, path, locale="ar")
        take_picture(page, f"rtl{path.replace('/', '-')}-{size}")
        assert overflows(page) == 0


def playable(world: World) -> tuple[Person, Module]:
    """A person and a module of a real package that is assigned to them."""
    person, unit = world.person(), world.unit()
    world.member(person, unit)
    module = world.module("Confined spaces")
    importing.receive(
        packages.package(),
        person.organization_id,
        filename="spaces.zip",
        title="",
        module_id=module.id,
        trusts_status=False,
        by=None,
    )
    work_off()
    training(unit, row(module))
    return person, module


def test_a_module_is_started_with_the_keyboard_alone(
    world: World, visit: Visit, page: Page, complaints: list[str]
) -> None:
    person, _ = playable(world)
    visit(person)
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        assert focus_is_visible(page)
        seen.append(page.evaluate(FOCUSED))
        if seen[-1].startswith("Start"):
            break
    take_picture(page, "focus-frame")
    assert seen == [
        "Skip to the content",
        "My training",
        "History",
        "Certificates",
        "Confined spaces: not completed yet",
        "Why Basic safety",
        "Start Confined spaces",
    ]
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.rsplit('/', 1)[0]}/play/1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confined spaces")
    assert complaints == []


def test_the_reason_of_a_certificate_leads_to_its_module(
    world: World, visit: Visit, page: Page
) -> None:
    person, module = playable(world)
    visit(person)
    page.get_by_role("link", name="Confined spaces: not completed yet").press("Enter")
    expect(page.locator(f"#module-{module.id}")).to_be_in_viewport()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Start Confined spaces"


def test_the_first_tab_leads_past_the_navigation(ada: Person, visit: Visit, page: Page) -> None:
    visit(ada)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_without_scripts_a_module_starts_all_the_same(
    world: World, browser: Browser, visit: Visit, page: Page, address: Address
) -> None:
    person, _ = playable(world)
    visit(person)
    cookies = page.context.cookies()
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(cookies)
    plain = context.new_page()
    plain.goto(address.tool)
    plain.get_by_role("button", name="Start Confined spaces").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Confined spaces")
    context.close()


def test_states_do_not_rest_on_colour(ada: Person, visit: Visit, page: Page) -> None:
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    visit(ada)
    take_picture(page, "forced-colours-frame")
    for badge in page.locator(".status, .proof-mark").all():
        assert badge.inner_text().strip()
        assert badge.locator("svg").count() == 1


def test_a_person_without_training_sees_a_friendly_page(
    world: World, visit: Visit, page: Page, complaints: list[str]
) -> None:
    visit(world.person())
    take_picture(page, "empty-frame")
    expect(page.get_by_role("heading", name="No training is assigned to you")).to_be_visible()
    assert overflows(page) == 0
    assert flaws(page) == []
    assert complaints == []


def test_a_refusal_is_a_page_of_the_product(ada: Person, visit: Visit, page: Page) -> None:
    visit(ada, "/admin/sites")
    take_picture(page, "refused-frame")
    assert overflows(page) == 0
    assert flaws(page) == []
