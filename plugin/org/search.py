"""Finding people by words."""

from sqlalchemy import ColumnElement, func, or_, true

from plugin.org.models import Person
from plugin.web.listing import like


def has_words(words: str) -> ColumnElement[bool]:
    """The person's name, address or employee ID contains the words.

    Both sides are made small by the database: not every one knows the capitals of every script.
    """
    if not words:
        return true()
    pattern = func.lower(like(words))
    columns = (Person.full_name, Person.email, Person.employee_id)
    return or_(*(func.lower(column).like(pattern, escape="\\") for column in columns))
