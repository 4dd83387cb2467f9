"""What happened since a webhook was last told: read from the facts, each once per cause."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.api import of_certificates
from plugin.api.models import EventName
from plugin.api.moments import day_of, text_of
from plugin.api.windows import Happening, Window
from plugin.modules.models import Completion, Module
from plugin.org.models import Person


def happened(
    session: Session, window: Window, events: Sequence[EventName]
) -> Iterator[list[Happening]]:
    """What there is to tell, some at a time."""
    for read in (_completions, *of_certificates.READS):
        after = 0
        while some := read(session, window, events, after):
            yield some
            after = some[-1].row_id


def _completions(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    if EventName.COMPLETION_RECORDED not in events:
        return []
    statement = (
        select(Completion, Module.title, Person.employee_id)
        .join(Module, Module.id == Completion.module_id)
        .join(Person, Person.id == Completion.person_id)
    )
    rows = session.execute(window.page(statement, Completion, Completion.learned_at, after))
    return [_completion(row.Completion, row.title, row.employee_id) for row in rows]


def _completion(completion: Completion, title: str, employee_id: str | None) -> Happening:
    return Happening(
        event=EventName.COMPLETION_RECORDED,
        cause=f"completion:{completion.id}",
        at=completion.learned_at,
        row_id=completion.id,
        body={
            "completion_id": completion.id,
            "person_id": completion.person_id,
            "employee_id": employee_id,
            "module_id": completion.module_id,
            "module": title,
            "passed": completion.passed,
            "score": completion.score,
            "happened_at": text_of(completion.happened_at),
            "valid_until_on": day_of(completion.valid_until_on),
            "source": completion.source.value,
            "supersedes_id": completion.supersedes_id,
        },
    )
