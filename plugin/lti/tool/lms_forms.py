"""The forms of the LMS pages."""

import re

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, StopValidation

from plugin.lti.tool.addresses import origin_of
from plugin.web.forms import ADDRESS, SecureAddress

MAX = 255
MAX_URL = 2048
_UID = re.compile(r"[0-9a-f]{16}")


class Origins:
    """Each line is an address with scheme and host."""

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        wrong = [each for each in lines_of(field.data) if origin_of(each) is None]
        if wrong:
            raise StopValidation(_("“%(line)s” is not an address.", line=wrong[0][:80]))


def lines_of(text: str | None) -> list[str]:
    """The lines that say something."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


ADMINS = {
    "label": _l("Administrators of this LMS become admins here"),
    "description": _l(
        "At their first launch. Otherwise each admin needs an install code or a grant."
    ),
}


class InviteForm(FlaskForm):  # type: ignore[misc]
    """An invitation for one LMS."""

    name = StringField(
        _l("Name of the LMS"),
        [Optional(), Length(max=MAX)],
        description=_l("As it is called here, for example Campus Moodle."),
    )
    admins_by_role = BooleanField(**ADMINS)


class RegistrationForm(FlaskForm):  # type: ignore[misc]
    """An LMS registered by hand; `uid` is part of the addresses shown to be copied."""

    uid = HiddenField()
    name = StringField(_l("Name of the LMS"), [DataRequired(), Length(max=MAX)])
    issuer = StringField(
        _l("Issuer (platform id)"), [DataRequired(), Length(max=MAX)], render_kw=ADDRESS
    )
    client_id = StringField(_l("Client id"), [DataRequired(), Length(max=MAX)])
    deployment_id = StringField(
        _l("Deployment id"),
        [Optional(), Length(max=MAX)],
        description=_l("Empty: the first launch names it, and you accept it then."),
    )
    auth_url = StringField(
        _l("Authentication request address"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        render_kw=ADDRESS,
    )
    token_url = StringField(
        _l("Access token address"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        render_kw=ADDRESS,
    )
    jwks_url = StringField(
        _l("Key set address of the LMS"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        render_kw=ADDRESS,
    )
    token_audience = StringField(
        _l("Audience of access tokens"),
        [Optional(), Length(max=MAX)],
        description=_l("Only if the LMS wants another one than its token address."),
    )
    extra_origins = TextAreaField(
        _l("Further addresses that frame the tool, one in a line"),
        [Optional(), Origins()],
        description=_l("Such as a vanity domain of the LMS."),
    )
    admins_by_role = BooleanField(**ADMINS)

    def has_uid(self) -> bool:
        """Whether the hidden name of the new registration is one we made."""
        return bool(_UID.fullmatch(self.uid.data or ""))


class OriginsForm(FlaskForm):  # type: ignore[misc]
    """Where else the tool is framed."""

    extra_origins = TextAreaField(
        _l("Further addresses that frame the tool, one in a line"),
        [Optional(), Origins()],
        description=_l("Such as a vanity domain of the LMS."),
    )
