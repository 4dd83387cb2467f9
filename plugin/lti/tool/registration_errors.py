"""Why an LMS is not registered: its invitation, what it says of itself, its refusal."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError
from plugin.lti.tool.errors import LtiError


class RegistrationExistsError(PluginError):
    code = "lti.registration_exists"
    http_status = 409
    public_message = _l("This issuer and client id are already registered.")


class RegistrationAddressError(PluginError):
    """A registration value that cannot be used; `field` names the option."""

    code = "lti.registration_address"
    http_status = 422

    def __init__(self, field: str) -> None:
        super().__init__(field, field=field)
        self._field = field

    @property
    def message(self) -> str:
        return str(
            _l(
                "“%(field)s” must be a complete https address (http on this machine only).",
                field=self._field,
            )
        )


class InvitationError(LtiError):
    """An invitation that opens nothing."""

    http_status = 403
    learner_advice = ""


class InvitationUnknownError(InvitationError):
    code = "lti.invitation_unknown"
    http_status = 404
    public_message = _l("This invitation is not known, or it was withdrawn.")
    admin_advice = _l(
        "Copy the whole address again. If it is lost, an admin of the training makes a new one "
        "under Organization, LMSs, Invite an LMS."
    )


class InvitationExpiredError(InvitationError):
    code = "lti.invitation_expired"
    public_message = _l("This invitation has expired.")
    admin_advice = _l(
        "An admin of the training makes a new one under Organization, LMSs, Invite an LMS. Nothing "
        "was registered."
    )


class InvitationUsedError(InvitationError):
    code = "lti.invitation_used"
    public_message = _l("This invitation has been used.")
    admin_advice = _l(
        "An invitation registers one LMS once. If the LMS is not connected now, or is to be "
        "registered again, an admin of the training makes a new one under Organization, LMSs, "
        "Invite an LMS."
    )


class ConfigurationAddressError(InvitationError):
    code = "lti.configuration_address"
    http_status = 400
    public_message = _l("This address is for an LMS, not for a browser.")
    admin_advice = _l(
        "Copy it into the LMS where tools are added by a registration address (dynamic "
        "registration). The LMS opens it and adds “openid_configuration” by itself."
    )


class ConfigurationUnreadableError(InvitationError):
    """The LMS could not be asked; `words` are our reason or the LMS's own answer."""

    code = "lti.configuration_unreadable"
    http_status = 400
    public_message = _l("The LMS could not be reached, so nothing was registered.")

    def __init__(self, step: str, words: str) -> None:
        super().__init__(step, step=step)
        self.admin_advice = _l(
            "%(step)s: %(words)s. The invitation can be used again once this is mended.",
            step=step,
            words=words or "–",
        )


class ConfigurationError(InvitationError):
    """The LMS says something of itself that cannot be used; `field` is the name it has there."""

    code = "lti.configuration"
    http_status = 400
    public_message = _l("What the LMS says of itself cannot be used, so nothing was registered.")

    def __init__(self, field: str) -> None:
        super().__init__(field, field=field)
        self.admin_advice = _l(
            "“%(field)s” is missing or not acceptable in the LMS's OpenID configuration or in its "
            "answer. The invitation can be used again.",
            field=field,
        )


_TOKEN_OVER = _l("The LMS's registration token works once and for about an hour.")
_REFUSALS = {
    "missing_registration_token": _l("The LMS sent no registration token along."),
    "token_already_used": _TOKEN_OVER,
    "missing_domain": _l("The LMS wants a domain of the tool: set the tool's public address."),
    "domain_targetlinkuri_mismatch": _l(
        "The LMS wants tool address and domain on one host: set the tool's public address."
    ),
}
"""What bare words of an LMS mean, where we know (moodle 2)."""


class RegistrationRefusedError(InvitationError):
    """The LMS did not register us; its own words are shown, and what they mean if we know."""

    code = "lti.registration_refused"
    http_status = 400
    public_message = _l("The LMS refused to register the tool.")

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, status=status)
        is_about_token = status in {401, 403, 404}  # Moodle's page for a token it cannot read: 404
        self.admin_advice = _l(
            "It answered %(status)d: %(words)s. %(meaning)s Begin again in the LMS; the invitation "
            "can be used again.",
            status=status,
            words=words or "–",
            meaning=_REFUSALS.get(words, _TOKEN_OVER if is_about_token else ""),
        )


class RegistrationElsewhereError(InvitationError):
    code = "lti.registration_elsewhere"
    http_status = 409
    public_message = _l("Another organization here has registered this LMS already.")
    admin_advice = _l("Remove the tool from the LMS and register it anew, or ask the other one.")
