"""A transcript: everything that counts of one person, as a printed page made when asked for."""

from dataclasses import dataclass
from datetime import date

from flask_babel import format_date
from jinja2 import Environment
from sqlalchemy import Select, select, true
from sqlalchemy.orm import Session

from plugin.assign.validity import local_date
from plugin.certs import faces, pdf
from plugin.certs.document import INK, Setter, logo_of, spelled
from plugin.modules.models import Completion, Module
from plugin.modules.queries import is_last_word
from plugin.modules.wording import source_words
from plugin.org.as_of import AsOf
from plugin.org.models import Organization, Person

TEMPLATE = "certs/transcript.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """One completion that counts."""

    title: str
    completed_on: date
    score: float | None
    source: str
    """Where it is known from, in the reader's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What the page says; days are of the organization's zone."""

    organization: str
    person: str
    employee_id: str | None
    as_of: str
    """The day it is made, or the past moment it is asked for, in the reader's language."""
    is_past: bool
    locale: str
    lines: tuple[TranscriptLine, ...]


def transcript(
    session: Session, person: Person, moment: AsOf, *, without: Select[int] | None = None
) -> Transcript:
    """Every passed completion that nothing supersedes, as known at the moment, newest first.

    `without`: ids of modules that are not to be seen.
    """
    organization = session.get_one(Organization, person.organization_id)
    zone = organization.time_zone
    rows = session.execute(
        select(Completion, Module.title)
        .join(Module, Module.id == Completion.module_id)
        .where(
            Completion.organization_id == person.organization_id,
            Completion.person_id == person.id,
            Completion.passed,
            Completion.learned_at <= moment.at,
            is_last_word(moment.at),
            true() if without is None else Completion.module_id.not_in(without),
        )
        .order_by(Completion.happened_at.desc(), Completion.id.desc())
    )
    return Transcript(
        organization=organization.name,
        person=person.full_name,
        employee_id=person.employee_id,
        as_of=moment.words if moment.is_past else format_date(local_date(moment.at, zone), "long"),
        is_past=moment.is_past,
        locale=person.locale or organization.locale,
        lines=tuple(
            TranscriptLine(
                title=title,
                completed_on=local_date(completion.happened_at, zone),
                score=completion.score,
                source=source_words(completion.source, completion.evidence),
            )
            for completion, title in rows
        ),
    )


def transcript_pdf(
    facts: Transcript,
    environment: Environment,
    *,
    language: str,
    logo: bytes | None,
) -> bytes:
    """The transcript as A4 upright, any number of pages."""
    setter = Setter(facts.locale)
    html = environment.get_template(TEMPLATE).render(
        facts=facts,
        put=setter.put,
        font_faces=setter.faces,
        day=lambda on: spelled(on, language),
        language=language.replace("_", "-"),
        logo=logo_of(logo),
        ink=INK,
    )
    return pdf.make(html, files=faces.FOLDER)
