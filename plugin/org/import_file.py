"""Reading a CSV file of any kind: its encoding, its delimiter, its rows; a piece at a time."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from plugin.org.import_format import AnyLine, FileProblemError, Format, Layout

MAX_ROWS = 100_000
BLOCK = 256 * 1024
MAX_HEADER = 64 * 1024
MAX_MEGABYTES = 20
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024
_ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_IN_CP1252 = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """How the file is written."""

    encoding: str
    delimiter: str
    header_line: int
    layout: Layout
    lines: int
    kind: Format


def describe(source: BinaryIO, kind: Format) -> Described:
    """How the file is written; FileProblemError when it is no file of this kind at all."""
    encoding, lines = _encoding_of(source)
    source.seek(0)
    text = io.TextIOWrapper(source, encoding=encoding, newline="")
    try:
        first, number = _first_line(text)
    finally:
        text.detach()
    delimiter, header = _header_of(first, kind)
    return Described(
        encoding=encoding,
        delimiter=delimiter,
        header_line=number,
        layout=kind.read_header(header),
        lines=lines,
        kind=kind,
    )


def read(source: BinaryIO, how: Described) -> Iterator[AnyLine]:
    """The rows of the file in order, empty ones left out; FileProblemError where it breaks off."""
    source.seek(0)
    text = io.TextIOWrapper(source, encoding=how.encoding, newline="")
    rows = csv.reader(text, delimiter=how.delimiter, strict=True)
    begins, found = 1, 0
    try:
        for cells in rows:
            line = None
            if begins > how.header_line:
                line = how.kind.read_line(how.layout, begins, cells)
            begins = rows.line_num + 1
            if line is None:
                continue
            found += 1
            if found > MAX_ROWS:
                raise FileProblemError("too_many_rows", str(MAX_ROWS))
            yield line
    except csv.Error:
        raise FileProblemError("broken", line=begins) from None
    finally:
        text.detach()


def _encoding_of(source: BinaryIO) -> tuple[str, int]:
    """The encoding every byte of the file agrees with, and how many lines it has."""
    head = source.read(4)
    if head.startswith(_ARCHIVES):
        raise FileProblemError("spreadsheet")
    if head.startswith(_UTF_16):
        raise FileProblemError("utf_16")
    source.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf_8, is_cp1252, lines, is_empty = True, True, 1, True
    while block := source.read(BLOCK):
        if b"\x00" in block:
            raise FileProblemError("not_text")
        is_empty = is_empty and not block.removeprefix(codecs.BOM_UTF8).strip()
        lines += block.count(b"\n") or block.count(b"\r")
        is_cp1252 = is_cp1252 and not any(byte in block for byte in _NOT_IN_CP1252)
        is_utf_8 = is_utf_8 and _decodes(decoder, block)
    if is_empty:
        raise FileProblemError("empty")
    if is_utf_8 and _decodes(decoder, b"", final=True):
        return "utf-8-sig", lines
    return ("cp1252" if is_cp1252 else "latin-1"), lines


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _first_line(text: io.TextIOWrapper) -> tuple[str, int]:
    """The line that must be the header, and its number; `sep=;` of a spreadsheet comes before."""
    for number, line in enumerate(iter(lambda: text.readline(MAX_HEADER), ""), 1):
        if line.strip() and not line.casefold().startswith("sep="):
            return line.strip("\r\n"), number
    raise FileProblemError("empty")


def _header_of(line: str, kind: Format) -> tuple[str, list[str]]:
    """The delimiter under which most cells are names of ours, and those cells."""
    best: tuple[int, str, list[str]] | None = None
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([line], delimiter=delimiter))
        known = kind.known_columns(cells)
        if best is None or (known, len(cells)) > (best[0], len(best[2])):
            best = (known, delimiter, cells)
    if best is None or best[0] == 0:
        raise FileProblemError("no_header", line.strip()[:80])
    return best[1], best[2]
