"""LTI roles, read exactly: what a launch says about a person's place in the LMS (pure)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

CONTEXT_ROLES = frozenset(
    {
        "Administrator",
        "ContentDeveloper",
        "Instructor",
        "Learner",
        "Manager",
        "Member",
        "Mentor",
        "Officer",
    }
)
INSTITUTION_ROLES = frozenset(
    {
        "Administrator",
        "Alumni",
        "Faculty",
        "Guest",
        "Instructor",
        "Learner",
        "Member",
        "Mentor",
        "None",
        "Observer",
        "Other",
        "ProspectiveStudent",
        "Staff",
        "Student",
    }
)
SYSTEM_ROLES = frozenset(
    {
        "AccountAdmin",
        "Administrator",
        "Creator",
        "None",
        "SysAdmin",
        "SysSupport",
        "User",
    }
)
TEACHING = frozenset({"Administrator", "ContentDeveloper", "Instructor", "Manager"})
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

_LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
_CONTEXT = re.compile(re.escape(_LIS) + r"membership#([A-Za-z]+)")
_CONTEXT_SUB_ROLE = re.compile(re.escape(_LIS) + r"membership/([A-Za-z]+)#[A-Za-z]+")
_INSTITUTION = re.compile(re.escape(_LIS) + r"institution/person#([A-Za-z]+)")
_SYSTEM = re.compile(re.escape(_LIS) + r"system/person#([A-Za-z]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The roles we understand; everything else was ignored (LTI core 5.3.7)."""

    context: frozenset[str] = frozenset()
    institution: frozenset[str] = frozenset()
    system: frozenset[str] = frozenset()
    is_test_user: bool = False

    @property
    def is_lms_administrator(self) -> bool:
        """Administrator of the whole LMS or institution; a course's administrator is not."""
        return "Administrator" in self.institution or bool(
            {"Administrator", "SysAdmin"} & self.system
        )

    @property
    def may_pick_content(self) -> bool:
        """Whoever builds the course; an LMS that sends no roles at all vouches by the message."""
        said = self.context | self.institution | self.system
        return not said or self.teaches or self.is_lms_administrator

    @property
    def learns(self) -> bool:
        """Whether they are in the course to learn."""
        return bool({"Learner", "Member"} & self.context)

    @property
    def teaches(self) -> bool:
        """Whether the person may see the work of others in the course."""
        return bool(TEACHING & self.context)

    def names(self) -> list[str]:
        """The roles in one sorted list, each with where it holds."""
        kinds = (
            ("context", self.context),
            ("institution", self.institution),
            ("system", self.system),
        )
        return sorted(f"{kind}:{name}" for kind, names in kinds for name in names)


def roles_named(names: Iterable[str]) -> Roles:
    """The roles that `Roles.names` told, as a visit keeps them."""
    told = [name.partition(":") for name in names]
    return Roles(
        context=frozenset(name for kind, _, name in told if kind == "context"),
        institution=frozenset(name for kind, _, name in told if kind == "institution"),
        system=frozenset(name for kind, _, name in told if kind == "system"),
    )


def roles_of(values: Iterable[object]) -> Roles:
    """Full names in all vocabularies, short names for context roles only.

    A sub-role `membership/X#Y` implies its principal role X and never Y.
    """
    texts = [value for value in values if isinstance(value, str)]
    context = {text for text in texts if text in CONTEXT_ROLES}
    context |= _names(_CONTEXT, texts) | _names(_CONTEXT_SUB_ROLE, texts)
    return Roles(
        context=frozenset(context & CONTEXT_ROLES),
        institution=frozenset(_names(_INSTITUTION, texts) & INSTITUTION_ROLES),
        system=frozenset(_names(_SYSTEM, texts) & SYSTEM_ROLES),
        is_test_user=TEST_USER in texts,
    )


def _names(pattern: re.Pattern[str], texts: Iterable[str]) -> set[str]:
    return {found[1] for text in texts if (found := pattern.fullmatch(text))}
