"""How the miniature LMS behaves: one set of options, and what each make of LMS makes of them.

Seen on live sites or told by their makers' documents and users; each is switched on its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is answered to a score that is not taken: in JSON, or beside the status."""

    status: int
    body: Any = field(default_factory=list)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Who speaks for all the LMSs that it hosts: one issuer, one set of keys, one token address.

    A customer is known by its client id; where the client is the vendor's too, by its deployment.
    """

    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    shares_client: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registering:
    """How tools register themselves (dynamic registration), and what is peculiar to it."""

    status: int = 200
    media_type: str = "application/json"
    configuration: str = "open"
    """Of the registration token, its configuration is `open`, `needs` it or `refuses` it."""
    used_token: Refusal = field(
        default_factory=lambda: Refusal(status=401, body="token_already_used")
    )
    gives_deployment: bool = True
    is_active_at_once: bool = True
    """Else an administrator of the LMS has to activate the tool before anybody can open it."""

    def shows_configuration(self, token: str, *, is_known: bool) -> bool:
        """Whether somebody with this registration token may read it."""
        return {"open": True, "needs": is_known, "refuses": not token}[self.configuration]


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """How difficult this LMS is. `fails_with` is answered to the next calls, one after another."""

    product: str = "sandbox"
    """What it calls itself (`product_family_code`)."""

    compares_whole_seconds: bool = True
    keeps_older_out: bool = True
    older: Refusal = Refusal(status=409, reason="Refusing score with an earlier timestamp")
    erases_when_not_graded: bool = True
    unknown_person: Refusal = Refusal(status=400, reason="Incorrect score received")
    is_locked: bool = False
    keeps_nothing: bool = False
    """A column without grades: every score is taken, none is kept."""
    counts_submissions: bool = False
    """Each score is a new attempt, unless it says that it is none."""
    attempts_allowed: int | None = None
    fills_with_noughts: bool = False
    leaves_out_zeros: bool = False
    drops_comments_of_one: bool = False
    """Results asked for one person come without comments."""
    makes_columns: bool = True
    """Tools may add columns; else an activity has the one that came with it."""
    breaks_on_limit: bool = True
    column_query: str = "?type_id=1"

    gives_access: bool = True
    token_audience: str = ""
    """What an assertion must be for; the token address if empty."""

    short_roles: bool = True
    page_size: int = 0
    has_test_student: bool = False
    most_members: int = 0
    """A longer list of people is refused altogether."""
    member_variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Custom parameters by user id, said of people when asked through an activity (`rlid`)."""
    crowd: int = 0
    """So many more learners are on the list of people."""
    hidden_from: set[str] = field(default_factory=set)
    """Ids of people who may not open the activities."""

    registering: Registering | None = field(default_factory=Registering)
    """None: tools are registered by hand."""
    vendor: Vendor | None = None
    """The vendor in whose name a live one speaks; here each speaks for itself all the same."""

    offers_notices: bool = False
    """It tells tools when a course is copied."""

    fails_with: list[int] = field(default_factory=list)
    slow_seconds: float = 0.0


CANVAS_CLOUD = Vendor(
    issuer="https://canvas.instructure.com",
    auth_url="https://sso.canvaslms.com/api/lti/authorize_redirect",
    token_url="https://canvas.instructure.com/login/oauth2/token",  # noqa: S106 - an address
    jwks_url="https://sso.canvaslms.com/api/lti/security/jwks",
)
BLACKBOARD_CLOUD = Vendor(
    issuer="https://blackboard.com",
    auth_url="https://developer.blackboard.com/api/v1/gateway/oidcauth",
    token_url="https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",  # noqa: S106
    jwks_url="https://developer.blackboard.com/api/v1/management/applications/client-1/jwks.json",
    shares_client=True,
)
USED_PAGE = "<html><head><title>x</title></head><body><h1>Used already</h1></body></html>"
MOODLE = Behaviour(
    product="moodle",
    registering=Registering(
        media_type="text/html",
        used_token=Refusal(status=401, body="token_already_used"),
        is_active_at_once=False,
    ),
)
MAKES: Mapping[str, Behaviour] = {
    "moodle": MOODLE,
    "canvas": replace(
        MOODLE,
        product="canvas",
        compares_whole_seconds=False,
        older=Refusal(
            status=400,
            body={"errors": {"type": "bad_request", "message": "Provided timestamp is older"}},
        ),
        erases_when_not_graded=False,
        unknown_person=Refusal(
            status=422,
            body={"errors": {"type": "unprocessable_entity", "message": "User not a student"}},
        ),
        counts_submissions=True,
        attempts_allowed=1,
        fills_with_noughts=True,
        breaks_on_limit=False,
        column_query="",
        short_roles=False,
        page_size=50,
        has_test_student=True,
        registering=Registering(
            status=201,
            configuration="needs",
            used_token=Refusal(status=401, body={"errors": [{"message": "JWT was already used"}]}),
            gives_deployment=False,
            is_active_at_once=False,
        ),
        vendor=CANVAS_CLOUD,
    ),
    "blackboard": replace(
        MOODLE,
        product="BlackboardLearn",
        compares_whole_seconds=False,
        unknown_person=Refusal(status=400, body={"message": "User could not be found: 999"}),
        drops_comments_of_one=True,
        breaks_on_limit=False,
        column_query="",
        short_roles=False,
        registering=None,
        vendor=BLACKBOARD_CLOUD,
    ),
    "brightspace": replace(
        MOODLE,
        product="desire2learn",
        compares_whole_seconds=False,
        unknown_person=Refusal(status=404, body={"message": "The requested user does not exist"}),
        breaks_on_limit=False,
        column_query="",
        token_audience="https://api.brightspace.com/auth/token",  # noqa: S106 - an address
        short_roles=False,
        page_size=3,
        registering=Registering(
            configuration="refuses",
            used_token=Refusal(
                status=400,
                body={"error": "invalid_token", "error_description": "The token was consumed"},
            ),
            gives_deployment=False,
            is_active_at_once=False,
        ),
    ),
    "sakai": replace(
        MOODLE,
        product="sakai",
        compares_whole_seconds=False,
        unknown_person=Refusal(status=404, body={"error": "User not found in site"}),
        breaks_on_limit=False,
        column_query="",
        short_roles=False,
        registering=Registering(used_token=Refusal(status=500, body=USED_PAGE)),
    ),
    "openedx": replace(
        MOODLE,
        product="openedx",
        compares_whole_seconds=False,
        older=Refusal(status=400, body={"errors": ["Score timestamp is older than the last"]}),
        unknown_person=Refusal(status=403, body={"detail": "Learner is not enrolled"}),
        makes_columns=False,
        breaks_on_limit=False,
        column_query="",
        short_roles=False,
        most_members=1000,
        registering=None,
    ),
}


def behaviour_of(make: str) -> Behaviour:
    """A new set of options of this make; the miniature LMS's own for everything else."""
    found = MAKES.get(make, Behaviour())
    return replace(found, member_variables={}, hidden_from=set(), fails_with=[])
