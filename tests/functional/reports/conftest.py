"""What the reports' tests share."""

import pytest

from tests.functional.reports.crowd import Crowd
from tests.support.world import World


@pytest.fixture
def crowd(world: World) -> Crowd:
    return Crowd(world)
