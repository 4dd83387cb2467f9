"""Whether the rows of a draft may be kept, or published."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign import draft as drafts
from plugin.assign.draft import DraftRow, Problem
from plugin.assign.errors import RowError
from plugin.assign.models import Configuration, ConfigurationRow
from plugin.modules import catalogue, naming
from plugin.modules.models import ModuleState


def check_rows(
    session: Session,
    configuration: Configuration,
    rows: Sequence[DraftRow],
    *,
    also: Sequence[int] = (),
) -> None:
    """Refuses rows that make no sense, with the place, the field and why.

    Modules must be published, or in the newest version already, or in `also`.
    """
    sentences = {
        Problem.TWICE: _("This module is in the list already."),
        Problem.MONTHS: _("Use 1 to %(most)d months, or leave it empty.", most=drafts.MAX_MONTHS),
        Problem.MARK: _("Use 0 to 100 percent, or leave it empty."),
        Problem.DAYS: _("Use 1 to %(most)d days, or leave it empty.", most=drafts.MAX_DAYS),
    }
    for place, field, problem in drafts.problems(rows):
        raise RowError(place, field, sentences[problem])
    known = session.scalars(
        select(ConfigurationRow.module_id).where(
            ConfigurationRow.version_id == configuration.current_version_id
        )
    ).all()
    found = catalogue.listed(
        session, configuration.organization_id, [row.module_id for row in rows]
    )
    allowed = {*known, *also, *(each.id for each in found if each.state is ModuleState.PUBLISHED)}
    archived = {each.id: naming.name(each) for each in found if each.is_archived}
    for place, row in enumerate(rows):
        if row.module_id not in allowed:
            raise RowError(
                place,
                "module_id",
                _(
                    "%(module)s is archived. Take it out of the training, or restore it among the "
                    "modules.",
                    module=archived[row.module_id],
                )
                if row.module_id in archived
                else _("This module is not published."),
            )
