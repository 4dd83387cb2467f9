"""The command line of organizations, units and people."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from PIL import Image
from sqlalchemy import select

from plugin.cli import plugin
from plugin.core.context import storage
from plugin.core.db import db
from plugin.org.models import Grant, Membership, Organization, Person, Unit
from plugin.web.roles import Role


def run(app: Flask, line: str) -> Result:
    db.session.rollback()
    with app.app_context():
        return CliRunner().invoke(plugin, line.split("|"), obj=app)


def test_an_organization_with_a_site_and_an_admin_from_the_command_line(app: Flask) -> None:
    created = run(app, "org|create|--name|Harbour Works|--slug|harbour|--time-zone|Europe/London")
    assert created.exit_code == 0, created.output
    assert "Install code for the first admin" in created.output
    for line in (
        "unit|create|--organization|harbour|--kind|region|--name|North|--code|N",
        "unit|create|--organization|harbour|--kind|site|--name|Quay|--code|NQ|--region|N",
        "person|create|--organization|harbour|--name|Ada Byron|--email|ada@example.org",
        "person|join|--organization|harbour|--email|ADA@example.org|--kind|site|--code|NQ",
        "person|grant|--organization|harbour|--email|ada@example.org|--role|admin",
        "person|grant|--organization|harbour|--email|ada@example.org|--role|manager|--kind|site|--code|NQ",
        "org|install-code|--organization|harbour",
    ):
        result = run(app, line)
        assert result.exit_code == 0, (line, result.output, result.exception)
    ada = db.session.scalars(select(Person)).one()
    site = db.session.scalars(select(Unit).where(Unit.id_code == "NQ")).one()
    assert db.session.scalars(select(Membership)).one().unit_id == site.id
    roles = db.session.execute(select(Grant.role, Grant.unit_id).where(Grant.person_id == ada.id))
    assert set(map(tuple, roles)) == {(Role.ADMIN, None), (Role.MANAGER, site.id)}


def test_a_logo_must_be_a_picture(app: Flask, tmp_path: Path) -> None:
    run(app, "org|create|--name|Harbour Works|--slug|harbour")
    picture, text = tmp_path / "logo.png", tmp_path / "logo.txt"
    Image.new("RGB", (40, 20), "navy").save(picture)
    text.write_text("not a picture")
    assert run(app, f"org|logo|--organization|harbour|{text}").exit_code != 0
    assert db.session.scalars(select(Organization)).one().logo_key is None
    assert run(app, f"org|logo|--organization|harbour|{picture}").exit_code == 0
    key = db.session.scalars(select(Organization.logo_key)).one()
    assert key is not None
    assert storage().read(key).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "line",
    [
        "org|create|--name|X|--slug|No Spaces",
        "org|create|--name|X|--slug|x|--time-zone|Mars",
        "org|create|--name|X|--slug|x|--locale|klingon",
        "unit|create|--organization|missing|--kind|site|--name|Quay",
        "person|create|--organization|missing|--name|Ada",
    ],
)
def test_bad_input_changes_nothing(app: Flask, line: str) -> None:
    assert run(app, line).exit_code != 0
    assert db.session.scalars(select(Organization)).all() == []


def test_every_command_has_help_with_an_example() -> None:
    def walk(command: click.Command, path: list[str]) -> list[str]:
        if isinstance(command, click.Group):
            return [
                name
                for each in command.commands.values()
                for name in walk(each, [*path, each.name or ""])
            ]
        text = CliRunner().invoke(plugin, [*path, "--help"]).output
        return [] if "Example" in text else [" ".join(path)]

    assert walk(plugin, []) == []
