"""The forms of the pages about external tools."""

from decimal import Decimal

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DecimalField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import TextInput

from plugin.lti.tool.lms_forms import MAX, MAX_URL, lines_of
from plugin.web.forms import ADDRESS, Between, SecureAddress

PERCENT = 100
__all__ = ["InviteToolForm", "ModuleForm", "ToolForm", "lines_of"]


class InviteToolForm(FlaskForm):  # type: ignore[misc]
    """A tool that can register itself."""

    address = StringField(
        _l("Registration address of the tool"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        description=_l("The maker of the tool calls it dynamic registration or registration URL."),
        render_kw=ADDRESS,
    )


class ToolForm(FlaskForm):  # type: ignore[misc]
    """What the maker of a tool says of it, and what it is told."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=200)])
    target_url = StringField(
        _l("Launch address (target link URI)"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        render_kw=ADDRESS,
    )
    login_url = StringField(
        _l("Login address (initiate login)"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        render_kw=ADDRESS,
    )
    redirect_urls = TextAreaField(
        _l("Redirect addresses"),
        [DataRequired(), Length(max=10 * MAX_URL)],
        description=_l("One per line, exactly as the tool sends them."),
        render_kw=ADDRESS,
    )
    jwks_url = StringField(
        _l("Key set address (JWKS)"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        render_kw=ADDRESS,
    )
    picker_url = StringField(
        _l("Address for choosing content (deep linking)"),
        [Optional(), Length(max=MAX_URL), SecureAddress()],
        description=_l("Leave it empty if the tool offers no choice."),
        render_kw=ADDRESS,
    )
    shares_name = BooleanField(_l("Tell the tool people's names"))
    shares_email = BooleanField(_l("Tell the tool people's email addresses"))
    lists_people = BooleanField(
        _l("Let the tool list the people who opened it"),
        description=_l("Names and addresses only as far as they are shared above."),
    )


class ModuleForm(FlaskForm):  # type: ignore[misc]
    """A module that a tool plays."""

    title = StringField(_l("Title"), [DataRequired(), Length(max=200)])
    target_url = StringField(
        _l("Address in the tool"),
        [DataRequired(), Length(max=MAX_URL), SecureAddress()],
        render_kw=ADDRESS,
    )
    custom = TextAreaField(
        _l("Custom parameters"),
        [Optional(), Length(max=10 * MAX)],
        description=_l("One per line: name=value. A value such as $User.id is filled in."),
    )
    pass_mark = DecimalField(
        _l("Passed from, in %"),
        [Optional(), Between(1, PERCENT, _l("Use 1 to %(most)d percent."))],
        places=None,
        description=_l("Leave it empty if completing is enough, whatever the score."),
        widget=TextInput(),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )

    @property
    def pass_share(self) -> float | None:
        mark: Decimal | None = self.pass_mark.data
        return None if mark is None else float(mark / PERCENT)

    @property
    def parameters(self) -> dict[str, str]:
        """The custom parameters; a line without `=` is one with an empty value."""
        pairs = (line.partition("=") for line in lines_of(self.custom.data))
        return {name.strip()[:MAX]: value.strip() for name, _sign, value in pairs if name.strip()}
