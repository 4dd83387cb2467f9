"""The command line of training configurations."""

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from plugin.assign.models import Configuration, ConfigurationVersion
from plugin.cli import plugin
from plugin.core.db import db
from tests.functional.assign.test_pages import draft_rows
from tests.support.world import World


def run(app: Flask, line: str) -> Result:
    db.session.rollback()
    with app.app_context():
        return CliRunner().invoke(plugin, ["configuration", *line.split("|")], obj=app)


@pytest.fixture
def slug(world: World) -> str:
    site = world.unit()
    site.id_code = "NQ"
    world.add(site)
    for title in ("Working at height", "Rescue: part 2", "Welcome"):
        world.module(title)
    return world.organization.slug


def test_a_training_is_created_shown_and_published_from_the_command_line(
    app: Flask, slug: str
) -> None:
    made = run(
        app,
        f"create|--organization|{slug}|--kind|site|--code|NQ|--name|Basic safety|--certificate"
        "|--required|Working at height:12m:80%:14d|--required|Rescue: part 2:6m|--optional|3",
    )
    assert made.exit_code == 0, made.output
    asked = db.session.scalars(select(Configuration.id)).one()
    assert f"Created configuration {asked} as a draft." in made.output
    rows = draft_rows(asked)
    assert [(each["status"], each["validity_months"]) for each in rows] == [
        ("required", 12),
        ("required", 6),
        ("optional", None),
    ]
    assert (rows[0]["pass_mark"], rows[0]["due_days"]) == (0.8, 14)
    shown = run(app, f"show|--organization|{slug}|{asked}").output
    assert "required  Working at height (module 1):12m:80%:14d" in shown
    assert "not published" in run(app, f"show|--organization|{slug}").output
    done = run(app, f"publish|--organization|{slug}|{asked}|--reason|New law")
    assert "Version 1 is in force." in done.output
    again = run(
        app,
        f"publish|--organization|{slug}|{asked}|--reason|Less|--required|1|--no-certificate",
    )
    assert "Version 2 is in force." in again.output
    assert [each["module_id"] for each in draft_rows(asked)] == [1]
    switched = db.session.scalars(
        select(ConfigurationVersion.certificate_on).order_by(ConfigurationVersion.number)
    ).all()
    assert switched == [True, False]


@pytest.mark.parametrize(
    "line",
    [
        "create|--organization|{slug}|--kind|site|--code|NQ|--name|X|--required|Unknown",
        "create|--organization|{slug}|--kind|site|--code|NQ|--name|X|--required|Welcome:0m",
        "create|--organization|{slug}|--kind|site|--code|XX|--name|X",
        "create|--organization|missing|--kind|site|--code|NQ|--name|X",
        "publish|--organization|{slug}|99|--reason|X",
        "show|--organization|{slug}|99",
    ],
)
def test_bad_input_changes_nothing(app: Flask, slug: str, line: str) -> None:
    assert run(app, line.format(slug=slug)).exit_code != 0
    db.session.rollback()
    assert db.session.scalars(select(Configuration)).all() == []
