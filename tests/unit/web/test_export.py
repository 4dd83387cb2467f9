"""Downloads open in a spreadsheet as what they are."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from plugin.web.export import Format, download

HEADER = ["Name", "Since", "Day", "Score", "Valid", "None"]
ROWS = [
    ["=cmd()", datetime(2027, 7, 1, 10, tzinfo=UTC), date(2027, 7, 1), 0.5, True, None],
    ["Ægir", datetime(2027, 1, 1, 10, tzinfo=UTC), date(2027, 7, 1), -3, False, None],
]  # fmt: skip


@pytest.fixture
def bare() -> Flask:
    return Flask("bare")


def fetch(app: Flask, file_format: Format) -> bytes:
    with app.test_request_context("/"):
        response = download(file_format, "people", HEADER, iter(ROWS), zone="Europe/Oslo")
        response.direct_passthrough = False
        assert f"people.{file_format}" in response.headers["Content-Disposition"]
        assert response.headers["Cache-Control"] == "no-store"
        return response.get_data()


def test_a_csv_runs_no_formula_and_writes_local_time(bare: Flask) -> None:
    text = fetch(bare, Format.CSV).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [
        HEADER,
        ["'=cmd()", "2027-07-01 12:00:00+02:00", "2027-07-01", "0.5", "yes", ""],
        ["Ægir", "2027-01-01 11:00:00+01:00", "2027-07-01", "-3", "no", ""],
    ]


def test_an_xlsx_keeps_text_as_text_and_days_as_days(bare: Flask) -> None:
    with zipfile.ZipFile(io.BytesIO(fetch(bare, Format.XLSX))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "=cmd()" in sheet
    assert "<f>" not in sheet
    assert "<v>46569</v>" in sheet  # 1 July 2027 as spreadsheets count days
    assert "<v>46569.5</v>" in sheet  # the same at noon in Oslo


def test_a_long_csv_comes_in_pieces(bare: Flask) -> None:
    made = []

    def rows() -> object:
        for number in range(5000):
            made.append(number)
            yield [number]

    with bare.test_request_context("/"):
        response = download(Format.CSV, "numbers", ["n"], rows(), zone="UTC")  # type: ignore[arg-type]
        pieces = iter(response.response)
        next(pieces)
        assert len(made) < 1000
        assert sum(1 for _ in pieces) >= 9
