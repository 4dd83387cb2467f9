"""The sentences of imports of completions."""

from flask_babel import lazy_gettext as _l

from plugin.org.import_format import RowOutcome
from plugin.org.import_kinds import Words
from plugin.org.import_wording import CELL_PROBLEMS

WORDS = Words(
    columns={
        "employee ID": _l("Employee ID"),
        "email": _l("Email"),
        "module": _l("Module"),
        "completed on": _l("Completed on"),
        "score": _l("Score"),
        "passed": _l("Passed"),
    },
    outcomes={
        RowOutcome.NEW: ("valid", _l("New completion")),
        RowOutcome.SAME: ("plain", _l("Known already")),
        RowOutcome.ERROR: ("invalid", _l("Error")),
    },
    problems={
        **CELL_PROBLEMS,
        "unknown_person": _l(
            "Nobody is known by this employee ID or email. Import or add the person first."
        ),
        "no_module": _l("Name the module."),
        "unknown_module": _l("No module has the title or number “%(value)s”."),
        "ambiguous_module": _l(
            "Several modules have this title. Write the number of the right one, as the list of "
            "modules shows it: %(value)s."
        ),
        "no_day": _l("Say on which day it was completed."),
        "not_a_day": _l("“%(value)s” is not a day of the calendar. Write it as in 2025-03-14."),
        "too_early": _l("“%(value)s” is too long ago to be true."),
        "in_future": _l("This is in the future."),
        "not_a_score": _l("“%(value)s” is not a score. Write percent, from 0 to 100."),
        "share_or_percent": _l(
            "“%(value)s” could be a share or percent. Write percent with its sign, as in 85%%."
        ),
        "not_yes_or_no": _l("“%(value)s” is neither yes nor no."),
        "same_completion": _l("The same completion is already in line %(value)s."),
        "other_result": _l(
            "This completion was imported before with another result. Correct it on the page of "
            "the person."
        ),
    },
    sample=(
        ("1001", "", "Working at height", "2025-03-14", "85%", "yes"),
        ("", "ben@example.com", "First aid", "2024-11-02", "", ""),
    ),
    mail=_l("Mail about certificates"),
    new_page="modules/history_new.html",
    plan_page="modules/history_plan.html",
)
