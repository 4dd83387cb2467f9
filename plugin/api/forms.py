"""The forms of the pages about other systems."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from plugin.api.models import EventName, Scope
from plugin.api.webhooks import MAX_URL
from plugin.web.forms import ADDRESS, SecureAddress

SCOPES = {
    Scope.COMPLETIONS_WRITE.value: _l("Report completions"),
    Scope.COMPLETIONS_READ.value: _l("Read completions"),
    Scope.PEOPLE_READ.value: _l("Read people: number, employee ID, name"),
    Scope.MODULES_READ.value: _l("Read modules"),
}
EVENTS = {
    EventName.COMPLETION_RECORDED.value: _l("A completion was recorded"),
    EventName.CERTIFICATE_ISSUED.value: _l("A certificate was issued"),
    EventName.CERTIFICATE_RENEWED.value: _l("A certificate was renewed"),
    EventName.CERTIFICATE_RESTORED.value: _l("A certificate is valid again"),
    EventName.CERTIFICATE_INVALID.value: _l("A certificate turned invalid"),
}
"""What can be chosen to be told."""
TOLD = {**EVENTS, EventName.TEST.value: _l("A test")}
"""What an address may have been told."""


def _choices(named: dict[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(value, words) for value, words in named.items()]


class SelectMultipleCheckboxField(SelectMultipleField):  # type: ignore[misc]
    """Several of a few, each with a box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class KeyForm(FlaskForm):  # type: ignore[misc]
    """A key for another system."""

    name = StringField(
        _l("Name of the system"),
        [DataRequired(), Length(max=100)],
        render_kw={"autocomplete": "off"},
    )
    scopes = SelectMultipleCheckboxField(_l("It may"), [DataRequired()], choices=_choices(SCOPES))


class WebhookForm(FlaskForm):  # type: ignore[misc]
    """An address that is told what happens."""

    url = StringField(
        _l("Address"), [DataRequired(), Length(max=MAX_URL), SecureAddress()], render_kw=ADDRESS
    )
    events = SelectMultipleCheckboxField(
        _l("Tell it when"), [DataRequired()], choices=_choices(EVENTS)
    )
