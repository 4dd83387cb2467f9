"""Whether this process lives, and whether it can serve."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from plugin.core import migrate, queue
from plugin.core.context import current_settings
from plugin.core.db import db
from plugin.web.identity import public

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Database, queue and migrations are as this version needs them."""
    checks = {"database": _database(), "queue": queue.is_reachable(current_settings())}
    checks["migrations"] = checks["database"] and migrate.is_current(db.engine)
    ready = all(checks.values())
    return jsonify(status="ready" if ready else "not ready", checks=checks), 200 if ready else 503


def _database() -> bool:
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True
