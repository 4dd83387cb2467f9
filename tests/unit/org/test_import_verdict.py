"""What a row of people means, and what it does to what is known."""

import pytest

from plugin.org.import_format import Layout
from plugin.org.import_rules import COLUMNS, FileRole, Line, read_line
from plugin.org.import_verdict import Facts, Known, Seen, Verdict, judge

LAYOUT = Layout(COLUMNS)
ADA = Known(
    id=1, given="Ada", family="Byron", full="Ada Byron", email="Ada@x.test", employee_id="E1"
)
BEN = Known(id=2, given="Ben", family="Bo", full="Bo, Ben", email="b@x.test", employee_id=None)
UNITS = {("site", "OSL"): 10, ("site", "BGO"): 11, ("group", "DIV"): 12, ("region", "N"): 13}


def line(text: str, number: int = 2) -> Line:
    found = read_line(LAYOUT, number, text.split(","))
    assert found is not None
    return found


def facts(*people: Known, **more: object) -> Facts:
    by_email: dict[str, list[Known]] = {}
    for each in people:
        by_email.setdefault((each.email or "").lower(), []).append(each)
    return Facts(
        by_employee_id={each.employee_id: each for each in people if each.employee_id},
        by_email=by_email,
        units=UNITS,
        **more,  # type: ignore[arg-type]
    )


def verdict(text: str, *people: Known, **more: object) -> Verdict:
    return judge(line(text), facts(*people, **more), Seen())


def wrong(found: Verdict) -> list[tuple[str, str, str]]:
    return [(each.column, each.code, each.value) for each in found.problems]


def test_an_empty_row_says_nothing() -> None:
    assert read_line(LAYOUT, 2, ["", " ", ""]) is None


def test_codes_are_separated_by_bars_or_semicolons() -> None:
    found = line("Ann,Bell,a@x.test,,,DIV,OSL| BGO;OSL,N")
    assert found.units == (("group", "DIV"), ("site", "OSL"), ("site", "BGO"), ("region", "N"))


def test_a_new_person_gets_names_address_and_units() -> None:
    found = verdict("Ann,Bell,a@x.test,E9,,,OSL|BGO,")
    assert (found.outcome, found.person_id, found.joins) == ("new", None, (10, 11))
    assert found.changes["full_name"] == ("", "Ann Bell")
    assert found.changes["employee_id"] == ("", "E9")


def test_the_employee_id_finds_first_then_the_address_in_any_case() -> None:
    assert verdict("Ada,King,new@x.test,E1,,,,", ADA, BEN).changes == {
        "family_name": ("Byron", "King"),
        "full_name": ("Ada Byron", "Ada King"),
        "email": ("Ada@x.test", "new@x.test"),
    }
    assert verdict("Ada,Byron,ADA@x.test,,,,,", ADA, BEN).outcome == "same"


def test_an_employee_id_is_learnt_for_somebody_found_by_address() -> None:
    found = verdict("Ben,Bo,b@x.test,E2,,,,", BEN)
    assert (found.outcome, found.person_id) == ("changed", 2)
    assert found.changes == {"employee_id": ("", "E2")}


def test_an_empty_cell_changes_nothing() -> None:
    assert verdict(",,,E1,,,,", ADA).outcome == "same"


def test_memberships_and_rights_that_exist_are_not_given_again() -> None:
    row = "Ada,Byron,,E1,manager,,OSL|BGO,"
    found = verdict(row, ADA, imported={(10, 1)}, managed={(11, 1)})
    assert (found.outcome, found.joins, found.manages) == ("added", (11,), (10,))
    both = {(10, 1), (11, 1)}
    assert verdict(row, ADA, imported=both, managed=both).outcome == "same"


def test_the_role_learner_gives_and_takes_nothing() -> None:
    assert line("Ada,Byron,,E1,Learner,,,").role is FileRole.LEARNER
    assert verdict("Ada,Byron,,E1,learner,,,", ADA).outcome == "same"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Ann,Bell,,,,,,", ("email", "no_key", "")),
        (",,new@x.test,,,,,", ("first name", "no_name", "")),
        ("Ann,Bell,nowhere,E5,,,,", ("email", "not_an_email", "nowhere")),
        ("Ann,Bell,,E5,admin,,,", ("role", "admin_by_file", "")),
        ("Ann,Bell,,E5,Administrator,,,", ("role", "admin_by_file", "")),
        ("Ann,Bell,,E5,boss,,,", ("role", "unknown_role", "boss")),
        ("Ann,Bell,,E5,manager,,,", ("role", "manager_of_nothing", "")),
        ("Ann,Bell,,E5,,,osl,", ("sites", "unknown_code", "osl")),
        ("Ann,Bell,,E5,,OSL,,", ("groups", "unknown_code", "OSL")),
        (f"{'A' * 201},Bell,,E5,,,,", ("first name", "too_long", "200")),
        (f"Ann,Bell,,{'9' * 65},,,,", ("employee ID", "too_long", "64")),
        ("A\x00nn,Bell,,E5,,,,", ("first name", "unprintable", "")),
        (f"Ann,Bell,,E5,,{'|'.join(map(str, range(51)))},,", ("groups", "too_many_codes", "50")),
        ("Ann,Bell,ada@x.test,E5,,,,", ("email", "email_of_another", "E1")),
    ],
)
def test_every_error_names_its_column(row: str, expected: tuple[str, str, str]) -> None:
    found = verdict(row, ADA)
    assert found.outcome == "error"
    assert expected in wrong(found)


def test_an_address_of_two_people_finds_nobody() -> None:
    twin = Known(id=3, given="X", family="Y", full="X Y", email="b@x.test", employee_id=None)
    assert wrong(verdict("Ben,Bo,b@x.test,,,,,", BEN, twin)) == [
        ("email", "ambiguous_email", "b@x.test")
    ]


def test_somebody_deactivated_is_left_alone_unless_an_active_person_has_the_address() -> None:
    gone = Known(
        id=4, given="B", family="B", full="B B", email="b@x.test", employee_id=None, is_active=False
    )
    assert wrong(verdict("B,B,b@x.test,,,,,", gone)) == [("", "deactivated", "B B")]
    assert verdict("Ben,Bo,b@x.test,,,,,", BEN, gone).person_id == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Ann,Bell,,E5,,,,", "Ann,Bell,,E5,,,,"),
        ("Ann,Bell,a@x.test,,,,,", "Ann,Bell,A@X.test,,,,,"),
        ("Ann,Bell,a@x.test,E5,,,,", "Ben,Bell,a@x.test,E6,,,,"),
        ("Ada,Byron,,E1,,,,", "Ada,Byron,ada@x.test,,,,,"),
        ("Ada,Byron,new@x.test,E1,,,,", "Nell,New,new@x.test,,,,,"),
    ],
)
def test_a_person_in_two_rows_is_an_error_that_names_the_first(first: str, second: str) -> None:
    seen, known = Seen(), facts(ADA)
    assert judge(line(first, 2), known, seen).problems == ()
    assert ("", "same_person", "2") in wrong(judge(line(second, 3), known, seen))


def test_people_known_by_employee_id_may_share_an_address() -> None:
    eve = Known(id=5, given="E", family="V", full="E V", email="s@x.test", employee_id="E7")
    seen, known = Seen(), facts(ADA, eve)
    assert judge(line("Ada,Byron,s@x.test,E1,,,,", 2), known, seen).problems == ()
    assert judge(line("E,V,s@x.test,E7,,,,", 3), known, seen).problems == ()


def test_what_our_own_downloads_made_safe_is_read_back() -> None:
    assert line("'-Ann,O'Hara,'+a@x.test,,,,,").given == "-Ann"
    assert line("'-Ann,O'Hara,'+a@x.test,,,,,").email == "+a@x.test"
