"""Names and addresses as they will be stored."""

import pytest

from plugin.org.rules import email_of, is_time_zone, names_of


@pytest.mark.parametrize(
    ("given", "family", "full", "stored"),
    [
        ("Lars", "Learner", "Lars Learner", ("Lars", "Learner", "Lars Learner")),
        ("Lars", "Learner", None, ("Lars", "Learner", "Lars Learner")),
        (None, None, "Ada King Byron", ("Ada King", "Byron", "Ada King Byron")),
        (None, None, "Plato", ("Plato", "", "Plato")),
        (" Łucja ", "Ødegård", "", ("Łucja", "Ødegård", "Łucja Ødegård")),
        ("李", "小龍", "李小龍", ("李", "小龍", "李小龍")),
    ],
)
def test_the_best_name_the_parts_allow(
    given: str | None, family: str | None, full: str | None, stored: tuple[str, str, str]
) -> None:
    names = names_of(given, family, full)
    assert names is not None
    assert (names.given, names.family, names.full) == stored


def test_no_name_at_all_is_none() -> None:
    assert names_of(None, " ", "") is None


@pytest.mark.parametrize("text", ["", None, "nobody", "a b@example.org", "a@b", "x" * 300 + "@a.b"])
def test_what_cannot_be_an_address_is_none(text: str | None) -> None:
    assert email_of(text) is None


def test_an_address_is_trimmed() -> None:
    assert email_of(" ada@example.org ") == "ada@example.org"


def test_time_zones_are_the_iana_names() -> None:
    assert is_time_zone("Europe/Oslo")
    assert not is_time_zone("Mars/Base")
