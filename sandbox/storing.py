"""Platform storage (lti-pm-s 0.1): a frame of the LMS keeps small things for the tool.

Off, the LMS is like a Moodle, which has none. On, it names the frame at the login and, unless it is
forgetful, at the launch; asked for its capabilities it names it as well.
"""

from dataclasses import dataclass

from flask import (
    Blueprint,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response

from sandbox.people import BY_USERNAME, LmsPerson

bp = Blueprint("storing", __name__)
FRAME = "lti_storage"


@dataclass(slots=True)
class Storage:
    """What the administrator of the LMS has switched on."""

    is_on: bool = False
    is_forgetful: bool = False
    """The launch does not say again which frame it is."""

    def at_login(self) -> dict[str, str]:
        """What the login request says of it."""
        return {"lti_storage_target": FRAME} if self.is_on else {}

    def at_launch(self) -> dict[str, str]:
        """What the launch says of it."""
        return {} if self.is_forgetful else self.at_login()


def storage() -> Storage:
    found: Storage = current_app.extensions["storage"]
    return found


@bp.get("/storage")
def frame() -> str:
    """The frame that keeps what the tool puts; only in the memory of the page around."""
    return render_template("storage.html", tool_origin=current_app.extensions["campus"].tool_origin)


@bp.post("/storage")
def switch() -> Response:
    """Switch it on or off."""
    person: LmsPerson | None = BY_USERNAME.get(session.get("username", ""))
    if person is None or not person.may_administer:
        abort(403)
    storage().is_on = "on" in request.form
    return redirect(url_for("lms.course"), 303)
