"""The certification suite's nine valid launches, for a learner and for a teacher."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.org.models import Person, SignIn
from tests.functional.lti.platform import ABSENT, LEARNER, TEACHER, Lms

NO_NAMES = {"name": ABSENT, "given_name": ABSENT, "family_name": ABSENT}
NO_EMAIL = {"email": ABSENT}
UNKNOWN = "http://purl.imsglobal.org/vocab/lis/v2/unknown/unknown#Helper"


def launches(role: str, second: str, short: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("plain", {"roles": [role]}),
        ("multiple_roles", {"roles": [role, second]}),
        ("short_role", {"roles": [short]}),
        ("unknown_role", {"roles": [UNKNOWN, role]}),
        ("no_role", {"roles": []}),
        ("email_only", {"roles": [role], **NO_NAMES}),
        ("names_only", {"roles": [role], **NO_EMAIL}),
        ("no_personal_data", {"roles": [role], **NO_NAMES, **NO_EMAIL}),
        ("email_without_context", {"roles": [role], **NO_NAMES, "context": ABSENT}),
    ]


LIS = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
VALID = [
    (f"{who}_{name}", changes)
    for who, cases in (
        ("learner", launches(LEARNER, LIS + "Student", "Learner")),
        ("teacher", launches(TEACHER, LIS + "Faculty", "Instructor")),
    )
    for name, changes in cases
]


@pytest.mark.parametrize("changes", [each[1] for each in VALID], ids=[each[0] for each in VALID])
def test_a_valid_launch_signs_in(client: FlaskClient, lms: Lms, changes: dict[str, Any]) -> None:
    answer = lms.launch(client, **changes)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    visit = db.session.query(SignIn).one()
    person = db.session.get_one(Person, visit.person_id)
    assert person.email == (None if "email" in changes else "learner1@example.test")
    assert person.full_name == ("Learner 6" if "name" in changes else "Lars Learner")
    teaches = "context:Instructor" in visit.launch["roles"]
    assert teaches == any("Instructor" in role for role in changes["roles"])
