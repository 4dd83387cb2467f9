"""The catalogue, and the one door to a module, whatever kind it is."""

from decimal import Decimal

from flask import Blueprint, abort, current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import DecimalField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import TextInput

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.modules import actions, by_lms, pages, queries, visibility
from plugin.modules import catalogue as catalogues
from plugin.modules.errors import NotPlayableError
from plugin.modules.models import Module, ModuleKind, ModuleState
from plugin.modules.wording import KINDS
from plugin.org.saving import is_saved, shown
from plugin.web.forms import Between
from plugin.web.identity import me, requires
from plugin.web.listing import Slice, asked
from plugin.web.roles import Role

bp = Blueprint("modules", __name__)
PACKAGE = "scorm.new_package"
NEW = (
    (
        PACKAGE,
        _l("A course"),
        _l("A SCORM package from an authoring tool: learners work through it here."),
    ),
    (
        "documents.new",
        _l("A document to acknowledge"),
        _l("A PDF: learners read it and say that they have understood it."),
    ),
    (
        "sessions.new_module",
        _l("A classroom or practical session"),
        _l("Dates, places and seats: who was there has completed it, by a list or a code."),
    ),
    (
        "submissions.new",
        _l("A certificate from elsewhere"),
        _l("Learners submit a certificate they hold; an admin or manager approves it."),
    ),
    (
        "modules.new_graded",
        _l("A grade from the LMS"),
        _l("A teacher gives the grade in the gradebook of a course; from a mark on it counts."),
    ),
    (
        "tools.listing",
        _l("An external tool"),
        _l("Content on another site that speaks LTI 1.3 and sends a score back."),
    ),
)
"""What a module can be made of: the page that makes it, its name, and when to choose it."""
PERCENT = 100
HALF = Decimal(50)


class GradedForm(FlaskForm):  # type: ignore[misc]
    """A module that is graded in the LMS."""

    title = StringField(
        _l("Title"),
        [DataRequired(), Length(max=by_lms.MAX_TITLE)],
        description=_l("For example an essay or a practical test."),
    )
    pass_mark = DecimalField(
        _l("Passed from, in %"),
        [Between(1, PERCENT, _l("Use 1 to %(most)d percent."))],
        places=None,
        default=HALF,
        widget=TextInput(),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )

    @property
    def pass_share(self) -> float | None:
        mark: Decimal | None = self.pass_mark.data
        return None if mark is None else float(mark / PERCENT)


@bp.post("/modules/<int:module_id>/start")
@requires(Role.LEARNER)
def start(module_id: int) -> Response:
    """Resume the open sitting or begin a new one, and go to its player."""
    doors, now, person = visibility.doors(current_app.extensions), clock.now(), me()
    with transaction() as tx:
        ids = (person.organization_id, person.person_id, module_id)
        visibility.require_visible(doors, tx.session, *ids, now=now)
        module = queries.module_of(tx.session, person.organization_id, module_id)
        enter = doors.players.get(module.kind)
        if enter is None:
            raise NotPlayableError(module_id)
        run = actions.start_run(tx.session, module, person.person_id, now=now)
        address = enter(tx, run, now)
    return redirect(address, 303)


@bp.get("/admin/modules")
@requires(Role.ADMIN)
def catalogue() -> str:
    """The modules of the organization that are in use, or those archived."""
    kinds = {kind: str(words) for kind, words in KINDS.items()}
    wanted = asked(
        sorts=catalogues.SORTS, filters={"kind": list(kinds), "state": [ModuleState.ARCHIVED]}
    )
    found, total = catalogues.listing(read_session(), me().organization_id, wanted)
    return render_template(
        "modules/catalogue.html",
        slice=Slice(items=found, total=total, asked=wanted),
        filters=[
            {"name": "kind", "label": _("Kind"), "choices": list(kinds.items())},
            {
                "name": "state",
                "label": _("State"),
                "unset": _("In use"),
                "choices": [("archived", _("Archived"))],
            },
        ],
        kinds=kinds,
        pages=pages.PAGES,
    )


@bp.get("/admin/modules/new")
@requires(Role.ADMIN)
def new() -> str:
    """What kind of module it is to be; packages only where admins may bring them."""
    may_bring = current_settings().uploads_by == "admin"
    choices = [each for each in NEW if may_bring or each[0] != PACKAGE]
    return render_template("modules/new.html", choices=choices, may_bring=may_bring)


@bp.route("/admin/modules/graded/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new_graded() -> str | Response | tuple[str, int]:
    """A module whose completion is a grade given in the LMS."""
    form, made = GradedForm(), list[int]()

    def save() -> None:
        organization_id, by, now = me().organization_id, me().person_id, clock.now()
        title, share = form.title.data, form.pass_share
        with transaction() as tx:
            module = by_lms.create(
                tx, organization_id, title=title, pass_share=share, by=by, now=now
            )
            made.append(module.id)

    if is_saved(form, save):
        flash(_("The module is there. In the LMS, add it to a course by choosing content."))
        if words := pages.namesakes(me().organization_id, made[0]):
            flash(words, "warning")
        return redirect(url_for("modules.catalogue"), 303)
    return shown(render_template("modules/graded.html", form=form, module=None), form)


@bp.route("/admin/modules/graded/<int:module_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def graded(module_id: int) -> str | Response | tuple[str, int]:
    """Its title and the grade that passes it."""
    module = _graded(read_session(), module_id)
    share = module.pass_share or 0
    form = GradedForm(data={"title": module.title, "pass_mark": Decimal(f"{share * PERCENT:.10g}")})

    def save() -> None:
        title, wanted = form.title.data, form.pass_share
        with transaction() as tx:
            target, by = _graded(tx.session, module_id), me().person_id
            by_lms.change(tx, target, title=title, pass_share=wanted, by=by, now=clock.now())

    if is_saved(form, save):
        flash(_("Saved."))
        if words := pages.namesakes(me().organization_id, module_id):
            flash(words, "warning")
        return redirect(url_for("modules.catalogue"), 303)
    page = render_template(
        "modules/graded.html", form=form, module=module, about=pages.about(module)
    )
    return shown(page, form)


def _graded(session: Session, module_id: int) -> Module:
    found = queries.module_of(session, me().organization_id, module_id)
    if found.kind is not ModuleKind.LMS_GRADE:
        abort(404)
    return found
