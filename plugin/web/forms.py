"""What forms ask of their fields: said by the server, and by a script as one types.

The server's word is the last one. A page tells its script the same sentences in `data-` attributes
of each field, so that a mistake is said where it is made and before anything is sent.
"""

from decimal import Decimal

from flask_babel import LazyString
from flask_babel import gettext as _
from wtforms import DateField, Field, Form, IntegerField
from wtforms.validators import DataRequired, StopValidation

from plugin.core.addresses import is_secure_address

ADDRESS = {"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"}
"""What a field for an address tells the keyboard of a phone."""

# WTForms' own sentences, in its own catalogues.
_MISSING = "This field is required."
_NO_DATE = "Not a valid date value."


class Between:
    """What was typed is a number from `least` to `most`; one sentence says so otherwise."""

    def __init__(self, least: int, most: int, sentence: LazyString) -> None:
        self.least, self.most, self._sentence = least, most, sentence

    @property
    def sentence(self) -> str:
        """What is said of anything else."""
        return str(self._sentence) % {"least": self.least, "most": self.most}

    def __call__(self, _form: Form, field: Field) -> None:
        if field.process_errors or not self._holds(field.data):
            field.errors[:] = []
            raise StopValidation(self.sentence)

    def _holds(self, number: Decimal | int | None) -> bool:
        if number is None or not Decimal(number).is_finite():
            return False
        return self.least <= number <= self.most


class SecureAddress:
    """What was typed is an address we may talk to."""

    def __call__(self, _form: Form, field: Field) -> None:
        field.data = (field.data or "").strip()
        if not is_secure_address(field.data):
            raise StopValidation(_("Use a complete https address (http on this machine only)."))


class NeededWith:
    """Something must stand in the field when the field `other` of the form says `value`.

    It comes before `Optional`, which ends the questions at an empty field.
    """

    def __init__(self, other: str, value: str, sentence: LazyString) -> None:
        self.other, self.value, self.sentence = other, value, sentence

    def __call__(self, form: Form, field: Field) -> None:
        if form[self.other].data == self.value and not is_filled(field):
            field.errors[:] = []
            raise StopValidation(str(self.sentence))


def is_filled(field: Field) -> bool:
    """Whether anything but blanks was sent for the field."""
    return any(str(each).strip() for each in field.raw_data or ())


def questions(field: Field) -> dict[str, str]:
    """The `data-` attributes that tell a page's script what the form asks of this field.

    `data-missing` is said of an empty field (with `data-needed-by` and `data-needed-when` only
    while that other field has that value), `data-outside` of what is no number from `data-least`
    to `data-most` (`data-whole`: no fractions), `data-bad` of half a date.
    """
    asked: dict[str, str] = {}
    for validator in field.validators:
        if isinstance(validator, DataRequired):
            asked["data-missing"] = str(validator.message or field.gettext(_MISSING))
        elif isinstance(validator, NeededWith):
            asked["data-missing"] = str(validator.sentence)
            asked["data-needed-by"] = field.name.removesuffix(field.short_name) + validator.other
            asked["data-needed-when"] = validator.value
        elif isinstance(validator, Between):
            asked["data-outside"] = validator.sentence
            asked["data-least"], asked["data-most"] = str(validator.least), str(validator.most)
            if isinstance(field, IntegerField):
                asked["data-whole"] = ""
    if isinstance(field, DateField):
        asked["data-bad"] = field.gettext(_NO_DATE)
    return asked
