"""A file of people is read whatever program wrote it, or refused with what is wrong."""

import io

import pytest

from plugin.org.import_file import describe, read
from plugin.org.import_format import FileProblemError
from plugin.org.import_rules import COLUMNS, PEOPLE, Line

HEADER = "first name,last name,email,employee ID,role,groups,sites,regions"


def lines(content: bytes) -> list[Line]:
    source = io.BytesIO(content)
    return list(read(source, describe(source, PEOPLE)))


def refusal(content: bytes) -> tuple[str, str, int | None]:
    with pytest.raises(FileProblemError) as caught:
        lines(content)
    return caught.value.code, caught.value.value, caught.value.line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_encoding_delimiter_and_line_ending(
    encoding: str, delimiter: str, ending: str
) -> None:
    text = f"{HEADER}\nSøren,Åkesson,s@example.test,E1,,,,\n"
    content = text.replace(",", delimiter).replace("\n", ending).encode(encoding)
    (line,) = lines(content)
    assert (line.given, line.family, line.email) == ("Søren", "Åkesson", "s@example.test")
    assert line.number == 2


def test_a_long_file_with_one_old_letter_near_its_end_is_latin() -> None:
    text = f"{HEADER}\n" + "Ann,Bell,a@example.test,,,,,\n" * 20_000 + "Bjørn,B,b@x.test,,,,,\n"
    assert lines(text.encode("latin-1"))[-1].given == "Bjørn"


def test_a_letter_cut_by_a_block_is_still_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.org.import_file.BLOCK", 7)
    text = f"{HEADER}\nSøren,Åkesson,s@example.test,E1,,,,\n"
    source = io.BytesIO(text.encode())
    assert describe(source, PEOPLE).encoding == "utf-8-sig"


def test_the_curly_apostrophe_of_windows_and_bytes_it_does_not_know() -> None:
    assert lines(f"{HEADER}\nPat,O’Hara,p@x.test,,,,,\n".encode("cp1252"))[0].family == "O’Hara"
    odd = f"{HEADER}\nPål,Hara,,E\x81,,,,\n".encode("latin-1")
    assert lines(odd)[0].given == "Pål"


def test_headers_count_in_any_case_spacing_and_order() -> None:
    (line,) = lines(b"EMPLOYEE_ID; Last  Name;FirstName;E-Mail\nE1;Bell;Ann;a@x.test\n")
    assert (line.given, line.family, line.email, line.employee_id) == (
        "Ann",
        "Bell",
        "a@x.test",
        "E1",
    )


def test_quoted_newlines_keep_the_number_of_the_line_where_a_row_begins() -> None:
    content = f'{HEADER}\r\n"An\r\nna",Bell,a@x.test,,,,,\r\n\r\nBen,Bo,b@x.test,,,,,\r\n'
    assert [(line.number, line.given) for line in lines(content.encode())] == [
        (2, "An na"),
        (5, "Ben"),
    ]


def test_a_line_that_names_the_separator_is_not_the_header() -> None:
    text = "sep=;\n" + HEADER.replace(",", ";") + "\nAnn;Bell;a@x.test;;;;;\n"
    assert [line.number for line in lines(text.encode())] == [3]


def test_columns_without_a_header_may_be_there_but_say_nothing() -> None:
    content = b"first name;last name;email;;\nAnn;Bell;a@x.test;;\nBen;Bo;b@x.test;;surprise\n"
    first, second = lines(content)
    assert first.problems == ()
    assert [(each.code, each.value) for each in second.problems] == [("too_many_cells", "surprise")]


def test_cells_in_bad_rows_are_kept_in_the_order_of_the_template() -> None:
    (line,) = lines(b"email,last name,first name\nnowhere,Bell,Ann\n")
    assert dict(zip(COLUMNS, line.cells, strict=True))["email"] == "nowhere"
    assert line.cells[:3] == ("Ann", "Bell", "nowhere")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ("empty", "", None)),
        (b"\xef\xbb\xbf\r\n", ("empty", "", None)),
        (b"PK\x03\x04 and so on", ("spreadsheet", "", None)),
        (b"\xd0\xcf\x11\xe0 and so on", ("spreadsheet", "", None)),
        ("first name,last name".encode("utf-16"), ("utf_16", "", None)),
        (b"first name,\x00", ("not_text", "", None)),
        (b"Ann,Bell,a@x.test\n", ("no_header", "Ann,Bell,a@x.test", None)),
        (b"first name,last name,email,shoe size\n", ("unknown_column", "shoe size", None)),
        (b"first name,last name,email,E-Mail\n", ("double_column", "E-Mail", None)),
        (b"first name,email\n", ("missing_column", "last name", None)),
        (b"first name,last name,role\n", ("missing_key_column", "", None)),
        (
            f'{HEADER}\nAnn,Bell,a@x.test,,,,,\nBen,"Bo,b@x.test\n'.encode(),
            ("broken", "", 3),
        ),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(
    content: bytes, expected: tuple[str, str, int | None]
) -> None:
    assert refusal(content) == expected


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.org.import_file.MAX_ROWS", 2)
    rows = "".join(f"Ann,Bell,a{number}@x.test,,,,,\n" for number in range(3))
    assert refusal(f"{HEADER}\n{rows}".encode()) == ("too_many_rows", "2", None)
