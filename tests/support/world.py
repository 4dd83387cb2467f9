"""Rows for tests: an organization, its people and places, in a few words."""

from datetime import date, datetime
from typing import TypeVar

from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.base import Base
from plugin.core.db import db
from plugin.core.secrets import hash_of, new_token
from plugin.modules.models import (
    Completion,
    CompletionSource,
    Module,
    ModuleKind,
    ModuleState,
    ModuleVersion,
)
from plugin.org.models import (
    Grant,
    Membership,
    MembershipSource,
    Organization,
    Person,
    SignIn,
    Unit,
    UnitKind,
)
from plugin.web import visits
from plugin.web.roles import Role

Row = TypeVar("Row", bound=Base)


class World:
    """Builds committed rows; every method returns the row."""

    def __init__(self) -> None:
        self._numbers = 0
        self._organization: Organization | None = None

    def add(self, row: Row) -> Row:
        """Commit one row."""
        db.session.add(row)
        db.session.commit()
        return row

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    @property
    def organization(self) -> Organization:
        """The organization rows belong to unless a test says otherwise."""
        if self._organization is None:
            self._organization = self.new_organization("Harbour Works")
        return self._organization

    def new_organization(self, name: str, *, time_zone: str = "Europe/London") -> Organization:
        slug = f"{name.lower().replace(' ', '-')}-{self.number()}"
        return self.add(
            Organization(
                name=name, slug=slug, time_zone=time_zone, locale="en", created_at=clock.now()
            )
        )

    def person(
        self,
        name: str = "Ada Byron",
        *,
        email: str | None = "ada@example.test",
        organization: Organization | None = None,
    ) -> Person:
        given, _, family = name.partition(" ")
        return self.add(
            Person(
                organization_id=(organization or self.organization).id,
                given_name=given,
                family_name=family,
                full_name=name,
                email=email,
                created_at=clock.now(),
            )
        )

    def unit(
        self,
        name: str = "North Quay",
        *,
        kind: UnitKind = UnitKind.SITE,
        region: Unit | None = None,
        time_zone: str | None = None,
        organization: Organization | None = None,
    ) -> Unit:
        return self.add(
            Unit(
                organization_id=(organization or self.organization).id,
                kind=kind,
                name=name,
                region_id=region.id if region else None,
                time_zone=time_zone,
                description="",
                created_at=clock.now(),
            )
        )

    def member(
        self,
        person: Person,
        unit: Unit,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Membership:
        return self.add(
            Membership(
                organization_id=person.organization_id,
                unit_id=unit.id,
                person_id=person.id,
                source=MembershipSource.MANUAL,
                since_at=since or clock.now(),
                until_at=until,
                created_at=clock.now(),
            )
        )

    def grant(self, person: Person, role: Role, unit: Unit | None = None) -> Grant:
        return self.add(
            Grant(
                organization_id=person.organization_id,
                person_id=person.id,
                role=role,
                unit_id=unit.id if unit else None,
                granted_at=clock.now(),
            )
        )

    def module(
        self,
        title: str = "Working at height",
        *,
        kind: ModuleKind = ModuleKind.SCORM,
        state: ModuleState = ModuleState.PUBLISHED,
        organization: Organization | None = None,
    ) -> Module:
        module = self.add(
            Module(
                organization_id=(organization or self.organization).id,
                kind=kind,
                title=title,
                description="",
                state=state,
                created_at=clock.now(),
            )
        )
        version = self.add(
            ModuleVersion(
                organization_id=module.organization_id,
                module_id=module.id,
                number=1,
                created_at=clock.now(),
            )
        )
        module.current_version_id = version.id
        return self.add(module)

    def completion(
        self,
        person: Person,
        module: Module,
        *,
        happened_at: datetime | None = None,
        passed: bool = True,
        score: float | None = None,
        valid_until_on: date | None = None,
    ) -> Completion:
        return self.add(
            Completion(
                organization_id=person.organization_id,
                person_id=person.id,
                module_id=module.id,
                module_version_id=module.current_version_id,
                passed=passed,
                score=score,
                happened_at=happened_at or clock.now(),
                learned_at=clock.now(),
                source=CompletionSource.MANUAL,
                valid_until_on=valid_until_on,
                evidence={},
            )
        )

    def sign_in(self, client: FlaskClient, person: Person) -> SignIn:
        """The browser now holds a visit of this person, as after a launch."""
        token = new_token()
        now = clock.now()
        row = self.add(
            SignIn(
                organization_id=person.organization_id,
                person_id=person.id,
                token_hash=hash_of(token),
                frame_ancestors="https://lms.example.test",
                launch={},
                created_at=now,
                expires_at=now.replace(year=now.year + 30),
            )
        )
        with client.session_transaction(base_url="https://tool.example.test") as session:
            visits.hold(session, token)
        return row
