"""What lists of standings and certificates can be narrowed to: the units in reach and more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration
from plugin.org.models import Unit
from plugin.org.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Pairs of an id, as the address writes it, and a name."""

    units: tuple[tuple[str, str], ...]
    configurations: tuple[tuple[str, str], ...]

    def filters(self) -> Mapping[str, Sequence[str]]:
        """The filters of the address and the values they may have."""
        return {
            "unit": [value for value, _ in self.units],
            "configuration": [value for value, _ in self.configurations],
        }


def choices(session: Session, reach: Reach) -> Choices:
    """The units in reach and their published configurations, by name, in one statement."""
    rows = session.execute(
        select(Unit.id, Unit.name, Configuration.id.label("training_id"), Configuration.name)
        .outerjoin(
            Configuration,
            and_(Configuration.unit_id == Unit.id, Configuration.current_version_id.is_not(None)),
        )
        .where(reach.units())
        .order_by(Unit.name, Unit.id, Configuration.name, Configuration.id)
    ).all()
    return Choices(
        units=tuple({row[0]: (str(row[0]), row[1]) for row in rows}.values()),
        configurations=tuple((str(row[2]), f"{row[1]}: {row[3]}") for row in rows if row[2]),
    )
