"""Imports of people, as one kind of import: how rows are judged and done, and what pages say."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.org import import_actions, import_queries
from plugin.org.import_kinds import Cause, Subject, Words
from plugin.org.import_models import ImportKind, ImportRow
from plugin.org.import_rules import PEOPLE, Line
from plugin.org.import_verdict import Seen, Verdict, judge
from plugin.org.import_wording import COLUMN_LABELS, OUTCOMES, ROW_PROBLEMS, TEMPLATE_ROWS


def _judge(
    session: Session, organization_id: int, lines: Sequence[Line], seen: Seen, _now: datetime
) -> Sequence[Verdict]:
    facts = import_queries.facts_of(session, organization_id, lines)
    return [judge(line, facts, seen) for line in lines]


def _recall(session: Session, import_id: int, lines: Sequence[Line], seen: Seen) -> None:
    people = import_queries.people_of_lines(session, import_id, lines[0].number, lines[-1].number)
    for line in lines:
        seen.note(line, people.get(line.number))


def _write(tx: Tx, rows: Sequence[tuple[Line, Verdict]], cause: Cause) -> Sequence[int]:
    return import_actions.write(tx, rows, cause)


def _unit_names(
    session: Session, organization_id: int, rows: Sequence[ImportRow]
) -> Mapping[int, str]:
    ids = {unit for row in rows for unit in (*row.plan["joins"], *row.plan["manages"])}
    return import_queries.unit_names(session, organization_id, ids)


SUBJECT = Subject(
    kind=ImportKind.PEOPLE,
    format=PEOPLE,
    seen=Seen,
    judge=_judge,
    recall=_recall,
    write=_write,
    names=_unit_names,
    words=Words(
        columns=COLUMN_LABELS,
        outcomes=OUTCOMES,
        problems=ROW_PROBLEMS,
        sample=TEMPLATE_ROWS,
        mail=_l("Mail about new training"),
        new_page="org/import_new.html",
        plan_page="org/import_person.html",
    ),
)
