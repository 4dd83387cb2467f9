"""The form that publishes a draft: why, from when, and for whom it counts."""

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from plugin.assign.actions import Effect
from plugin.assign.draft import CertificateWay
from plugin.web.forms import NeededWith


class When(StrEnum):
    """From when a publish counts."""

    NOW = "now"
    DATE = "date"
    GRACE = "grace"


WHEN = [
    SelectChoice(When.NOW.value, _l("Now")),
    SelectChoice(When.DATE.value, _l("From a date on")),
    SelectChoice(When.GRACE.value, _l("Now, with a grace for what is asked more")),
]
WAYS = [
    SelectChoice(CertificateWay.MAIL.value, _l("Issue their certificates and mail them")),
    SelectChoice(CertificateWay.SILENT.value, _l("Issue their certificates without mail")),
    SelectChoice(
        CertificateWay.FROM_NOW.value, _l("Only from now on: nothing for what is done already")
    ),
]


class PublishForm(FlaskForm):  # type: ignore[misc]
    """Making the draft the version in force. `seen` is what the admin was last shown."""

    revision = HiddenField()
    seen = HiddenField()
    when = RadioField(_l("It counts"), choices=WHEN, default=When.NOW.value)
    effective_on = DateField(
        _l("From"),
        [NeededWith("when", When.DATE, _l("Choose a day.")), Optional()],
        description=_l("When it counts from a date on."),
    )
    grace_until = DateField(
        _l("Grace until"),
        [NeededWith("when", When.GRACE, _l("Choose a day.")), Optional()],
        description=_l("Certificates stay valid through this day; everybody is told at once."),
    )
    apply_to_existing = BooleanField(
        _l("Apply periods and pass marks also to completions made before"),
        description=_l(
            "Otherwise a changed period or pass mark counts for completions from now on, "
            "and no certificate changes because of it."
        ),
    )
    certificates = RadioField(
        _l("Those who have done everything already"),
        choices=WAYS,
        default=CertificateWay.MAIL.value,
    )
    reason = TextAreaField(
        _l("Reason"),
        [
            DataRequired(_l("Say why, in a few words. It is kept with the version.")),
            Length(max=1000),
        ],
    )

    @property
    def effect(self) -> Effect:
        """What was chosen; dates of choices not taken are left out."""
        return Effect(
            effective_on=self.effective_on.data if self.when.data == When.DATE else None,
            grace_until=self.grace_until.data if self.when.data == When.GRACE else None,
            apply_to_existing=bool(self.apply_to_existing.data),
            certificates=CertificateWay(self.certificates.data),
        )

    def has_its_dates(self) -> bool:
        """Whether the date that the choice needs is there; it is marked otherwise."""
        return all(each.validate(self) for each in (self.effective_on, self.grace_until))

    def choices(self) -> dict[str, Any]:
        """What was chosen, as an address carries it to the lists of names."""
        chosen = {
            "when": self.when.data,
            "effective_on": self.effective_on.data,
            "grace_until": self.grace_until.data,
            "apply_to_existing": "y" if self.apply_to_existing.data else None,
            "certificates": self.certificates.data,
        }
        return {name: value for name, value in chosen.items() if value}
