from datetime import UTC, datetime, timedelta, timezone

import pytest

from plugin.core import clock


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_a_held_clock_shows_utc_and_runs_again_afterwards() -> None:
    noon = datetime(2027, 3, 10, 12, tzinfo=timezone(timedelta(hours=2)))
    with clock.at(noon):
        assert clock.now() == datetime(2027, 3, 10, 10, tzinfo=UTC)
        assert clock.now().tzinfo is UTC
        with clock.shifted(timedelta(days=1)):
            assert clock.now() == noon + timedelta(days=1)
    assert clock.now() != noon


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"), clock.at(datetime(2027, 1, 1)):  # noqa: DTZ001
        pass
