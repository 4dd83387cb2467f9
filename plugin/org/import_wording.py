"""The sentences of imports: what is wrong with a file or a row, and what a row does."""

from collections.abc import Mapping
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.org.import_format import FileProblemError, RowOutcome
from plugin.org.import_models import ImportKind, ImportState

FILE_PROBLEMS: Mapping[str, LazyString] = {
    "empty": _l("The file is empty."),
    "spreadsheet": _l("This is a spreadsheet (xlsx or xls). Save it as CSV and upload that file."),
    "utf_16": _l("The file is written in UTF-16. Save it as “CSV UTF-8” and upload that file."),
    "not_text": _l("This is not a text file. Upload a CSV file."),
    "no_header": _l("The first line must name the columns, as in the template. It says: %(value)s"),
    "unknown_column": _l("The column “%(value)s” is not known. Rename or remove it."),
    "double_column": _l("The column “%(value)s” is there twice. Remove one of them."),
    "missing_column": _l("The column “%(value)s” is missing."),
    "missing_key_column": _l(
        "The columns “email” and “employee ID” are both missing; one of them must be there."
    ),
    "too_many_rows": _l("The file has more than %(value)s rows. Split it and import the parts."),
    "broken": _l(
        "The file cannot be read from line %(line)s on: a quotation mark is opened and not "
        "closed, or stands inside a cell."
    ),
}
CELL_PROBLEMS: Mapping[str, LazyString] = {
    "too_many_cells": _l("“%(value)s” stands in a column without a name."),
    "unprintable": _l("The cell holds characters that cannot be stored."),
    "too_long": _l("The cell is longer than %(value)s characters."),
    "not_an_email": _l("“%(value)s” is not an email address."),
    "no_key": _l("Give an email address or an employee ID."),
    "deactivated": _l("%(value)s is deactivated. Activate the person first."),
    "ambiguous_email": _l(
        "Several people have the address %(value)s. Add the employee ID of the right one."
    ),
    "email_of_another": _l(
        "This address belongs to the person with employee ID %(value)s. Correct one of the two."
    ),
}
"""What may be wrong with a row of any kind."""

ROW_PROBLEMS: Mapping[str, LazyString] = {
    **CELL_PROBLEMS,
    "too_many_codes": _l("More than %(value)s ID codes in one cell."),
    "admin_by_file": _l("The role admin is never given by a file. Give it on the person's page."),
    "unknown_role": _l("“%(value)s” is not a role. Use learner, manager or nothing."),
    "manager_of_nothing": _l("A manager needs a group, site or region in the same row."),
    "no_name": _l("Nobody is known by this employee ID or email; a new person needs a name."),
    "same_person": _l(
        "The same person is already in line %(value)s. Put everything into one row; several "
        "units in one cell are separated by |."
    ),
    "unknown_code": _l("No unit in use of this kind has the ID code “%(value)s”."),
}
OUTCOMES: Mapping[RowOutcome, tuple[str, LazyString]] = {
    RowOutcome.NEW: ("valid", _l("New person")),
    RowOutcome.CHANGED: ("info", _l("Changed")),
    RowOutcome.ADDED: ("info", _l("Added to units")),
    RowOutcome.SAME: ("plain", _l("Nothing to do")),
    RowOutcome.ERROR: ("invalid", _l("Error")),
}
KINDS: Mapping[ImportKind, LazyString] = {
    ImportKind.PEOPLE: _l("People"),
    ImportKind.COMPLETIONS: _l("Completions"),
}
STATES: Mapping[ImportState, tuple[str, LazyString]] = {
    ImportState.UPLOADED: ("soon", _l("Waiting for its check")),
    ImportState.CHECKING: ("soon", _l("Being checked")),
    ImportState.CHECKED: ("info", _l("Checked, not applied")),
    ImportState.APPLYING: ("soon", _l("Being applied")),
    ImportState.DONE: ("valid", _l("Done")),
    ImportState.FAILED: ("invalid", _l("Failed")),
    ImportState.CANCELLED: ("plain", _l("Cancelled")),
}
COLUMN_LABELS: Mapping[str, LazyString] = {
    "first name": _l("First name"),
    "last name": _l("Last name"),
    "email": _l("Email"),
    "employee ID": _l("Employee ID"),
    "role": _l("Role"),
    "groups": _l("Groups"),
    "sites": _l("Sites"),
    "regions": _l("Regions"),
}
FIELD_LABELS: Mapping[str, LazyString] = {
    "given_name": _l("First name"),
    "family_name": _l("Last name"),
    "email": _l("Email"),
    "employee_id": _l("Employee ID"),
}
"""The changes a row shows; the full name only follows the two names."""

TEMPLATE_ROWS = (
    (
        "Ada",
        "Example",
        "ada@example.com",
        "1001",
        "learner",
        "CONTRACTORS",
        "OSL|BGO",
        "",
    ),
    ("Ben", "Example", "ben@example.com", "1002", "manager", "", "OSL", ""),
)


def file_sentence(error: FileProblemError) -> str:
    """What is wrong with a file."""
    return _filled(FILE_PROBLEMS[error.code], value=error.value, line=error.line)


def stored_file_sentence(problem: Mapping[str, Any]) -> str:
    """The same, of a file that failed later."""
    return _filled(FILE_PROBLEMS[problem["code"]], value=problem["value"], line=problem["line"])


def row_sentence(sentences: Mapping[str, LazyString], problem: Mapping[str, Any]) -> str:
    """What is wrong with a cell, or the row, in the sentences of its kind of file."""
    return _filled(sentences[problem["code"]], value=problem["value"])


def _filled(sentence: LazyString, **values: object) -> str:
    """What a cell says is put in as it is, whatever signs it holds."""
    return str(sentence) % values if "%(" in str(sentence) else str(sentence)
