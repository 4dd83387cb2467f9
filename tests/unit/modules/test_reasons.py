"""Reasons that the product gives itself are said in the reader's language."""

from flask import Flask
from flask_babel import force_locale
from flask_babel.speaklater import LazyString

from plugin.modules.actions import BETTER_SCORE, PASSED_AFTER_ALL
from plugin.modules.by_lms import CHANGED, REMOVED
from plugin.modules.wording import REASONS


def test_what_is_kept_is_english_and_what_is_shown_is_the_readers(app: Flask) -> None:
    assert set(REASONS) == {BETTER_SCORE, PASSED_AFTER_ALL, CHANGED, REMOVED}
    assert all(isinstance(words, LazyString) for words in REASONS.values())
    with app.test_request_context(), force_locale("en"):
        assert {kept: str(words) for kept, words in REASONS.items()} == {
            kept: kept for kept in REASONS
        }
