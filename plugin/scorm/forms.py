"""The form that brings a package."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, StringField
from wtforms.validators import Length, Optional


class PackageForm(FlaskForm):  # type: ignore[misc]
    """A SCORM zip, and how to read its results."""

    file = FileField(
        _l("Package"),
        [FileRequired(_l("Choose the .zip file of the course."))],
        description=_l("A SCORM 1.2 or 2004 package: the .zip file, exactly as exported."),
    )
    title = StringField(
        _l("Title"), [Optional(), Length(max=200)], description=_l("Empty: the course's own title.")
    )
    trusts_status = BooleanField(
        _l("Trust the package's own status"),
        description=_l(
            "Normally a score below the course's mastery score counts as not passed, whatever "
            "the course says."
        ),
    )


class VersionForm(PackageForm):
    """A new version of a module that exists; its title stays."""

    title = None
