"""How many people the tests that count mails have: some usually, all of them when asked.

`COUNTS_SCALE=full pytest …` counts at full size (20,000 people switched on, 50,000 completions).
"""

import os

IS_FULL = os.environ.get("COUNTS_SCALE", "") == "full"
STEPS = 10_000_000 if IS_FULL else 20_000
"""More steps than any count needs: what goes beyond causes itself."""


def scale(full: int, *, usually: int) -> int:
    """The number of people or facts of a count."""
    return full if IS_FULL else usually
