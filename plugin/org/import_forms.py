"""The forms that bring files."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, ValidationError

from plugin.org.import_file import MAX_BYTES, MAX_MEGABYTES
from plugin.org.import_models import ImportKind


class ImportForm(FlaskForm):  # type: ignore[misc]
    """A list of people as CSV, and whether they are told of the training it brings."""

    file = FileField(
        _l("File"),
        [FileRequired(_l("Choose a CSV file."))],
        description=_l("A CSV file of at most 20 MB: comma or semicolon, UTF-8 or Latin-1."),
    )
    tells_people = BooleanField(
        _l("Tell people by mail about new training"),
        description=_l(
            "Normally an import is silent: training that it brings shows on people's pages, and "
            "reminders go as usual, but no mail about new training is sent."
        ),
    )

    def validate_file(self, field: FileField) -> None:
        """The file is no larger than an import may be."""
        stream = field.data.stream
        size = stream.seek(0, 2)
        stream.seek(0)
        if size > MAX_BYTES:
            raise ValidationError(
                _l(
                    "The file is larger than %(size)d MB. Split it and import the parts.",
                    size=MAX_MEGABYTES,
                )
            )


class HistoryForm(ImportForm):
    """A list of completions as CSV, and whether people are told of the certificates they give."""

    tells_people = BooleanField(
        _l("Send mails about the certificates this gives"),
        description=_l(
            "Normally history is silent: certificates are made and can be downloaded, and "
            "reminders go when their day comes, but nobody is mailed about what they did long ago."
        ),
    )


FORMS: Mapping[ImportKind, type[ImportForm]] = {
    ImportKind.PEOPLE: ImportForm,
    ImportKind.COMPLETIONS: HistoryForm,
}
