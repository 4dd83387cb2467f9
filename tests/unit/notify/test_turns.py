"""A throttle gives each mail a minute: never more than the limit in one, single mails soon."""

from collections import Counter

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from plugin.notify.turns import Given, next_turn


def turns(asks: list[bool], *, limit: int, minute: int = 100) -> list[tuple[bool, int]]:
    """The minutes that mails of a bulk (True) and single ones (False) get, asked in this order."""
    given, found = Given(), []
    for is_bulk in asks:
        at, given = next_turn(given, minute=minute, limit=limit, is_bulk=is_bulk)
        found.append((is_bulk, at))
    return found


def test_a_bulk_fills_one_minute_after_another_and_leaves_a_quarter_of_each() -> None:
    found = turns([True] * 9, limit=4)
    assert [at for _, at in found] == [100, 100, 100, 101, 101, 101, 102, 102, 102]


def test_a_single_mail_goes_now_however_far_the_bulk_has_reached() -> None:
    found = turns([True] * 20_000 + [False], limit=60)
    assert found[-2][1] > 500
    assert found[-1] == (False, 100)


def test_one_mail_a_minute_leaves_room_for_single_mails_too() -> None:
    found = turns([True] * 100 + [False], limit=1)
    assert found[-2][1] > 250
    assert found[-1] == (False, 101)


def test_single_mails_alone_may_have_the_whole_minute() -> None:
    assert [at for _, at in turns([False] * 9, limit=4)] == [100] * 4 + [101] * 4 + [102]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_smallest_limits_go_on_too(limit: int) -> None:
    found = turns([True, False] * 5, limit=limit)
    assert len(found) == 10


@for_all(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=200), st.integers(1, 12))
def test_no_minute_ever_has_more_than_its_limit(asks: list[tuple[bool, int]], limit: int) -> None:
    given, minute, per_minute = Given(), 100, Counter[int]()
    for is_bulk, later in asks:
        minute += later
        at, given = next_turn(given, minute=minute, limit=limit, is_bulk=is_bulk)
        assert at >= minute
        per_minute[at] += 1
    assert all(number <= limit for number in per_minute.values())
