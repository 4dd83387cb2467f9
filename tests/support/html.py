"""Read pages as a person does: the words of one element, and its forms and links."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta", "path", "circle", "rect"}


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)

    @property
    def words(self) -> str:
        """What it says, with single spaces."""
        parts = [each if isinstance(each, str) else each.words for each in self.children]
        return " ".join(" ".join(parts).split())

    def all(self, tag: str, **attributes: str) -> "list[Element]":
        """The elements below it with this tag and these attributes, in order."""
        found = []
        for each in self.children:
            if isinstance(each, Element):
                if each.tag == tag and attributes.items() <= each.attributes.items():
                    found.append(each)
                found += each.all(tag, **attributes)
        return found

    def by_id(self, name: str) -> "Element":
        """The element with this id; LookupError when the page has none."""
        for each in self.children:
            if isinstance(each, Element):
                if each.attributes.get("id") == name:
                    return each
                try:
                    return each.by_id(name)
                except LookupError:
                    continue
        raise LookupError(name)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("page")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            while self.open.pop().tag != tag:
                continue

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(page: str) -> Element:
    """The page as a tree."""
    reader = _Reader()
    reader.feed(page)
    return reader.open[0]
