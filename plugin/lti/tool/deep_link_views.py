"""The page a teacher picks content on, and the way back to the LMS with it."""

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.lti.tool import deep_linking
from plugin.lti.tool.addresses import origin_of
from plugin.lti.tool.deep_linking import RESOURCE_LINK, Offer
from plugin.lti.tool.models import ContentRequest
from plugin.lti.tool.picking import check_may_pick
from plugin.web import headers
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("content", __name__)
MAX_PICKED = 100


@bp.get("/content/<token>")
@requires(Role.LEARNER)
def pick(token: str) -> str:
    """What can be put into the course; the LMS vouched that the visitor builds it."""
    return _page(token, _request(token))


@bp.post("/content/<token>")
@requires(Role.LEARNER)
def send(token: str) -> str | tuple[str, int]:
    """Back to the LMS: with the choice, or without one (DL6)."""
    wanted = _request(token)
    settings = deep_linking.settings_of(wanted)
    if "search" in request.form:
        return _page(token, wanted)
    if "cancel" in request.form:
        return _answer(wanted, [], message=_("Nothing was added to the course."))
    if settings.accept_types and RESOURCE_LINK not in settings.accept_types:
        return _answer(wanted, [], error=_("This place takes no links to tools."))
    picked = deep_linking.chosen(
        read_session(),
        me().organization_id,
        request.form.getlist("item")[:MAX_PICKED],
        product_name=current_settings().product_name,
    )
    if not picked:
        return _page(token, wanted, problem=_("Choose at least one.")), 422
    with transaction() as tx:
        deep_linking.note_sent(tx, _request(token, tx.session), now=clock.now())
    return _answer(_request(token), picked if settings.accept_multiple else picked[:1])


def _request(token: str, session: Session | None = None) -> ContentRequest:
    """The request of this page, for the visitor as long as they build the course."""
    session = session or read_session()
    wanted = deep_linking.request_of(session, token, me().person_id, now=clock.now())
    check_may_pick(session, wanted, me().launch.get("roles", []))
    return wanted


def _page(token: str, wanted: ContentRequest, problem: str = "") -> str:
    words = request.values.get("q", "")[:200]
    product_name = current_settings().product_name
    first = [deep_linking.dashboard(product_name)] if not words else []
    found = [*first, *deep_linking.offers(read_session(), me().organization_id, words)]
    picked = request.form.getlist("item")[:MAX_PICKED]
    shown = {each.key for each in found}
    return render_template(
        "lti/content.html",
        token=token,
        settings=deep_linking.settings_of(wanted),
        found=found,
        kept=[
            each
            for each in deep_linking.chosen(
                read_session(), me().organization_id, picked, product_name=product_name
            )
            if each.key not in shown
        ],
        picked=picked,
        present=deep_linking.present(read_session(), wanted),
        words=words,
        problem=problem,
    )


def _answer(
    wanted: ContentRequest,
    picked: list[Offer],
    *,
    message: str | None = None,
    error: str | None = None,
) -> str:
    settings = deep_linking.settings_of(wanted)
    headers.form_action(origin_of(settings.return_url) or "")
    return render_template(
        "lti/content_back.html",
        return_url=settings.return_url,
        token=deep_linking.response(
            read_session(),
            wanted,
            picked,
            tool_url=current_settings().tool_url,
            encryption_key=current_settings().encryption_key,
            message=message,
            error=error,
            now=clock.now(),
        ),
    )
