"""What a module is called: those who look after it may give it another title."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from plugin.core.db import Tx
from plugin.modules.actions import note_change
from plugin.modules.models import Module
from plugin.org.errors import FieldError

MAX_TITLE = 200


class TitleForm(FlaskForm):  # type: ignore[misc]
    """Another title."""

    title = StringField(_l("Title"), [DataRequired(), Length(max=MAX_TITLE)])


def rename(tx: Tx, module: Module, title: str, *, by: int, now: datetime) -> None:
    """The module is called so from now on, everywhere; what was completed stays as it was."""
    tidy = title.strip()
    if not tidy or len(tidy) > MAX_TITLE:
        raise FieldError("title", _("Give the module a title of at most 200 characters."))
    before, after = {"title": module.title}, {"title": tidy}
    module.title = tidy
    note_change(tx.session, module, before, after, by=by, now=now)
