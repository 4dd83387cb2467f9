"""Two entries that are one person: found, compared, merged, and taken apart again."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from plugin.assign import merging
from plugin.assign.person_forms import MergeForm, UnmergeForm
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import queries as module_queries
from plugin.org import merge_queries
from plugin.org.errors import FieldError
from plugin.org.models import Person
from plugin.org.reach import person_in_reach, reach_of
from plugin.web.identity import me, requires
from plugin.web.listing import MAX_WORDS
from plugin.web.roles import Role

bp = Blueprint("person_merges", __name__)


def _load(session: Session, person_id: int) -> Person:
    return person_in_reach(session, reach_of(session, me()), person_id, clock.now())


@bp.get("/admin/people/<int:person_id>/merge")
@requires(Role.ADMIN)
def find(person_id: int) -> str:
    """Who may be the same human: by name and address, or by the words searched for."""
    session = read_session()
    person = _load(session, person_id)
    words = request.args.get("q", "").strip()[:MAX_WORDS]
    return render_template(
        "assign/merge_find.html",
        person=person,
        words=words,
        candidates=merge_queries.candidates(session, person, words),
    )


@bp.route("/admin/people/<int:person_id>/merge/<int:other_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def merge(person_id: int, other_id: int) -> str | Response | tuple[str, int]:
    """Both side by side; which one stays, and why they are one."""
    both = (person_id, other_id)
    form = MergeForm(stays=person_id)
    for each in both:
        _load(read_session(), each)
    form.stays.choices = [
        SelectChoice(person_id, _("This entry")),
        SelectChoice(other_id, _("The other entry")),
    ]
    if form.validate_on_submit():
        stays = form.stays.data
        goes = other_id if stays == person_id else person_id
        try:
            with transaction() as tx:
                survivor, absorbed = _load(tx.session, stays), _load(tx.session, goes)
                merging.merge(
                    tx,
                    survivor,
                    absorbed,
                    by=me().person_id,
                    reason=form.reason.data,
                    now=clock.now(),
                )
        except FieldError as error:
            form.reason.errors = [error.message]
        else:
            flash(_("Merged. It can be undone on this page."))
            return redirect(url_for("person.details", person_id=stays))
    return _compare(both, form), (422 if form.is_submitted() else 200)


def _compare(both: tuple[int, int], form: MergeForm) -> str:
    session, now, organization_id = read_session(), clock.now(), me().organization_id
    entries = [merge_queries.entry(session, organization_id, each, now) for each in both]
    return render_template(
        "assign/merge.html",
        entries=entries,
        completions=module_queries.count_records(session, organization_id, both),
        form=form,
    )


@bp.route("/admin/people/<int:person_id>/merges/<int:merge_id>/undo", methods=["GET", "POST"])
@requires(Role.ADMIN)
def undo(person_id: int, merge_id: int) -> str | Response | tuple[str, int]:
    """They are two people after all."""
    session = read_session()
    found = merge_queries.merge_of(session, me().organization_id, person_id, merge_id)
    form = UnmergeForm()
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                made = merge_queries.merge_of(tx.session, me().organization_id, person_id, merge_id)
                is_undone = merging.unmerge(
                    tx, made, by=me().person_id, reason=form.reason.data, now=clock.now()
                )
        except FieldError as error:
            form.reason.errors = [error.message]
        else:
            flash(_("They are two people again.") if is_undone else _("It was undone already."))
            return redirect(url_for("person.details", person_id=person_id))
    session = read_session()
    page = render_template(
        "assign/unmerge.html",
        person=_load(session, person_id),
        other=_load(session, found.absorbed_id),
        form=form,
    )
    return page, (422 if form.is_submitted() else 200)
