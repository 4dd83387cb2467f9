"""When the browser keeps no cookie in the frame (docs/decisions/0012, 0071, 0072).

In this order, never in circles: what the LMS stored for us proves the browser; a person says "it is
me" and goes on in the frame; a new window.
"""

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.secrets import hash_of
from plugin.lti.tool import (
    admission,
    framing_views,
    handover,
    login_actions,
    platform_storage,
    trust_queries,
)
from plugin.lti.tool.addresses import origin_of
from plugin.lti.tool.claims import Launch
from plugin.lti.tool.errors import HandoverError
from plugin.lti.tool.login import Begun
from plugin.lti.tool.trust_queries import LoginFacts, Trust
from plugin.web import headers, visits
from plugin.web.identity import public, sign_in

bp = Blueprint("handover", __name__, url_prefix="/lti")
bp.before_request(framing_views.before_each_request)


def store(trust: Trust, begun: Begun, target: str) -> AnyResponse:
    """The LMS offers to keep something: our page puts the proof there, then goes on (S2)."""
    page = render_template(
        "lti/store.html",
        next_url=begun.address,
        storage=_storage(trust, target, begun.state),
        proof=platform_storage.proof_of(
            hash_of(begun.state), secret_key=current_settings().secret_key
        ),
    )
    return Response(page)


def offer(trust: Trust, login: LoginFacts, message: Launch) -> AnyResponse:
    """The browser kept no cookie: the page that asks the LMS's storage, and has two buttons."""
    now = clock.now()
    with transaction() as tx:
        login_actions.use_login(
            tx.session, trust, login, deployment_id=message.deployment_id, now=now
        )
        login_actions.note_their_key(tx.session, trust, message.key_id, now=now)
        admitted = admission.admit(tx.session, trust, message, now=now)
        code = handover.offer(tx.session, login, admitted, now=now)
        name = admitted.person.full_name
    back = message.deep_linking.return_url if message.deep_linking else ""
    headers.for_a_visit_by_script(*framing_views.framers(trust), origin_of(back) or "")
    page = render_template(
        "lti/open_window.html",
        uid=trust.uid,
        code=code,
        name=name,
        storage=_storage(
            trust, platform_storage.target_of(request.form) or "", request.form["state"]
        ),
    )
    return Response(page)


@bp.post("/<uid>/continue")
@public
def continue_in_window(uid: str) -> AnyResponse:
    """The button was pressed on our own page: the waiting launch begins in this window."""
    token, page = _take(uid)
    sign_in(token)
    return redirect(visits.address(token, page), 303)


@bp.post("/<uid>/begin")
@public
def begin_in_frame(uid: str) -> Response:
    """Our own page goes on by itself in the frame; its script holds the session (0072)."""
    token, page = _take(uid, proof=request.form.get("proof"))
    return jsonify(session=visits.seal(token), page=visits.address(token, page))


def _take(uid: str, proof: str | None = None) -> tuple[str, str]:
    """Only a page of ours can send the `Origin` of ours."""
    trust = framing_views.active(trust_queries.trust(read_session(), uid, at=clock.now()))
    settings = current_settings()
    if request.headers.get("Origin") != origin_of(settings.tool_url):
        raise HandoverError("origin")
    with transaction() as tx:
        return handover.take(
            tx.session,
            trust,
            request.form.get("code", ""),
            proof=proof,
            secret_key=settings.secret_key,
            now=clock.now(),
        )


def _storage(trust: Trust, target: str, state: str) -> dict[str, str]:
    """What our script must know to talk to the LMS's storage, and to nobody else."""
    return {
        "frame": target,
        "origin": origin_of(trust.auth_url) or "",
        "framers": " ".join(framing_views.framers(trust)),
        "key": platform_storage.key_of(state),
    }
