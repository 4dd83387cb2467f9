"""A person's transcript as a PDF, for whoever may see the person."""

from io import BytesIO

from flask import Blueprint, current_app, send_file
from flask_babel import get_locale
from werkzeug.wrappers import Response

from plugin.certs.transcript import transcript, transcript_pdf
from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import read_session
from plugin.org.models import Organization
from plugin.org.reach import person_in_reach, reach_of
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("person_transcript", __name__)


@bp.get("/admin/people/<int:person_id>/transcript.pdf")
@requires(Role.MANAGER)
def show(person_id: int) -> Response:
    """Made now, from what counts now; nothing of it is kept."""
    session, now = read_session(), clock.now()
    person = person_in_reach(session, reach_of(session, me()), person_id, now)
    organization = session.get_one(Organization, person.organization_id)
    key = organization.logo_key
    content = transcript_pdf(
        transcript(session, person, now=now),
        current_app.jinja_env,
        language=str(get_locale() or "en"),
        logo=storage().read(key) if key and storage().exists(key) else None,
    )
    return send_file(
        BytesIO(content),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"transcript-{person.id}.pdf",
    )
