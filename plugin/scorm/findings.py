"""What an import notices about a package, before anybody has words for it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """An error stops the import; a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed: its code, the file it is about, and the facts its sentence needs."""

    severity: Severity
    code: str
    file: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class RefusedPackageError(Exception):
    """The package cannot be used; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


def error(code: str, file: str = "", **facts: Any) -> Finding:
    return Finding(Severity.ERROR, code, file, facts)


def warning(code: str, file: str = "", **facts: Any) -> Finding:
    return Finding(Severity.WARNING, code, file, facts)


def refuse(code: str, file: str = "", **facts: Any) -> RefusedPackageError:
    """The exception to raise for an error that ends the import at once."""
    return RefusedPackageError(error(code, file, **facts))
