"""What a login or launch refuses: the cause, and what learner and LMS admin can do."""

import shlex

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError

TELL = _l("Please tell the people who look after your course.")
"""Opening the activity again would end the same way."""


class LtiError(PluginError):
    """A refused login or launch."""

    learner_advice = _l("Please open the activity again from your course.")


class RegistrationUnknownError(LtiError):
    code = "lti.registration_unknown"
    http_status = 404
    public_message = _l("This LMS is not known here.")
    learner_advice = TELL
    admin_advice = _l(
        "The tool's addresses in the LMS belong to no registration. Register the LMS here, or "
        "copy the addresses again. A course restored into another LMS needs its own registration."
    )


class RegistrationDisabledError(LtiError):
    code = "lti.registration_disabled"
    http_status = 403
    public_message = _l("Opening training from this LMS has been switched off.")
    learner_advice = _l("Please ask your training department.")

    def __init__(self, registration_uid: str) -> None:
        super().__init__(registration_uid, registration_uid=registration_uid)
        self.admin_advice = _l(
            "An administrator of the training disabled this registration. Its launches are "
            "accepted again under Organization, LMSs, or by the command: plugin lms enable %(uid)s",
            uid=registration_uid,
        )


class LoginIncompleteError(LtiError):
    """A login without a parameter the standard demands; `parameter` is one of ours, not theirs."""

    code = "lti.login_incomplete"
    public_message = _l("The LMS began to open this activity but left something out.")

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter, parameter=parameter)
        self.admin_advice = _l("The login request has no “%(parameter)s”.", parameter=parameter)


_COPIED = _l(
    "A tool that belonged to one course gets a client id of its own when the course is copied or "
    "restored: use the tool of the whole site there, or register the new client id."
)


class LoginMismatchError(LtiError):
    """A login whose issuer or client id is not that of the registration at this address."""

    code = "lti.login_mismatch"
    public_message = _l("The LMS that opened this activity is not the one registered here.")
    learner_advice = TELL

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter, parameter=parameter)
        self.admin_advice = _l(
            "“%(parameter)s” differs from the registration. Compare it, letter by letter, with "
            "what the LMS shows, or use the login address of the right registration. %(more)s",
            parameter=parameter,
            more=_COPIED if parameter == "client_id" else "",
        )


class TargetRefusedError(LtiError):
    code = "lti.target_refused"
    public_message = _l("The LMS asked for a page that is not part of this tool.")
    learner_advice = TELL
    admin_advice = _l("The tool URL (target_link_uri) of the activity must be an address of ours.")


class LaunchIncompleteError(LtiError):
    code = "lti.launch_incomplete"
    public_message = _l("The LMS did not send what is needed to sign you in.")
    admin_advice = _l("The launch must be a form post with id_token and state.")


class LoginUnknownError(LtiError):
    code = "lti.login_unknown"
    public_message = _l("This sign-in is not known, or it took too long.")


class LoginUsedError(LtiError):
    code = "lti.login_used"
    public_message = _l("This sign-in has already been used.")
    learner_advice = _l(
        "Going back or reloading does not work here. Please open the activity again from your "
        "course."
    )


class OtherBrowserError(LtiError):
    code = "lti.other_browser"
    public_message = _l("This sign-in was begun in another browser.")


class PlatformRefusedError(LtiError):
    """The LMS answered the login with an error (OpenID Connect); never shown in its words."""

    code = "lti.platform_refused"
    public_message = _l("Your LMS did not sign you in.")
    learner_advice = _l("Sign in to your LMS again, then open the activity again from your course.")
    admin_advice = _l(
        "The LMS answered the login with an error. Compare client id, redirect address and login "
        "address with the registration; the log has the LMS's error code."
    )


class TokenRefusedError(LtiError):
    """An id_token that cannot be trusted; `rule` names the broken rule, for log and admin."""

    code = "lti.token_refused"
    http_status = 401
    public_message = _l("The message of the LMS could not be verified.")

    def __init__(self, rule: str) -> None:
        super().__init__(rule, rule=rule)
        self.admin_advice = _l(
            "The signed message breaks the rule “%(rule)s”. Compare issuer, client id and key set "
            "address of the registration with what the LMS shows.",
            rule=rule,
        )


class TokenTimeError(LtiError):
    """Too old, expired or from the future; `rule` says which."""

    code = "lti.token_time"
    http_status = 401
    public_message = _l("The message of the LMS is out of date.")
    admin_advice = _l(
        "If this happens every time, the clock of the LMS's server is wrong: let it follow NTP."
    )

    def __init__(self, rule: str) -> None:
        super().__init__(rule, rule=rule)


class NonceError(LtiError):
    code = "lti.nonce"
    http_status = 401
    public_message = _l("The message of the LMS does not belong to this sign-in.")


class KeyUnknownError(LtiError):
    code = "lti.key_unknown"
    http_status = 401
    public_message = _l("The LMS signed its message with a key that it does not publish.")
    admin_advice = _l(
        "The key set address of the registration must be the one the LMS shows. After a change of "
        "keys it can take half a minute."
    )


class KeysUnavailableError(LtiError):
    """The LMS's key set cannot be read, and none is remembered."""

    code = "lti.keys_unavailable"
    http_status = 401
    public_message = _l("The keys of the LMS cannot be read at the moment.")
    learner_advice = _l("Please wait a minute, then open the activity again from your course.")
    admin_advice = _l("The key set address of the registration does not answer with a key set.")


class CopyUnknownError(LtiError):
    code = "lti.copy_unknown"
    http_status = 404
    public_message = _l("This copy of a course is not known here.")
    learner_advice = ""


class CopyDecidedError(LtiError):
    code = "lti.copy_decided"
    http_status = 409
    public_message = _l("Somebody has decided about this course before.")
    learner_advice = ""


class DeploymentUnknownError(LtiError):
    """The registration is known, this installation of it is not; an admin must decide.

    `claim` lets the holder of an install code decide on the page itself.
    """

    code = "lti.deployment_unknown"
    http_status = 403
    public_message = _l("This installation of the tool has not been accepted yet.")
    learner_advice = TELL
    template = "lti/deployment_unknown.html"

    def __init__(self, registration_uid: str, deployment_id: str, *, claim: str = "") -> None:
        super().__init__(registration_uid, registration_uid=registration_uid)
        self.uid, self.claim = registration_uid, claim
        self.admin_advice = _l(
            "If deployment %(deployment)s is yours, an admin of the training accepts it under "
            "Organization, LMSs, or by the command: plugin lms add-deployment %(uid)s "
            "--deployment %(deployment)s",
            deployment=shlex.quote(deployment_id),
            uid=registration_uid,
        )


class ClaimCodeError(DeploymentUnknownError):
    """The install code typed for a deployment opens nothing; it may be typed again."""

    code = "lti.claim_code"
    public_message = _l("This install code is not valid, has expired or has been used.")
    learner_advice = ""


class ClaimOverError(LtiError):
    code = "lti.claim_over"
    public_message = _l("Too much time has passed since the activity was opened.")


class TestUserError(LtiError):
    """The LMS's own test student: nothing about it may be recorded."""

    __test__ = False
    code = "lti.test_user"
    http_status = 403
    public_message = _l("You are looking as the test student of your LMS.")
    learner_advice = _l(
        "Nothing is recorded for a test student. Leave the student view to see your own training."
    )


class HandoverError(LtiError):
    code = "lti.handover"
    public_message = _l("This button has been used, or too much time has passed.")


class KeyReplacedError(PluginError):
    code = "lti.key_replaced"
    http_status = 409
    public_message = _l("Somebody has just made a new key; it signs. No further key was made.")


class GradeUnknownError(PluginError):
    code = "lti.grade_unknown"
    http_status = 404
    public_message = _l("There is no such grade.")


class ContentRequestError(LtiError):
    code = "lti.content_request"
    http_status = 404
    public_message = _l("This choice of content is over, or it was somebody else's.")
    learner_advice = _l("Please begin again in your course.")


class NotForLearnersError(LtiError):
    """A message only somebody who teaches may come with; who it is about decides nothing."""

    code = "lti.not_for_learners"
    http_status = 403
    public_message = _l("Only somebody who teaches the course can open this.")


class ReviewUnknownError(LtiError):
    code = "lti.review_unknown"
    http_status = 404
    public_message = _l("There is no work of this learner to see.")
