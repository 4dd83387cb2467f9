"""Stretches of time, and how far back an unbroken chain of them goes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.core.days import INSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From a moment until before another; None: without an end."""

    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether `at` lies in it."""
        return self.since <= at and (self.until is None or at < self.until)


def reach_back(spans: Iterable[Span], edge: datetime) -> datetime:
    """The earliest moment from which the spans cover everything up to before `edge`.

    `edge` itself when nothing covers the last instant before it. Spans may overlap, in any order.
    """
    for span in sorted(spans, key=lambda span: span.since, reverse=True):
        if span.since < edge and (span.until is None or span.until >= edge):
            edge = span.since
    return edge


def unbroken_since(spans: Iterable[Span], at: datetime) -> datetime | None:
    """Since when the spans have held without a break, or None when they do not hold at `at`."""
    since = reach_back(spans, at + INSTANT)
    return since if since <= at else None
