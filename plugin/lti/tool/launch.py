"""The end of a sign-in: the LMS's signed message becomes a frozen `Launch`, or is refused."""

import hmac
from datetime import datetime

from plugin.core.secrets import hash_of
from plugin.lti.tool import pylti
from plugin.lti.tool.claims import Launch, MessageType
from plugin.lti.tool.errors import NotForLearnersError, OtherBrowserError, TestUserError
from plugin.lti.tool.pylti import FindKey
from plugin.lti.tool.trust_queries import LoginFacts, Trust


def verify(
    id_token: str, trust: Trust, login: LoginFacts, *, find_key: FindKey, now: datetime
) -> Launch:
    """What the LMS says, proven: rules V1 to V10 and C1 to C13; raises an LtiError."""
    return pylti.launch(id_token, trust, login, find_key=find_key, now=now)


def check_is_served(launch: Launch) -> None:
    """Never for an LMS's test student, and each message for those it is meant for only."""
    if launch.roles.is_test_user:
        raise TestUserError
    picks = launch.message_type is MessageType.DEEP_LINKING
    reviews = launch.message_type is MessageType.SUBMISSION_REVIEW
    if picks and not launch.roles.may_pick_content:
        raise NotForLearnersError
    is_own = launch.for_user == launch.subject
    if reviews and not is_own and not (launch.roles.teaches or launch.roles.is_lms_administrator):
        raise NotForLearnersError


def is_bound(login: LoginFacts, cookie: str | None) -> bool:
    """Whether this browser began the login; False when it kept no cookie at all.

    Raises OtherBrowserError for a cookie of another login.
    """
    if cookie is None:
        return False
    if not hmac.compare_digest(hash_of(cookie), login.binding_hash):
        raise OtherBrowserError(login_id=login.id)
    return True
