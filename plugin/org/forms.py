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


class UnitForm(FlaskForm):  # type: ignore[misc]
    """A new unit."""

    kind = SelectField(
        _l("Kind"), choices=[SelectChoice(kind, label) for kind, label in KINDS.items()]
    )
    name = StringField(_l("Name"), [DataRequired(), Length(max=MAX_NAME)])
    id_code = StringField(
        _l("ID code"),
        [Optional(), Length(max=64)],
        description=_l("What your LMS or HR system calls it."),
    )
    region_id = SelectField(_l("Region"), coerce=int, description=_l("For a site."))
    time_zone = StringField(
        _l("Time zone"),
        [Optional()],
        description=_l("For example Europe/Oslo. Empty: the organization's."),
    )
    description = TextAreaField(_l("Description"), [Optional(), Length(max=2000)])
    submit = SubmitField(_l("Create the unit"))


class SearchForm(FlaskForm):  # type: ignore[misc]
    """Words to find people by."""

    class Meta:
        csrf = False

    q = StringField(_l("Name, email or employee ID"), [Optional(), Length(max=MAX_NAME)])


class InstallCodeForm(FlaskForm):  # type: ignore[misc]
    """The one-time code that makes the first admin."""

    code = StringField(_l("Install code"), [DataRequired(), Length(max=200)])
    submit = SubmitField(_l("Become the admin"))
