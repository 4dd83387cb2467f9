"""The three names of a certificate."""

import re

import pytest

from plugin.certs import credentials


def test_a_credential_id_can_be_read_aloud_and_begins_with_the_organization() -> None:
    assert re.fullmatch(r"HW-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}",
                        credentials.new_credential_id("harbour-works"))  # fmt: skip
    assert credentials.new_credential_id("a-b-c-d-e-f").startswith("ABCD-")
    assert credentials.new_credential_id("").startswith("C-")


def test_a_passcode_has_no_letter_that_looks_like_a_digit() -> None:
    seen = "".join(credentials.new_passcode() for _ in range(500))
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}",
                        credentials.new_passcode())  # fmt: skip
    assert not set(seen) & set("OILU")


def test_names_are_drawn_from_enough_bits() -> None:
    assert len({credentials.new_passcode() for _ in range(5000)}) == 5000
    assert len(credentials.new_address_token()) * 6 >= 128


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("7QXK-M2PD-94TV", "7QXK-M2PD-94TV"),
        ("7qxk m2pd 94tv", "7QXK-M2PD-94TV"),
        (" 7QXKM2PD94TV\n", "7QXK-M2PD-94TV"),
        ("7QXK–M2PD—94TV", "7QXK-M2PD-94TV"),  # dashes a word processor makes
        ("oOiL-0000-0000", "0011-0000-0000"),
        ("7QXK-M2PD-94T", None),
        ("7QXK-M2PD-94TVX", None),
        ("7QXK-M2PD-94TU", None),
        ("", None),
        ("ＡＢＣＤ-0000-0000", None),
    ],
)
def test_a_typed_passcode_is_understood_or_refused(typed: str, meant: str | None) -> None:
    assert credentials.typed_passcode(typed) == meant
