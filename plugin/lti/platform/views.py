"""The addresses external tools call in a browser: who is it, what was picked, the way back."""

from collections.abc import Mapping

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.lti.platform import actions, answering_views, launching, linking, queries, signing
from plugin.lti.platform.addresses import platform_addresses
from plugin.lti.platform.errors import LaunchRefusedError, PickRefusedError
from plugin.lti.platform.models import ExternalTool, ToolState
from plugin.lti.platform.parameters import said_once
from plugin.lti.platform.picking import NotAnAnswerError, Picked, read_answer
from plugin.lti.platform.signing import ForeignTokenError
from plugin.lti.tool.addresses import origin_of
from plugin.lti.tool.claim_values import text_of
from plugin.web import headers
from plugin.web.identity import public, visitor_in

bp = Blueprint("platform", __name__, url_prefix="/platform")
MAX_REQUEST = 256 * 1024
JWKS_SECONDS = 3600


@bp.before_request
def _limit_size() -> None:
    request.max_content_length = MAX_REQUEST


@bp.route("/<uid>/authorize", methods=["GET", "POST"])
@public
def authorize(uid: str) -> str:
    """The tool asks who opens it; the answer goes to a registered address and nowhere else.

    A browser that keeps no cookie of ours in the frame asks our page around it (0120)."""
    tool = queries.tool_at(read_session(), uid)
    said = said_once(request.args, request.form)
    if said is None:
        raise LaunchRefusedError(tool_id=tool.id)
    origin = launching.origin_of_hints(read_session(), tool, said)
    # our own page holds the tool's frame, and the LMS holds our page
    headers.frame_ancestors("'self'", *(origin.frame_ancestors.split() if origin else ()))
    asked = launching.read_request(said, tool)
    visitor = visitor_in(origin.name) if origin else None
    headers.form_action(origin_of(asked.redirect_uri) or "")
    return render_template(
        "external/answer.html",
        address=asked.redirect_uri,
        fields=answering_views.answer(uid, said, asked, visitor),
        question=_question(said) if origin and visitor is None else None,
    )


def _question(said: Mapping[str, str]) -> dict[str, str]:
    """What our page around the tool can answer if its script holds the visit (0072)."""
    return {name: said[name] for name in answering_views.QUESTION if name in said}


@bp.get("/<uid>/jwks")
@public
def jwks(uid: str) -> Response:
    """Our public keys for this tool."""
    session = read_session()
    tool = queries.tool_at(session, uid)
    answer = jsonify(keys=signing.public_keys(session, tool.id, now=clock.now()))
    answer.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    return answer


@bp.post("/<uid>/answers/<token>")
@public
def answer(uid: str, token: str) -> str:
    """What an admin picked in the tool: signed by it, an answer to our question, once."""
    session, now = read_session(), clock.now()
    tool = queries.tool_at(session, uid)
    headers.frame_ancestors("*")
    launch = launching.waiting_launch(session, tool, token)
    if launch is None or tool.state is not ToolState.ACTIVE:
        raise PickRefusedError("token")
    picked, nonce = _picked(tool, str(launch.id), request.form.get("JWT", ""))
    with transaction() as tx:
        used = launching.answered_launch(tx.session, tool, token, now=now)
        if used is None or not signing.use_once(tx.session, tool, nonce, now=now):
            raise PickRefusedError("used")
        for item in picked.items:
            linking.add_module(
                tx,
                tx.session.get_one(ExternalTool, tool.id),
                title=item.title,
                target_url=item.target_url,
                custom=item.custom,
                pass_share=None,
                score_maximum=item.score_maximum,
                resource_id=item.resource_id,
                tag=item.tag,
                by=used.person_id,
                now=now,
            )
    return render_template("external/picked.html", picked=picked, tool_id=tool.id)


def _picked(tool: ExternalTool, data: str, token: str) -> tuple[Picked, object]:
    ours = platform_addresses(current_settings().tool_url, tool.uid)
    try:
        claims = signing.verified(token, tool, audiences={ours.issuer}, now=clock.now())
        picked = read_answer(
            claims,
            deployment_id=actions.DEPLOYMENT,
            data=data,
            target_url=tool.picker_url or tool.target_url,
            tool_name=tool.name,
        )
    except (ForeignTokenError, NotAnAnswerError) as error:
        raise PickRefusedError(str(error)) from None
    return picked, claims.get("nonce")


@bp.get("/<uid>/back")
@public
def back(uid: str) -> str:
    """The tool is done: on to the page that holds its frame, with what it has to say."""
    tool = queries.tool_at(read_session(), uid)
    headers.frame_ancestors("*")  # it has neither secrets nor anybody's name
    return render_template(
        "external/back.html",
        tool=tool,
        message=text_of(request.args.get("lti_msg")),
        problem=text_of(request.args.get("lti_errormsg")),
    )
