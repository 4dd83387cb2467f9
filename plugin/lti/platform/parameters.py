"""Parameters of a request that must each stand once (pure; RFC 6749, sections 3.1 and 3.2)."""

from werkzeug.datastructures import MultiDict


def said_once(*sources: MultiDict[str, str]) -> dict[str, str] | None:
    """Each parameter and its value; None if one stands twice, because then nobody knows which."""
    pairs = [pair for source in sources for pair in source.items(multi=True)]
    said = dict(pairs)
    return said if len(said) == len(pairs) else None
