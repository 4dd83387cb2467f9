"""Why a message was written: the row that caused it, in words and with a way to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, String, Text, cast, literal, null, select, union_all
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration, ConfigurationVersion
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.classroom.models import ClassSession
from plugin.core.base import Int
from plugin.modules.models import Module, ModuleVersion, Retraining
from plugin.notify.models import ManagerRound
from plugin.org.models import Person
from plugin.submissions.models import SubmittedCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """`kind` and `target_id` say which page shows it; `number` is a version's or an edition's."""

    kind: str
    target_id: int
    name: str
    number: int | None


def causes(session: Session, organization_id: int, found: Iterable[str | None]) -> dict[str, Cause]:
    """The causes of these messages by what `Message.cause` says, in one statement at most."""
    ids: dict[str, set[int]] = {}
    for each in found:
        kind, _, number = (each or "").partition(":")
        if kind in _QUERIES and number.isdigit():
            ids.setdefault(kind, set()).add(int(number))
    if not ids:
        return {}
    parts = [_QUERIES[kind](organization_id, wanted) for kind, wanted in ids.items()]
    return {
        row.cause: Cause(kind=row.kind, target_id=row.target_id, name=row.name, number=row.number)
        for row in session.execute(union_all(*parts))
    }


def _columns(kind: str, own_id: Any, target: Any, name: Any, number: Any = None) -> list[Any]:
    return [
        (literal(f"{kind}:", Text) + cast(own_id, String)).label("cause"),
        literal("certificate" if kind in _OF_CERTIFICATES else kind, Text).label("kind"),
        target.label("target_id"),
        name.label("name"),
        cast(null() if number is None else number, Int).label("number"),
    ]


def _configurations(organization_id: int, ids: set[int]) -> Select[Any]:
    own = Configuration
    return select(*_columns("configuration", own.id, own.id, own.name)).where(
        own.organization_id == organization_id, own.id.in_(ids)
    )


def _versions(organization_id: int, ids: set[int]) -> Select[Any]:
    own = ConfigurationVersion
    name = Configuration.name
    return (
        select(*_columns("configuration_version", own.id, own.configuration_id, name, own.number))
        .join(Configuration, Configuration.id == own.configuration_id)
        .where(own.organization_id == organization_id, own.id.in_(ids))
    )


def _editions(organization_id: int, ids: set[int]) -> Select[Any]:
    own, name = Edition, Certificate.credential_id
    return (
        select(*_columns("edition", own.id, own.certificate_id, name, own.number))
        .join(Certificate, Certificate.id == own.certificate_id)
        .where(own.organization_id == organization_id, own.id.in_(ids))
    )


def _certificates(organization_id: int, ids: set[int]) -> Select[Any]:
    own = Certificate
    return select(*_columns("certificate", own.id, own.id, own.credential_id)).where(
        own.organization_id == organization_id, own.id.in_(ids)
    )


def _events(organization_id: int, ids: set[int]) -> Select[Any]:
    own, name = CertificateEvent, Certificate.credential_id
    return (
        select(*_columns("certificate_event", own.id, own.certificate_id, name))
        .join(Certificate, Certificate.id == own.certificate_id)
        .where(own.organization_id == organization_id, own.id.in_(ids))
    )


def _people(organization_id: int, ids: set[int]) -> Select[Any]:
    own = Person
    return select(*_columns("person", own.id, own.id, own.full_name)).where(
        own.organization_id == organization_id, own.id.in_(ids)
    )


def _retrainings(organization_id: int, ids: set[int]) -> Select[Any]:
    own, number = Retraining, ModuleVersion.number
    return (
        select(*_columns("retraining", own.id, own.module_id, Module.title, number))
        .join(Module, Module.id == own.module_id)
        .join(ModuleVersion, ModuleVersion.id == own.module_version_id)
        .where(own.organization_id == organization_id, own.id.in_(ids))
    )


def _sessions(organization_id: int, ids: set[int]) -> Select[Any]:
    own = ClassSession
    return (
        select(*_columns("session", own.id, own.id, Module.title))
        .join(Module, Module.id == own.module_id)
        .where(own.organization_id == organization_id, own.id.in_(ids))
    )


def _submissions(organization_id: int, ids: set[int]) -> Select[Any]:
    own = SubmittedCertificate
    return select(*_columns("submission", own.id, own.id, own.name)).where(
        own.organization_id == organization_id, own.id.in_(ids)
    )


def _rounds(organization_id: int, ids: set[int]) -> Select[Any]:
    """A morning's round: its name is its day."""
    own = ManagerRound
    return select(*_columns("manager_round", own.id, own.id, cast(own.day, String))).where(
        own.organization_id == organization_id, own.id.in_(ids)
    )


_OF_CERTIFICATES = {"edition", "certificate", "certificate_event"}
_QUERIES: Mapping[str, Any] = {
    "configuration": _configurations,
    "configuration_version": _versions,
    "edition": _editions,
    "certificate": _certificates,
    "certificate_event": _events,
    "person": _people,
    "retraining": _retrainings,
    "session": _sessions,
    "submission": _submissions,
    "manager_round": _rounds,
}
