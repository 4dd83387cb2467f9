"""The forms about one person's training: completions by hand, waivers, merges."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    DateField,
    DecimalField,
    HiddenField,
    RadioField,
    SelectField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import TextInput

from plugin.assign.forms import NUMBER, PERCENT
from plugin.web.forms import Between

OWN_END = _l(
    "Only if what proves it says a last day of its own. It never counts longer than the training's "
    "period."
)


class CompletionForm(FlaskForm):  # type: ignore[misc]
    """A completion seen elsewhere. `once` makes a form sent twice count once."""

    once = HiddenField()
    module_id = SelectField(_l("Module"), coerce=int, validate_choice=True)
    happened_on = DateField(_l("Completed on"), [DataRequired(_l("Choose a day."))])
    ends_on = DateField(_l("Ends on"), [Optional()], description=OWN_END)
    score = DecimalField(
        _l("Score in %"),
        [Optional(), Between(0, PERCENT, _l("Use 0 to %(most)d percent, or leave it empty."))],
        places=None,
        widget=TextInput(),
        render_kw=NUMBER | {"inputmode": "decimal"},
    )
    evidence = FileField(_l("Evidence"), description=_l("PDF, PNG or JPEG, at most 10 MB."))
    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )


class EndSittingForm(FlaskForm):  # type: ignore[misc]
    """Why a sitting is ended without a result."""

    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )


class CorrectionForm(FlaskForm):  # type: ignore[misc]
    """What was recorded of a completion was wrong."""

    passed = RadioField(
        _l("What is right"),
        choices=[
            SelectChoice("yes", _l("Passed, as corrected below")),
            SelectChoice("no", _l("Not passed: it does not count")),
        ],
        default="yes",
    )
    happened_on = DateField(_l("Completed on"), [DataRequired(_l("Choose a day."))])
    ends_on = DateField(_l("Ends on"), [Optional()], description=OWN_END)
    score = DecimalField(
        _l("Score in %"),
        [Optional(), Between(0, PERCENT, _l("Use 0 to %(most)d percent, or leave it empty."))],
        places=None,
        widget=TextInput(),
        render_kw=NUMBER | {"inputmode": "decimal"},
    )
    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )


class MergeForm(FlaskForm):  # type: ignore[misc]
    """Two entries are one person."""

    stays = RadioField(_l("Which entry stays"), coerce=int)
    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )


class UnmergeForm(FlaskForm):  # type: ignore[misc]
    """They are two people after all."""

    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )


class WaiverForm(FlaskForm):  # type: ignore[misc]
    """A row set aside for one person."""

    until_on = DateField(
        _l("Through"),
        [DataRequired(_l("Choose a last day."))],
        description=_l("The last day, at most twelve months ahead."),
    )
    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )
