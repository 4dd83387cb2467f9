"""How much a request may bring: little, unless its page takes files from who is asking.

Decided before anything reads the request: who may not bring a file has not sent one to our disk.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request

from plugin.web.identity import holds, me_or_none

MEGABYTE = 1024 * 1024
LITTLE = 4 * MEGABYTE
"""More than any form without files; services say themselves how much less they take."""
AMPLE = 2
"""So many times the size of a file are heard: what is a little too large is said at its field."""
View = TypeVar("View", bound=Callable[..., Any])


def takes_files(megabytes: int | None = None) -> Callable[[View], View]:
    """The view takes files of this size; None: as large as the operator lets packages be.

    Goes below `requires`, which says from whom.
    """

    def decorate(view: View) -> View:
        view.takes_files = (megabytes,)  # type: ignore[attr-defined]
        return view

    return decorate


def init_app(app: Flask) -> None:
    """Goes after visits and before everything that reads forms."""
    app.before_request(_limit)


def _limit() -> None:
    request.max_content_length = _most(current_app.view_functions.get(request.endpoint or ""))


def _most(view: object) -> int:
    found = getattr(view, "takes_files", None)
    if found is None or not _may(view):
        return LITTLE
    megabytes: int | None = found[0]
    if megabytes is None:
        return int(current_app.config["MAX_CONTENT_LENGTH"])
    return AMPLE * megabytes * MEGABYTE


def _may(view: object) -> bool:
    person = me_or_none()
    return person is not None and holds(person, view.required_role)  # type: ignore[attr-defined]
