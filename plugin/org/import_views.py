"""Pages for admins: imports of every kind, from the file to the last row."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import read_session, transaction
from plugin.core.errors import PluginError
from plugin.org import import_actions, import_queries, importing
from plugin.org.import_file import MAX_MEGABYTES
from plugin.org.import_format import EXTRA, FileProblemError
from plugin.org.import_forms import FORMS, ImportForm
from plugin.org.import_kinds import Subject, Words, subject_of
from plugin.org.import_models import ImportKind, ImportState, PersonImport
from plugin.org.import_wording import (
    FIELD_LABELS,
    KINDS,
    STATES,
    file_sentence,
    row_sentence,
    stored_file_sentence,
)
from plugin.web.bodies import takes_files
from plugin.web.export import Format, download
from plugin.web.identity import me, requires
from plugin.web.listing import asked
from plugin.web.roles import Role

bp = Blueprint("imports", __name__)
BUSY = frozenset({ImportState.UPLOADED, ImportState.CHECKING, ImportState.APPLYING})


@bp.get("/admin/imports")
@requires(Role.ADMIN)
def listing() -> str:
    wanted = asked(
        sorts=import_queries.SORTS,
        filters={"state": list(ImportState), "kind": list(ImportKind)},
        descending=True,
    )
    return render_template(
        "org/imports.html",
        found=import_queries.imports(read_session(), me().organization_id, wanted),
        states=STATES,
        kinds=KINDS,
        kind_choices=[(kind.value, label) for kind, label in KINDS.items()],
        state_choices=[(state.value, label) for state, (_tone, label) in STATES.items()],
    )


def _subject(kind: str) -> Subject:
    if kind not in set(ImportKind):
        abort(404)
    return subject_of(ImportKind(kind))


@bp.route("/admin/imports/new", methods=["GET", "POST"], defaults={"kind": ImportKind.PEOPLE.value})
@bp.route("/admin/imports/<kind>/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
@takes_files(MAX_MEGABYTES)
def new(kind: str) -> str | AnyResponse | tuple[str, int]:
    subject = _subject(kind)
    form = FORMS[subject.kind]()
    if form.validate_on_submit():
        try:
            import_id = _receive(form, subject)
            return redirect(url_for("imports.details", import_id=import_id), 303)
        except FileProblemError as error:
            form.file.errors = [file_sentence(error)]
    page = render_template(subject.words.new_page, form=form)
    return (page, 422) if form.errors else page


def _receive(form: ImportForm, subject: Subject) -> int:
    upload = form.file.data
    file = import_actions.keep_file(
        storage(), me().organization_id, upload.filename or "", upload.stream, subject.format
    )
    try:
        with transaction() as tx:
            return import_actions.receive(
                tx,
                me().organization_id,
                file,
                kind=subject.kind,
                tells_people=form.tells_people.data,
                by=me().person_id,
                now=clock.now(),
            ).id
    except BaseException:
        storage().path(file.key).unlink(missing_ok=True)
        raise


@bp.get("/admin/imports/template.csv", defaults={"kind": ImportKind.PEOPLE.value})
@bp.get("/admin/imports/<kind>/template.csv")
@requires(Role.ADMIN)
def template(kind: str) -> Response:
    """A file to begin with: the header and two rows as examples."""
    subject = _subject(kind)
    columns, rows = subject.format.columns, subject.words.sample
    return download(Format.CSV, subject.kind.value, columns, rows, zone=me().time_zone)


@bp.get("/admin/imports/<int:import_id>")
@requires(Role.ADMIN)
def details(import_id: int) -> str:
    return _details(_import(import_id))


def _details(row: PersonImport, error: str = "") -> str:
    session, subject = read_session(), subject_of(row.kind)
    words = subject.words
    wanted = asked(sorts=["line"], filters={"outcome": list(words.outcomes)})
    found = import_queries.findings(session, row, wanted)
    return render_template(
        "org/import.html",
        row=row,
        error=error,
        is_busy=row.state in BUSY,
        is_cancellable=row.state in import_actions.CANCELLABLE,
        percent=min(100, 100 * row.through_line // max(1, row.lines)),
        problem=stored_file_sentence(row.problem) if row.problem else "",
        summary=import_queries.summary(session, row),
        found=found,
        names=subject.names(session, row.organization_id, found.items),
        states=STATES,
        words=words,
        outcomes=words.outcomes,
        outcome_choices=[(each.value, label) for each, (_tone, label) in words.outcomes.items()],
        fields=FIELD_LABELS,
        moment=datetime.fromisoformat,
        sentence=lambda problem: row_sentence(words.problems, problem),
    )


def _import(import_id: int) -> PersonImport:
    return import_queries.import_of(read_session(), me().organization_id, import_id)


@bp.post("/admin/imports/<int:import_id>/apply")
@requires(Role.ADMIN)
def apply(import_id: int) -> AnyResponse | tuple[str, int]:
    try:
        with transaction() as tx:
            import_actions.begin_applying(
                tx,
                import_queries.import_of(tx.session, me().organization_id, import_id),
                also_with_errors=request.form.get("rows") == "good",
                by=me().person_id,
                now=clock.now(),
            )
    except PluginError as error:
        if error.http_status != 409:  # noqa: PLR2004 - a conflict is said on the page itself
            raise
        return _details(_import(import_id), error.message), error.http_status
    return redirect(url_for("imports.details", import_id=import_id), 303)


@bp.post("/admin/imports/<int:import_id>/cancel")
@requires(Role.ADMIN)
def cancel(import_id: int) -> AnyResponse:
    with transaction() as tx:
        row = import_queries.import_of(tx.session, me().organization_id, import_id)
        import_actions.cancel(tx, row, by=me().person_id, now=clock.now())
    importing.forget_file(import_id)
    flash(_("The import is cancelled."))
    return redirect(url_for("imports.details", import_id=import_id), 303)


@bp.get("/admin/imports/<int:import_id>/errors.csv")
@requires(Role.ADMIN)
def errors(import_id: int) -> Response:
    """The rows with errors as they were written, and what is wrong with each."""
    row = _import(import_id)
    subject = subject_of(row.kind)
    rows = _bad_rows(row, subject.words)
    return download(
        Format.CSV, "errors", [*subject.format.columns, EXTRA], rows, zone=me().time_zone
    )


def _bad_rows(row: PersonImport, words: Words) -> Iterator[list[str]]:
    for each in import_queries.bad_rows(read_session(), row):
        yield [*(each.cells or []), " ".join(_said(words, problem) for problem in each.errors)]


def _said(words: Words, problem: Mapping[str, Any]) -> str:
    column, sentence = words.columns.get(problem["column"]), row_sentence(words.problems, problem)
    return f"{column}: {sentence}" if column else sentence
