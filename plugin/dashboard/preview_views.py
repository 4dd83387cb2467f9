"""An admin looks at a configuration as a learner of its unit, today or on a day to come."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from plugin.assign import queries
from plugin.assign.errors import RowError
from plugin.core import clock
from plugin.core.db import read_session
from plugin.dashboard.preview import NOBODY, learner_facts_of_draft, member
from plugin.dashboard.proof_views import proof_view
from plugin.dashboard.proofs import proofs_of
from plugin.dashboard.tile_views import SHELVES, tile_view
from plugin.dashboard.tiles import on_shelf, tiles_of
from plugin.modules import visibility
from plugin.org import queries as org_queries
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("preview", __name__)
NOON = time(12)


class PreviewForm(FlaskForm):  # type: ignore[misc]
    """Which day, whose eyes, and what is in force."""

    class Meta:
        csrf = False

    date = DateField(_l("On the day"), [Optional()])
    under = SelectField(
        _l("Under"),
        choices=[
            SelectChoice("draft", _l("the draft")),
            SelectChoice("published", _l("what is published")),
        ],
        default="draft",
    )
    person = StringField(
        _l("As"),
        [Optional(), Length(max=200)],
        description=_l("Email or employee ID of a member. Empty: somebody who has just joined."),
    )


@bp.get("/admin/training/<int:configuration_id>/preview")
@requires(Role.ADMIN)
def show(configuration_id: int) -> str | tuple[str, int]:
    session = read_session()
    configuration = queries.configuration_of(session, me().organization_id, configuration_id)
    form = PreviewForm(request.args)
    is_sound = form.validate()
    person = None
    if is_sound and form.person.data:
        person = member(session, configuration, form.person.data.strip())
        if person is None:
            form.person.errors = [_("Nobody in this unit has this email or employee ID.")]
    at = _moment(form.date.data, queries.zone_of(session, configuration))
    proofs, shelves = [], []
    if not form.errors and not form.person.errors:
        try:
            facts = learner_facts_of_draft(
                session,
                configuration,
                at,
                person_id=person.id if person else NOBODY,
                with_draft=form.under.data == "draft",
            )
        except RowError as error:
            form.under.errors = [error.message]
        else:
            startable = visibility.doors(current_app.extensions).players
            tiles = tiles_of(facts, {}, {}, startable=startable, at=at)
            shelves = [
                (shelf, title, [tile_view(tile, start_url="#") for tile in on_shelf(tiles, shelf)])
                for shelf, title in SHELVES.items()
            ]
            proofs = [proof_view(proof) for proof in proofs_of(facts, {}, at=at)]
    page = render_template(
        "dashboard/preview.html",
        configuration=configuration,
        unit=org_queries.unit_of(session, configuration.organization_id, configuration.unit_id),
        form=form,
        at=at,
        person=person,
        proofs=proofs,
        shelves=[each for each in shelves if each[2]],
    )
    return page, (422 if form.errors else 200)


def _moment(day: date | None, zone: str) -> datetime:
    """Now, or noon of a day in the unit's zone."""
    if day is None:
        return clock.now()
    return datetime.combine(day, NOON, ZoneInfo(zone)).astimezone(UTC)
