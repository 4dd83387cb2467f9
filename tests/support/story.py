"""The main story in a few calls, through the real actions: training is asked for and passed."""

from dataclasses import dataclass

from plugin.assign import actions as assign_actions
from plugin.assign import drafting
from plugin.assign.draft import DraftRow
from plugin.assign.facts import RowStatus
from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules import actions as module_actions
from plugin.modules.models import CompletionSource, Module, Run
from plugin.modules.rules import Report
from plugin.org import actions as org_actions
from plugin.org.models import MembershipSource, Person, Unit
from tests.support.world import World


@dataclass(frozen=True, slots=True)
class Story:
    """A learner at a site that asks for one module, with the certificate on."""

    person: Person
    unit: Unit
    module: Module
    configuration: Configuration


def begin(world: World, *, email: str | None = "ada@example.test", months: int = 12) -> Story:
    """Published; the learner has not begun. The steps this causes are still to do."""
    person, unit = world.person("Ada Byron", email=email), world.unit()
    with transaction() as tx:
        org_actions.add_member(
            tx,
            tx.session.get_one(Unit, unit.id),
            tx.session.get_one(Person, person.id),
            source=MembershipSource.MANUAL,
            by=None,
            now=clock.now(),
        )
    module = world.module()
    configuration_id = publish(unit, [DraftRow(module_id=module.id, validity_months=months)])
    return Story(person, unit, module, db.session.get_one(Configuration, configuration_id))


def publish(unit: Unit, rows: list[DraftRow], *, configuration_id: int | None = None) -> int:
    """Publish these rows for the unit with the certificate on; returns the configuration's id."""
    unit_id = unit.id
    with transaction() as tx:
        session, now = tx.session, clock.now()
        if configuration_id is None:
            configuration = drafting.create_configuration(
                session, session.get_one(Unit, unit_id), name="Site safety", by=None, now=now
            )
        else:
            configuration = session.get_one(Configuration, configuration_id)
        draft = assign_actions.queries.draft_of(session, configuration)
        drafting.save_draft(
            session,
            configuration,
            rows,
            certificate_on=True,
            revision=draft.revision,
            by=None,
            now=now,
        )
        assign_actions.publish(
            tx, configuration, by=None, reason="Test", apply_to_existing=False, now=now
        )
        return configuration.id


def complete(person: Person, module: Module, *, score: float | None = 0.9) -> int:
    """The learner starts and passes the module; returns the sitting's id."""
    person_id, module_id = person.id, module.id
    with transaction() as tx:
        now = clock.now()
        run = module_actions.start_run(
            tx.session, tx.session.get_one(Module, module_id), person_id, now=now
        )
        run_id = run.id
    with transaction() as tx:
        run = tx.session.get_one(Run, run_id)
        module_actions.record_completion(
            tx,
            run,
            Report(is_completed=True, is_passed=True, is_finished=True, score=score, progress=1.0),
            source=CompletionSource.SCORM,
            evidence={},
            now=clock.now(),
        )
    return run_id


__all__ = ["DraftRow", "RowStatus", "Story", "begin", "complete", "publish"]
