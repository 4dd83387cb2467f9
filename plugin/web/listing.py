"""Lists: what the address asks of one (words, filters, order, page), and one page of the answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import urlencode

from flask import request, url_for

Item = TypeVar("Item")
SIZE = 50
MAX_PAGE = 1_000_000
MAX_WORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a visitor asks of a list; only values the list knows are in it."""

    q: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str
    descending: bool = False
    page: int = 1
    size: int = SIZE

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.page - 1) * self.size

    @property
    def is_narrowed(self) -> bool:
        """Whether words or filters leave something out."""
        return bool(self.q or self.filters)

    def query_string(self, **changes: str | int) -> str:
        """The same list's address part with some things changed; an empty value leaves one out."""
        values: dict[str, str | int] = {
            "q": self.q,
            **self.filters,
            "sort": self.sort,
            "dir": "desc" if self.descending else "",
            "page": self.page if self.page > 1 else "",
        }
        values |= changes
        return urlencode({name: value for name, value in values.items() if value != ""})

    def order(self, key: str) -> str:
        """The address part that sorts by `key`; asked again it turns the order round."""
        turned = self.sort == key and not self.descending
        return self.query_string(sort=key, dir="desc" if turned else "", page="")


def asked(
    *,
    sorts: Sequence[str],
    filters: Mapping[str, Collection[str] | None] | None = None,
    descending: bool = False,
    size: int = SIZE,
) -> Asked:
    """What this request asks; the first of `sorts` is the usual order.

    `filters` names the filters with the values they may have (None: any text). What the list does
    not know is left out, so an old bookmark still opens a page.
    """
    args = request.args
    chosen = {
        name: args[name].strip()
        for name, known in (filters or {}).items()
        if args.get(name, "").strip() and (known is None or args[name].strip() in known)
    }
    sort = args.get("sort", "")
    is_known = sort in sorts
    return Asked(
        q=" ".join(args.get("q", "").split())[:MAX_WORDS],
        filters=chosen,
        sort=sort if is_known else sorts[0],
        descending=args.get("dir") == "desc" if is_known else descending,
        page=min(max(1, args.get("page", 1, type=int)), MAX_PAGE),
        size=size,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Generic[Item]):
    """One page of a list, and how long the whole list is."""

    items: Sequence[Item]
    total: int
    asked: Asked

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // self.asked.size))

    @property
    def first(self) -> int:
        """The number of the first item shown, counted from 1; 0 when nothing is."""
        return self.asked.offset + 1 if self.items else 0

    @property
    def last(self) -> int:
        """The number of the last item shown."""
        return self.asked.offset + len(self.items)


def further(tool_url: str, **place: int) -> str:
    """The address of the same list, asked the same, from another place on.

    What was asked is a query and nothing else: none of its names steers how the address is made.
    """
    here = url_for(request.endpoint or "", **(request.view_args or {}))
    return f"{tool_url}{here}?{urlencode({**request.args.to_dict(), **place})}"


def like(words: str) -> str:
    """A LIKE pattern for texts that contain `words`; use it with `escape="\\\\"`."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
