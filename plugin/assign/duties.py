"""The mail about a duty: training that is new to somebody, or a certificate that a fact took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plugin.assign.fetch import Facts, VersionLine
from plugin.assign.news import new_duties, ran_out
from plugin.assign.standing import RowStanding, Standing
from plugin.assign.validity import morning
from plugin.core.base import JsonDict
from plugin.notify.actions import NewMessage
from plugin.notify.models import MessageKind
from plugin.org.models import Person

DATES = ("covered", "complete", "valid_through", "ends_at", "continuous_since_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A standing that is no longer what was stored."""

    person: Person
    standing: Standing
    values: JsonDict
    before: Any  # the stored row, or None

    @property
    def is_of_dates(self) -> bool:
        """Whether the dates themselves differ, not only what explains them."""
        return self.before is None or any(
            getattr(self.before, name) != self.values[name] for name in DATES
        )


def mail_about(
    found: Facts, change: Change, known: VersionLine | None, *, now: datetime
) -> NewMessage | None:
    """What the change is mailed as, if it is: duties that are new to the person, or a certificate
    that was valid until a fact changed."""
    standing = change.standing
    if not standing.covered:
        return None
    news = _news(standing, known)
    unasked = known is None and found.began_silently(
        change.person.id, standing.configuration_id, standing.at
    )
    if news and not unasked:
        return _about_news(found, change, news, known, now=now)
    if not news and standing.to_do and standing.certificate_on and _lost(change, known):
        return _about_loss(found, change, now=now)
    return None


def version_before(found: Facts, change: Change) -> VersionLine | None:
    """The version that covered the person when they were last judged."""
    if change.before is None or not change.before.covered:
        return None
    versions = found.versions[change.standing.configuration_id]
    return next((each for each in versions if each.id == change.before.version_id), None)


def _news(standing: Standing, known: VersionLine | None) -> tuple[RowStanding, ...]:
    """The unmet duties that are new to the person; what is met is no news (domain §3.5)."""
    return tuple(
        row
        for row in standing.to_do
        if known is None or (row.since is not None and row.since > known.effective_at)
    )


def _lost(change: Change, known: VersionLine | None) -> bool:
    """Whether the certificate was valid by what was stored, and is not by what is true now."""
    standing, before = change.standing, change.before
    return (
        known is not None
        and known.certificate_on
        and before.complete
        and (before.ends_at is None or before.ends_at > standing.at)
        and not standing.is_valid(standing.at)
    )


def _about_news(
    found: Facts,
    change: Change,
    news: Sequence[RowStanding],
    known: VersionLine | None,
    *,
    now: datetime,
) -> NewMessage:
    """One mail that names everything to do; its key is the version that brought the newest duty."""
    standing = change.standing
    brought_by = _version_of(found, standing.configuration_id, news)
    return NewMessage(
        person_id=change.person.id,
        kind=(MessageKind.NEW_REQUIREMENT if _lost(change, known) else MessageKind.NEW_TRAINING),
        key=f"new_training:{change.person.id}:{standing.configuration_id}:{brought_by.id}",
        facts={
            **new_duties(found, standing, _locale(found, change)),
            "news": [row.module_id for row in news],
        },
        not_before=morning(now, standing.zone),
        zone=standing.zone,
        cause=f"configuration_version:{brought_by.id}",
    )


def _about_loss(found: Facts, change: Change, *, now: datetime) -> NewMessage:
    """A waiver ended, a completion was corrected, terms changed for what was passed before: once
    for each time the certificate was valid without a break."""
    standing, before, locale = change.standing, change.before, _locale(found, change)
    since = before.continuous_since_at or before.updated_at
    kind = MessageKind.EXPIRED if standing.complete else MessageKind.NEW_REQUIREMENT
    caused_by_version = before.version_id != standing.version_id
    return NewMessage(
        person_id=change.person.id,
        kind=kind,
        key=f"lost:{change.person.id}:{standing.configuration_id}:{since.isoformat()}",
        facts=(
            ran_out(found, standing, locale, now=now)
            if standing.complete
            else {**new_duties(found, standing, locale), "is_nothing_new": True}
        ),
        not_before=morning(now, standing.zone),
        zone=standing.zone,
        cause=(
            f"configuration_version:{standing.version_id}"
            if caused_by_version
            else f"configuration:{standing.configuration_id}"
        ),
    )


def _locale(found: Facts, change: Change) -> str:
    return change.person.locale or found.lines[change.standing.configuration_id].locale


def _version_of(found: Facts, configuration_id: int, news: Sequence[RowStanding]) -> VersionLine:
    """The version that brought the newest of these duties."""
    versions = found.versions[configuration_id]
    newest = max((row.since for row in news if row.since is not None), default=found.at)
    brought = [each for each in versions if each.effective_at <= newest]
    return max(brought or versions, key=lambda each: (each.effective_at, each.id))
