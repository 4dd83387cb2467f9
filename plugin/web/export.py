"""Downloads of lists as CSV and XLSX: any number of rows, memory flat."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from flask import Response, send_file, stream_with_context
from flask_babel import gettext as _
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

Cell = str | int | float | bool | date | datetime | None
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be run by a spreadsheet; a leading apostrophe makes it text."""
BATCH = 500
MAX_ROWS_XLSX = 1_048_575
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Format(StrEnum):
    """What a list can be downloaded as; the value is the ending of the file's name."""

    CSV = "csv"
    XLSX = "xlsx"


def download(
    file_format: Format,
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    zone: str,
) -> Response:
    """The list as a file called `name` with its ending; moments are written in `zone`."""
    if file_format is Format.CSV:
        response = Response(
            stream_with_context(_csv(header, rows, ZoneInfo(zone))),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )
    else:
        response = _xlsx(name, header, rows, ZoneInfo(zone))
    response.headers["Cache-Control"] = "no-store"
    return response


class Moment(Protocol):
    """The moment a list is asked for, as far as its file says it."""

    @property
    def at(self) -> datetime: ...
    @property
    def zone(self) -> str: ...
    @property
    def is_past(self) -> bool: ...
    @property
    def name(self) -> str: ...


def dated(
    file_format: Format,
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    moment: Moment,
    zone: str,
) -> Response:
    """The file; about the past its name and a column of its own say so, in the moment's zone."""
    if not moment.is_past:
        return download(file_format, name, header, rows, zone=zone)
    marked = ([*row, moment.at] for row in rows)
    header = [*header, _("As of")]
    return download(file_format, name + moment.name, header, marked, zone=moment.zone)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]], zone: ZoneInfo) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # spreadsheets take the file for Latin-1 without it
    writer.writerow(header)
    for number, row in enumerate(rows, 1):
        writer.writerow([_text(cell, zone) for cell in row])
        if number % BATCH == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _text(cell: Cell, zone: ZoneInfo) -> str | int | float:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return cell


def _xlsx(
    name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], zone: ZoneInfo
) -> Response:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    workbook = Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, header, workbook.add_format({"bold": True}))
    formats = {
        datetime: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        date: workbook.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS_XLSX:
            sheet.write_string(number - 1, 0, "…")
            break
        for column, cell in enumerate(row):
            _write(sheet, number, column, cell, zone, formats)
    workbook.close()
    file.seek(0)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=f"{name}.xlsx")


def _write(
    sheet: Worksheet,
    row: int,
    column: int,
    cell: Cell,
    zone: ZoneInfo,
    formats: dict[type[date], object],
) -> None:
    if isinstance(cell, datetime):
        local = cell.astimezone(zone).replace(tzinfo=None)
        sheet.write_datetime(row, column, local, formats[datetime])
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, formats[date])
    elif isinstance(cell, bool):
        sheet.write_string(row, column, "yes" if cell else "no")
    elif isinstance(cell, (int, float)):
        sheet.write_number(row, column, cell)
    elif cell is not None:
        sheet.write_string(row, column, cell)
