"""The people of the miniature LMS, and what it says of each when it launches a tool."""

from dataclasses import dataclass

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"

LEARNER = (MEMBERSHIP + "Learner",)
TEACHER = (MEMBERSHIP + "Instructor",)
ADMINISTRATOR = (
    INSTITUTION + "Administrator",
    MEMBERSHIP + "Instructor",
    SYSTEM + "Administrator",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsPerson:
    """Somebody with an account in the LMS."""

    sub: str
    username: str
    given_name: str
    family_name: str
    about: str
    roles: tuple[str, ...]
    employee_number: str

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def email(self) -> str:
        return f"{self.username}@northwind.example"

    @property
    def may_administer(self) -> bool:
        """Whether the course shows them the administration activity."""
        return self.roles != LEARNER


PEOPLE = (
    LmsPerson(
        sub="2",
        username="astrid",
        given_name="Astrid",
        family_name="Berg",
        about="administrator of the LMS and of the training",
        roles=ADMINISTRATOR,
        employee_number="NW-0002",
    ),
    LmsPerson(
        sub="3",
        username="marco",
        given_name="Marco",
        family_name="Conti",
        about="manager of the site North Quay",
        roles=TEACHER,
        employee_number="NW-0003",
    ),
    LmsPerson(
        sub="6",
        username="lars",
        given_name="Lars",
        family_name="Ødegård",
        about="learner at North Quay",
        roles=LEARNER,
        employee_number="NW-1006",
    ),
    LmsPerson(
        sub="7",
        username="lucja",
        given_name="Łucja",
        family_name="Wiśniewska",
        about="learner at North Quay, and a contractor",
        roles=LEARNER,
        employee_number="NW-1007",
    ),
    LmsPerson(
        sub="8",
        username="priya",
        given_name="प्रिया",
        family_name="शर्मा",
        about="learner at South Yard",
        roles=LEARNER,
        employee_number="NW-1008",
    ),
    LmsPerson(
        sub="9",
        username="yousef",
        given_name="يوسف",
        family_name="الخطيب",
        about="learner at South Yard",
        roles=LEARNER,
        employee_number="NW-1009",
    ),
)
BY_USERNAME = {person.username: person for person in PEOPLE}
BY_SUB = {person.sub: person for person in PEOPLE}
