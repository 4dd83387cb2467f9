"""What a signed message must say and does not: a stable code for each claim."""

from flask_babel import lazy_gettext as _l

from plugin.lti.tool.errors import LtiError


class ClaimError(LtiError):
    """A signed message that is not the LTI message it must be; `claim` is one of our words."""

    code = "lti.claim"
    public_message = _l("The LMS sent a message that is not complete or not understood.")

    def __init__(self, claim: str) -> None:
        super().__init__(claim, claim=claim)
        self.admin_advice = _l(
            "“%(claim)s” of the LTI message is missing or not as the standard says.", claim=claim
        )


class NoticeTypeError(ClaimError):
    code = "lti.notice_type"


class VersionError(ClaimError):
    code = "lti.version"


class MessageTypeError(ClaimError):
    code = "lti.message_type"


class DeploymentClaimError(ClaimError):
    code = "lti.deployment_claim"


class TargetMismatchError(ClaimError):
    code = "lti.target_mismatch"


class ResourceLinkError(ClaimError):
    code = "lti.resource_link"


class RolesError(ClaimError):
    code = "lti.roles"


class ContextError(ClaimError):
    code = "lti.context"


class SubjectError(ClaimError):
    code = "lti.subject"
    public_message = _l("Your LMS did not say who you are, so your training cannot be recorded.")
