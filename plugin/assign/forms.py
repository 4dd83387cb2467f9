"""The forms of the training pages."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DecimalField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import HiddenInput, TextInput

from plugin.assign.draft import MAX_DAYS, MAX_MONTHS, DraftRow
from plugin.assign.facts import RowStatus
from plugin.org.rules import MAX_NAME
from plugin.web.forms import Between, NeededWith

PERCENT = 100
STATUSES = {
    RowStatus.REQUIRED: _l("Required"),
    RowStatus.OPTIONAL: _l("Optional"),
    RowStatus.HIDDEN: _l("Hidden"),
}
PERIODS = (3, 6, 12, 24)
PERIOD_LABELS = {
    3: _l("3 months"),
    6: _l("6 months"),
    12: _l("12 months"),
    24: _l("24 months"),
}
OTHER = "other"
_MONTHS_OF = {str(months): months for months in PERIODS}
NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


class CreateForm(FlaskForm):  # type: ignore[misc]
    """A new training configuration, blank or from a template."""

    name = StringField(
        _l("Name"),
        [DataRequired(_l("Give the training a name.")), Length(max=MAX_NAME)],
        description=_l("It is printed on certificates, for example Basic safety."),
    )
    template = SelectField(_l("Start from"), coerce=int, validate_choice=False, default=0)


class NameForm(FlaskForm):  # type: ignore[misc]
    """Another name."""

    name = StringField(
        _l("Name"), [DataRequired(_l("Give the training a name.")), Length(max=MAX_NAME)]
    )


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Something that needs a reason."""

    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )


class RowForm(Form):  # type: ignore[misc]
    """One module of a configuration; text boxes, so that what was mistyped can be shown again."""

    module_id = IntegerField(widget=HiddenInput())
    status = SelectField(
        _l("Status"),
        [DataRequired()],
        choices=[SelectChoice(each, label) for each, label in STATUSES.items()],
        default=RowStatus.REQUIRED.value,
    )
    period = SelectField(
        _l("Valid for"),
        choices=[
            SelectChoice("", _l("No end")),
            *(SelectChoice(str(months), PERIOD_LABELS[months]) for months in PERIODS),
            SelectChoice(OTHER, _l("Other")),
        ],
        validate_choice=False,
        default=None,
    )
    validity_months = IntegerField(
        _l("Other: months"),
        [
            NeededWith("period", OTHER, _l("Write the number of months.")),
            Optional(),
            Between(1, MAX_MONTHS, _l("Use 1 to %(most)d months, or leave it empty.")),
        ],
        widget=TextInput(),
        render_kw=NUMBER,
    )
    pass_mark = DecimalField(
        _l("Pass mark in %"),
        [Optional(), Between(0, PERCENT, _l("Use 0 to %(most)d percent, or leave it empty."))],
        places=None,
        widget=TextInput(),
        render_kw=NUMBER | {"inputmode": "decimal"},
    )
    due_days = IntegerField(
        _l("Days until due"),
        [Optional(), Between(1, MAX_DAYS, _l("Use 1 to %(most)d days, or leave it empty."))],
        widget=TextInput(),
        render_kw=NUMBER,
    )

    @property
    def months(self) -> int | None:
        """The period chosen from the list, or the number written beside it."""
        if self.period.data in {None, "", "None"} and self.period.raw_data:
            return None
        if self.period.data in _MONTHS_OF:
            return _MONTHS_OF[self.period.data]
        number: int | None = self.validity_months.data
        return number

    @property
    def draft_row(self) -> DraftRow:
        """The row these fields describe; asked once they are valid."""
        mark: Decimal | None = self.pass_mark.data
        return DraftRow(
            module_id=self.module_id.data,
            status=RowStatus(self.status.data),
            validity_months=self.months,
            pass_mark=None if mark is None else float(mark / PERCENT),
            due_days=self.due_days.data,
        )


class DraftForm(FlaskForm):  # type: ignore[misc]
    """A configuration being prepared: its rows, the certificate, and modules to add.

    `editor` names the open page, so that its own saves are not somebody else's.
    """

    revision = IntegerField(widget=HiddenInput())
    editor = HiddenField()
    certificate_on = BooleanField(
        _l("Issue certificates of completion"),
        description=_l(
            "By mail and on the dashboard, as soon as every required module is done and valid."
        ),
    )
    rows = FieldList(FormField(RowForm))
    find = StringField(_l("Find modules"), [Optional(), Length(max=MAX_NAME)])

    @property
    def draft_rows(self) -> list[DraftRow]:
        """The rows as they are in the form, in order; asked once it is valid."""
        return [entry.form.draft_row for entry in self.rows]

    @property
    def listed(self) -> list[int]:
        """The ids of the modules in the list."""
        return [entry.form.module_id.data for entry in self.rows if entry.form.module_id.data]

    def remove(self, place: int) -> None:
        """Take out the row at this place of the list; unknown places change nothing."""
        if 0 <= place < len(self.rows.entries):
            del self.rows.entries[place]

    def move(self, place: int, by: int) -> None:
        """The row changes places with its neighbour; at the ends nothing changes."""
        entries, other = self.rows.entries, place + by
        if 0 <= place < len(entries) and 0 <= other < len(entries):
            entries[place], entries[other] = entries[other], entries[place]

    def add(self, module_ids: Iterable[int]) -> None:
        """Each module not yet in the list comes last."""
        for module_id in module_ids:
            if module_id not in self.listed:
                self.rows.append_entry({"module_id": module_id, "period": ""})

    def show_error(self, place: int, field: str, message: str) -> None:
        """Put a refusal beside the field of the row it is about."""
        self.rows[place].form[field].errors = [message]


def fields_of(rows: Iterable[DraftRow]) -> list[dict[str, Any]]:
    """The rows as the form shows them."""
    return [
        {
            "module_id": row.module_id,
            "status": row.status.value,
            "period": _period(row.validity_months),
            "validity_months": None if row.validity_months in PERIODS else row.validity_months,
            "months": row.validity_months,
            "pass_mark": None if row.pass_mark is None else percent(row.pass_mark),
            "due_days": row.due_days,
        }
        for row in rows
    ]


def _period(months: int | None) -> str:
    if months is None:
        return ""
    return str(months) if months in PERIODS else OTHER


def percent(share: float) -> Decimal:
    """A share as a percentage the way people write it: 0.8 is 80, 0.665 is 66.5."""
    return Decimal(f"{share * PERCENT:.10g}")
