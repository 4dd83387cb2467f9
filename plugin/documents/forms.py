"""The forms that bring a document and its new versions."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from plugin.modules.titles import MAX_TITLE

EQUIVALENT, ANEW = "equivalent", "anew"
MAX_CHANGES = 500


class DocumentForm(FlaskForm):  # type: ignore[misc]
    """A PDF that becomes a module."""

    file = FileField(
        _l("Document"),
        [FileRequired(_l("Choose the PDF."))],
        description=_l("A PDF of at most 50 MB, as learners are to read it."),
    )
    title = StringField(
        _l("Title"),
        [Optional(), Length(max=MAX_TITLE)],
        description=_l("Empty: the file's name."),
    )


class NewVersionForm(DocumentForm):
    """Another PDF in the place of the one before."""

    title = None
    changes = TextAreaField(
        _l("What changed"),
        [Optional(), Length(max=MAX_CHANGES)],
        description=_l("In a sentence or two, for whoever reads it again."),
    )
    effect = RadioField(
        _l("Who acknowledged the version before"),
        choices=[
            SelectChoice(EQUIVALENT, _l("It goes on counting: the new version is equivalent")),
            SelectChoice(
                ANEW,
                _l("From a date on it counts no more: they must acknowledge anew"),
            ),
        ],
        default=EQUIVALENT,
    )
