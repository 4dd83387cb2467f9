"""The learner's page: what to do, the proofs, and why they are what they are."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from plugin.assign.queries import learner_facts
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.dashboard import queries
from plugin.dashboard.explained import Explained, explained
from plugin.dashboard.proof_views import proof_view
from plugin.dashboard.proofs import proofs_of
from plugin.dashboard.tile_views import SHELVES, TileView, tile_view
from plugin.dashboard.tiles import Tile, on_shelf, tiles_of
from plugin.modules import visibility
from plugin.notify.gate import addressee
from plugin.notify.mail_models import ChoicePlace
from plugin.notify.reminder_choices import choose
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.models import Person
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("dashboard", __name__)


@bp.get("/")
@requires(Role.LEARNER)
def home() -> str:
    """Certificates on top, then every visible module once; of the past, how it all stood."""
    moment = _moment()
    if moment.is_past:
        return render_template("dashboard/then.html", found=_explained(moment), moment=moment)
    session, now, person = read_session(), clock.now(), me()
    facts = learner_facts(session, person.organization_id, person.person_id, now)
    own = queries.belongings(session, person.organization_id, person.person_id)
    startable = visibility.doors(current_app.extensions).players
    tiles = tiles_of(facts, own.attempts, own.submissions, startable=startable, at=now)
    shelves = [
        (shelf, title, [_view(tile) for tile in on_shelf(tiles, shelf)])
        for shelf, title in SHELVES.items()
    ]
    return render_template(
        "dashboard/home.html",
        proofs=[proof_view(proof) for proof in proofs_of(facts, own.papers, at=now)],
        shelves=[each for each in shelves if each[2]],
        leads_sessions=own.leads_sessions,
        mail=addressee(session, person.person_id),
    )


@bp.post("/reminders")
@requires(Role.LEARNER)
def want_reminders() -> Response:
    """Reminders come by mail again, or stop."""
    wanted = request.form.get("wanted") == "yes"
    with transaction() as tx:
        person = tx.session.get_one(Person, me().person_id)
        choose(tx.session, person, wanted=wanted, place=ChoicePlace.DASHBOARD, now=clock.now())
    flash(_("Reminders come by mail again.") if wanted else _("No more reminders come by mail."))
    return redirect(url_for("dashboard.home"), 303)


def _view(tile: Tile) -> TileView:
    start_url = url_for("modules.start", module_id=tile.module_id)
    if tile.review_of is None:
        return tile_view(tile, start_url=start_url)
    review_url = url_for("scorm.review", run_id=tile.review_of)
    return tile_view(tile, start_url=start_url, review_url=review_url)


@bp.get("/why/<int:configuration_id>")
@requires(Role.LEARNER)
def why(configuration_id: int) -> str:
    """How one's own standing came about: who asks, which completion, which days, what binds."""
    moment = _moment()
    (found,) = _explained(moment, configuration_id)
    return render_template("dashboard/why.html", line=found.line, why=found.why, moment=moment)


def _moment() -> AsOf:
    return as_of.asked_for(request.args, me().time_zone, now=clock.now())


def _explained(moment: AsOf, configuration_id: int | None = None) -> list[Explained]:
    person = me()
    return explained(
        read_session(),
        person.organization_id,
        person.person_id,
        moment,
        now=clock.now(),
        configuration_id=configuration_id,
    )
