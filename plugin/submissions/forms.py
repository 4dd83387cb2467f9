"""The forms of submitted certificates."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from plugin.submissions.actions import MAX_REASON, MAX_WORDS

MAX_DESCRIPTION = 1000


class CertificateForm(FlaskForm):  # type: ignore[misc]
    """What a learner says of the certificate they hold, with the file."""

    evidence = FileField(
        _l("Certificate"),
        [FileRequired(_l("Choose the file."))],
        description=_l("PDF, PNG or JPEG, at most 10 MB. A clear photo will do."),
    )
    name = StringField(_l("Name of the certificate"), [DataRequired(), Length(max=MAX_WORDS)])
    issuer = StringField(_l("Issued by"), [DataRequired(), Length(max=MAX_WORDS)])
    issued_on = DateField(_l("Issued on"), [DataRequired()])
    ends_on = DateField(
        _l("Ends on"), [Optional()], description=_l("Leave it empty if it has no end.")
    )


class ApproveForm(FlaskForm):  # type: ignore[misc]
    """The days as the certificate has them."""

    issued_on = DateField(_l("Issued on"), [DataRequired()])
    ends_on = DateField(
        _l("Ends on"), [Optional()], description=_l("Empty: it has no end of its own.")
    )


class RejectForm(FlaskForm):  # type: ignore[misc]
    """Why not, in words for the learner."""

    reason = TextAreaField(
        _l("Reason"),
        [DataRequired(), Length(max=MAX_REASON)],
        description=_l("The learner reads it, and may submit another certificate."),
    )


class ModuleForm(FlaskForm):  # type: ignore[misc]
    """A module that is completed by a certificate from elsewhere."""

    title = StringField(_l("Title"), [DataRequired(), Length(max=MAX_WORDS)])
    words = TextAreaField(
        _l("Which certificate counts"),
        [Optional(), Length(max=MAX_DESCRIPTION)],
        description=_l("For learners: for example first aid, of a recognized trainer, in person."),
    )
