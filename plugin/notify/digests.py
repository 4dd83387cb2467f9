"""What a day's mail says: each message's news, the most urgent first, each module once (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from plugin.notify.models import MessageKind

DIGEST = "digest"
"""The template."""
URGENCY = (
    MessageKind.EXPIRED,
    MessageKind.NEW_REQUIREMENT,
    MessageKind.NEW_TRAINING,
    MessageKind.REMINDER,
)
LISTS = ("items", "modules")

Said = tuple[MessageKind, Mapping[str, Any]]


def facts_of(messages: Sequence[Said]) -> dict[str, Any]:
    """The facts of the mail. A module that an earlier paragraph of the same training has listed is
    not listed again; a paragraph with nothing left to list is said already."""
    listed: set[tuple[object, str]] = set()
    told = []
    for kind, facts in sorted(messages, key=_rank):
        mine = {**facts, "kind": kind.value}
        for name in LISTS:
            if name in facts:
                mine[name] = _not_yet(listed, facts, facts[name])
        if _lines(mine) or not _lines(facts):
            told.append(mine)
    return {"messages": told}


def _rank(said: Said) -> int:
    kind, _facts = said
    return URGENCY.index(kind) if kind in URGENCY else len(URGENCY)


def _lines(facts: Mapping[str, Any]) -> bool:
    return any(facts.get(name) for name in LISTS)


def _not_yet(
    listed: set[tuple[object, str]],
    facts: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
) -> list[Mapping[str, Any]]:
    """Those of the lines that the mail does not hold yet; it does now."""
    about = facts.get("configuration_id") or facts.get("unit_name")
    left = [line for line in lines if (about, line["title"]) not in listed]
    listed.update((about, line["title"]) for line in lines)
    return left
