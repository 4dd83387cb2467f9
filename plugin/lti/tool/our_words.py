"""What is said of an LMS, as it is kept in English, in the reader's language (pure)."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.lti.tool import courses, reconciling, scores, service_tokens, services
from plugin.web.reasons import CALLS, translated

SENTENCES: Mapping[str, LazyString] = {
    **CALLS,
    "no answer": _l("no answer"),
    # services of an LMS
    services.DISABLED: _l("this LMS is disabled here"),
    services.TOO_SLOW: _l("the LMS takes too long for all of it"),
    services.ENDLESS: _l("the pages of the list do not end"),
    "the next page lies on another host": _l("the next page lies on another host"),
    "the next page's address is none": _l("the next page's address is none"),
    service_tokens.NOTHING_GIVEN: _l("the answer has no token in it"),
    service_tokens.OTHER_KIND: _l("the LMS gives a token of a kind that we do not know"),
    service_tokens.NOT_FOR_THIS: _l("the LMS gives access, but not to this service"),
    "the answer is no list of columns": _l("the answer is no list of columns"),
    "the answer is no list of grades": _l("the answer is no list of grades"),
    "the answer is no list of people": _l("the answer is no list of people"),
    "the answer is no key set": _l("the answer is no key set"),
    "the answer is no column": _l("the answer is no column"),
    "the answer is no score": _l("the answer is no score"),
    "the LMS has not offered its list of people yet": _l(
        "the LMS has not offered its list of people yet"
    ),
    # checks
    "no key that can sign with RS#": _l("no key that can sign with RS%(first)s"),
    "# listed by the LMS, # of them known here": _l(
        "%(first)s listed by the LMS, %(second)s of them known here"
    ),
    "# people on the first page, # of them named": _l(
        "%(first)s people on the first page, %(second)s of them named"
    ),
    "made, scored, removed": _l("made, scored, removed"),
    "made and removed; nothing graded, no learner is known there yet": _l(
        "made and removed; nothing graded, no learner is known there yet"
    ),
    "maybe made, at no address of this gradebook: look for the trial there": _l(
        "maybe made, at no address of this gradebook: look for the trial there"
    ),
    "made, but maybe not removed: look for the trial there": _l(
        "made, but maybe not removed: look for the trial there"
    ),
    "made, but not removed (#): delete the trial column there": _l(
        "made, but not removed (%(first)s): delete the trial column there"
    ),
    "+# s": _l("The LMS's clock is ahead of ours, in seconds: %(first)s"),
    "-# s": _l("The LMS's clock is behind ours, in seconds: %(first)s"),
}
"""Numbers are `#`, in their order."""
CODES: Mapping[str, LazyString] = {
    scores.NOT_OFFERED: _l("The LMS has not offered to take grades."),
    reconciling.NOT_KEPT: _l(
        "The LMS says that it takes the grade, but its gradebook does not show it."
    ),
    courses.REPLACED: _l("Its column was replaced by a newer one."),
}
"""Words of ours that stand by themselves."""


def in_the_readers_words(words: str | None) -> str:
    """The words, with what is ours of them translated."""
    code = CODES.get(words or "")
    return translated(words, SENTENCES) if code is None else str(code)
