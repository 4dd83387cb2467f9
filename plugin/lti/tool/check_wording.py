"""What each check is called, and where in which LMS a failed one is mended."""

import re
from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.lti.tool.findings import Name

LABELS: Mapping[Name, LazyString] = {
    Name.LAUNCH: _l("Somebody has opened the tool"),
    Name.THEIR_KEYS: _l("The LMS's keys can be read"),
    Name.OUR_KEYS: _l("The LMS has read our keys"),
    Name.TOKEN: _l("The LMS gives us access"),
    Name.CLOCK: _l("Difference of the clocks"),
    Name.LINE_ITEM: _l("Access: gradebook columns"),
    Name.LINE_ITEM_READ: _l("Access: reading gradebook columns"),
    Name.RESULTS: _l("Access: reading grades"),
    Name.SCORE: _l("Access: giving grades"),
    Name.MEMBERS: _l("Access: names and roles"),
    Name.COLUMNS: _l("Gradebook columns of the last course"),
    Name.ROSTER: _l("People of the last course"),
    Name.TRIAL: _l("A trial column: made, graded, removed"),
    Name.DEEP_LINKING: _l("Somebody has picked content for a course"),
}
GRADES = (Name.LINE_ITEM, Name.LINE_ITEM_READ, Name.RESULTS, Name.SCORE, Name.COLUMNS, Name.TRIAL)
PEOPLE = (Name.MEMBERS, Name.ROSTER)
KEYS = (Name.THEIR_KEYS, Name.TOKEN)


def _places(grades: LazyString, people: LazyString, keys: LazyString) -> Mapping[Name, LazyString]:
    return {
        **dict.fromkeys(GRADES, grades),
        **dict.fromkeys(PEOPLE, people),
        **dict.fromkeys(KEYS, keys),
        Name.CLOCK: _l("Set both machines' clocks by a time server (NTP)."),
    }


_ANY = _places(
    _l("In the LMS's settings of the tool, allow the grade service (AGS)."),
    _l("In the LMS's settings of the tool, allow names and roles (NRPS)."),
    _l("The LMS must reach our key set address, and we its addresses; see also the values below."),
)
WHERE: Mapping[str, Mapping[Name, LazyString]] = {
    "moodle": _places(
        _l(
            "Manage tools, the tool's cog, Services: IMS LTI Assignment and Grade Services, “use "
            "this service for grade sync and column management”."
        ),
        _l("Manage tools, the tool's cog, Services: IMS LTI Names and Role Provisioning."),
        _l(
            "Manage tools, the tool's cog: public keyset. If our address is private, allow it "
            "under Site administration, Security, HTTP security."
        ),
    ),
    "canvas": _places(
        _l("Admin, Developer keys, the key: LTI Advantage services, everything of line items."),
        _l("Admin, Developer keys, the key: can retrieve user data associated with the context."),
        _l("Admin, Developer keys, the key: state On, and the public JWK URL below."),
    ),
    "desire2learn": _places(
        _l("Manage Extensibility, the deployment: Assignment and Grade Services."),
        _l("Manage Extensibility, the deployment: Names and Role Provisioning Services."),
        _l("Manage Extensibility, the registration: enabled, and the keyset URL below."),
    ),
    "sakai": _places(
        _l("External Tools, the tool: allow the tool to store grades in the gradebook."),
        _l("External Tools, the tool: provide roster information to the tool."),
        _l("External Tools, the tool: LTI 1.3 keyset URL."),
    ),
    "blackboard": _places(
        _l("LTI Tool Providers, the tool: allow grade service access."),
        _l("LTI Tool Providers, the tool: allow membership service access, and send name, email."),
        _l("Developer portal, the application: tool key set URL."),
    ),
    "openedx": _places(
        _l("The block's settings: LTI Assignment and Grades Service, programmatic."),
        _l("The block's settings: names and roles; a site operator must have switched it on."),
        _l("The block's settings: tool public key mode, keyset URL."),
    ),
}


_OPEN_FIRST = _l("Open the tool once from a course, then press Check now.")
NEXT: Mapping[Name, LazyString] = {
    Name.LAUNCH: _l("Add the tool to a course and open it once."),
    Name.OUR_KEYS: _l("The LMS reads them when it first gives access: press Check now."),
    Name.COLUMNS: _OPEN_FIRST,
    Name.ROSTER: _OPEN_FIRST,
    Name.TRIAL: _l("Tick the box below, then press Check now."),
    Name.DEEP_LINKING: _l("In a course, add the tool and choose “Select content”."),
}
"""What makes a check that was not seen yet happen."""


_OFFERED = (Name.COLUMNS, Name.ROSTER)
_NOT_OFFERED = _l(
    "Press Check now. If nothing changes, the LMS does not offer this to its courses: allow it "
    "there, open the tool from a course again, then press Check now."
)


def what_next(name: Name, is_open: bool) -> LazyString:
    """What to do so that the check is seen; nobody is sent to open what was opened."""
    if is_open and name in _OFFERED:
        return _NOT_OFFERED
    return NEXT.get(name, _l("Press Check now."))


_TROUBLE = re.compile(r"(429|5\d\d)\b")
PASSING = _l(
    "The LMS itself is in trouble or busy, which may pass: press Check now again later. If it "
    "stays, its administrators find the reason in its log."
)


def where(product: str | None, name: Name, words: str | None = None) -> LazyString | None:
    """The menu path that mends a failed check in this LMS; no setting mends an error of its own,
    which its `words` begin with."""
    if _TROUBLE.match(words or ""):
        return PASSING
    return WHERE.get((product or "").lower(), _ANY).get(name)
