"""Changes to one person's details."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.org import history, rules
from plugin.org.errors import FieldError, PersonMergedError
from plugin.org.models import Person


def edit_person(
    session: Session,
    person: Person,
    *,
    name: str,
    email: str | None,
    employee_id: str | None,
    locale: str | None,
    by: int,
    now: datetime,
) -> None:
    """The person is as given; what their LMS says at the next launch replaces it again."""
    if person.merged_into_id is not None:
        raise PersonMergedError(person_id=person.id)
    names = rules.names_of(None, None, name)
    if names is None:
        raise FieldError("name", _("Give the person a name."))
    if email and rules.email_of(email) is None:
        raise FieldError("email", _("This is not an email address."))
    if locale and not rules.is_locale(locale):
        raise FieldError("locale", _("Use a language such as en or en_GB."))
    before = _facts(person)
    try:
        with session.begin_nested():
            if names.full != person.full_name:
                person.given_name, person.family_name = names.given, names.family
                person.full_name = names.full
            person.email = rules.email_of(email)
            person.employee_id = (employee_id or "").strip() or None
            person.locale = locale or None
    except IntegrityError:
        raise FieldError("employee_id", _("Another person already has this employee ID.")) from None
    after = _facts(person)
    changed = {key for key in after if after[key] != before[key]}
    if "email" in changed:
        history.remember(session, person, "email", before["email"], now=now)
    if changed:
        audit.record(
            session,
            "person.edited",
            about=person,
            by=by,
            now=now,
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed},
        )


def _facts(person: Person) -> JsonDict:
    return {
        "name": person.full_name,
        "email": person.email,
        "employee_id": person.employee_id,
        "locale": person.locale,
    }
