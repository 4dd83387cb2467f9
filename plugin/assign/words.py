"""Differences between states of a configuration, in words."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext, ngettext

from plugin.assign.difference import Difference, What
from plugin.assign.draft import DraftRow
from plugin.assign.forms import STATUSES, percent


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


def sentences(changes: Sequence[Difference], titles: Mapping[int, str]) -> list[str]:
    """One sentence for each thing that differs; `titles` names the modules."""
    return [_sentence(change, titles) for change in changes]


def row_words(row: DraftRow) -> str:
    """What a row asks, in a line."""
    parts = [str(STATUSES[row.status]), _months(row.validity_months)]
    if row.pass_mark is not None:
        parts.append(_("pass mark %(percent)s %%", percent=percent(row.pass_mark)))
    if row.due_days is not None:
        parts.append(_days(row.due_days))
    return ", ".join(parts)


def _sentence(change: Difference, titles: Mapping[int, str]) -> str:
    title = titles.get(change.module_id or 0, _("Unknown module"))
    match change.what:
        case What.NAME:
            return _("Name: %(before)s → %(after)s", before=change.before, after=change.after)
        case What.CERTIFICATE:
            return _("Certificate switched on") if change.after else _("Certificate switched off")
        case What.ORDER:
            return _("The order of the modules changed")
        case What.ADDED:
            words = row_words(change.after) if isinstance(change.after, DraftRow) else ""
            return _("%(module)s added: %(words)s", module=title, words=words)
        case What.REMOVED:
            return _("%(module)s removed", module=title)
        case _:
            return _(
                "%(module)s: %(before)s → %(after)s",
                module=title,
                before=_value(change.what, change.before),
                after=_value(change.what, change.after),
            )


def _value(what: What, value: object) -> str:
    if what is What.STATUS:
        return str(STATUSES[value])  # type: ignore[index]
    if what is What.VALIDITY:
        return _months(value if isinstance(value, int) else None)
    if what is What.PASS_MARK:
        if not isinstance(value, float | int):
            return _("no pass mark")
        return _("pass mark %(percent)s %%", percent=percent(value))
    return _days(value) if isinstance(value, int) else _("no due days")


def _months(months: int | None) -> str:
    if months is None:
        return _("never expires")
    return str(ngettext("valid for %(num)d month", "valid for %(num)d months", months))


def _days(days: int) -> str:
    return str(ngettext("due after %(num)d day", "due after %(num)d days", days))
