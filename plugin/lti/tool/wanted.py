"""What an LMS's gradebook should say of a person: of a module its score, of a training the share of
required modules that are valid now."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.assign.fetch import facts
from plugin.assign.standing import Standing
from plugin.assign.statement import configurations_of_people
from plugin.lti.tool.service_models import Grade, LineItem
from plugin.modules.models import Completion, Run

DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One column and the person's id in its LMS."""

    line_item_id: int
    module_id: int | None
    configuration_id: int | None
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a column is to say: a share, whether that completes it, and of a sitting when it began
    and ended."""

    share: float
    is_completed: bool
    """A module was passed, however well; of a training everything required is valid."""
    begun_at: datetime | None = None
    reached_at: datetime | None = None


def wanted_of(
    session: Session, person_id: int, owed: Sequence[Owed], now: datetime
) -> dict[int, Wanted]:
    """What each of these columns should say of the person; those with nothing to say are not in
    it."""
    standings = _standings(session, person_id, owed, now)
    modules = [each.module_id for each in owed if each.module_id is not None]
    scores = _module_scores(session, person_id, modules)
    found = {}
    for each in owed:
        if each.module_id is not None:
            wanted = scores.get(each.module_id)
        else:
            share = share_valid(standings, each.configuration_id)
            wanted = None if share is None else Wanted(share=share, is_completed=share >= 1)
        if wanted is not None:
            found[each.line_item_id] = wanted
    return found


def _standings(
    session: Session, person_id: int, owed: Sequence[Owed], now: datetime
) -> list[Standing]:
    """How the person stands now, if a column asks for it.

    A training that a column is about counts also when it no longer covers the person, as long as
    it is in force: its column goes on saying what is valid, so that it goes down when that lapses.
    """
    if all(each.module_id is not None for each in owed):
        return []
    asked = {each.configuration_id for each in owed if each.configuration_id is not None}
    told = _told_configurations(session, person_id, asked)
    organization_id = organization_of(session, owed[0].line_item_id)
    return standings_of(session, organization_id, person_id, now, also=told)[0]


def _told_configurations(session: Session, person_id: int, asked: set[int]) -> set[int]:
    """Those trainings whose columns have been told something of the person."""
    if not asked:
        return set()
    told = session.scalars(
        select(LineItem.configuration_id)
        .join(Grade, Grade.line_item_id == LineItem.id)
        .where(Grade.person_id == person_id, LineItem.configuration_id.in_(asked))
        .distinct()
    )
    return {each for each in told if each is not None}


def standings_of(
    session: Session,
    organization_id: int,
    person_id: int,
    now: datetime,
    *,
    also: Iterable[int] = (),
) -> tuple[list[Standing], dict[int, str]]:
    """How the person stands now under what covers them, and the titles of its modules; and under
    what is asked for `also`, covered or not."""
    covering = session.scalars(configurations_of_people(organization_id, [person_id])).all()
    ids = sorted({*covering, *also})
    found = facts(session, organization_id, person_ids=[person_id], configuration_ids=ids, at=now)
    standings = [found.standing(person_id, each) for each in sorted(found.configurations)]
    titles = {each.id: each.title for each in found.modules.values()}
    kept = set(also)
    return [
        each
        for each in standings
        if not each.archived and (each.covered or each.configuration_id in kept)
    ], titles


def wanted_now(session: Session, person_id: int, item: LineItem, now: datetime) -> float | None:
    """What the column should say of the person, or None while there is nothing to say."""
    owed = Owed(
        line_item_id=item.id,
        module_id=item.module_id,
        configuration_id=item.configuration_id,
        subject="",
    )
    found = wanted_of(session, person_id, [owed], now).get(item.id)
    return found.share if found else None


def share_valid(standings: Iterable[Standing], configuration_id: int | None) -> float | None:
    """The share of required modules that are valid now, of one configuration or of all; None when
    nothing is required."""
    required = satisfied = 0
    for standing in standings:
        is_asked = standing.configuration_id == configuration_id
        if is_asked or (configuration_id is None and standing.covered):
            rows = [row for row in standing.rows if row.status is RowStatus.REQUIRED]
            required += len(rows)
            satisfied += sum(row.is_satisfied for row in rows)
    return round(satisfied / required, DIGITS) if required else None


def _module_scores(
    session: Session, person_id: int, module_ids: Sequence[int]
) -> dict[int, Wanted]:
    """Each module's grade: of the newest pass, else of the newest attempt; a pass without a score
    is a full one."""
    if not module_ids:
        return {}
    superseded = select(Completion.supersedes_id).where(
        Completion.person_id == person_id, Completion.supersedes_id.is_not(None)
    )
    rows = session.execute(
        select(Completion, Run.started_at)
        .outerjoin(Run, Run.id == Completion.run_id)
        .where(
            Completion.person_id == person_id,
            Completion.module_id.in_(module_ids),
            Completion.id.not_in(superseded),
        )
    )
    attempts: dict[int, list[tuple[Completion, datetime | None]]] = defaultdict(list)
    for made, started_at in rows:
        attempts[made.module_id].append((made, started_at))
    return {module_id: _best(each) for module_id, each in attempts.items()}


def _best(attempts: Sequence[tuple[Completion, datetime | None]]) -> Wanted:
    made, started_at = max(
        attempts, key=lambda each: (each[0].passed, each[0].happened_at, each[0].id)
    )
    score = made.score if made.score is not None else float(made.passed)
    return Wanted(
        share=round(score, DIGITS),
        is_completed=made.passed,
        begun_at=started_at,
        reached_at=made.happened_at,
    )


def organization_of(session: Session, line_item_id: int) -> int:
    return session.get_one(LineItem, line_item_id).organization_id
