"""The form of an organization's mail settings."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from plugin.notify.letterhead import ALWAYS_MAILED
from plugin.notify.samples import SAMPLES
from plugin.notify.wording import KINDS
from plugin.org.forms import EMAIL
from plugin.org.rules import MAX_NAME
from plugin.web.forms import Between

LEAST, MOST = 10, 6000


class SelectMultipleCheckboxField(SelectMultipleField):  # type: ignore[misc]
    """Several choices, each a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class MailForm(FlaskForm):  # type: ignore[misc]
    """How the organization's mails look and which of them go."""

    sender_name = StringField(
        _l("Sender’s name"),
        [Optional(), Length(max=MAX_NAME)],
        description=_l("Empty: the organization’s name."),
    )
    reply_to = StringField(
        _l("Replies go to"),
        [Optional(), Length(max=MAX_NAME)],
        description=_l("An address somebody reads. Empty: the address mails come from."),
        render_kw=EMAIL,
    )
    logo = FileField(
        _l("Logo"),
        description=_l("PNG or JPEG, at most 1 MB. It is part of each mail and certificate."),
        render_kw={"accept": "image/png,image/jpeg"},
    )
    remove_logo = BooleanField(_l("Show no logo"))
    per_minute = IntegerField(
        _l("Most mails a minute"),
        [
            Optional(),
            Between(LEAST, MOST, _l("A whole number from %(least)d to %(most)d.")),
        ],
        description=_l("What your mail service allows. Empty: no limit of your own."),
        render_kw={"inputmode": "numeric"},
    )
    kinds = SelectMultipleCheckboxField(
        _l("What is mailed"),
        choices=[
            SelectChoice(kind.value, KINDS[kind]) for kind in SAMPLES if kind not in ALWAYS_MAILED
        ],
        description=_l(
            "Issued and revoked certificates are always mailed. What is not mailed is in the "
            "list of mails as held back."
        ),
    )
