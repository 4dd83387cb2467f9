"""The learner's own record, now or as it was: what was done, the certificates, the transcript."""

from typing import Any

from flask import Response, render_template, request, url_for

from plugin.certs.queries import certificates_of
from plugin.certs.transcript import transcript
from plugin.certs.transcript_views import as_file
from plugin.core import clock
from plugin.core.db import read_session
from plugin.dashboard import queries
from plugin.dashboard.record_views import certificate_view, sitting_view
from plugin.dashboard.views import bp
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.models import Person
from plugin.web.identity import me, requires
from plugin.web.listing import MAX_PAGE
from plugin.web.roles import Role

__all__ = ["bp"]
PAGE = 50


def _moment() -> AsOf:
    return as_of.asked_for(request.args, me().time_zone, now=clock.now())


@bp.get("/history")
@requires(Role.LEARNER)
def history() -> str:
    """Everything the person did, newest first."""
    person, moment = me(), _moment()
    page = min(max(1, request.args.get("page", 1, type=int)), MAX_PAGE)
    found = queries.history(
        read_session(),
        person.organization_id,
        person.person_id,
        at=moment.at,
        now=clock.now(),
        page=page,
        size=PAGE,
    )
    return render_template(
        "dashboard/history.html",
        sittings=[sitting_view(sitting) for sitting in found[:PAGE]],
        moment=moment,
        newer_url=_page(page - 1, moment) if page > 1 else "",
        older_url=_page(page + 1, moment) if len(found) > PAGE else "",
    )


def _page(number: int, moment: AsOf) -> str:
    values: dict[str, Any] = {"page": number, **moment.args}
    return url_for("dashboard.history", **values)


@bp.get("/history/transcript.pdf")
@requires(Role.LEARNER)
def own_transcript() -> Response:
    """What the person has completed as a page to print; what is hidden from them is not on it."""
    session, moment = read_session(), _moment()
    person = session.get_one(Person, me().person_id)
    hidden = queries.hidden_modules(person.organization_id, person.id, clock.now())
    return as_file(session, person, transcript(session, person, moment, without=hidden), moment)


@bp.get("/certificates")
@requires(Role.LEARNER)
def certificates() -> str:
    """The person's certificates with every edition ever issued."""
    person, moment = me(), _moment()
    found = certificates_of(
        read_session(),
        person.organization_id,
        person.person_id,
        at=moment.at,
        past=moment.is_past,
    )
    return render_template(
        "dashboard/certificates.html",
        certificates=[certificate_view(each) for each in found],
        moment=moment,
    )
