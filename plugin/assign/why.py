"""Why a standing is what it is, in words: the fact, the arithmetic, and what binds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import format_date, gettext, ngettext

from plugin.assign.forms import STATUSES, percent
from plugin.assign.standing import RowStanding, RowState, Standing
from plugin.assign.validity import local_date
from plugin.modules.models import Completion, CompletionSource


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


def reasons(
    standing: Standing, titles: Mapping[int, str], completions: Mapping[int, Completion]
) -> list[Reason]:
    """Each visible row with the facts and the arithmetic behind its state."""
    binding = standing.binding.module_id if standing.binding else None
    return [
        Reason(
            module_id=row.module_id,
            title=titles.get(row.module_id, _("Unknown module")),
            tone=_TONES[row.state],
            word=_word(row.state),
            status=str(STATUSES[row.status]),
            words=_explain(row, standing.zone, completions.get(row.completion_id or 0)),
            binds=row.module_id == binding,
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
        return _("Waived through %(day)s.", day=day(row.valid_through))
    if row.by_grace and row.grace_until:
        return _(
            "Required since %(since)s; the grace ends with %(day)s.",
            since=since,
            day=day(row.grace_until),
        )
    if row.completed_on is None:
        return _("Required since %(since)s, not completed.", since=since) if since else _("Open.")
    return " ".join((_fact(row, completion), _arithmetic(row)))


def _fact(row: RowStanding, completion: Completion | None) -> str:
    done = day(row.completed_on) if row.completed_on else ""
    if completion is None:
        return _("Completed %(day)s.", day=done)
    by = source_words(completion.source)
    if completion.score is None:
        return _("Completed %(day)s (%(source)s).", day=done, source=by)
    score = percent(completion.score)
    return _("Completed %(day)s (%(source)s, %(score)s %%).", day=done, source=by, score=score)


def source_words(source: CompletionSource) -> str:
    """Where a completion is known from, in the reader's language."""
    return SOURCES.get(source) or {
        CompletionSource.LMS_GRADE: _("grade from the LMS"),
        CompletionSource.MANUAL: _("by hand"),
        CompletionSource.IMPORT: _("import"),
    }.get(source, source.value)


def _arithmetic(row: RowStanding) -> str:
    if row.completed_on is None or row.months_counted is None or row.valid_through is None:
        return _("It never expires.")
    months = str(ngettext("%(num)d month", "%(num)d months", row.months_counted))
    words = _(
        "%(done)s + %(months)s → through %(day)s.",
        done=day(row.completed_on),
        months=months,
        day=day(row.valid_through),
    )
    if row.grace_until is not None:
        words += " " + _("The period of before counts until then, by a grace.")
    return words


def day(value: date) -> str:
    """A day as the reader's language writes it."""
    return str(format_date(value, "medium"))
