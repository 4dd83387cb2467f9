"""How a module reads what its course reports. Pure; the defaults suit almost every package."""

from dataclasses import dataclass, replace
from enum import StrEnum


class NeverSet(StrEnum):
    """What completes a part that finishes without ever saying a status."""

    AUTO = "auto"  # finishing it, when the course is that one part and has neither score nor mark
    FINISHED = "finished"
    OPENED = "opened"
    NOTHING = "nothing"


class ScoreRule(StrEnum):
    """How the scores of several parts make one."""

    AVERAGE = "average"
    HIGHEST = "highest"
    LAST = "last"
    SUM = "sum"
    WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`pass_share` (0 to 1) replaces the course's own mastery score; None leaves it.

    `shares_objectives`: SCORM 2004's objectives and data that are global to the system outlive the
    sitting and reach other courses, as the manifest wants; else they are the sitting's.
    `weights`: of parts by their identifier, where the score is weighted; a part without one has 1.
    """

    trusts_status: bool = False
    pass_share: float | None = None
    never_set: NeverSet = NeverSet.AUTO
    score_rule: ScoreRule = ScoreRule.AVERAGE
    shares_objectives: bool = False
    weights: tuple[tuple[str, float], ...] = ()

    @property
    def own_mark(self) -> float | None:
        """The module's own mark, where a mark counts at all."""
        return None if self.trusts_status else self.pass_share

    def of_part(self, *, alone: bool) -> "Policy":
        """The same for one part: the module's mark is for the score of the whole course."""
        return self if alone else replace(self, pass_share=None)


def combined(scored: list[tuple[str, float]], policy: Policy) -> float | None:
    """One score of the parts' scores, by part and in their order; shares stay shares."""
    rule, scores = policy.score_rule, [score for _, score in scored]
    if rule is ScoreRule.WEIGHTED:
        return _weighted(scored, dict(policy.weights))
    if not scores:
        return None
    if rule is ScoreRule.HIGHEST:
        return max(scores)
    if rule is ScoreRule.LAST:
        return scores[-1]
    if rule is ScoreRule.SUM:
        return min(1.0, sum(scores))
    return sum(scores) / len(scores)


def _weighted(scored: list[tuple[str, float]], weights: dict[str, float]) -> float | None:
    """The average in which each part counts by its weight; None when nothing counts."""
    counted = [(weights.get(part, 1.0), score) for part, score in scored]
    whole = sum(weight for weight, _ in counted)
    return sum(weight * score for weight, score in counted) / whole if whole > 0 else None
