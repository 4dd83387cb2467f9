"""Keys are made and revoked; completions are recorded for who holds one."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from plugin.api.errors import KeyUnknownError, Problem
from plugin.api.models import ApiAnswer, ApiKey, Scope
from plugin.api.moments import day_of, text_of
from plugin.api.rules import Reported, wrong
from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.secrets import hash_of, new_token
from plugin.core.upsert import insert_absent
from plugin.modules import by_api
from plugin.modules.models import Completion, Module, ModuleState
from plugin.org.models import Identity, Person

PREFIX = "ma_"
HINT = 8
MAX_NAME = 100
KEEP_ANSWERS = timedelta(days=30)
NOTE_USE = timedelta(hours=1)


def create_key(
    session: Session,
    organization_id: int,
    *,
    name: str,
    scopes: Sequence[Scope],
    by: int,
    now: datetime,
) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown this once."""
    text = PREFIX + new_token()
    key = ApiKey(
        organization_id=organization_id,
        name=name.strip()[:MAX_NAME],
        key_hash=hash_of(text),
        hint=text[:HINT],
        scopes=[each.value for each in scopes],
        created_by=by,
        created_at=now,
    )
    session.add(key)
    audit.record(
        session,
        "api_key.created",
        about=key,
        by=by,
        now=now,
        after={"name": key.name, "scopes": list(key.scopes)},
    )
    return key, text


def revoke_key(
    session: Session, organization_id: int, key_id: int, *, by: int, now: datetime
) -> None:
    """The key opens nothing any more, from the next request on. Safe to call again."""
    key = key_with_id(session, organization_id, key_id)
    if key.revoked_at is None:
        key.revoked_at = now
        audit.record(session, "api_key.revoked", about=key, by=by, now=now)


def key_with_id(session: Session, organization_id: int, key_id: int) -> ApiKey:
    """The organization's key with this id."""
    key = session.scalar(
        select(ApiKey).where(ApiKey.organization_id == organization_id, ApiKey.id == key_id)
    )
    if key is None:
        raise KeyUnknownError(key_id=key_id)
    return key


def sent_key(authorization: str) -> str:
    """The text of a key, however its header is written; empty where none was sent."""
    kind, _, text = authorization.partition(" ")
    text = text.strip()
    return text if kind.lower() == "bearer" and text.startswith(PREFIX) else ""


def key_of(session: Session, authorization: str, scope: Scope) -> ApiKey:
    """The key of this request, which may do this; raises Problem 401 or 403."""
    text, found = sent_key(authorization), None
    if text:
        found = session.scalar(
            select(ApiKey).where(ApiKey.key_hash == hash_of(text), ApiKey.revoked_at.is_(None))
        )
    if found is None:
        raise Problem(401, "key_needed", "Send a valid key: Authorization: Bearer ma_…")
    if scope.value not in found.scopes:
        raise Problem(403, "scope_missing", f"The key does not hold {scope.value}.")
    return found


def is_use_unnoted(key: ApiKey, *, now: datetime) -> bool:
    """Whether the last use on record is an hour ago, or there is none."""
    return key.used_at is None or key.used_at < now - NOTE_USE


def note_use(session: Session, key_id: int, *, now: datetime) -> None:
    """The key was used, to the hour."""
    session.execute(
        update(ApiKey)
        .where(
            ApiKey.id == key_id,
            or_(ApiKey.used_at.is_(None), ApiKey.used_at < now - NOTE_USE),
        )
        .values(used_at=now)
    )


def report_completion(
    tx: Tx,
    key: ApiKey,
    reported: Reported,
    *,
    body: bytes,
    idempotency_key: str,
    now: datetime,
) -> tuple[JsonDict, bool]:
    """The completion is on record; its description, and whether this request made it.

    The same request again is answered as before; another one under the same key is refused.
    """
    digest = hashlib.sha256(body).hexdigest()
    answer = _claimed(tx.session, key, idempotency_key, digest, now)
    if answer.digest != digest:
        raise _reused()
    if answer.body:
        return dict(answer.body), False
    person = _person(tx.session, key.organization_id, reported)
    module = _module(tx.session, key.organization_id, reported.module_id)
    source_key = f"api:{key.id}:{idempotency_key}"
    known = by_api.known(tx.session, key.organization_id, source_key)
    if known is not None:
        if not _says(known, person, module, reported):
            raise _reused()
        answer.body = described(known)
        return dict(answer.body), False
    made = by_api.record(
        tx,
        person,
        module,
        passed=reported.passed,
        score=reported.score,
        happened_at=reported.happened_at,
        valid_until_on=reported.valid_until_on,
        source_key=source_key,
        evidence={"api_key_id": key.id, "note": reported.note},
        now=now,
    )
    tx.session.flush()
    answer.body = described(made)
    return dict(answer.body), True


def _reused() -> Problem:
    return Problem(422, "idempotency_key_reused", "This Idempotency-Key came with another request.")


def _says(known: Completion, person: Person, module: Module, reported: Reported) -> bool:
    """Whether a completion whose request was forgotten is what is reported again."""
    happened_at = min(reported.happened_at, known.learned_at)  # as it was kept then
    return (
        (known.person_id, known.module_id) == (person.id, module.id)
        and (known.passed, known.score) == (reported.passed, reported.score)
        and (known.happened_at, known.valid_until_on) == (happened_at, reported.valid_until_on)
    )


def _claimed(
    session: Session, key: ApiKey, idempotency_key: str, digest: str, now: datetime
) -> ApiAnswer:
    """The row of this idempotency key, held until the end: two at once go one after the other."""
    row = {
        "organization_id": key.organization_id,
        "api_key_id": key.id,
        "idempotency_key": idempotency_key,
        "digest": digest,
        "body": {},
        "created_at": now,
    }
    unique = ("api_key_id", "idempotency_key")
    session.execute(insert_absent(session, ApiAnswer, [row], key=unique))
    return session.scalars(
        select(ApiAnswer)
        .where(ApiAnswer.api_key_id == key.id, ApiAnswer.idempotency_key == idempotency_key)
        .with_for_update()
    ).one()


def _person(session: Session, organization_id: int, reported: Reported) -> Person:
    statement = select(Person).where(Person.organization_id == organization_id)
    if reported.person_id is not None:
        field, statement = "person.id", statement.where(Person.id == reported.person_id)
    elif reported.employee_id is not None:
        field = "person.employee_id"
        statement = statement.where(Person.employee_id == reported.employee_id)
    else:
        field, name = "person.lms", reported.lms
        if name is None:
            raise wrong(field, "is missing")
        statement = statement.join(Identity, Identity.person_id == Person.id).where(
            Identity.issuer == name.issuer,
            Identity.client_id == name.client_id,
            Identity.subject == name.subject,
        )
    found = session.scalar(statement)
    if found is None:
        raise wrong(field, "is nobody of this organization")
    if found.deactivated_at is not None:
        raise wrong(field, "is somebody who is switched off here")
    return found


def _module(session: Session, organization_id: int, module_id: int) -> Module:
    found = session.scalar(
        select(Module).where(Module.organization_id == organization_id, Module.id == module_id)
    )
    if found is None or found.state is ModuleState.DRAFT:
        raise wrong("module_id", "is no module of this organization")
    return found


def described(completion: Completion) -> JsonDict:
    """A completion as the API says it."""
    return {
        "id": completion.id,
        "person_id": completion.person_id,
        "module_id": completion.module_id,
        "passed": completion.passed,
        "score": completion.score,
        "happened_at": text_of(completion.happened_at),
        "recorded_at": text_of(completion.learned_at),
        "valid_until_on": day_of(completion.valid_until_on),
        "source": completion.source.value,
        "supersedes_id": completion.supersedes_id,
    }


def forget_answers(session: Session, *, before: datetime) -> None:
    """Answers of long ago are not repeated any more; the completions stay."""
    session.execute(delete(ApiAnswer).where(ApiAnswer.created_at < before))
