"""With every worker stopped, every surface is right the second a day ends or a version begins."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from plugin.assign import judged_anew
from plugin.assign.actions import Effect
from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import db
from plugin.core.outbox import JobName
from plugin.modules.models import Module
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.functional.assign.places import (
    REQUIRED,
    evaluate_later,
    judge,
    publish,
    row,
    training,
    versions,
)
from tests.functional.reports.crowd import rows, seen
from tests.support.html import read
from tests.support.pages import press
from tests.support.world import World

ZONES = ["Europe/London", "Pacific/Kiritimati", "Etc/GMT+12", "America/Sao_Paulo"]
ENDS = {
    "Europe/London": datetime(2027, 4, 10, 23, tzinfo=UTC),  # summer time began on 28 March
    "Pacific/Kiritimati": datetime(2027, 4, 10, 10, tzinfo=UTC),
    "Etc/GMT+12": datetime(2027, 4, 10, 12, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2027, 4, 11, 3, tzinfo=UTC),
}
SECOND = timedelta(seconds=1)


@dataclass
class Place:
    """Ada at a site with a certificate for one module of one month, and an admin who looks."""

    world: World
    client: FlaskClient
    ada: Person
    admin: Person
    unit: Unit
    module: Module
    configuration_id: int

    def page(self, path: str, *, as_ada: bool = False) -> str:
        self.world.sign_in(self.client, self.ada if as_ada else self.admin)
        return seen(self.client, path).by_id("main").words

    def certificate(self) -> Certificate:
        db.session.rollback()
        return db.session.query(Certificate).one()

    def line(self, path: str) -> str:
        self.world.sign_in(self.client, self.admin)
        return " ".join(next(each for each in rows(seen(self.client, path)) if "Ada" in str(each)))

    def file(self, path: str) -> str:
        self.world.sign_in(self.client, self.admin)
        lines = csv.reader(io.StringIO(self.client.get(path).text))
        return " ".join(next(line for line in lines if "Ada Byron" in line))


def place(world: World, client: FlaskClient, zone: str) -> Place:
    """Passed on 10 March by the site's days; the standing and the certificate are there."""
    unit, module = world.unit(time_zone=zone), world.module("Ladders")
    ada, admin = world.person(), world.person("Grace Hopper", email="grace@example.test")
    world.grant(admin, Role.ADMIN)
    world.member(ada, unit)
    configuration_id = training(unit, row(module, validity_months=1), name="Site access")
    world.completion(ada, module)
    evaluate_later(ada)
    judge(JobName.ISSUE_CERTIFICATE)
    return Place(world, client, ada, admin, unit, module, configuration_id)


def told(there: Place) -> dict[str, bool]:
    """What each surface says at this very second: whether Ada is valid."""
    certificate = there.certificate()
    token, number = certificate.token, certificate.id
    unit, ada = there.unit.id, there.ada.id
    words: dict[str, Callable[[], str]] = {
        "verify page": lambda: there.page(f"/v/{token}"),
        "dashboard": lambda: there.page("/", as_ada=True),
        "own certificates": lambda: there.page("/certificates", as_ada=True),
        "own why": lambda: there.page(f"/why/{there.configuration_id}", as_ada=True),
        "person": lambda: there.page(f"/admin/people/{ada}/training"),
        "standings": lambda: there.line("/admin/standings"),
        "standings file": lambda: there.file("/admin/standings.csv"),
        "certificates": lambda: there.line("/admin/certificates"),
        "certificates file": lambda: there.file("/admin/certificates.csv"),
        "one certificate": lambda: there.page(f"/admin/certificates/{number}").split("Suspend")[0],
        "matrix": lambda: there.line(f"/admin/units/{unit}/matrix"),
        "matrix file": lambda: there.file(f"/admin/units/{unit}/matrix.csv"),
    }
    said = {name: _is_valid(say()) for name, say in words.items()}
    share = there.page("/admin/overview")
    said["overview"] = "100%" in share
    said["overview file"] = there.client.get("/admin/overview.csv").text.strip().endswith(",1.0")
    assert ("0%" in share.replace("100%", "")) is not said["overview"]
    valid = there.page("/admin/standings?state=valid")
    said["filter"] = "Ada" in valid
    return said


BAD = ("invalid", "expired", "not valid", "new requirement")


def _is_valid(words: str) -> bool:
    low = words.lower().strip()
    bad = any(each in low for each in BAD) or low.endswith(" new")
    assert bad or "valid" in low or "ends soon" in low, words
    return not bad


@pytest.mark.parametrize("zone", ZONES)
def test_every_surface_turns_the_second_the_last_day_ends(
    world: World, client: FlaskClient, zone: str
) -> None:
    there = place(world, client, zone)
    end = ENDS[zone]
    with clock.at(end - SECOND):
        assert [name for name, valid in told(there).items() if not valid] == []
    with clock.at(end):
        assert [name for name, valid in told(there).items() if valid] == []


@pytest.mark.parametrize("zone", ZONES)
def test_every_surface_turns_the_second_a_dated_version_takes_effect(
    world: World, client: FlaskClient, zone: str
) -> None:
    there = place(world, client, zone)
    more = world.module("Ropes")
    effect = Effect(effective_on=date(2027, 3, 20))
    publish(
        there.configuration_id,
        row(there.module, REQUIRED, validity_months=1),
        row(more),
        effect=effect,
    )
    effective_at = versions(there.configuration_id)[-1].effective_at
    db.session.rollback()
    with clock.at(effective_at - SECOND):
        assert [name for name, valid in told(there).items() if not valid] == []
    with clock.at(effective_at):
        said = told(there)
        assert [name for name, valid in said.items() if valid] == []
        judge()
        assert told(there) == said, "the step that was late changes nothing of it"


def test_a_dated_first_version_lists_whom_it_covers_from_its_first_second(
    world: World, client: FlaskClient
) -> None:
    """Nothing is stored of anybody yet: the lists judge them here and now."""
    there = place(world, client, "Europe/London")
    diving = training(there.unit, row(world.module("Diving")), name="Diving")
    db.session.rollback()
    there.world.sign_in(client, there.admin)
    found = rows(seen(client, f"/admin/standings?configuration={diving}"))
    assert [line[:2] for line in found] == [["Ada Byron", "Invalid: never completed"]]
    judge()
    assert rows(seen(client, f"/admin/standings?configuration={diving}")) == found


def test_where_too_many_wait_to_be_judged_lists_show_what_is_stored(
    world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = place(world, client, "Europe/London")
    publish(there.configuration_id, row(world.module("Ropes")))
    assert "Invalid" in there.line("/admin/standings")
    monkeypatch.setattr(judged_anew, "MOST_NOW", 0)
    assert "Invalid" not in there.line("/admin/standings")
    assert "INVALID" in there.page(f"/admin/people/{there.ada.id}/training")
    judge()
    assert "Invalid" in there.line("/admin/standings")


def test_the_impact_counts_what_has_ended_this_second(world: World, client: FlaskClient) -> None:
    there = place(world, client, "Europe/London")
    path = f"/admin/training/{there.configuration_id}/publish"
    world.sign_in(client, there.admin)
    end = ENDS["Europe/London"]
    db.session.rollback()
    publishing = {"reason": "Test"}
    with clock.at(end - SECOND):
        before = read(press(client, path, "look", **publishing).text).by_id("main").words
    with clock.at(end):
        after = read(press(client, path, "look", **publishing).text).by_id("main").words
    assert before != after
