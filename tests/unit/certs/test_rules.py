"""The state of a certificate and its next edition, as tables of cases."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.facts import CertificateStart
from plugin.assign.standing import Standing
from plugin.certs.rules import (
    CertificateState,
    EditionFacts,
    EditionKind,
    EventFacts,
    EventKind,
    NextEdition,
    is_later,
    next_edition,
    state,
    withheld_by,
)

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def standing(**what: Any) -> Standing:
    kept: dict[str, Any] = {
        "configuration_id": 1,
        "version_id": 1,
        "number": 1,
        "unit_id": 1,
        "zone": "Europe/London",
        "at": NOON,
        "certificate_on": True,
        "certificate_start": CertificateStart(),
        "archived": False,
        "covered": True,
        "covered_since": NOON - 400 * DAY,
        "has_required": True,
        "complete": True,
        "valid_through": date(2028, 3, 10),
        "ends_at": datetime(2028, 3, 11, tzinfo=UTC),
        "continuous_since": NOON - 300 * DAY,
        "proved_at": NOON - 300 * DAY,
        "proved_silently": False,
        "effective_at": NOON - 500 * DAY,
        "binding": None,
        "rows": (),
    }
    return Standing(**(kept | what))


def happened(kind: EventKind, at: datetime = NOON - DAY) -> EventFacts:
    return EventFacts(kind=kind, at=at)


REVOKED, SUSPENDED, LIFTED = (
    happened(EventKind.REVOKED),
    happened(EventKind.SUSPENDED, NOON - 3 * DAY),
    happened(EventKind.LIFTED, NOON - 2 * DAY),
)


@pytest.mark.parametrize(
    ("events", "what", "expected"),
    [
        ((), {}, CertificateState.VALID),
        ((), {"complete": False}, CertificateState.INVALID),
        ((), {"ends_at": NOON}, CertificateState.INVALID),
        ((), {"ends_at": NOON + timedelta(microseconds=1)}, CertificateState.VALID),
        ((), {"ends_at": None, "valid_through": None}, CertificateState.VALID),
        ((), {"covered": False}, CertificateState.ENDED),
        ((), {"archived": True}, CertificateState.ENDED),
        ((), {"certificate_on": False}, CertificateState.ENDED),
        ((), {"has_required": False, "complete": False}, CertificateState.ENDED),
        ((), {"covered": False, "complete": False}, CertificateState.ENDED),
        ((SUSPENDED,), {}, CertificateState.SUSPENDED),
        ((SUSPENDED,), {"covered": False}, CertificateState.SUSPENDED),
        ((SUSPENDED, LIFTED), {}, CertificateState.VALID),
        ((SUSPENDED, LIFTED), {"complete": False}, CertificateState.INVALID),
        ((REVOKED,), {}, CertificateState.REVOKED),
        ((SUSPENDED, REVOKED), {"covered": False, "complete": False}, CertificateState.REVOKED),
    ],
)
def test_the_strongest_state_wins(
    events: tuple[EventFacts, ...], what: dict[str, Any], expected: CertificateState
) -> None:
    for order in permutations(events):
        assert state(order, standing(**what), at=NOON) is expected


def test_an_event_counts_from_its_moment_on() -> None:
    revoked = happened(EventKind.REVOKED, NOON)
    assert withheld_by([revoked], at=NOON - timedelta(microseconds=1)) is None
    assert withheld_by([revoked], at=NOON) is CertificateState.REVOKED


@given(st.lists(st.sampled_from(EventKind), max_size=6))
def test_nothing_undoes_a_revocation(kinds: list[EventKind]) -> None:
    events = [happened(kind, NOON + n * DAY) for n, kind in enumerate(kinds)]
    before = [happened(EventKind.REVOKED, NOON - DAY)]
    assert withheld_by([*events, *before], at=NOON + 30 * DAY) is CertificateState.REVOKED


def issued(at: datetime, through: date | None) -> EditionFacts:
    return EditionFacts(issued_at=at, valid_through=through)


LONG_AGO = NOON - 200 * DAY
RENEWAL = NextEdition(kind=EditionKind.RENEWAL)


@pytest.mark.parametrize(
    ("last", "what", "expected"),
    [
        (None, {}, NextEdition(kind=EditionKind.FIRST)),
        (None, {"complete": False}, None),
        (None, {"certificate_on": False}, None),
        (None, {"covered": False}, None),
        (issued(LONG_AGO, date(2028, 3, 10)), {}, None),
        (issued(LONG_AGO, date(2028, 3, 9)), {}, RENEWAL),
        (issued(LONG_AGO, date(2028, 3, 11)), {}, None),  # never an edition for an earlier day
        (issued(LONG_AGO, date(2028, 3, 9)), {"valid_through": None, "ends_at": None}, RENEWAL),
        (issued(LONG_AGO, None), {}, None),
        (issued(LONG_AGO, date(2028, 3, 9)), {"complete": False}, None),
        (
            issued(LONG_AGO, date(2028, 3, 10)),
            {"continuous_since": NOON - DAY},
            NextEdition(kind=EditionKind.RESTORATION),
        ),
        (  # a restoration that also moves the last day is a restoration
            issued(LONG_AGO, date(2027, 1, 1)),
            {"continuous_since": NOON},
            NextEdition(kind=EditionKind.RESTORATION),
        ),
        (  # an interruption on the day of the edition: valid again at once
            issued(NOON - timedelta(hours=2), date(2028, 3, 10)),
            {"continuous_since": NOON},
            NextEdition(kind=EditionKind.RESTORATION),
        ),
        (  # a second renewal of one day waits for the unit's midnight
            issued(NOON - timedelta(hours=2), date(2028, 3, 9)),
            {},
            NextEdition(kind=EditionKind.RENEWAL, due_at=datetime(2027, 3, 11, tzinfo=UTC)),
        ),
        (  # 11:00 UTC is past midnight in Auckland, so it is another day there
            issued(datetime(2027, 3, 10, 10, 59, tzinfo=UTC), date(2028, 3, 9)),
            {"zone": "Pacific/Auckland"},
            RENEWAL,
        ),
        (
            issued(datetime(2027, 3, 10, 11, 0, tzinfo=UTC), date(2028, 3, 9)),
            {"zone": "Pacific/Auckland"},
            NextEdition(kind=EditionKind.RENEWAL, due_at=datetime(2027, 3, 11, 11, tzinfo=UTC)),
        ),
    ],
)
def test_the_next_edition(
    last: EditionFacts | None, what: dict[str, Any], expected: NextEdition | None
) -> None:
    assert next_edition(last, (), standing(**what), at=NOON) == expected


@pytest.mark.parametrize("event", [EventKind.REVOKED, EventKind.SUSPENDED])
def test_what_is_withheld_gets_no_edition(event: EventKind) -> None:
    assert next_edition(None, [happened(event)], standing(), at=NOON) is None


@given(
    st.one_of(st.none(), st.dates(date(2027, 3, 10), date(2032, 1, 1))),
    st.integers(min_value=0, max_value=400),
)
def test_issuing_what_is_owed_leaves_nothing_owed(through: date | None, days: int) -> None:
    """The rule rests: an edition with the standing's own dates is never followed by another."""
    now = NOON + timedelta(hours=days)
    ends_at = None if through is None else datetime(2040, 1, 1, tzinfo=UTC)
    judged = standing(at=now, valid_through=through, ends_at=ends_at, continuous_since=now)
    assert next_edition(issued(now, through), (), judged, at=now) is None


@pytest.mark.parametrize(
    ("day", "than", "expected"),
    [
        (None, date(2027, 1, 1), True),
        (date(2027, 1, 2), date(2027, 1, 1), True),
        (date(2027, 1, 1), date(2027, 1, 1), False),
        (date(2027, 1, 1), None, False),
        (None, None, False),
    ],
)
def test_no_end_is_later_than_every_day(
    day: date | None, than: date | None, expected: bool
) -> None:
    assert is_later(day, than) is expected


@pytest.mark.parametrize(
    ("proved_at", "start", "expected"),
    [
        (NOON - DAY, CertificateStart(mail_from=NOON), (EditionKind.FIRST, True)),
        (NOON, CertificateStart(mail_from=NOON), (EditionKind.FIRST, False)),
        (NOON - DAY, CertificateStart(issue_from=NOON), None),
        (NOON, CertificateStart(issue_from=NOON), (EditionKind.FIRST, False)),
        (NOON - DAY, CertificateStart(), (EditionKind.FIRST, False)),
    ],
)
def test_the_first_edition_of_those_who_were_done_before_the_switch(
    proved_at: datetime, start: CertificateStart, expected: tuple[EditionKind, bool] | None
) -> None:
    owed = next_edition(None, (), standing(proved_at=proved_at, certificate_start=start), at=NOON)
    assert (None if owed is None else (owed.kind, owed.silent)) == expected
