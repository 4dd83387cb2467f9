"""What waits for a decision is said where those who decide begin."""

from flask import Flask
from flask.testing import FlaskClient

from plugin.modules.models import Module
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.functional.submissions.test_submitting import approves, opened, submits
from tests.support.html import read
from tests.support.world import World


def figure(browser: FlaskClient, path: str = "/admin/overview") -> str:
    """What the overview says of certificates, with where it leads; empty if nothing."""
    page = read(browser.get(path).get_data(as_text=True))
    links = [each for each in page.all("a") if "certificates to check" in each.words]
    return f"{links[0].words} {links[0].attributes['href']}" if links else ""


def test_the_overview_counts_what_waits_and_leads_to_it(
    client: FlaskClient, admin: FlaskClient, learner: Person, module: Module
) -> None:
    assert figure(admin) == ""
    submits(client, opened(client, module))
    assert figure(admin) == "1 certificates to check /admin/submissions"
    assert figure(admin, "/admin/overview?as_of=2027-01-01") == ""  # of the past nothing waits
    approves(admin, 1)
    assert figure(admin) == ""


def test_managers_are_told_of_people_of_their_units_only(
    app: Flask, world: World, client: FlaskClient, learner: Person, module: Module, quay: Unit
) -> None:
    submits(client, opened(client, module))
    told = {}
    for name, unit in (("Mia Manager", quay), ("Otto Other", world.unit("South Quay"))):
        manager = world.person(name)
        world.grant(manager, Role.MANAGER, unit)
        browser = app.test_client()
        world.sign_in(browser, manager)
        told[name] = figure(browser)
    assert told == {"Mia Manager": "1 certificates to check /admin/submissions", "Otto Other": ""}
