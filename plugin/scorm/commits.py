"""What the player sends, read strictly. Pure."""

import hashlib
import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from plugin.scorm import times
from plugin.scorm.errors import CommitTooLargeError, MalformedCommitError

MAX_BYTES = 4 * 1024 * 1024
"""Above what an honest part can say: 64,000 characters of suspend data are at most 384 KB as JSON,
and hundreds of interactions with answers of thousands of characters fit beside them."""
MAX_REPLAYS = 20
MAX_NUMBER = 2**31
TRIGGERS = {
    "autocommit",
    "manual",
    "terminate",
    "status",
    "guard",
    "hidden",
    "exit",
    "opened",
    "moved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One SCO's whole data model, and its place in the order of the opening."""

    seq: int
    sco_id: str
    trigger: str
    is_finished: bool
    is_status_set: bool
    cmi: dict[str, Any]
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one opening of the player has to say; `is_last` when it is being left for good."""

    opening: int
    is_last: bool
    entries: tuple[Entry, ...]


def parse(body: bytes, scos: Collection[str]) -> Commit:
    """The commit of a request's body; raises MalformedCommitError or CommitTooLargeError."""
    return _commit(_json(body), scos)


def parse_replays(body: bytes, scos: Collection[str]) -> tuple[Commit, ...]:
    """What earlier openings could not deliver, oldest first."""
    found = _json(body).get("replay", [])
    if not isinstance(found, list) or len(found) > MAX_REPLAYS:
        raise MalformedCommitError("replay")
    return tuple(sorted((_commit(each, scos) for each in found), key=lambda each: each.opening))


def parse_opening(body: bytes) -> int:
    """Which opening a heartbeat is from."""
    return _number(_json(body), "opening")


def _json(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise CommitTooLargeError
    try:
        found = _storable(json.loads(body or b"{}"))
    except (ValueError, RecursionError):
        raise MalformedCommitError("json") from None
    if not isinstance(found, dict):
        raise MalformedCommitError("object")
    return found


def _storable(value: Any) -> Any:
    """The value without what PostgreSQL cannot keep: NUL, lone surrogates, infinity, NaN."""
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value


def _commit(found: Any, scos: Collection[str]) -> Commit:
    if not isinstance(found, dict):
        raise MalformedCommitError("commit")
    entries = found.get("commits", [])
    if not isinstance(entries, list) or len(entries) > len(scos):
        raise MalformedCommitError("commits")
    read = [_entry(each, scos) for each in entries]
    if len({each.seq for each in read}) < len(read):
        raise MalformedCommitError("seq")
    return Commit(
        opening=_number(found, "opening"),
        is_last=found.get("closing") is True,
        entries=tuple(sorted(read, key=lambda each: each.seq)),
    )


def _entry(found: Any, scos: Collection[str]) -> Entry:
    if not isinstance(found, dict):
        raise MalformedCommitError("entry")
    sco_id, cmi, trigger = found.get("sco"), found.get("cmi"), found.get("trigger")
    if sco_id not in scos or not isinstance(cmi, dict) or trigger not in TRIGGERS:
        raise MalformedCommitError("entry")
    if sco_id:  # what the engine stores of the course itself is its own affair
        cmi = times.mended(cmi)
    packed = json.dumps(cmi, ensure_ascii=False, sort_keys=True).encode()
    return Entry(
        seq=_number(found, "seq"),
        sco_id=str(sco_id),
        trigger=str(trigger),
        is_finished=found.get("finished") is True,
        is_status_set=found.get("status_set") is True,
        cmi=cmi,
        size=len(packed),
        sha256=hashlib.sha256(packed).hexdigest(),
    )


def _number(found: dict[str, Any], name: str) -> int:
    number = found.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < MAX_NUMBER:
        raise MalformedCommitError(name)
    return number
