"""A person's transcript as a PDF, for whoever may see the person."""

from io import BytesIO

from flask import Blueprint, Response, current_app, request, send_file
from flask_babel import get_locale
from sqlalchemy.orm import Session

from plugin.certs.transcript import Transcript, transcript, transcript_pdf
from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import read_session
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.models import Organization, Person
from plugin.org.reach import person_in_reach, reach_of
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("person_transcript", __name__)


@bp.get("/admin/people/<int:person_id>/transcript.pdf")
@requires(Role.MANAGER)
def show(person_id: int) -> Response:
    """Made now, from what counts, or counted at the moment asked for; nothing of it is kept."""
    session, now = read_session(), clock.now()
    person = person_in_reach(session, reach_of(session, me()), person_id, now)
    moment = as_of.asked_for(request.args, me().time_zone, now=now)
    return as_file(session, person, transcript(session, person, moment), moment)


def as_file(session: Session, person: Person, facts: Transcript, moment: AsOf) -> Response:
    """The printed page; about the past its name says so."""
    organization = session.get_one(Organization, person.organization_id)
    key = organization.logo_key
    content = transcript_pdf(
        facts,
        current_app.jinja_env,
        language=str(get_locale() or "en"),
        logo=storage().read(key) if key and storage().exists(key) else None,
    )
    return send_file(
        BytesIO(content),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"transcript-{person.id}{moment.name}.pdf",
    )
