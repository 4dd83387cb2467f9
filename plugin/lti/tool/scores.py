"""Grades leave: claimed, looked up, stamped when sent, settled (A8 to A13; checklist 4.6).

One sender has a row at a time; it looks into the gradebook first, since what a teacher wrote there
stands, and an earlier score may have arrived although its answer did not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from plugin.core import clock, http
from plugin.core.http import OutgoingError, Reply
from plugin.lti.tool import score_rows, score_settling, services
from plugin.lti.tool.answers import TOO_MANY, date_of, pause_of, told, words_in, words_of_error
from plugin.lti.tool.profiles import code_of
from plugin.lti.tool.results import Result, result_of, results
from plugin.lti.tool.score_rows import SENDING, Batch
from plugin.lti.tool.score_rules import (
    DROPS_COMMENTS_OF_ONE,
    FIRST_PAUSE,
    TERMINAL,
    Look,
    Parcel,
    Word,
    is_about_a_person,
    looked,
    says,
    score_of,
    stamp_after,
    stamp_of,
    word_of,
)
from plugin.lti.tool.score_settling import Outcome
from plugin.lti.tool.service_models import GradeState
from plugin.lti.tool.services import (
    LINE_ITEM_JSON,
    LINE_ITEM_READ,
    OK,
    RESULTS,
    SCORE,
    SCORE_JSON,
    ServiceError,
)

FEW = 3
"""So many people are looked up one by one; for more the column is read whole."""
PATIENCE = 4
"""After so many failures on end the LMS is left alone for a while."""
NOT_GIVEN = frozenset({400, 401, 403})
NOT_OFFERED = "The LMS has not offered to take grades."
NO_ACCESS = "The LMS gives no access to its gradebook."

Seen = Mapping[str, Result] | None
"""What a gradebook says of people; None where it does not let us look."""


def send_grade(grade_id: int) -> None:
    """The grade, and what else of its column is due, reaches the gradebook, or says why not.

    Safe to run again, and to run many times at once.
    """
    batch = score_rows.claim(grade_id)
    if batch is None:
        return
    outcomes: list[Outcome] = []
    try:
        with http.kept_open():
            for each in _delivered(batch):
                outcomes.append(each)  # noqa: PERF402 - what was done stays when the next one fails
    except Exception:
        done = {each.parcel.grade_id for each in outcomes}
        first = next((each for each in batch.parcels if each.grade_id not in done), None)
        if first is not None:
            outcomes.append(Outcome(parcel=first, state=None, words="failed here", is_unknown=True))
        score_settling.settle(batch, outcomes)
        raise
    score_settling.settle(batch, outcomes)


def _delivered(batch: Batch) -> Iterator[Outcome]:
    """What came of each, one after another; a whole batch fails if the gradebook cannot be read."""
    if SCORE not in batch.scopes:  # only what the launch's claim lists (A1)
        for each in batch.parcels:
            yield Outcome(parcel=each, state=GradeState.FAILED, words=NOT_OFFERED)
        return
    try:
        seen = _seen(batch)
    except (OutgoingError, ServiceError) as error:
        for each in batch.parcels:
            yield _failure(each, error)
        return
    to_send: list[Parcel] = []
    for parcel, look, found in _looked(batch, seen):
        if look is Look.SEND:
            to_send.append(parcel)
        else:
            yield _looked_up(parcel, look, found)
    yield from _sent(batch, to_send, seen)


def _seen(batch: Batch) -> Seen:
    """What the gradebook says now of the batch's people. Raises as `Client.call` does, unless all
    of them are to be sent whatever it says."""
    if RESULTS not in batch.scopes:
        return None
    asked = [each.subject for each in batch.parcels]
    is_short_of_one = code_of(batch.client.product) in DROPS_COMMENTS_OF_ONE
    try:
        if len(asked) > FEW or is_short_of_one:
            return _whole(batch, asked)
        return _one_by_one(batch, asked)
    except (OutgoingError, ServiceError) as error:
        if _may_not_look(error) or all(each.forced for each in batch.parcels):
            return None
        raise


def _may_not_look(error: OutgoingError | ServiceError) -> bool:
    if isinstance(error, OutgoingError):
        return False
    return error.step == "results" and error.status in TERMINAL


def _whole(batch: Batch, asked: list[str]) -> Mapping[str, Result]:
    try:
        found = {each.subject: each for each in results(batch.client, batch.url).results}
    except OutgoingError as error:
        if "too large" not in str(error):
            raise
        return _one_by_one(batch, asked)
    return found


def _one_by_one(batch: Batch, asked: list[str]) -> Mapping[str, Result]:
    found = {each: result_of(batch.client, batch.url, each) for each in asked}
    return {subject: each for subject, each in found.items() if each is not None}


def _looked(batch: Batch, seen: Seen) -> list[tuple[Parcel, Look, Result | None]]:
    """What is to be done about each; what looks like a teacher's word may be a restored column."""
    found = {each.grade_id: (seen or {}).get(each.subject) for each in batch.parcels}
    looks = {each.grade_id: looked(each, found[each.grade_id]) for each in batch.parcels}
    strange = [
        each.grade_id
        for each in batch.parcels
        if looks[each.grade_id] is Look.OVERRIDDEN and each.sent is None and each.tried is None
    ]
    if strange:
        before = score_rows.told_before(batch.line_item_id, strange)
        for each in batch.parcels:
            if each.grade_id in before:
                looks[each.grade_id] = looked(each, found[each.grade_id], before[each.grade_id])
    return [(each, looks[each.grade_id], found[each.grade_id]) for each in batch.parcels]


def _looked_up(parcel: Parcel, look: Look, found: Result | None) -> Outcome:
    state = GradeState.SENT if look is Look.ARRIVED else GradeState.OVERRIDDEN
    share = found.share if found else None
    return Outcome(parcel=parcel, state=state, seen=share, seen_at=clock.now())


def _sent(batch: Batch, parcels: list[Parcel], seen: Seen) -> Iterator[Outcome]:
    """The scores leave one by one, until the LMS wants a rest or our time is over."""
    learned = {each.grade_id: _learned(each, seen) for each in parcels}
    newest = score_rows.note_tries(batch, learned) if parcels else ()
    end, failures = batch.claimed_at + SENDING, 0
    pause: timedelta | None = None
    for each in newest:
        if pause is not None or clock.now() >= end:
            yield Outcome(parcel=each, state=None, pause=pause, is_attempt=False)
            continue
        outcome = _posted(batch, each, (seen or {}).get(each.subject))
        yield outcome
        failures = failures + 1 if outcome.is_unknown else 0
        pause = _pause(outcome, failures)
        if pause is not None:
            score_settling.rest(batch, clock.now() + pause)


def _learned(parcel: Parcel, seen: Seen) -> float | None:
    """A value that the gradebook turns out to hold although its answer was lost."""
    found = (seen or {}).get(parcel.subject)
    if found is None or parcel.tried is None or not says(found.share, parcel.tried):
        return None
    return parcel.tried


def _pause(outcome: Outcome, failures: int) -> timedelta | None:
    """How long to leave the LMS alone, if it asks for that or fails again and again."""
    if outcome.state is None and outcome.pause is not None:
        return outcome.pause
    return FIRST_PAUSE if failures >= PATIENCE else None


def _posted(batch: Batch, parcel: Parcel, found: Result | None) -> Outcome:
    stamp = stamp_of(parcel, clock.now())
    comment = found.comment if found else None
    try:
        reply = batch.client.call(
            "POST",
            services.below(batch.url, "scores"),
            scopes=[SCORE],
            content_type=SCORE_JSON,
            body=score_of(parcel, stamp, comment),
        )
    except (OutgoingError, ServiceError) as error:
        return replace(_failure(parcel, error), stamp=stamp, is_unknown=True)
    return replace(_answered(batch, parcel, reply), stamp=stamp)


def _answered(batch: Batch, parcel: Parcel, reply: Reply) -> Outcome:
    words = told(reply.status, words_in(reply))
    match word_of(reply):
        case Word.TAKEN:
            return Outcome(parcel=parcel, state=GradeState.SENT)
        case Word.STALE:
            return _stale(batch, parcel, reply, words)
        case Word.REFUSED:
            return Outcome(parcel=parcel, state=GradeState.REFUSED, words=words)
        case Word.GONE:
            if _is_column_gone(batch, words):
                score_settling.end_column(batch, words_in(reply))
            return Outcome(parcel=parcel, state=GradeState.REFUSED, words=words)
    pause = pause_of(reply, now=clock.now())
    if reply.status == TOO_MANY:
        return Outcome(parcel=parcel, state=None, words=words, pause=pause or FIRST_PAUSE)
    return Outcome(parcel=parcel, state=None, words=words, pause=pause, is_unknown=True)


def _stale(batch: Batch, parcel: Parcel, reply: Reply, words: str) -> Outcome:
    """The LMS has something as new as ours: look what, and say ours again later if it differs.

    A 409 is neither success nor the end (moodle 4.3).
    """
    try:
        found = _one_by_one(batch, [parcel.subject]) if RESULTS in batch.scopes else {}
    except (OutgoingError, ServiceError):
        found = {}
    theirs = found.get(parcel.subject)
    others = [] if parcel.sent is None else [parcel.sent]
    is_there = theirs is not None and says(theirs.share, parcel.value, others)
    if theirs is not None and is_there and not parcel.is_other_progress:
        return Outcome(parcel=parcel, state=GradeState.SENT, seen=theirs.share, seen_at=clock.now())
    said = [date_of(reply), theirs.at if theirs else None]
    return Outcome(
        parcel=parcel, state=None, words=words, later_stamp=stamp_after(said, clock.now())
    )


def _is_column_gone(batch: Batch, words: str) -> bool:
    """Whether the LMS no longer has the column, or only not the person: it is asked."""
    if LINE_ITEM_READ in batch.scopes:
        try:
            reply = batch.client.call(
                "GET", batch.url, scopes=[LINE_ITEM_READ], accept=LINE_ITEM_JSON
            )
        except (OutgoingError, ServiceError):
            return False
        return reply.status not in OK and word_of(reply) is Word.GONE
    return not is_about_a_person(words)


def _failure(parcel: Parcel, error: OutgoingError | ServiceError) -> Outcome:
    """No answer, or none that helps: tried again, unless a token was refused with a reason."""
    words = words_of_error(error)
    if isinstance(error, OutgoingError):
        return Outcome(parcel=parcel, state=None, words=words)
    pause = pause_of(error.reply, now=clock.now()) if error.reply is not None else None
    if error.step == "token":
        words = f"{NO_ACCESS} {words}"
        if error.status in NOT_GIVEN:
            return Outcome(parcel=parcel, state=GradeState.FAILED, words=words)
    return Outcome(parcel=parcel, state=None, words=words, pause=pause)
