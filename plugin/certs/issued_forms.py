"""The form that suspends, restores or revokes: a reason, always."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

MAX_REASON = 500


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Why something is done to a certificate."""

    reason = TextAreaField(
        _l("Reason"),
        [
            DataRequired(_l("Say why, in a few words. It is kept with the certificate.")),
            Length(max=MAX_REASON),
        ],
        description=_l("Kept with the certificate for admins and managers; never shown elsewhere."),
    )
