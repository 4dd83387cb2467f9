"""Publishing a draft: the impact first, its names, then the publish and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.assign import actions, marks, queries
from plugin.assign.actions import NextVersion
from plugin.assign.draft import DraftRow, needs_required_row
from plugin.assign.errors import DraftChangedError, RowError
from plugin.assign.forms import STATUSES, fields_of
from plugin.assign.models import Configuration, ConfigurationDraft
from plugin.assign.progress import progress_of
from plugin.certs import impact as impacts
from plugin.certs.impact import Group, Impact
from plugin.certs.publish_forms import PublishForm
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import catalogue, naming
from plugin.org import queries as org_queries
from plugin.org.errors import FieldError
from plugin.web.identity import me, requires
from plugin.web.listing import Slice, asked
from plugin.web.roles import Role

bp = Blueprint("publishing", __name__)

LABELS: Mapping[Group, LazyString] = {
    Group.COVERED: _l("People covered"),
    Group.NEWLY_OBLIGED: _l("People with something new to do"),
    Group.TURN_INVALID: _l("Certificates that turn invalid"),
    Group.AT_RISK: _l("Certificates that turn invalid after the grace, if nothing is done"),
    Group.END: _l("Certificates that end"),
    Group.RESTORED: _l("Certificates restored"),
    Group.ISSUED: _l("Certificates issued for the first time"),
    Group.RENEWED: _l("Certificates renewed"),
    Group.TRAINING_MAILS: _l("Mails about new training"),
    Group.CERTIFICATE_MAILS: _l("Mails with a certificate"),
    Group.WITHOUT_ADDRESS: _l("People concerned whom mail does not reach"),
    Group.SWITCHED_OFF: _l("People not mailed because the organization has switched the kind off"),
}
TONES = {Group.TURN_INVALID: "invalid", Group.END: "invalid", Group.AT_RISK: "soon"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prospect:
    """What would be published, and what that would do."""

    coming: NextVersion
    impact: Impact

    @property
    def seal(self) -> str:
        """Changes whenever what was shown is no longer what would happen."""
        parts = [
            self.coming.effective_at.date().isoformat(),
            *(f"{self.impact.counts[group]}" for group in Group),
        ]
        return "-".join(parts)


@bp.route("/admin/training/<int:configuration_id>/publish", methods=["GET", "POST"])
@requires(Role.ADMIN)
def publish(configuration_id: int) -> str | Response | tuple[str, int]:
    session = read_session()
    configuration, draft = _load(session, configuration_id)
    form = PublishForm(revision=draft.revision)
    is_sound = form.validate() if request.method == "POST" else True
    prospect = _prospect(session, configuration, draft, form)
    if request.method == "GET" or "look" in request.form:
        form.reason.errors = []
        return _page(configuration, draft, form, prospect)
    if not is_sound or prospect is None:
        return _page(configuration, draft, form, prospect), 422
    if form.revision.data != str(draft.revision):
        refusal = DraftChangedError(configuration_id)
        form.revision.errors = [refusal.message]
        return _page(configuration, draft, form, prospect), refusal.http_status
    if form.seen.data != _sign(form, prospect):
        return _page(configuration, draft, form, prospect, has_changed=True), 409
    try:
        number = _publish(configuration_id, form)
    except (DraftChangedError, RowError) as error:
        form.revision.errors = [error.message]
        return _page(configuration, draft, form, prospect), error.http_status
    flash(_("Version %(number)d is published.", number=number))
    return redirect(url_for("publishing.progress", configuration_id=configuration_id))


@bp.get("/admin/training/<int:configuration_id>/publish/<group>")
@requires(Role.ADMIN)
def names(configuration_id: int, group: str) -> str:
    """The people behind one number of the impact, for the choices in the address."""
    if group not in list(Group):
        abort(404)
    session = read_session()
    configuration, draft = _load(session, configuration_id)
    form = PublishForm(request.args, meta={"csrf": False})
    prospect = _prospect(session, configuration, draft, form)
    if prospect is None:
        abort(404)
    wanted = asked(sorts=["name"])
    total = prospect.impact.counts[Group(group)]
    people = impacts.names(
        session,
        configuration,
        prospect.coming,
        Group(group),
        offset=wanted.offset,
        limit=wanted.size,
    )
    return render_template(
        "certs/impact_names.html",
        configuration=configuration,
        label=LABELS[Group(group)],
        page=Slice(items=people, total=total, asked=wanted),
        choices=form.choices(),
    )


@bp.get("/admin/training/<int:configuration_id>/progress")
@requires(Role.ADMIN)
def progress(configuration_id: int) -> str:
    """How far the newest version has come: who is judged, which mails have gone."""
    session = read_session()
    configuration, _draft = _load(session, configuration_id)
    return render_template(
        "certs/publish_progress.html",
        configuration=configuration,
        unit=org_queries.unit_of(session, configuration.organization_id, configuration.unit_id),
        progress=progress_of(session, configuration, clock.now()),
    )


def _load(session: Session, configuration_id: int) -> tuple[Configuration, ConfigurationDraft]:
    configuration = queries.configuration_of(session, me().organization_id, configuration_id)
    return configuration, queries.draft_of(session, configuration)


def _prospect(
    session: Session, configuration: Configuration, draft: ConfigurationDraft, form: PublishForm
) -> _Prospect | None:
    """What the choices would do; None, with the field marked, when they make no sense."""
    if not form.has_its_dates():
        return None
    try:
        coming = actions.next_version(session, configuration, draft, form.effect, now=clock.now())
    except RowError as error:
        form.revision.errors = [error.message]
    except FieldError as error:
        form[error.field].errors = [error.message]
    else:
        return _Prospect(coming=coming, impact=impacts.impact(session, configuration, coming))
    return None


def _sign(form: PublishForm, prospect: _Prospect) -> str:
    return f"{form.revision.data}-{prospect.seal}"


def _publish(configuration_id: int, form: PublishForm) -> int:
    with transaction() as tx:
        configuration, _draft = _load(tx.session, configuration_id)
        return actions.publish(
            tx,
            configuration,
            by=me().person_id,
            reason=form.reason.data,
            effect=form.effect,
            now=clock.now(),
            revision=int(form.revision.data or 0),
        ).number


def _page(
    configuration: Configuration,
    draft: ConfigurationDraft,
    form: PublishForm,
    prospect: _Prospect | None,
    *,
    has_changed: bool = False,
) -> str:
    session = read_session()
    rows = [DraftRow.from_json(row) for row in draft.rows]
    modules = catalogue.listed(
        session, configuration.organization_id, [row.module_id for row in rows]
    )
    before = prospect.coming.before if prospect else None
    if prospect:
        form.seen.data = _sign(form, prospect)
    return render_template(
        "certs/publish.html",
        configuration=configuration,
        unit=org_queries.unit_of(session, configuration.organization_id, configuration.unit_id),
        version=queries.version_in_force(session, configuration, clock.now()),
        pending=queries.pending_version(session, configuration, clock.now()),
        form=form,
        rows=fields_of(rows),
        titles={module.id: naming.name(module) for module in modules},
        statuses=STATUSES,
        certificate_on=draft.certificate_on,
        is_switched_on=draft.certificate_on and not (before and before.certificate_on),
        marks=marks.warnings(rows, modules),
        lacks_required=needs_required_row(rows, certificate_on=draft.certificate_on),
        prospect=prospect,
        labels=LABELS,
        tones=TONES,
        has_changed=has_changed,
        choices=form.choices(),
    )
