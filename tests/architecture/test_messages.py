"""Every word of the product is translated, with its placeholders, and nothing stale is kept."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from plugin.core.paths import TRANSLATIONS
from tools import messages

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")
LANGUAGES = [path.parts[-3] for path in messages.catalogues()]


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return messages.collected()


def catalogue(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def real(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def forms(message: Message) -> list[str]:
    words = message.string
    return list(words) if isinstance(words, tuple | list) else [words]


def test_a_right_to_left_language_is_among_them() -> None:
    assert "ar" in LANGUAGES


def test_words_of_code_and_templates_are_collected(collected: Catalog) -> None:
    for words in ("Valid through", "Skip to the content", "Say why, in a few words."):
        assert words in collected
    assert collected.get("%(num)d month") is not None
    assert len(collected) > 1000


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_holds_exactly_the_words_of_today(collected: Catalog, language: str) -> None:
    ours = {message.id for message in real(messages.read(catalogue(language)))}
    todays = {message.id for message in real(collected)}
    assert sorted(map(str, todays - ours)) == []
    assert sorted(map(str, ours - todays)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated_with_its_placeholders(language: str) -> None:
    wrong = []
    for message in real(messages.read(catalogue(language))):
        wanted = message.id if isinstance(message.id, str) else message.id[1]
        asked = set(PLACEHOLDER.findall(wanted))
        for words in forms(message):
            found = set(PLACEHOLDER.findall(words))
            is_right = found <= asked if message.pluralizable else found == asked
            if not words.strip() or not is_right or message.fuzzy:
                wrong.append((message.id, words))
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_form_for_every_number(language: str) -> None:
    catalog = messages.read(catalogue(language))
    for message in real(catalog):
        if message.pluralizable:
            assert len(forms(message)) == catalog.num_plurals
