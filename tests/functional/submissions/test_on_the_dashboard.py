"""The learner's own page says what became of a certificate that was submitted."""

from datetime import timedelta

from flask.testing import FlaskClient

from plugin.core import clock
from plugin.modules.models import Module
from plugin.org.models import Person, Unit
from tests.conftest import NOW
from tests.functional.assign.places import row, training
from tests.functional.submissions.test_submitting import approves, only, opened, submits
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World


def tile(client: FlaskClient, module: Module) -> tuple[str, str, str]:
    """All it says, its badge and its button."""
    page = read(client.get("/").get_data(as_text=True))
    (found,) = (
        each for each in page.all("article") if each.attributes.get("id") == f"module-{module.id}"
    )
    badge = next(
        each for each in found.all("span") if "status" in (each.attributes.get("class") or "")
    )
    (button,) = found.all("button")
    return found.words, badge.words, button.words.removesuffix(f" {module.title}")


def rejects(admin: FlaskClient, number: int) -> None:
    data = {"reason": "It is not readable."}
    assert admin.post(f"/admin/submissions/{number}/reject", data=data).status_code == 303


def test_what_waits_is_being_checked_and_what_is_rejected_asks_for_another(
    client: FlaskClient, admin: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    assert tile(client, module)[1:] == ("To do", "Continue")
    submits(client, page)
    words, badge, button = tile(client, module)
    assert (badge, button) == ("Being checked", "Look at it")
    assert "You hear by mail, and here, what is decided." in words
    rejects(admin, only().id)
    words, badge, button = tile(client, module)
    assert (badge, button) == ("Not accepted", "Submit another certificate")
    assert "Read why, then submit another one." in words
    assert client.post(f"/modules/{module.id}/start").headers["Location"] == page
    submits(client, page)
    assert tile(client, module)[1] == "Being checked"  # whatever was rejected before
    approves(admin, 2)
    words, badge, button = tile(client, module)
    assert (badge, button) == ("Valid", "Retake")
    assert "checked" not in words
    assert "not accepted" not in words


def test_taken_back_it_is_as_if_none_had_been_submitted(
    client: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    submits(client, page)
    client.post(f"{page}/{only().id}/withdraw")
    assert tile(client, module)[1:] == ("To do", "Continue")


def test_overdue_stays_overdue_and_its_tile_says_that_it_is_being_checked(
    client: FlaskClient, world: World, learner: Person, module: Module
) -> None:
    group = world.unit("Welders")
    world.member(learner, group)
    training(group, row(module, due_days=1))
    with clock.at(NOW + timedelta(days=5)):
        world.sign_in(client, learner)
        submits(client, opened(client, module))
        words, badge, button = tile(client, module)
    assert (badge, button) == ("Overdue", "Look at it")
    assert "Your certificate is being checked." in words


def test_it_costs_no_statement_and_is_nobody_elses(
    client: FlaskClient,
    admin: FlaskClient,
    world: World,
    learner: Person,
    module: Module,
    quay: Unit,
) -> None:
    page = opened(client, module)
    with counted() as before:
        client.get("/")
    for number in (1, 2):
        submits(client, page)
        rejects(admin, number)
    submits(client, page)
    with counted() as after:
        assert "Being checked" in client.get("/").get_data(as_text=True)
    assert len(after) == len(before) == 4
    other = world.person("Ottilie Other")
    world.member(other, quay)
    world.sign_in(client, other)
    assert tile(client, module)[1:] == ("To do", "Start")
