"""Which completions a newer version of the module replaces, and from which day on."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from plugin.assign.facts import CompletionFacts, RetrainingFacts
from plugin.assign.validity import end_of, local_date


def in_force(retrainings: Iterable[RetrainingFacts], at: datetime) -> tuple[RetrainingFacts, ...]:
    """The last decision of each version as known at `at`, where it asks for something: those with
    the earliest day first, of one day the one decided first."""
    last: dict[tuple[int, int], RetrainingFacts] = {}
    for each in sorted(retrainings, key=lambda each: each.id):
        if each.decided_at <= at:
            last[each.module_id, each.number] = each
    asking = [each for each in last.values() if each.from_on is not None]
    return tuple(sorted(asking, key=lambda each: (each.last_day, each.id)))


def begins_at(retraining: RetrainingFacts, zone: str) -> datetime:
    """From this moment on what is recorded without a version counts as learned with it: from the
    beginning of the day on which the version came, in the unit's zone."""
    return end_of(local_date(retraining.came_at, zone) - timedelta(days=1), zone)


def retraining_of(
    completion: CompletionFacts, asking: Sequence[RetrainingFacts], zone: str
) -> RetrainingFacts | None:
    """The first of the decisions that replaces the completion; `asking` as `in_force` has them."""
    return next((each for each in asking if _replaces(each, completion, zone)), None)


def _replaces(retraining: RetrainingFacts, completion: CompletionFacts, zone: str) -> bool:
    """It was made on an older version, or happened before the day on which the version came."""
    if retraining.module_id != completion.module_id:
        return False
    number = completion.version_number
    is_older = number is not None and number < retraining.number
    return is_older or completion.happened_at < begins_at(retraining, zone)
