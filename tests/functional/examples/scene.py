"""What the tests of the rules share: a learner, an admin, an inbox, and days that go by."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.assign.draft import DraftRow
from plugin.assign.models import Configuration
from plugin.certs.models import Certificate, Edition
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.jobs import periodic
from plugin.modules.models import Module
from plugin.org import actions as org_actions
from plugin.org.models import Membership, MembershipSource, Person, Unit
from plugin.web.roles import Role
from tests.functional.assign.places import (
    evaluate_later,
    training,
)
from tests.functional.certs.test_impact import prepare
from tests.functional.certs.test_publish_pages import numbers
from tests.functional.reports.crowd import rows, seen
from tests.support import smtp
from tests.support.pages import press, press_publish
from tests.support.work import work_off
from tests.support.world import World

LONDON = ZoneInfo("Europe/London")
SECOND = timedelta(seconds=1)


def london(year: int, month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


@dataclass
class Scene:
    """Ada, an admin, an inbox, and a clock that is moved from day to day."""

    world: World
    client: FlaskClient
    inbox: smtp.Inbox
    ada: Person = field(init=False)
    admin: Person = field(init=False)

    def __post_init__(self) -> None:
        with clock.at(london(2027, 1, 1)):
            self.ada = self.world.person()
            self.admin = self.world.person("Grace Hopper", email="grace@example.test")
            self.world.grant(self.admin, Role.ADMIN)

    def joins(self, *units: Unit) -> None:
        for unit in units:
            with transaction() as tx:
                org_actions.add_member(
                    tx,
                    tx.session.get_one(Unit, unit.id),
                    tx.session.get_one(Person, self.ada.id),
                    source=MembershipSource.MANUAL,
                    by=None,
                    now=clock.now(),
                )
        work_off()

    def leaves(self) -> None:
        with transaction() as tx:
            found = tx.session.scalars(
                select(Membership).where(
                    Membership.person_id == self.ada.id, Membership.until_at.is_(None)
                )
            ).one()
            org_actions.end_membership(tx, found, by=None, now=clock.now())
        work_off()

    def takes(self, module: Module, *, passed: bool = True) -> None:
        """The module is taken now, and everything that follows is done."""
        self.world.completion(self.ada, module, passed=passed, score=0.9 if passed else 0.2)
        evaluate_later(self.ada)
        work_off()

    def asks(self, unit: Unit, *wanted: DraftRow, certificate: bool = True, name: str = "T") -> int:
        made = training(unit, *wanted, certificate=certificate, name=name)
        work_off()
        return made

    def publishes(
        self, configuration_id: int, *wanted: DraftRow, on: bool = True, **filled: Any
    ) -> dict[str, str]:
        """The draft is published on the page; returns the numbers that were shown before."""
        prepare(configuration_id, list(wanted), on=on)
        self.world.sign_in(self.client, self.admin)
        path = f"/admin/training/{configuration_id}/publish"
        shown = numbers(press(self.client, path, "look", reason="As decided", **filled).text)
        answer = press_publish(self.client, path, reason="As decided", **filled)
        assert answer.status_code == 302, answer.text
        assert "is published." in self.client.get(answer.location).text
        work_off()
        return shown

    def time_passes(self) -> None:
        """Everything that comes round is done, and what it causes."""
        periodic.declare(clock.now() - timedelta(days=1000))
        periodic.fire(clock.now())
        work_off()

    def dashboard(self) -> str:
        self.world.sign_in(self.client, self.ada)
        return seen(self.client, "/").by_id("main").words

    def verify(self, configuration_id: int) -> str:
        token = self.certificate(configuration_id).token
        return seen(self.client, f"/v/{token}").by_id("main").words

    def state(self, *, query: str = "") -> str:
        """What the list of standings says of Ada."""
        self.world.sign_in(self.client, self.admin)
        lines = rows(seen(self.client, f"/admin/standings{query}"))
        return next(line[1] for line in lines if line[0].startswith("Ada"))

    def certificate(self, configuration_id: int) -> Certificate:
        db.session.rollback()
        return db.session.scalars(
            select(Certificate).where(Certificate.configuration_id == configuration_id)
        ).one()

    def unit_of(self, configuration_id: int) -> int:
        return db.session.get_one(Configuration, configuration_id).unit_id

    def editions(self, configuration_id: int) -> list[tuple[int, str, date | None]]:
        certificate = self.certificate(configuration_id)
        found = db.session.scalars(
            select(Edition).where(Edition.certificate_id == certificate.id).order_by(Edition.number)
        )
        return [(each.number, each.kind.value, each.valid_through) for each in found]

    def mails(self) -> list[str]:
        """What has arrived since this was asked last, by its subject."""
        subjects = [str(mail["Subject"]) for mail in self.inbox.mails]
        self.inbox.mails.clear()
        return subjects
