"""The admins' side of documents: bringing one in, its versions, its files."""

from flask import Blueprint, abort, flash, redirect, render_template, send_file, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.context import current_settings, storage
from plugin.core.db import read_session, transaction
from plugin.core.storage import Stored
from plugin.documents import actions, queries
from plugin.documents.forms import ANEW, DocumentForm, NewVersionForm
from plugin.modules import pages, retraining, titles
from plugin.modules import queries as module_queries
from plugin.modules.models import Module, ModuleKind, ModuleVersion
from plugin.modules.titles import TitleForm
from plugin.org.saving import is_saved, shown
from plugin.web.bodies import takes_files
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("documents", __name__)
PAGE = "documents.module"


@bp.route("/admin/modules/documents/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
@takes_files(actions.MAX_MEGABYTES)
def new() -> str | Response | tuple[str, int]:
    """A PDF becomes a module."""
    form, made = DocumentForm(), list[int]()

    def save() -> None:
        made.append(_create(form.file.data, form.title.data or ""))

    if is_saved(form, save):
        flash(_("The module is there. Add it to a training to have it acknowledged."))
        return redirect(url_for(PAGE, module_id=made[0]), 303)
    return shown(render_template("documents/new.html", form=form), form)


@bp.route("/admin/modules/documents/<int:module_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
@takes_files(actions.MAX_MEGABYTES)
def module(module_id: int) -> str | Response | tuple[str, int]:
    """The document's versions, and the form that brings a new one."""
    found, numbers = _module(module_id), list[int]()
    form = NewVersionForm()
    if is_saved(form, lambda: numbers.append(_bring(found, form))):
        return redirect(_following(form, module_id, numbers[0]), 303)
    title_form = TitleForm(formdata=None, data={"title": found.title})
    return shown(_page(module_id, form, title_form), form)


def _following(form: NewVersionForm, module_id: int, number: int) -> str:
    """Where the day is chosen from which the version must be acknowledged, if it must be."""
    if form.effect.data == ANEW:
        return url_for("retraining.decide", module_id=module_id, number=number, anew=1)
    return url_for(PAGE, module_id=module_id)


@bp.post("/admin/modules/documents/<int:module_id>/title")
@requires(Role.ADMIN)
def rename(module_id: int) -> str | Response | tuple[str, int]:
    """Another title for the same document."""
    _module(module_id)
    form = TitleForm()

    def save() -> None:
        with transaction() as tx:
            module = module_queries.module_of(tx.session, me().organization_id, module_id)
            titles.rename(tx, module, form.title.data, by=me().person_id, now=clock.now())

    if is_saved(form, save):
        flash(_("Saved."))
        return redirect(url_for(PAGE, module_id=module_id), 303)
    return shown(_page(module_id, NewVersionForm(formdata=None), form), form)


def _page(module_id: int, form: NewVersionForm, title_form: TitleForm) -> str:
    found = _module(module_id)
    return render_template(
        "documents/module.html",
        module=found,
        about=pages.about(found),
        versions=queries.versions_of(read_session(), found),
        decisions=retraining.decisions(read_session(), found),
        form=form,
        title_form=title_form,
    )


@bp.get("/admin/modules/documents/<int:module_id>/<int:number>.pdf")
@requires(Role.ADMIN)
def file(module_id: int, number: int) -> Response:
    """The PDF of a version, as it was brought; never shown inside a page of ours."""
    document = queries.document_of_number(read_session(), _module(module_id), number)
    return send_file(
        storage().path(document.key),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=document.filename,
    )


def _module(module_id: int) -> Module:
    found = module_queries.module_of(read_session(), me().organization_id, module_id)
    if found.kind is not ModuleKind.DOCUMENT:
        abort(404)
    return found


def _kept(upload: FileStorage) -> Stored:
    return actions.keep_pdf(
        storage(), me().organization_id, upload.stream, scanner=current_settings().clamav
    )


def _create(upload: FileStorage, title: str) -> int:
    kept = _kept(upload)
    with storage().held(kept.key), transaction() as tx:
        return actions.create(
            tx,
            me().organization_id,
            title=title,
            kept=kept,
            filename=upload.filename or "",
            by=me().person_id,
            now=clock.now(),
        ).id


def _bring(found: Module, form: NewVersionForm) -> int:
    """The number of the version that everybody reads from now on."""
    upload, module_id = form.file.data, found.id
    kept = _kept(upload)
    with storage().held(kept.key), transaction() as tx:
        version = actions.add_version(
            tx,
            module_queries.module_of(tx.session, me().organization_id, module_id),
            kept=kept,
            filename=upload.filename or "",
            changes=form.changes.data or "",
            by=me().person_id,
            now=clock.now(),
        )
        number = tx.session.get_one(ModuleVersion, version.module_version_id).number
    flash(_("The new version is what everybody reads from now on."))
    return number
