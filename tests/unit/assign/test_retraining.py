"""A newer version that has to be learned from a day on ends what was learned before it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.facts import CompletionFacts, RetrainingFacts
from plugin.assign.spans import INSTANT
from plugin.assign.standing import RowState, Standing, evaluate
from tests.unit.assign.facts import ALWAYS_MEMBER, A, B, configuration, on, passed, row

CAME = on("2027-02-10")
DAY = date(2027, 3, 1)


def decided(
    from_on: date | None = DAY, *, number: int = 2, at: datetime = CAME, number_of_it: int = 1
) -> RetrainingFacts:
    return RetrainingFacts(
        id=number_of_it, module_id=A, number=number, came_at=CAME, from_on=from_on, decided_at=at
    )


def learned(when: datetime, *, version: int | None = 1, **more: object) -> CompletionFacts:
    found = passed(A, when, **more)  # type: ignore[arg-type]
    return CompletionFacts(
        **{name: getattr(found, name) for name in found.__slots__ if name != "version_number"},
        version_number=version,
    )


def judged(
    *completions: CompletionFacts,
    at: datetime,
    retrainings: tuple[RetrainingFacts, ...] = (decided(),),
    zone: str = "Europe/London",
    months: int | None = 12,
) -> Standing:
    facts = configuration(row(A, months=months), zone=zone)
    return evaluate(facts, ALWAYS_MEMBER, completions, (), retrainings, at=at)


@pytest.mark.parametrize("zone", ["Europe/London", "America/Sao_Paulo", "Pacific/Auckland"])
def test_it_ends_the_second_the_day_begins_in_the_units_zone(zone: str) -> None:
    begins = on("2027-03-01", "00:00", zone)
    old = learned(on("2027-01-05"))
    before = judged(old, at=begins - INSTANT, zone=zone)
    assert before.is_valid(begins - INSTANT)
    assert not before.is_valid(begins), "what was known before knows the end"
    after = judged(old, at=begins, zone=zone)
    assert not after.is_valid(begins)
    assert after.rows[0].state is RowState.EXPIRED
    assert after.valid_through == date(2027, 2, 28)
    assert after.rows[0].retraining == decided()


@pytest.mark.parametrize(
    ("version", "when", "counts"),
    [
        pytest.param(1, "2027-02-09", False, id="the version before"),
        pytest.param(1, "2027-02-20", False, id="a sitting of the version before ended later"),
        pytest.param(2, "2027-02-20", True, id="the new version before the date"),
        pytest.param(2, "2027-03-05", True, id="the new version after the date"),
        pytest.param(3, "2027-03-05", True, id="a newer one still"),
        pytest.param(None, "2027-02-09", False, id="unsaid and before the version came"),
        pytest.param(None, "2027-02-10", True, id="unsaid and on the day it came"),
        pytest.param(2, "2027-02-09", False, id="recorded later of a day before it came"),
    ],
)
def test_what_counts_from_the_date_on(version: int | None, when: str, *, counts: bool) -> None:
    at = on("2027-03-06")
    assert judged(learned(on(when), version=version), at=at).is_valid(at) is counts


def test_what_ends_earlier_by_itself_is_not_blamed_on_the_version() -> None:
    short = judged(learned(on("2027-01-05")), at=on("2027-01-06"), months=1)
    assert (short.valid_through, short.rows[0].retraining) == (date(2027, 2, 5), None)
    own = judged(learned(on("2027-01-05"), until="2027-02-27"), at=on("2027-02-11"))
    assert (own.valid_through, own.rows[0].retraining) == (date(2027, 2, 27), None)
    assert own.rows[0].by_own_end


def test_other_modules_go_on() -> None:
    facts = configuration(row(B))
    at = on("2027-03-06")
    found = evaluate(facts, ALWAYS_MEMBER, [passed(B, on("2027-01-05"))], (), [decided()], at=at)
    assert found.is_valid(at)


def test_the_last_decision_of_a_version_stands_and_the_past_knows_what_was_decided_then() -> None:
    old = learned(on("2027-01-05"))
    changed = decided(date(2027, 4, 1), at=on("2027-02-12"), number_of_it=2)
    withdrawn = decided(None, at=on("2027-02-14"), number_of_it=3)
    all_of_them = (withdrawn, decided(), changed)
    ends = [
        judged(old, at=on(day), retrainings=all_of_them).valid_through
        for day in ("2027-02-09", "2027-02-11", "2027-02-13", "2027-02-15")
    ]
    assert ends == [date(2028, 1, 5), date(2027, 2, 28), date(2027, 3, 31), date(2028, 1, 5)]


def test_of_two_versions_the_one_required_first_ends_it() -> None:
    third = decided(date(2027, 2, 20), number=3, number_of_it=2)
    found = judged(learned(on("2027-01-05")), at=on("2027-02-11"), retrainings=(decided(), third))
    assert found.valid_through == date(2027, 2, 19)
    second = learned(on("2027-02-11"), version=2)
    found = judged(second, at=on("2027-02-12"), retrainings=(decided(), third))
    assert found.valid_through == date(2027, 2, 19)


def test_learning_the_new_version_in_time_leaves_no_gap() -> None:
    old, new = learned(on("2027-01-05")), learned(on("2027-02-25"), version=2)
    found = judged(old, new, at=on("2027-06-01"))
    assert found.is_valid(on("2027-06-01"))
    assert found.continuous_since == on("2027-01-05")
    late = judged(old, learned(on("2027-03-02"), version=2), at=on("2027-06-01"))
    assert late.continuous_since == on("2027-03-02")


DAYS = st.integers(min_value=0, max_value=400)


@given(
    done=st.lists(st.tuples(DAYS, st.sampled_from([1, 2, 3, None])), min_size=1, max_size=5),
    required=st.lists(st.tuples(DAYS, st.sampled_from([2, 3])), max_size=3),
    asked=DAYS,
)
def test_a_decision_only_ever_shortens_and_never_touches_what_is_new_enough(
    done: list[tuple[int, int | None]], required: list[tuple[int, int]], asked: int
) -> None:
    start = datetime(2027, 1, 1, 12, tzinfo=UTC)

    def day(number: int) -> datetime:
        return start + timedelta(days=number)

    completions = [learned(day(number), version=version) for number, version in done]
    retrainings = tuple(
        RetrainingFacts(
            id=place,
            module_id=A,
            number=number,
            came_at=day(0),
            from_on=day(from_on).date(),
            decided_at=day(0),
        )
        for place, (from_on, number) in enumerate(required, 1)
    )
    at = day(asked)
    free = judged(*completions, at=at, retrainings=(), months=6)
    bound = judged(*completions, at=at, retrainings=retrainings, months=6)
    assert bound.is_valid(at) <= free.is_valid(at)
    kept = [each for each in completions if (each.version_number or 9) >= 3]
    newest = judged(*kept, at=at, retrainings=(), months=6)
    assert newest.is_valid(at) <= bound.is_valid(at)
