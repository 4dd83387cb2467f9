"""Deciding what a new version does to what was learned before: the impact first, then the word."""

from collections.abc import Mapping
from datetime import date

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import LazyString, format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from plugin.assign.retraining_progress import progress_of
from plugin.certs import retraining as impacts
from plugin.certs.retraining import Concern, Impact
from plugin.certs.retraining_forms import EQUIVALENT, RETRAINING, RetrainingForm
from plugin.core import clock
from plugin.core.db import Tx, read_session, transaction
from plugin.modules import queries as module_queries
from plugin.modules import retraining, visibility
from plugin.modules.errors import RetrainingChangedError, VersionNotFoundHereError
from plugin.modules.models import Module, ModuleVersion
from plugin.modules.pages import PAGES
from plugin.modules.retraining import Decision
from plugin.org.errors import FieldError
from plugin.web.identity import me, requires
from plugin.web.listing import Slice, asked
from plugin.web.roles import Role

bp = Blueprint("retraining", __name__)

LABELS: Mapping[Concern, LazyString] = {
    Concern.PEOPLE: _l("People who have to learn the new version"),
    Concern.TURN_INVALID: _l("People with a certificate that then turns invalid"),
    Concern.MAILS: _l("People told by mail now"),
    Concern.WITHOUT_ADDRESS: _l("People concerned whom mail does not reach"),
    Concern.SWITCHED_OFF: _l(
        "People not mailed because the organization has switched the kind off"
    ),
}
TONES = {Concern.TURN_INVALID: "invalid"}


@bp.route("/admin/modules/<int:module_id>/versions/<int:number>/before", methods=["GET", "POST"])
@requires(Role.ADMIN)
def decide(module_id: int, number: int) -> str | Response | tuple[str, int]:
    """Whether what was learned before goes on counting, and if not, until when."""
    module, version, before = _load(module_id, number)
    form = _form(version, before)
    is_sound = form.validate() if request.method == "POST" else True
    shown = _prospect(module, version, before, form)
    if request.method == "GET" or "look" in request.form:
        form.reason.errors = []
        return _page(module, version, before, form, shown)
    if version.id is None and form.day is None:
        form.from_on.errors = [_("Choose a day.")]
    if not is_sound or form.errors:
        return _page(module, version, before, form, shown), 422
    if form.seen.data != _seal(before, form, shown):
        return _page(module, version, before, form, shown, has_changed=True), 409
    try:
        _decide(module_id, number, form)
    except (FieldError, RetrainingChangedError) as error:
        field = form[error.field] if isinstance(error, FieldError) else form.reason
        field.errors = [error.message]
        return _page(module, version, before, form, shown), error.http_status
    flash(_said(form.day))
    return redirect(url_for("retraining.decide", module_id=module_id, number=number), 303)


@bp.get("/admin/modules/<int:module_id>/anew")
@requires(Role.ADMIN)
def anew(module_id: int) -> Response:
    """To the day that is decided and still to come, or to the page that decides a new one."""
    session, now = read_session(), clock.now()
    module = module_queries.module_of(session, me().organization_id, module_id)
    number = retraining.newest_number(session, module)
    decided = retraining.decisions(session, module).get(module.current_version_id or 0)
    first = retraining.first_day(session, module.organization_id, now)
    if decided is None or decided.from_on is None or decided.from_on < first:
        number += 1
    return redirect(url_for("retraining.decide", module_id=module_id, number=number), 303)


@bp.get("/admin/modules/<int:module_id>/versions/<int:number>/before/<group>")
@requires(Role.ADMIN)
def names(module_id: int, number: int, group: str) -> str:
    """The people behind one number, for the choices in the address."""
    module, version, before = _load(module_id, number)
    form = RetrainingForm(request.args, meta={"csrf": False})
    shown = _prospect(module, version, before, form)
    if group not in list(Concern) or shown is None:
        abort(404)
    wanted = asked(sorts=["name"])
    people = impacts.names(
        read_session(),
        version,
        shown.from_on,
        Concern(group),
        now=clock.now(),
        offset=wanted.offset,
        limit=wanted.size,
    )
    return render_template(
        "certs/retraining_names.html",
        module=module,
        version=version,
        label=LABELS[Concern(group)],
        page=Slice(items=people, total=shown.counts[Concern(group)], asked=wanted),
        choices=form.choices(),
    )


def _load(module_id: int, number: int) -> tuple[Module, ModuleVersion, Decision]:
    session = read_session()
    module = module_queries.module_of(session, me().organization_id, module_id)
    version = _version(module, number)
    return (
        module,
        version,
        retraining.decisions(session, module).get(version.id, retraining.EQUIVALENT),
    )


def _version(module: Module, number: int) -> ModuleVersion:
    """The version; or the one that asking anew for a module without files would make."""
    session = read_session()
    if module.kind in visibility.doors(current_app.extensions).renewals:
        following = retraining.coming(session, module, now=clock.now())
        if following.number == number:
            return following
    return retraining.version_of(session, module, number)


def _form(version: ModuleVersion, before: Decision) -> RetrainingForm:
    """As it stands, or with the day that whoever brought the version had in mind."""
    wanted = request.args.get("from_on", type=date.fromisoformat)
    day = before.from_on or wanted
    is_anew = "anew" in request.args or day is not None or version.id is None
    return RetrainingForm(
        data={
            "effect": RETRAINING if is_anew else EQUIVALENT,
            "from_on": day,
            "known": before.id,
        }
    )


def _prospect(
    module: Module, version: ModuleVersion, before: Decision, form: RetrainingForm
) -> Impact | None:
    """What the day chosen would do; None, with the field marked, when it makes no sense."""
    is_sent = form.from_on.raw_data is not None
    if is_sent and not form.from_on.validate(form):
        return None
    session, now = read_session(), clock.now()
    try:
        retraining.check(session, module.organization_id, before, form.day, now)
    except FieldError as error:
        form[error.field].errors = [error.message]
        return None
    return impacts.impact(session, version, form.day, now=now) if form.day else None


def _seal(before: Decision, form: RetrainingForm, shown: Impact | None) -> str:
    """Changes whenever what was shown is no longer what would happen."""
    counts = [shown.certificates, *(shown.counts[each] for each in Concern)] if shown else []
    return "-".join(str(part) for part in (before.id, form.day or "", *counts))


def _decide(module_id: int, number: int, form: RetrainingForm) -> None:
    with transaction() as tx:
        module = module_queries.module_of(tx.session, me().organization_id, module_id)
        retraining.decide(
            tx,
            _made(tx, module, number),
            form.day,
            known_id=int(form.known.data or 0),
            by=me().person_id,
            reason=form.reason.data,
            now=clock.now(),
        )


def _made(tx: Tx, module: Module, number: int) -> ModuleVersion:
    """The version that is decided about; a coming one is made now."""
    renew = visibility.doors(current_app.extensions).renewals.get(module.kind)
    try:
        return retraining.version_of(tx.session, module, number)
    except VersionNotFoundHereError:
        if renew is None or number != retraining.newest_number(tx.session, module) + 1:
            raise
    renew(tx, module, me().person_id, clock.now())
    return retraining.version_of(tx.session, module, number)


def _said(day: date | None) -> str:
    if day is None:
        return str(_("What was learned before goes on counting."))
    return str(_("From %(day)s on this version is required.", day=format_date(day, "long")))


def _page(
    module: Module,
    version: ModuleVersion,
    before: Decision,
    form: RetrainingForm,
    shown: Impact | None,
    *,
    has_changed: bool = False,
) -> str:
    first = retraining.first_day(read_session(), module.organization_id, clock.now())
    form.seen.data = _seal(before, form, shown)
    return render_template(
        "certs/retraining.html",
        module=module,
        back=PAGES.get(module.kind, "scorm.module"),
        version=version,
        before=before,
        has_begun=before.from_on is not None and before.from_on < first,
        form=form,
        impact=shown,
        labels=LABELS,
        tones=TONES,
        has_changed=has_changed,
        is_coming=version.id is None,
        progress=progress_of(read_session(), before.id) if before.id else None,
        choices=form.choices(),
    )
