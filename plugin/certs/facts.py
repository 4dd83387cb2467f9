"""What is printed on one edition: frozen, complete, and free of scores and addresses of people."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleLine:
    """One required module: when it was passed, or why not yet, and until when."""

    title: str
    completed_on: date | None
    valid_through: date | None
    is_exempt: bool = False
    is_in_grace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """Everything the PDF says. Dates are calendar dates of the unit's time zone."""

    organization: str
    person: str
    unit: str
    configuration: str
    modules: tuple[ModuleLine, ...]
    valid_through: date | None
    credential_id: str
    passcode: str
    verify_url: str
    passcode_url: str
    edition: int
    issued_on: date
    locale: str
    logo_key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """These facts as an edition's row keeps them."""
        kept: dict[str, Any] = _dates_as_text(asdict(self))
        kept["modules"] = [_dates_as_text(line) for line in kept["modules"]]
        return kept

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "CertificateFacts":
        """The facts an edition's row keeps."""
        lines = tuple(
            ModuleLine(
                title=line["title"],
                completed_on=_date(line["completed_on"]),
                valid_through=_date(line["valid_through"]),
                is_exempt=line["is_exempt"],
                is_in_grace=line.get("is_in_grace", False),
            )
            for line in kept["modules"]
        )
        return cls(
            **{
                **kept,
                "modules": lines,
                "valid_through": _date(kept["valid_through"]),
                "issued_on": date.fromisoformat(kept["issued_on"]),
            }
        )


def _dates_as_text(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
