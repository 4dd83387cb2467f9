"""How large the tests of many people and of random histories are: all of it only when asked.

`COUNTS_SCALE=full pytest …` counts at full size (20,000 people switched on, 50,000 completions)
and plays every seed; `COUNTS_SCALE=2000` counts up to so many. On a database server, where each
step takes longer, tests may be smaller.
"""

import os

IS_ON_SERVER = bool(os.environ.get("TEST_POSTGRESQL_URL"))
ASKED = os.environ.get("COUNTS_SCALE", "")
IS_FULL = ASKED == "full"
STEPS = 10_000_000 if ASKED else 20_000
"""More steps than any count needs: what goes beyond causes itself."""


def scale(full: int, *, usually: int, on_server: int | None = None) -> int:
    """The number of people, facts or seeds of a test."""
    if IS_FULL:
        return full
    if ASKED:
        return min(full, int(ASKED))
    return on_server if IS_ON_SERVER and on_server is not None else usually
