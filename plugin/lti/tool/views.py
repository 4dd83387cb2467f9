"""The addresses an LMS calls: login, launch, registration, keys."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock, http
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.errors import PluginError
from plugin.lti.tool import (
    admission,
    claiming,
    deployments,
    framing_views,
    handover_views,
    keys,
    login_actions,
    platform_storage,
    queries,
    registering,
    trust_queries,
)
from plugin.lti.tool import launch as launches
from plugin.lti.tool import login as logins
from plugin.lti.tool.addresses import LOGIN_COOKIE, cookie_name, origin_of, origins_of, way_back
from plugin.lti.tool.claims import Launch
from plugin.lti.tool.errors import (
    ClaimOverError,
    DeploymentUnknownError,
    LaunchIncompleteError,
    LoginUnknownError,
    PlatformRefusedError,
)
from plugin.lti.tool.platform_keys import PlatformKeys
from plugin.lti.tool.pylti import FindKey
from plugin.lti.tool.trust_queries import LoginFacts, Trust
from plugin.web import errors, headers, visits
from plugin.web.identity import public, sign_in
from plugin.web.limits import limiter

bp = Blueprint("lti", __name__, url_prefix="/lti")

KEYS = "plugin_lti_platform_keys"
JWKS_SECONDS = 3600
OIDC_ERRORS = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_response_type",
    }
)


@bp.record
def _remember_keys(setup: BlueprintSetupState) -> None:
    setup.app.extensions[KEYS] = PlatformKeys()


bp.before_request(framing_views.before_each_request)


@bp.route("/<uid>/login", methods=["GET", "POST"])
@public
def login(uid: str) -> AnyResponse:
    """The LMS begins a sign-in; we ask it who the person is."""
    trust = framing_views.active(trust_queries.trust(read_session(), uid, at=clock.now()))
    said = {**request.args.to_dict(), **request.form.to_dict()}
    begun = logins.begin(said, trust, tool_url=current_settings().tool_url)
    with transaction() as tx:
        login_actions.begin_login(
            tx.session,
            trust,
            state=begun.state,
            nonce=begun.nonce,
            binding=begun.binding,
            target_link_uri=begun.target_link_uri,
            now=clock.now(),
        )
    target = None if _keeps_cookies() else platform_storage.target_of(said)
    answer = handover_views.store(trust, begun, target) if target else redirect(begun.address, 302)
    _bind_browser(answer, begun)
    return answer


@bp.get("/<uid>/launch")
@public
def launch_address(uid: str) -> str:  # noqa: ARG001 - the page is the same for all
    """LMSs and people look at this address; nothing is read for them."""
    if "error" in request.args:
        raise _platform_refused(request.args)
    return render_template("lti/only_from_lms.html")


@bp.post("/<uid>/launch")
@public
def launch(uid: str) -> AnyResponse:
    """The LMS says who the person is; they are signed in, or offered a button to be."""
    state = request.form.get("state", "")
    trust, login = trust_queries.trust_and_login(read_session(), uid, state, at=clock.now())
    framing_views.active(trust)
    login = _answered(login)
    bound = launches.is_bound(login, request.cookies.get(cookie_name(state)))
    message = launches.verify(
        request.form["id_token"], trust, login, find_key=key_finder(trust), now=clock.now()
    )
    with _way_back_to_the_course(message):
        launches.check_is_served(message)
        try:
            answer = (
                _admit(trust, login, message)
                if bound
                else handover_views.offer(trust, login, message)
            )
        except DeploymentUnknownError:
            with transaction() as tx:
                deployments.note_deployment(
                    tx.session, trust, message.deployment_id, now=clock.now()
                )
            raise _claimable(trust, message) from None
    _forget_binding(answer, state)
    return answer


@bp.post("/<uid>/claim")
@limiter.limit(claiming.PER_ADDRESS)
@public
def claim(uid: str) -> str:
    """The holder of the organization's install code accepts the installation they came from."""
    now, settings = clock.now(), current_settings()
    trust = framing_views.active(trust_queries.trust(read_session(), uid, at=now))
    if request.headers.get("Origin") != origin_of(settings.tool_url):
        raise ClaimOverError("origin")
    text = request.form.get("claim", "")
    found = claiming.opened(text, trust, encryption_key=settings.encryption_key, now=now)
    with transaction() as tx:
        code = request.form.get("code", "")
        claiming.accept(tx.session, trust, found, code, text=text, now=now)
    return render_template("lti/deployment_claimed.html")


@bp.get("/register/<token>")
@public
def register(token: str) -> Response:
    """An LMS was given an invitation: it opens this page in its own, and is registered."""
    done = registering.register(
        current_settings(),
        token,
        configuration_url=request.args.get("openid_configuration"),
        registration_token=request.args.get("registration_token"),
    )
    headers.frame_ancestors(*origins_of((done.platform.issuer, done.platform.auth_url)))
    page = render_template("lti/registered.html", done=done, profile=done.platform.profile)
    answer = Response(page)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@bp.get("/<uid>/jwks")
@public
def jwks(uid: str) -> Response:
    """Our public keys for this LMS."""
    now = clock.now()
    published = queries.key_set(read_session(), uid, at=now)
    if published.unread:
        with transaction() as tx:
            keys.note_fetched(tx.session, published.unread, now=now)
    answer = jsonify(keys=published.keys)
    answer.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    return answer


def _answered(login: LoginFacts | None) -> LoginFacts:
    if "error" in request.form:
        raise _platform_refused(request.form)
    if not request.form.get("id_token") or not request.form.get("state"):
        raise LaunchIncompleteError
    if login is None:
        raise LoginUnknownError
    return login.checked(now=clock.now())


def _platform_refused(said: Mapping[str, str]) -> PlatformRefusedError:
    known = said["error"] if said["error"] in OIDC_ERRORS else "other"
    return PlatformRefusedError(known, oidc_error=known)


def key_finder(trust: Trust) -> FindKey:
    """The LMS's public keys, remembered and fetched when needed."""
    settings = current_settings()
    known = cast(PlatformKeys, current_app.extensions[KEYS])

    def fetch(url: str) -> http.Reply:
        read_session().rollback()  # no transaction stays open while we wait for the LMS
        return http.call(settings, "GET", url, headers={"Accept": "application/json"})

    def find(kid: str) -> RSAPublicKey:
        return known.key(trust.jwks_url, kid, fetch=fetch, now=clock.now())

    return find


def _claimable(trust: Trust, message: Launch) -> DeploymentUnknownError:
    """The refusal of an unknown installation, with what its admin needs to accept it."""
    found = claiming.claim_of(trust, message, now=clock.now())
    text = claiming.sealed(found, encryption_key=current_settings().encryption_key)
    return DeploymentUnknownError(trust.uid, message.deployment_id, claim=text)


def _admit(trust: Trust, login: LoginFacts, message: Launch) -> AnyResponse:
    now = clock.now()
    with transaction() as tx:
        login_actions.use_login(
            tx.session, trust, login, deployment_id=message.deployment_id, now=now
        )
        login_actions.note_their_key(tx.session, trust, message.key_id, now=now)
        token, page = admission.enter(tx.session, trust, message, now=now)
    sign_in(token)
    return redirect(visits.address(token, page), 303)


@contextmanager
def _way_back_to_the_course(message: Launch) -> Iterator[None]:
    """A refusal of a verified message offers the way back the LMS asked for."""
    try:
        yield
    except PluginError as error:
        error.return_url = way_back(
            message.return_url,
            message=error.message,
            code=error.code,
            reference=errors.reference(),
        )
        raise


def _keeps_cookies() -> bool:
    """Whether this browser is known to keep our cookies where it is now: it brings one."""
    return any(each.startswith((LOGIN_COOKIE, visits.COOKIE)) for each in request.cookies)


def _bind_browser(answer: AnyResponse, begun: logins.Begun) -> None:
    answer.set_cookie(
        cookie_name(begun.state),
        begun.binding,
        max_age=login_actions.LOGIN_LIFE,
        path="/",
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
    )


def _forget_binding(answer: AnyResponse, state: str) -> None:
    answer.delete_cookie(
        cookie_name(state),
        path="/",
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
    )
