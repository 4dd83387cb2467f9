"""Why a standing is what it is, in words: the fact, the arithmetic, and what binds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import format_date, gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.assign.fetch import ConfigurationLine
from plugin.assign.forms import STATUSES, percent
from plugin.assign.standing import RowStanding, RowState, Standing
from plugin.assign.validity import local_date
from plugin.modules.models import Completion, CompletionSource
from plugin.modules.wording import evidence_words


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


SOURCES = {
    CompletionSource.SCORM: "SCORM",
    CompletionSource.LTI: "LTI",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row: its title, its state in a word and a tone, and the words that explain it."""

    module_id: int
    title: str
    tone: str
    word: str
    status: str
    words: str
    binds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A whole standing explained: by what it is judged, what follows, and each row's reason."""

    basis: str
    conclusion: str
    reasons: list[Reason]


def derivation(
    standing: Standing,
    line: ConfigurationLine,
    titles: Mapping[int, str],
    completions: Mapping[int, Completion],
    *,
    withheld: str = "",
) -> Derivation:
    """Why the standing is what it is. `withheld`: an admin's decision that stands above it."""
    return Derivation(
        basis=_(
            "Asked by %(unit)s (%(training)s), version %(number)d, in force since %(day)s.",
            unit=line.unit_name,
            training=line.name,
            number=standing.number,
            day=day(local_date(standing.effective_at, standing.zone)),
        ),
        conclusion=withheld or _conclusion(standing, titles),
        reasons=reasons(standing, titles, completions),
    )


def _conclusion(standing: Standing, titles: Mapping[int, str]) -> str:
    if standing.archived:
        return _("Ended: this training is no longer in use.")
    if not standing.covered:
        return _("Ended: this training no longer applies to this person.")
    if not standing.has_required:
        return _("Nothing is required, so there is nothing to be valid in.")
    missing, binding = len(standing.missing), standing.binding
    if missing:
        return str(
            ngettext(
                "Not valid: %(num)d required module is not satisfied.",
                "Not valid: %(num)d required modules are not satisfied.",
                missing,
            )
        )
    if not standing.complete or binding is None:
        return _("Not valid yet: a grace counts for nothing by itself, and nothing was completed.")
    if standing.valid_through is None:
        return _("Valid without an end: nothing required runs out.")
    return _(
        "Valid through %(day)s: of what is required, %(module)s ends first.",
        day=day(standing.valid_through),
        module=titles.get(binding.module_id, _("Unknown module")),
    )


def reasons(
    standing: Standing, titles: Mapping[int, str], completions: Mapping[int, Completion]
) -> list[Reason]:
    """Each visible row with the facts and the arithmetic behind its state."""
    binding = standing.binding.module_id if standing.binding else None
    return [
        Reason(
            module_id=row.module_id,
            title=titles.get(row.module_id, _("Unknown module")),
            tone=_tone(row),
            word=_word(row.state),
            status=str(STATUSES[row.status]),
            words=_explain(row, standing.zone, completions.get(row.completion_id or 0)),
            binds=row.module_id == binding and standing.covered,
        )
        for row in standing.rows
    ]


_TONES = {
    RowState.SATISFIED: "valid",
    RowState.WAIVED: "info",
    RowState.IN_GRACE: "soon",
    RowState.EXPIRED: "invalid",
    RowState.NEVER_COMPLETED: "invalid",
    RowState.NEW_REQUIREMENT: "invalid",
}


def _tone(row: RowStanding) -> str:
    """What is not required is never wrong, done or not."""
    tone = _TONES[row.state]
    return tone if row.status is RowStatus.REQUIRED or tone == "valid" else "plain"


def _word(state: RowState) -> str:
    return {
        RowState.SATISFIED: _("Satisfied"),
        RowState.WAIVED: _("Exempt"),
        RowState.IN_GRACE: _("In grace"),
        RowState.EXPIRED: _("Expired"),
        RowState.NEVER_COMPLETED: _("Never completed"),
        RowState.NEW_REQUIREMENT: _("New requirement"),
    }[state]


def _explain(row: RowStanding, zone: str, completion: Completion | None) -> str:
    since = day(local_date(row.since, zone)) if row.since else ""
    if row.exempt and row.valid_through:
        words = _("Waived through %(day)s.", day=day(row.valid_through))
    elif row.by_grace and row.grace_until:
        words = _(
            "Required since %(since)s; the grace ends with %(day)s.",
            since=since,
            day=day(row.grace_until),
        )
    elif row.completed_on is None:
        words = _("Required since %(since)s, not completed.", since=since) if since else _("Open.")
        if row.pass_mark is not None:
            words += " " + _("The pass mark is %(mark)s %%.", mark=percent(row.pass_mark))
    else:
        words = " ".join((_fact(row, completion), _arithmetic(row, zone)))
    return f"{words} {_('That day is over.')}" if row.state is RowState.EXPIRED else words


def _fact(row: RowStanding, completion: Completion | None) -> str:
    done = day(row.completed_on) if row.completed_on else ""
    if completion is None:
        return _("Completed %(day)s.", day=done)
    by = source_words(completion)
    if completion.score is None:
        return _("Completed %(day)s (%(source)s).", day=done, source=by)
    score = percent(completion.score)
    return _("Completed %(day)s (%(source)s, %(score)s %%).", day=done, source=by, score=score)


def behind(session: Session, *standings: Standing) -> dict[int, Completion]:
    """The completions the standings rest on, by id, in one statement."""
    ids = [
        row.completion_id
        for standing in standings
        for row in standing.rows
        if row.completion_id is not None
    ]
    if not ids:
        return {}
    return {
        row.id: row for row in session.scalars(select(Completion).where(Completion.id.in_(ids)))
    }


def source_words(completion: Completion) -> str:
    """Where a completion is known from and what its evidence names, in the reader's language."""
    source = completion.source
    words = SOURCES.get(source) or {
        CompletionSource.LMS_GRADE: _("grade from the LMS"),
        CompletionSource.DOCUMENT: _("acknowledged"),
        CompletionSource.CERTIFICATE: _("external certificate"),
        CompletionSource.SESSION: _("session attended"),
        CompletionSource.MANUAL: _("by hand"),
        CompletionSource.IMPORT: _("import"),
        CompletionSource.API: _("another system"),
    }.get(source, source.value)
    more = evidence_words(completion.evidence)
    return f"{words}, {more}" if more else words


def _arithmetic(row: RowStanding, zone: str) -> str:
    if row.completed_on is None or row.valid_through is None:
        return _("It never expires.")
    if row.retraining is not None and row.grace_until is None:
        return _(
            "It counts through %(day)s: from the day after, version %(number)d of it has to be "
            "learned.",
            day=day(row.valid_through),
            number=row.retraining.number,
        )
    if row.by_own_end and row.grace_until is None:
        words = _("It counts through %(day)s, its own last day.", day=day(row.valid_through))
        if row.months_counted is None:
            return words
        months = ngettext("%(num)d month", "%(num)d months", row.months_counted)
        return words + " " + _("The training would give it %(months)s.", months=months)
    if row.grace_until is not None or row.months_counted is None:
        return _(
            "It counts through %(day)s by the terms of before, for which a grace was given.",
            day=day(row.valid_through),
        )
    values = {
        "done": day(row.completed_on),
        "months": ngettext("%(num)d month", "%(num)d months", row.months_counted),
        "day": day(row.valid_through),
        "zone": zone,
    }
    if row.valid_through.day < row.completed_on.day:
        return _(
            "%(done)s + %(months)s → %(day)s, the month's last day; it ends at midnight, %(zone)s.",
            **values,
        )
    return _("%(done)s + %(months)s → %(day)s; it ends at midnight, %(zone)s.", **values)


def day(value: date) -> str:
    """A day as the reader's language writes it."""
    return str(format_date(value, "medium"))
