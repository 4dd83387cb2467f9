"""What a form asks of a field stands in the page, for the script that says it early."""

import pytest
from flask.testing import FlaskClient

from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.support.html import read
from tests.support.world import World


@pytest.fixture
def address(world: World, client: FlaskClient) -> str:
    admin, unit = world.person(), world.unit()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    return f"/admin/training/{training(unit, row(world.module('Fire safety')))}"


def asked(client: FlaskClient, address: str, name: str) -> dict[str, str]:
    """The `data-` attributes of a field."""
    page = read(client.get(address).text)
    (field,) = [
        each
        for tag in ("input", "select", "textarea")
        for each in page.all(tag)
        if each.attributes.get("name") == name
    ]
    return {
        name.removeprefix("data-"): value or ""
        for name, value in field.attributes.items()
        if name.startswith("data-")
    }


@pytest.mark.parametrize(
    ("place", "name", "expected"),
    [
        (
            "",
            "rows-0-due_days",
            {
                "outside": "Use 1 to 3650 days, or leave it empty.",
                "least": "1",
                "most": "3650",
                "whole": "",
            },
        ),
        (
            "",
            "rows-0-pass_mark",
            {
                "outside": "Use 0 to 100 percent, or leave it empty.",
                "least": "0",
                "most": "100",
            },
        ),
        (
            "",
            "rows-0-validity_months",
            {
                "missing": "Write the number of months.",
                "needed-by": "rows-0-period",
                "needed-when": "other",
                "outside": "Use 1 to 240 months, or leave it empty.",
                "least": "1",
                "most": "240",
                "whole": "",
            },
        ),
        (
            "/publish",
            "effective_on",
            {
                "missing": "Choose a day.",
                "needed-by": "when",
                "needed-when": "date",
                "bad": "Not a valid date value.",
            },
        ),
        (
            "/publish",
            "reason",
            {
                "missing": "Say why, in a few words. It is kept with the version.",
            },
        ),
        ("/publish", "apply_to_existing", {}),
    ],
)
def test_a_field_carries_what_is_asked_of_it(
    client: FlaskClient, address: str, place: str, name: str, expected: dict[str, str]
) -> None:
    assert asked(client, address + place, name) == expected


def test_it_is_said_in_the_language_of_the_visit(world: World, client: FlaskClient) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    admin.locale = "ar"
    world.sign_in(client, admin)
    assert asked(client, "/admin/people/new", "name")["missing"] == "هذا الحقل مطلوب."
