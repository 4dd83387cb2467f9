"""The one door to PyLTI1p3: its login and launch, with every check it lacks put in its place.

The library drives the sequence; what is trusted is decided in `validation` and `claims`, and it
never calls out by itself: keys come from `platform_keys`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pylti1p3.cookie import CookieService
from pylti1p3.deployment import Deployment
from pylti1p3.exception import LtiException, OIDCException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.redirect import Redirect
from pylti1p3.registration import Registration
from pylti1p3.request import Request
from pylti1p3.session import SessionService
from pylti1p3.tool_config.abstract import ToolConfAbstract

from plugin.core.secrets import new_token
from plugin.lti.tool import validation
from plugin.lti.tool.addresses import with_query
from plugin.lti.tool.claims import Launch, read_launch
from plugin.lti.tool.errors import TokenRefusedError
from plugin.lti.tool.trust_queries import LoginFacts, Trust

FindKey = Callable[[str], RSAPublicKey]
"""The platform's public key by `kid`; raises KeyUnknownError or KeysUnavailableError."""

_JWS = jwt.PyJWS(algorithms=[validation.ALGORITHM])


def check_signature(token: str, key: RSAPublicKey) -> None:
    """The token is signed by this key; raises TokenRefusedError."""
    try:
        _JWS.decode_complete(token, cast(Any, key), [validation.ALGORITHM])
    except jwt.InvalidTokenError:
        raise TokenRefusedError("signature") from None


class _Said(Request):
    """The parameters of one request, whatever the web framework."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters

    def is_secure(self) -> bool:
        return True

    def get_param(self, key: str) -> str:
        return self._parameters.get(key, "")


class _Notes(SessionService):
    """Remembers what the library wants kept, for the row we write; reads nothing back."""

    def __init__(self) -> None:
        self.nonce = ""

    def save_nonce(self, nonce: str) -> None:
        self.nonce = nonce


class _NoCookies(CookieService):
    """Our cookie is set with the answer, by the view."""

    def __init__(self) -> None:
        self.state = ""

    def get_cookie(self, name: str) -> str | None:
        return None

    def set_cookie(self, name: str, value: str | int, exp: int | None = None) -> None:
        self.state = str(value)


class _OneRegistration(ToolConfAbstract[_Said]):
    """The registration at the address that was called; there is no other to confuse it with."""

    def __init__(self, trust: Trust) -> None:
        self.issuers_relation_types = {}
        self.registration = (
            Registration()
            .set_issuer(trust.issuer)
            .set_client_id(trust.client_id)
            .set_auth_login_url(trust.auth_url)
            .set_key_set_url(trust.jwks_url)
        )

    def find_registration_by_issuer(self, iss: str, *args: Any, **kwargs: Any) -> Registration:
        return self.registration

    def find_registration_by_params(
        self, iss: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Registration:
        return self.registration

    def find_deployment(self, iss: str, deployment_id: str) -> Deployment | None:
        return None

    def find_deployment_by_params(
        self, iss: str, deployment_id: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Deployment | None:
        return None


class _NoCalls:
    """Stands where the library would keep an HTTP session; using it is a defect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """Where to send the browser, and the secrets of this login."""

    address: str
    state: str
    nonce: str


class _ToolLogin(OIDCLogin[_Said, _OneRegistration, _Notes, _NoCookies, str]):
    """The library's login with our secrets; the request was checked before it gets here."""

    def _get_uuid(self) -> str:
        return new_token()

    def _generate_nonce(self) -> str:
        return new_token()

    def validate_oidc_login(self) -> Registration:
        return self._tool_config.registration

    def get_redirect(self, url: str) -> Redirect[str]:
        raise NotImplementedError("the view answers")

    def prepare(self, redirect_uri: str) -> Authentication:
        """The authentication request; a query of the registered address is kept."""
        composed = self._prepare_redirect_url(redirect_uri)
        registered = str(self._tool_config.registration.get_auth_login_url())
        query = composed.removeprefix(registered + "?")
        return Authentication(
            address=with_query(registered, query),
            state=self._cookie_service.state,
            nonce=self._session_service.nonce,
        )


class _ToolLaunch(MessageLaunch[_Said, _OneRegistration, _Notes, _NoCookies]):
    """The library's launch, each step of it replaced by one that refuses what it lets pass."""

    def __init__(
        self, id_token: str, trust: Trust, login: LoginFacts, find_key: FindKey, now: datetime
    ) -> None:
        super().__init__(
            _Said({"id_token": id_token}),
            _OneRegistration(trust),
            _Notes(),
            _NoCookies(),
            requests_session=cast(Any, _NoCalls()),
        )
        self._trust, self._login = trust, login
        self._find_key, self._now = find_key, now
        self.launch: Launch | None = None

    def _get_request_param(self, key: str) -> str:
        return self._request.get_param(key)

    def validate_state(self) -> "_ToolLaunch":
        """The login was found by its state; the browser's cookie is compared by the view."""
        return self

    def validate_jwt_format(self) -> "_ToolLaunch":
        header, body = validation.split_token(self._get_id_token())
        self._kid = validation.key_id(header)
        self._jwt = cast(Any, {"header": header, "body": body})
        return self

    def validate_nonce(self) -> "_ToolLaunch":
        return self

    def validate_registration(self) -> "_ToolLaunch":
        self._registration = self._tool_config.registration
        return self

    def validate_jwt_signature(self) -> "_ToolLaunch":
        """Nothing of the message is believed before this; the claims are those of these bytes."""
        check_signature(self._get_id_token(), self._find_key(self._kid))
        claims = cast(Mapping[str, Any], self._get_jwt_body())
        trust = self._trust
        validation.check_audience(claims, issuer=trust.issuer, client_id=trust.client_id)
        validation.check_times(claims, now=self._now)
        validation.check_nonce(claims, nonce_hash=self._login.nonce_hash)
        return self

    def validate_deployment(self) -> "_ToolLaunch":
        """Checked in the same statement that uses the login up."""
        return self

    def validate_message(self) -> "_ToolLaunch":
        claims = cast(Mapping[str, Any], self._get_jwt_body())
        said = read_launch(claims, target_link_uri=self._login.target_link_uri)
        self.launch = replace(said, key_id=self._kid)
        return self

    def save_launch_data(self) -> "_ToolLaunch":
        return self


def authentication(
    parameters: Mapping[str, str], trust: Trust, redirect_uri: str
) -> Authentication:
    """The authentication request that answers a checked login request (security 5.1.1.2)."""
    login = _ToolLogin(_Said(parameters), _OneRegistration(trust), _Notes(), _NoCookies())
    try:
        return login.prepare(redirect_uri)
    except (LtiException, OIDCException):
        raise TokenRefusedError("login") from None


def launch(
    id_token: str, trust: Trust, login: LoginFacts, *, find_key: FindKey, now: datetime
) -> Launch:
    """The verified message of an id_token that answers this login; raises an LtiError."""
    message = _ToolLaunch(id_token, trust, login, find_key, now)
    try:
        message.validate()
    except LtiException:
        raise TokenRefusedError("library") from None
    if message.launch is None:
        raise TokenRefusedError("library")
    return message.launch
