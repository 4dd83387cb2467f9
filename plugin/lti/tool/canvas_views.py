"""Where Canvas reads what a developer key for the tool needs."""

from flask import Blueprint, Response, jsonify, request

from plugin.core.context import current_settings
from plugin.core.db import read_session
from plugin.lti.tool import developer_keys, queries
from plugin.lti.tool.errors import RegistrationUnknownError
from plugin.web.identity import public

bp = Blueprint("canvas", __name__, url_prefix="/lti")
SECONDS = 300


@bp.get("/<uid>/canvas.json")
@public
def configuration(uid: str) -> Response:
    """Nothing secret; only of a Canvas registered by hand, or about to be."""
    settings = current_settings()
    try:
        is_offered = developer_keys.is_offered(queries.registration_by_uid(read_session(), uid))
    except RegistrationUnknownError:
        seal = request.args.get(developer_keys.SEAL, "")
        is_offered = developer_keys.is_sealed(settings, uid, seal)
    if not is_offered:
        raise RegistrationUnknownError
    answer = jsonify(developer_keys.developer_key(settings, uid))
    answer.headers["Cache-Control"] = f"public, max-age={SECONDS}"
    return answer
