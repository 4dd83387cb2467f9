"""What a launch says of units by the rules, and which syncs are held."""

import pytest

from plugin.org.belonging import RuleFacts, Said, course_key, is_held, seal, statements

COURSE = course_key(1, "1", "2")


def rule(
    source: str, name: str, *, unit_id: int | None = 9, value: str | None = None, number: int = 1
) -> RuleFacts:
    return RuleFacts(
        id=number, source=source, name=name, value=value, unit_kind="site", unit_id=unit_id
    )


def say(facts: RuleFacts, said: Said) -> str | int | None:
    """The unit or code said; "nothing" when the launch is silent, None when it says no."""
    found = statements([facts], said)
    return (found[0].code or found[0].unit_id) if found else "nothing"


@pytest.mark.parametrize(
    ("custom", "expected"),
    [
        ({"site": "NO-OSL"}, "NO-OSL"),
        ({"site": "  NO OSL "}, "NO OSL"),
        ({"site": ""}, None),
        ({"Site": "NO-OSL"}, "nothing"),
        ({}, "nothing"),
    ],
)
def test_a_parameter_names_a_unit_by_code(custom: dict[str, str], expected: object) -> None:
    assert say(rule("custom", "site", unit_id=None), Said(custom=custom)) == expected


@pytest.mark.parametrize(
    ("custom", "expected"),
    [({"kind": "X"}, 9), ({"kind": "Y"}, None), ({"kind": ""}, None), ({}, "nothing")],
)
def test_one_value_leads_to_one_unit(custom: dict[str, str], expected: object) -> None:
    assert say(rule("custom", "kind", value="X"), Said(custom=custom)) == expected


def test_roles_of_the_lms_are_judged_by_every_launch_roles_of_a_course_by_its_own() -> None:
    staff, learner = rule("role", "institution:Staff"), rule("role", "context:Learner")
    assert say(staff, Said(roles=frozenset({"institution:Staff"}))) == 9
    assert say(staff, Said()) is None
    assert say(learner, Said()) == "nothing"
    (found,) = statements([learner], Said(roles=frozenset({"context:Learner"}), course=COURSE))
    assert (found.unit_id, found.context) == (9, COURSE)
    (lost,) = statements([learner], Said(course=COURSE))
    assert (lost.is_empty, lost.context) == (True, COURSE)


def test_another_course_says_nothing_about_this_one() -> None:
    facts = rule("course", COURSE)
    assert say(facts, Said(course=COURSE)) == 9
    assert say(facts, Said(course=course_key(2, "1", "2"))) == "nothing"
    assert say(facts, Said()) == "nothing"


def test_the_seal_changes_with_the_rules_and_what_they_look_at_and_with_nothing_else() -> None:
    rules = [rule("custom", "site", unit_id=None), rule("role", "institution:Staff", number=2)]

    def sealed(said: Said, rules_seal: str = "a") -> str:
        return seal(rules_seal, statements(rules, said))

    first = sealed(Said(custom={"site": "OSL", "view": "admin"}))
    assert sealed(Said(custom={"site": "OSL", "view": "home"}, course=COURSE)) == first
    assert sealed(Said(custom={"site": "BGO"})) != first
    assert sealed(Said(custom={"site": "OSL"}, roles=frozenset({"institution:Staff"}))) != first
    assert sealed(Said(custom={"site": "OSL"}), "b") != first


@pytest.mark.parametrize(
    ("ends", "memberships", "held"),
    [
        (5, 49, True),
        (5, 50, False),
        (4, 4, False),
        (0, 0, False),
        (6, 59, True),
        (100, 1000, False),
        (101, 1000, True),
        (5, 5, True),
    ],
)
def test_more_than_a_tenth_and_at_least_five_is_held(
    ends: int, memberships: int, held: bool
) -> None:
    assert is_held(ends=ends, memberships=memberships) is held
