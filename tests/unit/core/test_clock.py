"""One clock for the process, which tests hold still and a demo moves."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from plugin.core import clock, demo_clock


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


def test_a_demo_runs_ahead_by_what_its_file_says_at_once_and_in_every_process(
    tmp_path: Path,
) -> None:
    path = tmp_path / "clock.json"
    demo_clock.follow(path)
    try:
        assert clock.now() - clock.machine() < timedelta(seconds=5)
        demo_clock.set_ahead(path, timedelta(days=335))
        assert clock.now() > clock.machine() + timedelta(days=334)
        asked = "from plugin.core import clock, demo_clock; from pathlib import Path; import sys;"
        asked += "demo_clock.follow(Path(sys.argv[1])); print(clock.now().isoformat())"
        said = subprocess.run(
            [sys.executable, "-c", asked, str(path)], capture_output=True, text=True, check=True
        )
        there = datetime.fromisoformat(said.stdout.strip())
        assert abs(there - clock.now()) < timedelta(minutes=5)
        demo_clock.set_ahead(path, timedelta(0))
        assert clock.now() < clock.machine() + timedelta(days=1)
    finally:
        clock.set_source(None)
