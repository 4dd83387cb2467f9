"""The forms of the organization's pages."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from plugin.org.models import MembershipSource, UnitKind
from plugin.org.rules import MAX_NAME

KINDS = {
    UnitKind.GROUP: _l("Group"),
    UnitKind.SITE: _l("Site"),
    UnitKind.REGION: _l("Region"),
}


SOURCES = {
    MembershipSource.MANUAL: _l("By hand"),
    MembershipSource.CSV: _l("Import"),
    MembershipSource.LAUNCH: _l("LMS launch"),
    MembershipSource.ROSTER: _l("Course roster"),
    MembershipSource.SCIM: _l("Directory"),
}
EMAIL = {
    "inputmode": "email",
    "autocapitalize": "none",
    "spellcheck": "false",
    "data-email": _l("This is not an email address."),
}


class UnitForm(FlaskForm):  # type: ignore[misc]
    """A new unit."""

    kind = SelectField(
        _l("Kind"),
        choices=[SelectChoice(kind.value, label) for kind, label in KINDS.items()],
        default=UnitKind.SITE.value,
    )
    name = StringField(_l("Name"), [DataRequired(), Length(max=MAX_NAME)])
    id_code = StringField(
        _l("ID code"),
        [Optional(), Length(max=64)],
        description=_l("What your LMS or HR system calls it."),
    )
    region_id = SelectField(_l("Region"), coerce=int, default=0, description=_l("For a site."))
    time_zone = StringField(
        _l("Time zone"),
        [Optional()],
        description=_l("For example Europe/Oslo. Empty: the organization's."),
    )
    description = TextAreaField(_l("Description"), [Optional(), Length(max=2000)])


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Something that needs a reason."""

    reason = TextAreaField(
        _l("Reason"), [DataRequired(_l("Say why, in a few words.")), Length(max=1000)]
    )


class PasteForm(FlaskForm):  # type: ignore[misc]
    """A list of people, one in a line."""

    lines = TextAreaField(
        _l("Emails or employee IDs, one in a line"),
        [DataRequired(_l("Write at least one line.")), Length(max=500_000)],
    )


class PersonEditForm(FlaskForm):  # type: ignore[misc]
    """What is known of a person."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=MAX_NAME)])
    email = StringField(_l("Email"), [Optional(), Length(max=MAX_NAME)], render_kw=EMAIL)
    employee_id = StringField(_l("Employee ID"), [Optional(), Length(max=64)])
    locale = StringField(
        _l("Language"), [Optional(), Length(max=20)], description=_l("For example en or de_AT.")
    )


class PersonForm(FlaskForm):  # type: ignore[misc]
    """A person made by hand."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=MAX_NAME)])
    email = StringField(_l("Email"), [Optional(), Length(max=MAX_NAME)], render_kw=EMAIL)
    employee_id = StringField(_l("Employee ID"), [Optional(), Length(max=64)])
    unit_id = SelectField(_l("Unit"), coerce=int, validate_choice=False, default=0)


class InstallCodeForm(FlaskForm):  # type: ignore[misc]
    """The one-time code that makes the first admin."""

    code = StringField(_l("Install code"), [DataRequired(), Length(max=200)])
    submit = SubmitField(_l("Become the admin"))
