"""A tile in the reader's language: its badge, its facts and its one button."""

from dataclasses import dataclass, replace

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.dashboard.tiles import Asker, Attempt, Shelf, Step, Tile, Verdict
from plugin.dashboard.wording import Badge, _, day, percent
from plugin.modules.models import ModuleKind, RunState
from plugin.submissions.models import SubmissionState


@dataclass(frozen=True, slots=True)
class Button:
    """What the one button of a tile says and how much it stands out."""

    label: LazyString | str
    icon: str
    look: str = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileView:
    """One tile, ready to print: facts are pairs of a label and its value."""

    module_id: int
    title: str
    badge: Badge
    facts: tuple[tuple[str, str], ...]
    note: str
    percent: int | None
    percent_text: str
    button: Button | None
    start_url: str
    review_url: str
    """Where a course that has ended is looked at again; empty where there is none."""


BADGES = {
    Verdict.OVERDUE: Badge("invalid", _l("Overdue")),
    Verdict.EXPIRED: Badge("invalid", _l("Expired")),
    Verdict.DUE: Badge("soon", _l("To do")),
    Verdict.NEW: Badge("soon", _l("New requirement")),
    Verdict.TO_DO: Badge("soon", _l("To do")),
    Verdict.RENEW_SOON: Badge("soon", _l("Renew soon")),
    Verdict.OPEN_TO_ALL: Badge("plain", _l("Optional")),
    Verdict.EXEMPT: Badge("info", _l("Exempt")),
    Verdict.DONE: Badge("valid", _l("Valid")),
}
NEW_VERSION = Badge("soon", _l("New version"))
COMPLETED = Badge("valid", _l("Completed"))
BUTTONS = {
    Step.START: Button(_l("Start"), "start"),
    Step.CONTINUE: Button(_l("Continue"), "start"),
    Step.RETAKE: Button(_l("Retake"), "again"),
    Step.RENEW: Button(_l("Renew"), "again"),
    Step.LOOK: Button(_l("Look at it"), "forward"),
    Step.SUBMIT_ANOTHER: Button(_l("Submit another certificate"), "again"),
}
SUBMISSIONS = {
    SubmissionState.WAITING: Badge("soon", _l("Being checked")),
    SubmissionState.REJECTED: Badge("invalid", _l("Not accepted")),
}
PLAIN_VERDICTS = frozenset({Verdict.DUE, Verdict.NEW, Verdict.TO_DO, Verdict.OPEN_TO_ALL})
"""Those whose badge says no more than that something can be done; a submission says more."""
SHELVES = {
    Shelf.TO_DO: _l("To do"),
    Shelf.UP_TO_DATE: _l("Up to date"),
    Shelf.OPTIONAL: _l("Optional"),
}


def tile_view(tile: Tile, *, start_url: str, review_url: str = "") -> TileView:
    """The tile in the reader's language; its buttons post to `start_url` and `review_url`."""
    return TileView(
        module_id=tile.module_id,
        title=tile.title,
        badge=_badge(tile),
        facts=tuple(_facts(tile)),
        note=_note(tile),
        percent=tile.percent,
        percent_text="" if tile.percent is None else percent(tile.percent / 100),
        button=_button(tile),
        start_url=start_url,
        review_url=review_url,
    )


def _badge(tile: Tile) -> Badge:
    if tile.has_new_version:
        return NEW_VERSION
    if tile.submission and tile.verdict in PLAIN_VERDICTS:
        return SUBMISSIONS[tile.submission]
    return COMPLETED if _is_for_ever(tile) else BADGES[tile.verdict]


def _button(tile: Tile) -> Button | None:
    """Only what must be done stands out."""
    if tile.step is None:
        return None
    is_pressing = tile.shelf is Shelf.TO_DO or tile.step is Step.CONTINUE
    if tile.step is Step.LOOK:
        is_pressing = False
    return replace(BUTTONS[tile.step], look="primary" if is_pressing else "quiet")


def _facts(tile: Tile) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if tile.verdict is Verdict.RENEW_SOON and tile.valid_through:
        found.append((_("Renew by"), day(tile.valid_through)))
    elif tile.valid_through:
        found.append((_through_label(tile), day(tile.valid_through)))
    elif tile.completed_on:
        found.append((_("Completed"), day(tile.completed_on)))
    if tile.due_on and tile.shelf is Shelf.TO_DO:
        found.append((_("Due"), day(tile.due_on)))
    if tile.last_attempt:
        found.append((_("Last attempt"), _attempt(tile.last_attempt)))
    if tile.pass_mark is not None:
        found.append((_("Pass mark"), percent(tile.pass_mark)))
    label = _("Offered by") if tile.shelf is Shelf.OPTIONAL else _("Asked by")
    found.append((label, ", ".join(_asker(asker, tile) for asker in tile.askers)))
    return found


def _asker(asker: Asker, tile: Tile) -> str:
    has_date = tile.valid_through is not None or tile.due_on is not None
    if asker.binds and has_date:
        return _("%(unit)s (sets the date)", unit=asker.unit)
    return asker.unit


def _is_for_ever(tile: Tile) -> bool:
    return tile.verdict is Verdict.DONE and tile.valid_through is None


def _through_label(tile: Tile) -> str:
    if tile.verdict is Verdict.EXEMPT:
        return _("Exempt through")
    has_ended = tile.verdict in {Verdict.EXPIRED, Verdict.OVERDUE, Verdict.OPEN_TO_ALL}
    if has_ended:
        return _("Was exempt through") if tile.is_exempt else _("Was valid through")
    return _("Valid through")


def _attempt(attempt: Attempt) -> str:
    if attempt.score is not None:
        return percent(attempt.score)
    return _("Not passed") if attempt.state is RunState.FAILED else _("Completed")


def _note(tile: Tile) -> str:
    if tile.submission is SubmissionState.WAITING:
        return _("Your certificate is being checked. You hear by mail, and here, what is decided.")
    if tile.step is Step.SUBMIT_ANOTHER:
        return _("Your certificate was not accepted. Read why, then submit another one.")
    if tile.step is not None:
        return ""
    if tile.kind is ModuleKind.LMS_GRADE:
        return _("Your teacher grades this in the LMS course. There is nothing to start here.")
    return _("This training cannot be opened at the moment.")
