"""Drafts and numbered versions."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from plugin.assign import actions, drafting, queries
from plugin.assign.draft import DraftRow
from plugin.assign.errors import DraftChangedError, RowError
from plugin.assign.models import Configuration, ConfigurationRow, ConfigurationVersion
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.base import AppendOnlyError
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.modules.models import ModuleState
from plugin.org.errors import FieldError
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, publish, row, steps, training, versions
from tests.support.world import World


def test_each_publish_makes_the_next_numbered_version_with_author_time_and_reason(
    world: World,
) -> None:
    module = world.module()
    asked = training(world.unit(), row(module, validity_months=12))
    with clock.at(NOW + timedelta(days=1)):
        publish(asked, row(module, validity_months=6), certificate=False)
    first, second = versions(asked)
    assert (first.number, second.number) == (1, 2)
    assert second.published_at == second.effective_at == NOW + timedelta(days=1)
    assert (second.reason, first.certificate_on, second.certificate_on) == (
        "as the regulation asks",
        True,
        False,
    )
    assert db.session.get_one(Configuration, asked).current_version_id == second.id
    assert steps(JobName.APPLY_VERSION) == [[first.id, 0], [second.id, 0]]


def test_a_publish_is_audited_with_what_was_before_and_after(world: World) -> None:
    module = world.module()
    asked = training(world.unit(), row(module, validity_months=12))
    publish(asked, row(module, validity_months=6, pass_mark=0.8))
    entry = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.action == "configuration.published")
        .order_by(AuditEntry.id.desc())
    ).first()
    assert entry is not None
    assert entry.before is not None
    assert entry.after is not None
    assert entry.before["rows"][0]["validity_months"] == 12
    assert entry.after["rows"][0]["validity_months"] == 6
    assert entry.reason == "as the regulation asks"


def test_a_version_is_immutable(world: World) -> None:
    asked = training(world.unit(), row(world.module()))
    version = versions(asked)[0]
    version.reason = "another"
    with pytest.raises(AppendOnlyError):
        db.session.flush()
    db.session.rollback()
    (line,) = db.session.scalars(select(ConfigurationRow))
    line.due_days = 3
    with pytest.raises(AppendOnlyError):
        db.session.flush()


def test_the_moment_a_row_became_required_is_carried_from_version_to_version(
    world: World,
) -> None:
    module, other = world.module("A"), world.module("B")
    asked = training(world.unit(), row(module), row(other, HIDDEN))
    with clock.at(NOW + timedelta(days=5)):
        publish(asked, row(module), row(other))
    lines = db.session.scalars(
        select(ConfigurationRow)
        .join(ConfigurationVersion, ConfigurationVersion.id == ConfigurationRow.version_id)
        .where(ConfigurationVersion.number == 2)
        .order_by(ConfigurationRow.position)
    )
    assert [line.required_since_at for line in lines] == [NOW, NOW + timedelta(days=5)]


def test_two_editors_do_not_overwrite_each_other(world: World) -> None:
    module = world.module()
    asked = training(world.unit(), row(module))
    configuration = db.session.get_one(Configuration, asked)
    revision = queries.draft_of(db.session, configuration).revision

    def save() -> int:
        with transaction() as tx:
            return drafting.save_draft(
                tx.session,
                tx.session.get_one(Configuration, asked),
                [DraftRow(module_id=1)],
                certificate_on=True,
                revision=revision,
                by=None,
                now=NOW,
            )

    assert save() == revision + 1
    with pytest.raises(DraftChangedError):
        save()


def test_a_draft_that_was_published_meanwhile_is_not_published_again(world: World) -> None:
    asked = training(world.unit(), row(world.module()))
    revision = queries.draft_of(db.session, db.session.get_one(Configuration, asked)).revision

    def send() -> int:
        with transaction() as tx:
            return actions.publish(
                tx,
                tx.session.get_one(Configuration, asked),
                by=None,
                reason="sent twice",
                apply_to_existing=False,
                now=NOW,
                revision=revision,
            ).number

    assert send() == 2
    with pytest.raises(DraftChangedError):
        send()
    assert len(versions(asked)) == 2


def test_a_publish_without_a_reason_is_refused(world: World) -> None:
    asked = training(world.unit(), row(world.module()))
    with pytest.raises(FieldError) as refused, transaction() as tx:
        actions.publish(
            tx,
            tx.session.get_one(Configuration, asked),
            by=None,
            reason="  ",
            apply_to_existing=False,
            now=NOW,
        )
    assert refused.value.field == "reason"


def test_a_module_of_another_organization_or_a_draft_cannot_be_assigned(world: World) -> None:
    theirs = world.module("Theirs", organization=world.new_organization("Other"))
    draft = world.module("Draft", state=ModuleState.DRAFT)
    asked = training(world.unit(), row(world.module()))
    for module in (theirs, draft):
        with pytest.raises(RowError) as refused:
            publish(asked, row(module))
        assert (refused.value.position, refused.value.field) == (0, "module_id")


def test_an_archived_module_stays_where_it_is_but_cannot_be_added(world: World) -> None:
    module = world.module()
    asked = training(world.unit(), row(module))
    module.state = ModuleState.ARCHIVED
    world.add(module)
    publish(asked, row(module))
    with pytest.raises(RowError):
        training(world.unit("Yard"), row(module))
