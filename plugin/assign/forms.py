"""The forms of the training pages."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DecimalField,
    Field,
    FieldList,
    Form,
    FormField,
    IntegerField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, StopValidation
from wtforms.widgets import HiddenInput, TextInput

from plugin.assign.draft import MAX_DAYS, MAX_MONTHS, DraftRow
from plugin.assign.facts import RowStatus
from plugin.org.rules import MAX_NAME

PERCENT = 100
STATUSES = {
    RowStatus.REQUIRED: _l("Required"),
    RowStatus.OPTIONAL: _l("Optional"),
    RowStatus.HIDDEN: _l("Hidden"),
}
_NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


class CreateForm(FlaskForm):  # type: ignore[misc]
    """A new training configuration."""

    name = StringField(
        _l("Name"),
        [DataRequired(_l("Give the training a name.")), Length(max=MAX_NAME)],
        description=_l("It is printed on certificates, for example Basic safety."),
    )


class Between:
    """What was typed is a number from `least` to `most`; one sentence says so otherwise."""

    def __init__(self, least: int, most: int, sentence: LazyString) -> None:
        self.least, self.most, self.sentence = least, most, sentence

    def __call__(self, _form: Form, field: Field) -> None:
        if field.process_errors or not self._holds(field.data):
            field.errors[:] = []
            raise StopValidation(str(self.sentence) % {"most": self.most})

    def _holds(self, number: Decimal | int | None) -> bool:
        if number is None or not Decimal(number).is_finite():
            return False
        return self.least <= number <= self.most


class RowForm(Form):  # type: ignore[misc]
    """One module of a configuration; text boxes, so that what was mistyped can be shown again."""

    module_id = IntegerField(widget=HiddenInput())
    status = SelectField(
        _l("Status"),
        [DataRequired()],
        choices=[SelectChoice(each, label) for each, label in STATUSES.items()],
        default=RowStatus.REQUIRED.value,
    )
    validity_months = IntegerField(
        _l("Months valid"),
        [
            Optional(),
            Between(1, MAX_MONTHS, _l("Use 1 to %(most)d months, or leave it empty.")),
        ],
        widget=TextInput(),
        render_kw=_NUMBER,
    )
    pass_mark = DecimalField(
        _l("Pass mark in %"),
        [Optional(), Between(0, PERCENT, _l("Use 0 to %(most)d percent, or leave it empty."))],
        places=None,
        widget=TextInput(),
        render_kw=_NUMBER | {"inputmode": "decimal"},
    )
    due_days = IntegerField(
        _l("Days until due"),
        [Optional(), Between(1, MAX_DAYS, _l("Use 1 to %(most)d days, or leave it empty."))],
        widget=TextInput(),
        render_kw=_NUMBER,
    )

    @property
    def draft_row(self) -> DraftRow:
        """The row these fields describe; asked once they are valid."""
        mark: Decimal | None = self.pass_mark.data
        return DraftRow(
            module_id=self.module_id.data,
            status=RowStatus(self.status.data),
            validity_months=self.validity_months.data,
            pass_mark=None if mark is None else float(mark / PERCENT),
            due_days=self.due_days.data,
        )


class DraftForm(FlaskForm):  # type: ignore[misc]
    """A configuration being prepared: its rows, the certificate, and a module to add."""

    revision = IntegerField(widget=HiddenInput())
    certificate_on = BooleanField(
        _l("Issue certificates of completion"),
        description=_l(
            "By mail and on the dashboard, as soon as every required module is done and valid."
        ),
    )
    rows = FieldList(FormField(RowForm))
    add_module = SelectField(_l("Module"), coerce=int, validate_choice=False)

    @property
    def draft_rows(self) -> list[DraftRow]:
        """The rows as they are in the form, in order; asked once it is valid."""
        return [entry.form.draft_row for entry in self.rows]

    def remove(self, place: int) -> None:
        """Take out the row at this place of the list; unknown places change nothing."""
        if 0 <= place < len(self.rows.entries):
            del self.rows.entries[place]

    def show_error(self, place: int, field: str, message: str) -> None:
        """Put a refusal beside the field of the row it is about."""
        self.rows[place].form[field].errors = [message]


def fields_of(rows: Iterable[DraftRow]) -> list[dict[str, Any]]:
    """The rows as the form shows them."""
    return [
        {
            "module_id": row.module_id,
            "status": row.status.value,
            "validity_months": row.validity_months,
            "pass_mark": None if row.pass_mark is None else percent(row.pass_mark),
            "due_days": row.due_days,
        }
        for row in rows
    ]


def percent(share: float) -> Decimal:
    """A share as a percentage the way people write it: 0.8 is 80, 0.665 is 66.5."""
    return Decimal(f"{share * PERCENT:.10g}")
