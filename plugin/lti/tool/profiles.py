"""What each make of LMS needs to be asked for at registration, and what is left to do in it (pure).

The make is the `product_family_code` that an LMS says of itself; an unknown one gets what the
standard says and nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

CANVAS = "https://canvas.instructure.com/lti/"
VARIABLES = {
    "context_history": "Context.id.history",
    "link_history": "ResourceLink.id.history",
    "person_sourcedid": "Person.sourcedId",
    "course_sourcedid": "CourseSection.sourcedId",
    "city": "Person.address.locality",
    "country": "Person.address.country",
}
"""Custom parameters worth asking every LMS for: course copies, and rules that fill units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One make of LMS."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    tool_extension: Mapping[str, Any] = field(default_factory=dict)
    navigation: tuple[Mapping[str, Any], ...] = ()
    deep_linking: Mapping[str, Any] = field(default_factory=dict)
    invited: LazyString | None = None
    """Where the address of an invitation goes, in an LMS that registers itself."""
    next_steps: tuple[LazyString, ...] = ()
    """What is left to do in it until somebody has opened the tool."""
    lasting_steps: tuple[LazyString, ...] = ()
    """Those of them that nobody's opening the tool shows to be done."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Where it answers, `{site}` being its own address; for registrations by hand."""
    by_hand: tuple[LazyString, ...] = ()
    roster_page: int | None = None
    """How many people of a course to ask for at a time, where an LMS gives all of them at once but
    keeps to a limit and names the next page; None: it is not told how to page."""


_FOUND_IN_MOODLE = _l(
    "So that teachers find it: edit the tool, and set Tool configuration usage to "
    "“Show in activity chooser and as a preconfigured tool”."
)
STANDARD = Profile(
    name="LMS",
    deep_linking={"placements": ["ContentArea"], "supported_types": ["ltiResourceLink"]},
    next_steps=(_l("Add the tool to a course as an activity, and open it once as a teacher."),),
)
PROFILES: Mapping[str, Profile] = {
    "moodle": Profile(
        name="Moodle",
        variables={"groups": "Moodle.Person.userGroupIds"},
        deep_linking={"placements": ["ContentArea"]},
        invited=_l(
            "Site administration, Plugins, External tool, Manage tools: paste it into “Tool URL” "
            "and press Add LTI Advantage."
        ),
        next_steps=(
            _l("Press Activate on the tool's new card."),
            _FOUND_IN_MOODLE,
            _l("Add it to a course with “Select content”, and open it once."),
        ),
        lasting_steps=(_FOUND_IN_MOODLE,),
        addresses={
            "issuer": "{site}",
            "auth_url": "{site}/mod/lti/auth.php",
            "token_url": "{site}/mod/lti/token.php",
            "jwks_url": "{site}/mod/lti/certs.php",
        },
        by_hand=(
            _l("Site administration, Plugins, External tool, Manage tools: configure a tool."),
            _l("LTI version 1.3, public key type Keyset URL, and the values below."),
            _l(
                "Services: grade sync and column management, and names and roles. Privacy: share "
                "name and email always. Tick Supports Deep Linking."
            ),
            _l("Save, then copy client id and deployment id from the tool's details."),
        ),
        roster_page=1000,
    ),
    "canvas": Profile(
        name="Canvas",
        variables={
            "sections": "Canvas.course.sectionSisSourceIds",
            "section_names": "com.instructure.User.sectionNames",
            "account": "Canvas.account.sisSourceId",
            "account_name": "Canvas.account.name",
        },
        tool_extension={
            CANVAS + "privacy_level": "public",
            CANVAS + "tool_id": "module-assignment",
            CANVAS + "vendor": "Module Assignment",
        },
        navigation=(
            {
                "placements": ["course_navigation"],
                CANVAS + "course_navigation/default_enabled": False,
            },
            {
                "placements": ["account_navigation"],
                "custom_parameters": {"view": "admin"},
                CANVAS + "visibility": "admins",
            },
        ),
        deep_linking={
            "placements": ["assignment_selection", "link_selection"],
            "supported_types": ["ltiResourceLink"],
        },
        invited=_l(
            "Admin, Apps, Manage: install a new app by “Dynamic registration”, and paste it."
        ),
        next_steps=(
            _l("In the developer keys, set the new LTI key to On."),
            _l("Add the app to the account or to a course, and open it once."),
        ),
        addresses={
            "issuer": "https://canvas.instructure.com",
            "auth_url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
            "token_url": "https://canvas.instructure.com/login/oauth2/token",
            "jwks_url": "https://sso.canvaslms.com/api/lti/security/jwks",
        },
        by_hand=(
            _l(
                "Admin, Developer keys: add an LTI key by “Enter URL” with the JSON URL below, or "
                "by manual entry with the other values, all services on."
            ),
            _l("The client id is the number in the key's details."),
            _l("Add the app by client id; its deployment id stands in the app's menu."),
        ),
    ),
    "desire2learn": Profile(
        name="Brightspace",
        variables={"department": "CourseSection.dept", "section": "CourseSection.sourcedId"},
        deep_linking={"placements": ["ContentArea"], "supported_types": ["ltiResourceLink"]},
        invited=_l(
            "Manage Extensibility, LTI Advantage: register a tool, “Dynamic”, and paste it."
        ),
        next_steps=(
            _l("Enable the registration under Manage Extensibility, LTI Advantage."),
            _l("Add a deployment with names and roles and with grades, for your org units."),
            _l("Open the tool once from a course, then accept the deployment here."),
        ),
        addresses={
            "issuer": "{site}",
            "auth_url": "{site}/d2l/lti/authenticate",
            "token_url": "https://auth.brightspace.com/core/connect/token",
            "token_audience": "https://api.brightspace.com/auth/token",
            "jwks_url": "{site}/d2l/.well-known/jwks",
        },
        by_hand=(
            _l("Manage Extensibility, LTI Advantage: register a tool with the values below."),
            _l("Then add a deployment with names and roles and with grades, and copy its id."),
        ),
    ),
    "sakai": Profile(
        name="Sakai",
        deep_linking={"placements": ["ContentArea"], "supported_types": ["ltiResourceLink"]},
        invited=_l(
            "External Tools, “LTI Advantage Auto Provision”: name it, press Auto-Provision, then "
            "“Use LTI Advantage Auto Configuration”, and paste it."
        ),
        next_steps=(
            _l("In the tool's settings, tick names and email, the roster, and grade services."),
            _l("Add it to a site's lessons, and open it once."),
        ),
        addresses={
            "issuer": "{site}",
            "auth_url": "{site}/imsoidc/lti13/oidc_auth",
            "token_url": "{site}/imsblis/lti13/token/",
            "jwks_url": "{site}/imsblis/lti13/keyset",
        },
        by_hand=(
            _l("External Tools, Install LTI 1.3 tool, with the values below."),
            _l("The token address ends with the number of the tool."),
        ),
    ),
    "blackboard": Profile(
        name="Blackboard",
        variables={"groups": "Context.sourcedId"},
        next_steps=(
            _l("Administrator panel, Integrations, LTI Tool Providers: approve the tool."),
            _l("Add a placement of the type Deep Linking content tool, and open it once."),
        ),
        addresses={
            "issuer": "https://blackboard.com",
            "auth_url": "https://developer.blackboard.com/api/v1/gateway/oidcauth",
            "token_url": "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
            "jwks_url": "https://developer.blackboard.com/api/v1/management/applications/"
            "CLIENT-ID/jwks.json",
        },
        by_hand=(
            _l(
                "In the developer portal of Blackboard, register an application for LTI 1.3 with "
                "the values below; it shows the client id, which the key set address contains."
            ),
            _l("In your Blackboard, add an LTI 1.3 tool by that client id."),
            _l("It shows the deployment id; without it, open the tool once and accept it here."),
        ),
    ),
    "openedx": Profile(
        name="Open edX",
        next_steps=(_l("Open the unit with the LTI block once."),),
        addresses={
            "issuer": "{site}",
            "auth_url": "{site}/api/lti_consumer/v1/launch/",
            "token_url": "{site}/api/lti_consumer/v1/token/ID",
            "jwks_url": "{site}/api/lti_consumer/v1/public_keysets/ID",
        },
        by_hand=(
            _l("Add an LTI Consumer block to a unit, version LTI 1.3, with the values below."),
            _l("Save; Studio then shows client id, deployment id and the addresses to copy here."),
            _l("Set LTI Advantage: deep linking on, names and roles on, grade services on."),
        ),
    ),
}
ALIASES = {
    "d2l": "desire2learn",
    "brightspace": "desire2learn",
    "canvas-lms": "canvas",
    "blackboardlearn": "blackboard",
    "open-edx": "openedx",
}


INVITED = ("moodle", "canvas", "desire2learn", "sakai")
MAKES = ("moodle", "canvas", "blackboard", "desire2learn", "sakai", "openedx")


def profile_of(product: str | None) -> Profile:
    """The profile of a `product_family_code`; the standard's for everything unknown."""
    return PROFILES.get(code_of(product), STANDARD)


def code_of(product: str | None) -> str:
    """One name for each make, whatever its versions call themselves."""
    code = (product or "").strip().lower()
    return ALIASES.get(code, code)


def addresses_at(make: str, site: str) -> dict[str, str]:
    """Where an LMS of this make at `site` answers, as far as one can know."""
    base = site.strip().rstrip("/")
    if base and "://" not in base:
        base = f"https://{base}"
    return {
        name: pattern.replace("{site}", base)
        for name, pattern in profile_of(make).addresses.items()
        if base or "{site}" not in pattern
    }
