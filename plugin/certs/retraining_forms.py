"""The form that says what a new version does to what was learned before."""

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from plugin.web.forms import NeededWith

EQUIVALENT, RETRAINING = "equivalent", "retraining"


class RetrainingForm(FlaskForm):  # type: ignore[misc]
    """Equivalent, or to be learned anew from a day on. `seen` is what the admin was last shown,
    `known` the decision that stood then."""

    known = HiddenField()
    seen = HiddenField()
    effect = RadioField(
        _l("What was learned with the versions before"),
        choices=[
            SelectChoice(EQUIVALENT, _l("It goes on counting: this version is equivalent")),
            SelectChoice(
                RETRAINING, _l("From a date on it counts no more: this version is required")
            ),
        ],
        default=EQUIVALENT,
    )
    from_on = DateField(
        _l("From"),
        [NeededWith("effect", RETRAINING, _l("Choose a day.")), Optional()],
        description=_l("It begins at midnight of each unit's own time zone."),
    )
    reason = TextAreaField(
        _l("Reason"),
        [
            DataRequired(_l("Say why, in a few words. It is kept with the version.")),
            Length(max=1000),
        ],
    )

    @property
    def day(self) -> date | None:
        """The day chosen; None when nothing is to be learned anew."""
        chosen: date | None = self.from_on.data if self.effect.data == RETRAINING else None
        return chosen

    def choices(self) -> dict[str, Any]:
        """What was chosen, as an address carries it to the lists of names."""
        return {"effect": self.effect.data, "from_on": self.from_on.data}
