"""Everything that changes drafts of training configurations, and what they are kept under."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from plugin.assign import checking, queries, versions
from plugin.assign.draft import DraftRow
from plugin.assign.errors import DraftChangedError
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationTemplate,
)
from plugin.core import audit
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.org import history
from plugin.org.errors import FieldError
from plugin.org.models import Unit
from plugin.org.rules import MAX_NAME

LEFT = ":left"  # after the name of an open page: a button of it led away


def create_configuration(
    session: Session,
    unit: Unit,
    *,
    name: str,
    by: int | None,
    now: datetime,
    rows: Sequence[DraftRow] = (),
    certificate_on: bool = False,
) -> Configuration:
    """A new configuration of the unit with a draft to work on; it asks nothing yet."""
    tidy = _name(name)
    configuration = Configuration(
        organization_id=unit.organization_id, unit_id=unit.id, name=tidy, created_at=now
    )
    session.add(configuration)
    session.flush()
    session.add(
        ConfigurationDraft(
            organization_id=unit.organization_id,
            configuration_id=configuration.id,
            rows=[row.as_json() for row in rows],
            certificate_on=certificate_on,
            revision=1,
            updated_at=now,
            updated_by=by,
        )
    )
    audit.record(
        session, "configuration.created", about=configuration, by=by, now=now, after={"name": tidy}
    )
    return configuration


def _name(name: str) -> str:
    tidy = " ".join(name.split())
    if not tidy:
        raise FieldError("name", _("Give the training a name."))
    if len(tidy) > MAX_NAME:
        raise FieldError("name", _("Use at most %(number)d characters.", number=MAX_NAME))
    return tidy


def save_draft(
    session: Session,
    configuration: Configuration,
    rows: Sequence[DraftRow],
    *,
    certificate_on: bool,
    revision: int,
    by: int | None,
    now: datetime,
    editor: str | None = None,
    is_on_the_way: bool = False,
) -> int:
    """The draft is what was given; the answer is its new revision.

    Refuses when somebody else changed it since `revision`, and rows that make no sense. `editor`
    names the open page it comes from: a page is never refused for its own earlier save. What it
    saves on the way may arrive after the button by which it was left; then it is refused, for it
    would bring back what the button changed.
    """
    kept = queries.draft_of(session, configuration).rows
    checking.check_rows(session, configuration, rows, also=[each["module_id"] for each in kept])
    draft = ConfigurationDraft
    is_ours, left = draft.revision == revision, f"{editor}{LEFT}"
    if editor:
        mine = [editor] if is_on_the_way else [editor, left]
        is_ours = or_(is_ours, draft.editor.in_(mine))
    saved: int | None = session.scalar(
        update(draft)
        .where(draft.configuration_id == configuration.id, is_ours)
        .values(
            rows=[row.as_json() for row in rows],
            certificate_on=certificate_on,
            revision=draft.revision + 1,
            updated_at=now,
            updated_by=by,
            editor=(editor if is_on_the_way else left) if editor else None,
        )
        .returning(draft.revision)
        .execution_options(synchronize_session=False)
    )
    if saved is None:
        raise DraftChangedError(configuration.id)
    return saved


def discard_draft(
    session: Session, configuration: Configuration, *, by: int | None, now: datetime
) -> None:
    """The draft is what is published, or empty; what was prepared is gone."""
    version = versions.newest(session, configuration)
    rows = versions.state_of(version).rows if version else ()
    session.execute(
        update(ConfigurationDraft)
        .where(ConfigurationDraft.configuration_id == configuration.id)
        .values(
            rows=[row.as_json() for row in rows],
            certificate_on=version.certificate_on if version else False,
            revision=ConfigurationDraft.revision + 1,
            updated_at=version.published_at if version else now,
            updated_by=by,
            editor=None,
        )
    )


def rename(
    session: Session, configuration: Configuration, name: str, *, by: int, now: datetime
) -> None:
    """The configuration is called so from now on; editions printed before keep their name."""
    tidy = _name(name)
    if tidy == configuration.name:
        return
    before, configuration.name = configuration.name, tidy
    audit.record(
        session,
        "configuration.renamed",
        about=configuration,
        by=by,
        now=now,
        before={"name": before},
        after={"name": tidy},
    )


def archive(tx: Tx, configuration: Configuration, *, by: int, reason: str, now: datetime) -> None:
    """It asks nothing any more and its certificates end. Safe to call again."""
    _set_archived(tx, configuration, now, by=by, reason=reason, now=now)


def restore(tx: Tx, configuration: Configuration, *, by: int, reason: str, now: datetime) -> None:
    """It counts again and everybody is judged anew from the facts. Safe to call again."""
    _set_archived(tx, configuration, None, by=by, reason=reason, now=now)


def _set_archived(
    tx: Tx,
    configuration: Configuration,
    at: datetime | None,
    *,
    by: int,
    reason: str,
    now: datetime,
) -> None:
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    if (configuration.archived_at is None) is (at is None):
        return
    if configuration.archived_at is not None:
        history.remember(
            tx.session, configuration, "archived_at", configuration.archived_at, now=now
        )
    configuration.archived_at = at
    audit.record(
        tx.session,
        "configuration.archived" if at else "configuration.restored",
        about=configuration,
        by=by,
        now=now,
        reason=reason.strip(),
    )
    version = queries.version_in_force(tx.session, configuration, now)
    if version is not None:
        tx.then(JobName.APPLY_VERSION, version.id, 0)


def copy_to(
    session: Session,
    configuration: Configuration,
    units: Sequence[Unit],
    *,
    by: int,
    now: datetime,
) -> list[Configuration]:
    """Each of the units has a configuration of its own with this draft; nothing is published."""
    draft = queries.draft_of(session, configuration)
    rows = [DraftRow.from_json(row) for row in draft.rows]
    return [
        create_configuration(
            session,
            unit,
            name=configuration.name,
            by=by,
            now=now,
            rows=rows,
            certificate_on=draft.certificate_on,
        )
        for unit in units
    ]


def keep_template(
    session: Session, configuration: Configuration, name: str, *, by: int, now: datetime
) -> ConfigurationTemplate:
    """The draft's rows can be used for other units under this name."""
    draft = queries.draft_of(session, configuration)
    template = ConfigurationTemplate(
        organization_id=configuration.organization_id,
        name=_free_name(session, configuration.organization_id, _name(name)),
        rows=list(draft.rows),
        certificate_on=draft.certificate_on,
        created_at=now,
        created_by=by,
    )
    session.add(template)
    audit.record(session, "template.created", about=template, by=by, now=now)
    return template


def rename_template(
    session: Session, template: ConfigurationTemplate, name: str, *, by: int, now: datetime
) -> None:
    """The template is called so from now on."""
    tidy = _name(name)
    if tidy == template.name:
        return
    before = template.name
    template.name = _free_name(session, template.organization_id, tidy)
    audit.record(
        session,
        "template.renamed",
        about=template,
        by=by,
        now=now,
        before={"name": before},
        after={"name": tidy},
    )


def archive_template(
    session: Session, template: ConfigurationTemplate, *, by: int, now: datetime
) -> None:
    """Nothing can be made from it any more; what was made stays. Safe to call again."""
    if template.archived_at is None:
        template.archived_at = now
        audit.record(session, "template.archived", about=template, by=by, now=now)


def _free_name(session: Session, organization_id: int, name: str) -> str:
    taken = session.scalar(
        select(ConfigurationTemplate.id).where(
            ConfigurationTemplate.organization_id == organization_id,
            ConfigurationTemplate.name == name,
            ConfigurationTemplate.archived_at.is_(None),
        )
    )
    if taken is not None:
        raise FieldError("name", _("Another template already has this name."))
    return name
