"""Play a package from a test: bring it in, start it, and say what a player would say."""

import io
from typing import Any

from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules import actions as module_actions
from plugin.modules import visibility
from plugin.modules.models import Module, Run
from plugin.org.models import Organization, Person
from plugin.scorm import actions, importing
from plugin.scorm.models import Package
from tests.functional.assign.places import row, training
from tests.support.packages import item, manifest, package
from tests.support.world import World

CONTENT = "https://content.example.test"


def scored(mastery: str = "80") -> io.BytesIO:
    """A package of one part with a mastery score."""
    inside = f"<adlcp:masteryscore>{mastery}</adlcp:masteryscore>"
    return package(manifest_bytes=manifest(items=item(inside=inside)))


def brought_in(
    world: World, source: io.BytesIO | None = None, *, module: Module | None = None, **facts: Any
) -> Module:
    """The module of a package that was imported, whole, as the product does it."""
    package_id = importing.receive(
        source or package(),
        world.organization.id,
        filename="course.zip",
        title=facts.get("title", ""),
        module_id=module.id if module else None,
        trusts_status=facts.get("trusts_status", False),
        by=None,
    )
    importing.import_package(package_id)
    made = db.session.get_one(Package, package_id)
    assert made.module_id, made.findings
    return db.session.get_one(Module, made.module_id)


def started(module: Module, person: Person) -> Run:
    """The person's sitting, of a module that is theirs to open."""
    assigned(module, person)
    with transaction() as tx:
        merged = tx.session.merge(module)
        run_id = module_actions.start_run(tx.session, merged, person.id, now=clock.now()).id
    return db.session.scalars(select(Run).where(Run.id == run_id)).one()


def assigned(module: Module, person: Person) -> None:
    """A training of a unit the person is in lists the module, as some do already."""
    doors, ids = visibility.doors(current_app.extensions), (module.organization_id, person.id)
    if doors.is_visible(db.session(), *ids, module.id, clock.now()):
        return
    world = World()
    unit = world.unit("Who plays", organization=db.session.get_one(Organization, ids[0]))
    world.member(person, unit)
    training(unit, row(module), certificate=False)


class Player:
    """One way into a run, speaking HTTP as the player's script does."""

    def __init__(self, client: FlaskClient, run: Run) -> None:
        self.client = client
        with transaction() as tx:
            merged = tx.session.merge(run)
            self.token = actions.create_launch(
                tx.session, merged, frame_ancestors="https://lms.example.test", now=clock.now()
            )
        self.opening = 0
        self.seq = 0

    def post(self, path: str, body: Any) -> TestResponse:
        return self.client.post(f"/c/{self.token}/{path}", json=body, base_url=CONTENT)

    def get(self, path: str = "") -> TestResponse:
        return self.client.get(f"/c/{self.token}/{path}", base_url=CONTENT)

    def open(self, *replay: Any) -> dict[str, Any]:
        answer = self.post("open", {"replay": list(replay)})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.json or {}
        self.opening, self.seq = found["opening"], 0
        return found

    def entry(self, status: str | None = None, *, sco: str = "I1", **facts: Any) -> dict[str, Any]:
        """One part's data model; `raw`, `finished`, `suspend` say more."""
        self.seq += 1
        core = {"lesson_status": status or "not attempted", "score": {"raw": facts.get("raw", "")}}
        return {
            "seq": facts.get("seq", self.seq),
            "sco": sco,
            "trigger": "terminate" if facts.get("finished") else "manual",
            "finished": facts.get("finished", False),
            "status_set": status is not None,
            "cmi": {"core": core, "suspend_data": facts.get("suspend", "")},
        }

    def say(self, status: str | None = None, **facts: Any) -> TestResponse:
        """Commit what one part now says."""
        closing = facts.pop("closing", False)
        entry = self.entry(status, **facts)
        body = {"opening": self.opening, "closing": closing, "commits": [entry]}
        return self.post("commit", body)
