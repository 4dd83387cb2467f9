"""What programs send is read as the standards have it, and as nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from plugin.core import strict

NINE = datetime(2027, 3, 10, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2027-03-10T09:00:00Z",
        "2027-03-10t09:00:00z",
        "2027-03-10T10:00:00+01:00",
        "2027-03-10T09:00:00.000Z",
        "2027-03-10T09:00:00.0000001Z",
        "20270310T090000Z",
    ],
)
def test_a_moment_is_read_whatever_its_zone_and_letters(text: str) -> None:
    assert strict.moment(text) == NINE


@pytest.mark.parametrize(
    "said",
    [
        "2027-03-10T09:00:00",
        "2027-03-10",
        "2027-03-10 09:00:00Z",
        "2027-02-30T09:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "T",
        "",
        "2027-03-10T09:00:00Z" + " " * 40,
        1804755600,
        None,
        ["2027-03-10T09:00:00Z"],
    ],
)
def test_what_names_no_moment_is_none(said: Any) -> None:
    assert strict.moment(said) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [(0, 0.0), (-1, -1.0), (2.5, 2.5), (1e308, 1e308), (5e-324, 5e-324)]
    + [(each, None) for each in (True, False, None, "1", [1], 10**400, float("nan"), 1e999)],
)
def test_a_number_is_finite_and_no_truth(said: Any, meant: float | None) -> None:
    assert strict.number(said) == meant


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 2}}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{}",
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_object_of_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict.json_object(body)


def test_an_object_is_read() -> None:
    assert strict.json_object('{"a": ["ä", 1.5, null]}'.encode()) == {"a": ["ä", 1.5, None]}
