"""What people have still to do under their trainings, and why, in words: for files."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from plugin.assign import why
from plugin.assign.fetch import facts
from plugin.assign.listed import Duties

Pair = tuple[int, int]


def words(
    session: Session, organization_id: int, pairs: Sequence[Pair], duties: Duties
) -> Mapping[Pair, Sequence[str]]:
    """A line for each required module that asks something, by person and configuration.

    In two statements: a stored standing knows what was never done, but not which of several
    modules has run out, so the facts are asked.
    """
    if not pairs:
        return {}
    found = facts(
        session,
        organization_id,
        person_ids=sorted({person_id for person_id, _ in pairs}),
        configuration_ids=sorted({configuration_id for _, configuration_id in pairs}),
        at=duties.at,
        past=duties.is_past,
    )
    standings = {pair: found.standing(*pair) for pair in pairs if pair[1] in found.configurations}
    completions = why.behind(session, *standings.values())
    titles = {each.id: each.title for each in found.modules.values()}
    said: dict[Pair, Sequence[str]] = {}
    for pair, standing in standings.items():
        asking = {row.module_id for row in standing.to_do}
        said[pair] = [
            f"{each.title}: {each.word}. {each.words}"
            for each in why.reasons(standing, titles, completions)
            if each.module_id in asking
        ]
    return said
