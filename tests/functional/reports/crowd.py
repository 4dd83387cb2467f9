"""A small organization for the tests of reports: a region with two sites, a group, people."""

from dataclasses import dataclass, field
from datetime import timedelta

from flask.testing import FlaskClient

from plugin.core import clock
from plugin.modules.models import Module
from plugin.org.models import Person, Unit, UnitKind
from plugin.web.roles import Role
from tests.functional.assign.places import evaluate_later, judge, row, training
from tests.support.html import Element, read
from tests.support.world import World


@dataclass
class Crowd:
    """North (a region with Quay and Yard) and the group Divers; each requires one module."""

    world: World
    units: dict[str, Unit] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    trainings: dict[str, int] = field(default_factory=dict)
    admin: Person = field(init=False)

    def __post_init__(self) -> None:
        north = self.world.unit("North", kind=UnitKind.REGION)
        self.units = {
            "North": north,
            "Quay": self.world.unit("Quay", region=north),
            "Yard": self.world.unit("Yard", region=north),
            "Divers": self.world.unit("Divers", kind=UnitKind.GROUP),
        }
        self.admin = self.world.person("Grace Hopper", email="grace@example.test")
        self.world.grant(self.admin, Role.ADMIN)

    def asks(self, name: str, *, months: int | None = 12, certificate: bool = True) -> int:
        """The unit requires a module of its own."""
        self.modules[name] = self.world.module(f"Training of {name}")
        self.trainings[name] = training(
            self.units[name],
            row(self.modules[name], validity_months=months),
            name=f"Basics of {name}",
            certificate=certificate,
        )
        judge()
        return self.trainings[name]

    def person(
        self, name: str, *units: str, passed: dict[str, int] | None = None, email: str = ""
    ) -> Person:
        """A member of the units who passed modules so many days ago."""
        person = self.world.person(
            name, email=email or f"{name.partition(' ')[0].lower()}@example.test"
        )
        long_ago = clock.now() - timedelta(days=900)
        for unit in units:
            self.world.member(person, self.units[unit], since=long_ago)
        for module, days in (passed or {}).items():
            happened_at = clock.now() - timedelta(days=days)
            self.world.completion(person, self.modules[module], happened_at=happened_at)
        evaluate_later(person)
        judge()
        return person

    def manager(self, *units: str, name: str = "Mary Manager") -> Person:
        """A manager of these units."""
        manager = self.world.person(name, email="mary@example.test")
        for unit in units:
            self.world.grant(manager, Role.MANAGER, self.units[unit])
        return manager


def elsewhere() -> Crowd:
    """Another organization with the same places."""
    world = World()
    world._organization = world.new_organization("Elsewhere")
    return Crowd(world)


def seen(client: FlaskClient, path: str, status: int = 200) -> Element:
    """The page at the path."""
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return read(answer.get_data(as_text=True))


def rows(page: Element) -> list[list[str]]:
    """The words of the cells of the list on the page."""
    found = page.by_id("list").all("tr")[1:]
    return [[each.words for each in line.children if isinstance(each, Element)] for line in found]
