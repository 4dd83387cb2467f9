"""A form is kept, or shown again with what is wrong beside its field."""

from collections.abc import Callable

from flask_wtf import FlaskForm

from plugin.org.errors import FieldError


def is_saved(form: FlaskForm, save: Callable[[], object]) -> bool:
    """Whether the form was sent, holds, and was taken by `save`; a refusal stands at its field."""
    if not form.validate_on_submit():
        return False
    try:
        save()
    except FieldError as error:
        form[error.field].errors = [error.message]
        return False
    return True


def shown(page: str, form: FlaskForm) -> str | tuple[str, int]:
    """The page with the form; 422 while something in it is wrong."""
    return (page, 422) if form.errors else page
